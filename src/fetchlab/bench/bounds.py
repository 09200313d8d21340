"""The least time a strategy can need, so that every measured time has something to be held against.

Bounds on the makespan of independent jobs on parallel machines (R. L. Graham, "Bounds on Multiprocessing
Timing Anomalies", SIAM J. Appl. Math. 17, 1969): no schedule beats the longest job, the mean load, or the
two of the ``m`` + 1 longest jobs that must share a machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from fetchlab.engine.strategies import Async, Batch, Chunked, Processes, Sequential, Strategy, Threads
from fetchlab.errors import ConfigError
from fetchlab.policy.concurrency import Adaptive

__all__ = ["ideal"]


def ideal(
    items: int, service_times: float | Sequence[float], strategy: Strategy, *, first: bool = False
) -> float:
    """Return a lower bound on the seconds a strategy needs.

    Args:
        items: how many items.
        service_times: seconds per item, one number for all or one per item in input order.
        strategy: how items are put onto workers.
        first: the first item must end before the others may start, as page 1 must come before the number of
            pages is known.

    Raises:
        ConfigError: as many times as items are needed, none of them negative.
    """
    times = list(service_times) if isinstance(service_times, Sequence) else [float(service_times)] * items
    if len(times) != items or any(not time >= 0 for time in times):
        raise ConfigError("service_times", f"give one time ≥ 0, or one for each of the {items} items")
    if first and times:
        return times[0] + ideal(items - 1, times[1:], strategy)
    if not times:
        return 0.0
    match strategy:
        case Sequential(delay):
            return sum(times) + delay * (items - 1)
        case Chunked(size):
            return sum(max(times[start : start + size]) for start in range(0, items, size))
        case Batch():
            return max(times)
        case Async(workers) | Threads(workers) | Processes(workers):
            return _makespan(times, workers.max if isinstance(workers, Adaptive) else workers)


def _makespan(times: list[float], workers: int) -> float:
    longest = sorted(times, reverse=True)
    if longest[0] == longest[-1]:
        return longest[0] * math.ceil(len(times) / workers)
    shared = longest[workers - 1] + longest[workers] if len(times) > workers else 0.0
    return max(longest[0], sum(times) / workers, shared)
