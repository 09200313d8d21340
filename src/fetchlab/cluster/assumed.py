"""What a plan takes for granted of a cluster: each figure with its unit, and where it is from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from fetchlab.cluster.place import CHUNKS
from fetchlab.cluster.service import positive
from fetchlab.engine.knobs import whole
from fetchlab.errors import ConfigError

__all__ = ["Cluster"]

GIGABIT = 125e6


def _assumed(default: Any, unit: str, source: str) -> Any:
    return field(default=default, metadata={"unit": unit, "source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster as it is assumed to be. A node is one of Dask's worker processes.

    Attributes:
        nodes: how many.
        chunk: seconds of a node's work in one task.
        task_seconds: that the scheduler needs for a task
            (https://docs.dask.org/en/stable/best-practices.html#avoid-very-large-graphs).
        task_messages: between client, scheduler and node for a task: submitted, sent on, seceded, done, told;
            asked for and fetched, each with its answer; released twice.
        client_seconds: that an item keeps the client's core busy.
        client_cores: of the client that Python uses.
        node_cores: of a node that Python uses.
        node_bytes_per_s: that a node's link carries, each way.
        scheduler_bytes_per_s: likewise the scheduler's, through which results come.
        client_bytes_per_s: likewise the client's.
        sockets: that a node may have open to hosts.
        rate: requests a second that one host allows, None without a limit.
        hosts: that the items are spread over evenly.
        losses: of a node, in an hour.
        lost_seconds: until a lost node is missed, its chunks are given to others, and another one is there.
        slow_share: nodes that are stragglers, as a share.
        slow_factor: how much longer these take.
        base_bytes: of the client's memory before the first item.
        kept_bytes: of memory beside each value that is kept, its row included.
        row_bytes: of a row in the frame, in memory and in Arrow files.

    Raises:
        ConfigError: a figure cannot be.
    """

    nodes: int = field(metadata={"unit": "nodes", "source": "given"})
    chunk: float = _assumed(1.0, "s", "Dask(chunk=…)")
    task_seconds: float = _assumed(
        0.001, "s/task", "the upper end of 200 µs to 1 ms in Dask's best practices, 'Avoid very large graphs'"
    )
    task_messages: float = _assumed(
        11, "messages/task", "Dask's states of a task, one message each, and the fetching of its result"
    )
    client_seconds: float = _assumed(100e-6, "s/item", "stats().cpu_s / items of a run on a cluster")
    client_cores: float = _assumed(1.0, "cores", "the run is one Python process")
    node_cores: float = _assumed(1.0, "cores", "one of Dask's workers is one Python process")
    node_bytes_per_s: float = _assumed(GIGABIT, "B/s", "1 Gbit/s")
    scheduler_bytes_per_s: float = _assumed(GIGABIT, "B/s", "1 Gbit/s")
    client_bytes_per_s: float = _assumed(GIGABIT, "B/s", "1 Gbit/s")
    sockets: int = _assumed(512, "connections", "half of 1,024 files, the usual soft limit")
    rate: float | None = _assumed(None, "requests/s", "what the hosts say; none: no limit")
    hosts: int = _assumed(1, "hosts", "given")
    losses: float = _assumed(0.001, "1/(node h)", "a node in six weeks")
    lost_seconds: float = _assumed(300.0, "s", "Dask's worker-ttl, 5 minutes")
    slow_share: float = _assumed(0.04, "share", "assumed: one node in 25")
    slow_factor: float = _assumed(2.0, "×", "assumed")
    base_bytes: float = _assumed(75e6, "B", "measured: a fresh process after its first items")
    kept_bytes: float = _assumed(350.0, "B/item", "measured: 100,000 values of 1 KB, less the values")
    row_bytes: float = _assumed(76.0, "B/item", "measured: frame().estimated_size() of short keys")

    def __post_init__(self) -> None:
        for name in ("nodes", "sockets", "hosts"):
            whole(name, getattr(self, name))
        zero = {"losses", "slow_share", "client_seconds", "task_seconds", "kept_bytes", "row_bytes"}
        for one in fields(self):
            value = getattr(self, one.name)
            if not (one.name == "rate" and value is None):
                positive(one.name, value, or_zero=one.name in zero)
        if self.slow_share > 1 or self.slow_factor < 1:
            raise ConfigError("slow_share", "stragglers are a share up to 1, and take 1 × as long or more")

        if self.losses * self.chunk > 3600:
            raise ConfigError("losses", "leave no node time for a chunk; give fewer, or a shorter chunk")

    @property
    def full_speed(self) -> float:
        """How many nodes without losses and stragglers would do as much."""
        slow = self.slow
        return (self.nodes - slow + slow / self.slow_factor) * self.up

    @property
    def slow(self) -> int:
        """Stragglers among the nodes."""
        return math.floor(self.nodes * self.slow_share + 0.5)

    @property
    def up(self) -> float:
        """The share of time in which a node works at what is kept: after a loss chunks are made again."""
        redone = CHUNKS / 2 * self.chunk
        return 1 / (1 + self.losses * (self.lost_seconds + redone) / 3600)

    @property
    def host_per_s(self) -> float | None:
        """Requests a second that all hosts allow, None without a limit."""
        return None if self.rate is None else self.rate * self.hosts

    def rows(self) -> list[tuple[str, float | None, str, str]]:
        """Return name, value, unit and source of each figure; what is not the usual one is given."""
        found = []
        for one in fields(self):
            value, told = getattr(self, one.name), one.metadata
            found.append((one.name, value, told["unit"], told["source"] if value == one.default else "given"))
        return found
