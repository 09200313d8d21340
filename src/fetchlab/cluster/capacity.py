"""A long job on a cluster, on paper: how long, how much of everything, and what gives first.

Asymptotic bounds of operational analysis (P. J. Denning and J. P. Buzen, "The Operational Analysis of
Queueing Network Models", ACM Computing Surveys 10, 1978): a closed network completes no faster than its
busiest station, and no faster than what is under way divided by a round trip through empty stations. Chunks
are the customers; workers, cores, links, the scheduler and the hosts' limits are the stations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.cluster.assumed import Cluster
from fetchlab.cluster.limits import Limit, of_a_node, of_all, seconds_said
from fetchlab.cluster.place import CHUNKS, SPACED_CHUNKS, SPACED_LINGER
from fetchlab.cluster.service import Service, positive
from fetchlab.cluster.sizing import MOST, ChunkSize
from fetchlab.engine.knobs import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

__all__ = ["Cluster", "Limit", "Plan", "Service", "plan"]


def plan(
    items: int,
    service: Service,
    cluster: Cluster | int,
    *,
    value_bytes: float | None = None,
) -> Plan:
    """Return a job on a cluster, on paper.

    Args:
        items: how many; may be far more than were measured.
        service: what an item needs on a node; see :meth:`~fetchlab.cluster.service.Service.of`.
        cluster: what is assumed of it, or the number of nodes.
        value_bytes: that an item's value takes on its way back and in memory; as many as its answer has
            unless told.

    Raises:
        ConfigError: a figure cannot be.
    """
    whole("items", items)
    size = service.bytes if value_bytes is None else value_bytes
    positive("value_bytes", size, or_zero=True)
    return Plan(items, service, cluster if isinstance(cluster, Cluster) else Cluster(nodes=cluster), size)


@dataclass(frozen=True)
class Plan:
    """A job on a cluster, on paper. Made by :func:`plan`.

    Attributes:
        items: how many.
        service: what an item needs on a node.
        cluster: what is assumed of the cluster.
        value_bytes: of an item's value, on its way back.
    """

    items: int
    service: Service
    cluster: Cluster
    value_bytes: float

    @cached_property
    def _of_a_node(self) -> list[Limit]:
        return of_a_node(self.service, self.cluster, self.value_bytes)

    @property
    def node_per_s(self) -> float:
        """Items that one node serves in a second, whatever binds it."""
        return min(limit.per_s for limit in self._of_a_node)

    @property
    def host_per_s(self) -> float | None:
        """Requests a second that all hosts allow, None without a limit."""
        return self.cluster.host_per_s

    @property
    def chunks_each(self) -> int:
        """Chunks that a node has at a time."""
        return CHUNKS if self.cluster.rate is None else SPACED_CHUNKS

    @cached_property
    def sizing(self) -> ChunkSize:
        """What finds the size of chunks, when it has seen enough of them."""
        size = ChunkSize(self.cluster.chunk)
        size.saw(MOST, self.service.workers / self.node_per_s, self.value_bytes)
        return size

    @cached_property
    def chunk_items(self) -> int:
        """Items in a chunk; with a limit of hosts as many as a fifth of a second allows."""
        items = self.sizing.items(self.service.workers)
        if self.host_per_s is not None:
            items = min(items, max(1, int(self.host_per_s * SPACED_LINGER)))
        return min(items, self.items)

    @property
    def tasks(self) -> int:
        """Tasks that the scheduler sees."""
        return -(-self.items // self.chunk_items)

    @cached_property
    def bounds(self) -> list[Limit]:
        """What bounds the throughput, the lowest bound first."""
        nodes, under_way = self.cluster.full_speed, self.under_way
        found = [limit._replace(per_s=nodes * limit.per_s) for limit in self._of_a_node]
        found += of_all(self.cluster, self.chunk_items, self.value_bytes)
        trip = seconds_said(self.round_trip)
        why = f"{under_way:,} items at most, each chunk on its way for {trip}"
        found.append(Limit("chunks under way", under_way / self.round_trip, why))
        return sorted(found, key=lambda limit: limit.per_s)

    @property
    def under_way(self) -> int:
        """Items that have left and not come back, at most."""
        return self.cluster.nodes * self.chunks_each * self.chunk_items

    @property
    def first(self) -> Limit:
        """What gives first."""
        return self.bounds[0]

    @cached_property
    def round_trip(self) -> float:
        """Seconds of a chunk's way through a cluster that does nothing else."""
        count, cluster = self.chunk_items, self.cluster
        links = 1 / cluster.scheduler_bytes_per_s + 1 / cluster.client_bytes_per_s
        spaced = self.service.seconds + count / self.host_per_s if self.host_per_s else 0.0
        return (
            cluster.task_seconds
            + max(count / self.node_per_s, spaced)
            + count * self.value_bytes * links
            + count * cluster.client_seconds / cluster.client_cores
        )

    @property
    def seconds(self) -> float:
        """The least that it takes: all items at the lowest bound, and the last chunk's way."""
        return self.items / self.first.per_s + self.round_trip

    @property
    def hours(self) -> float:
        """The same in hours."""
        return self.seconds / 3600

    def limits(self) -> pl.DataFrame:
        """Return a row per bound, what gives first in the first.

        Columns: ``what str, items_per_s f64, hours f64`` (for all items at this bound alone)``, busy f64``
        (the share of its capacity in use when the first one is full)``, why str``.
        """
        lowest = self.first.per_s
        rows = [
            (what, per_s, self.items / per_s / 3600, lowest / per_s, why) for what, per_s, why in self.bounds
        ]
        names = ("what", "items_per_s", "hours", "busy")
        schema = {name: pl.Float64 if name != "what" else pl.String for name in names} | {"why": pl.String}
        return pl.DataFrame(rows, schema, orient="row")

    def totals(self) -> pl.DataFrame:
        """Return what the job amounts to. Columns: ``quantity str, value f64, unit str, why str``."""
        cluster, value, under_way = self.cluster, self.value_bytes, self.under_way
        waiting = cluster.base_bytes + under_way * (value + cluster.kept_bytes)
        kept = cluster.base_bytes + self.items * (value + cluster.kept_bytes)
        rows = [
            ("requests", self.items, "requests", "one for each item; retries come on top"),
            ("answers", self.items * self.service.bytes / 1e9, "GB", "to the nodes"),
            ("values", self.items * value / 1e9, "GB", "to the client, through the scheduler"),
            ("tasks", self.tasks, "tasks", f"of {self.chunk_items:,} items"),
            ("messages", self.tasks * cluster.task_messages, "messages", "by client, scheduler and nodes"),
            ("time", self.hours, "h", f"{self.first.what}: {self.first.why}"),
            ("client, keep=True", kept / 1e9, "GB", "every value and row in memory"),
            ("client, keep=False", waiting / 1e9, "GB", f"{under_way:,} items under way"),
            ("Arrow files", self.items * cluster.row_bytes / 1e9, "GB", "rows, with keep=False, before lz4"),
        ]
        schema = {"quantity": pl.String, "value": pl.Float64, "unit": pl.String, "why": pl.String}
        return pl.DataFrame([(name, float(much), *rest) for name, much, *rest in rows], schema, orient="row")

    def assumptions(self) -> pl.DataFrame:
        """Return everything that was put in. Columns: ``what str, value f64?, unit str, source str``."""
        service = self.service
        spread = "assumed: that of an exponential" if service.spread is None else service.source
        rows = [
            ("items", self.items, "items", "given"),
            ("service time", service.seconds, "s", service.source),
            ("workers of a node", service.workers, "workers", service.source),
            ("spread of service times", service.variation, "× mean", spread),
            ("bytes of an answer", service.bytes, "B", service.source),
            ("bytes of a value", self.value_bytes, "B", "given, or those of an answer"),
            ("CPU of an item", service.cpu_seconds, "s", service.source),
            *self.cluster.rows(),
        ]
        schema = {"what": pl.String, "value": pl.Float64, "unit": pl.String, "source": pl.String}
        return pl.DataFrame(rows, schema, orient="row", strict=False)

    def over(self, nodes: Sequence[int]) -> pl.DataFrame:
        """Return the bounds for other numbers of nodes, all else equal.

        Columns: ``nodes u32, what str, items_per_s f64, hours f64`` (of the whole job)``, first bool``.
        """
        rows = []
        for count in nodes:
            other = replace(self, cluster=replace(self.cluster, nodes=count))
            rows += [
                (count, what, per_s, other.hours, what == other.first.what) for what, per_s, _ in other.bounds
            ]
        schema = {
            "nodes": pl.UInt32,
            "what": pl.String,
            "items_per_s": pl.Float64,
            "hours": pl.Float64,
            "first": pl.Boolean,
        }
        return pl.DataFrame(rows, schema, orient="row")

    def plot(self, nodes: Sequence[int] | None = None) -> alt.LayerChart:
        """Draw the lowest bounds over numbers of nodes, by default up to four times those of the plan."""
        from fetchlab.cluster.drawing import bounds_over_nodes

        planned = self.cluster.nodes
        counts = range(1, 4 * planned + 1, max(1, planned // 50)) if nodes is None else nodes
        return bounds_over_nodes(self.over(sorted({*counts, planned})), planned)
