"""The stations that a chunk passes, and how many items a second each of them allows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fetchlab.cluster.assumed import Cluster
    from fetchlab.cluster.service import Service

__all__ = ["Limit", "of_a_node", "of_all", "seconds_said"]


class Limit(NamedTuple):
    """What bounds the cluster's throughput.

    Attributes:
        what: the station.
        per_s: items a second that it allows at most.
        why: how that is reckoned.
    """

    what: str
    per_s: float
    why: str


def of_a_node(service: Service, cluster: Cluster, value_bytes: float) -> list[Limit]:
    """Return what bounds one node; what nothing is known about bounds nothing."""
    each = seconds_said(service.seconds)
    found = [Limit("the workers", service.per_s, f"{service.workers:,} a node, {each} an item")]
    if service.workers > cluster.sockets:
        why = f"{cluster.sockets:,} of a node at most, {each} an item"
        found.append(Limit("the sockets", cluster.sockets / service.seconds, why))
    if service.cpu_seconds:
        why = f"{cluster.node_cores:g} a node, {seconds_said(service.cpu_seconds)} an item"
        found.append(Limit("the nodes' cores", cluster.node_cores / service.cpu_seconds, why))
    if most := max(service.bytes, value_bytes):
        why = f"{most:,.0f} B an item at {_speed_said(cluster.node_bytes_per_s)}"
        found.append(Limit("the nodes' links", cluster.node_bytes_per_s / most, why))
    return found


def of_all(cluster: Cluster, chunk_items: int, value_bytes: float) -> list[Limit]:
    """Return what bounds all nodes together: the scheduler, two links, the client, and the hosts."""
    task, each = seconds_said(cluster.task_seconds), seconds_said(cluster.client_seconds)
    found = [
        Limit(
            "the scheduler",
            _per(cluster.task_seconds, chunk_items),
            f"{task} for each task of {chunk_items:,} items",
        ),
        Limit(
            "the client's core",
            _per(cluster.client_seconds, cluster.client_cores),
            f"{each} an item: it boards, gets its verdict and its row",
        ),
    ]
    links = {
        "the scheduler's link": cluster.scheduler_bytes_per_s,
        "the client's link": cluster.client_bytes_per_s,
    }
    if value_bytes:
        found += [
            Limit(whose, speed / value_bytes, f"values of {value_bytes:,.0f} B at {_speed_said(speed)}")
            for whose, speed in links.items()
        ]
    if cluster.host_per_s is not None:
        why = f"{cluster.hosts:,} × {cluster.rate:g} requests/s"
        found.append(Limit("the hosts' limit", cluster.host_per_s, why))
    return found


def seconds_said(seconds: float) -> str:
    """Return a time with three digits in a unit of its size."""
    if seconds >= 1 or not seconds:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def _speed_said(speed: float) -> str:
    return f"{speed / 1e6:,.4g} MB/s"


def _per(seconds: float, many: float) -> float:
    return many / seconds if seconds else math.inf
