"""The ideal of every arm, from the service times that were measured; of one that answers from a cache none.

An item's service time is the least that it took in any arm and round, from the start of its only attempt to
its end: no strategy can be faster than that, so that the bound stays one. What an arm of its own did is held
against its own times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench.bounds import Ideal, ideal
from fetchlab.engine.remote import Remote
from fetchlab.engine.strategies import Async
from fetchlab.policy.concurrency import Adaptive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetchlab.engine.strategies import Strategy

__all__ = ["leasts"]


def leasts(
    requests: pl.DataFrame,
    ways: Mapping[str, Strategy | int | Adaptive],
    workers: Mapping[str, int],
    *,
    shared: bool,
) -> dict[str, Ideal]:
    """Return the ideal of each arm of which there are times.

    Args:
        requests: rows of all arms, rounds and items.
        ways: strategies by arm, where they are known.
        workers: workers by arm, for the others and for those on a cluster.
        shared: the arms have the same items, so that each other's times count.
    """
    found = {}
    all_times = _times(requests) if shared else []
    for arm in requests["arm"].unique(maintain_order=True):
        own = requests.filter(arm=arm)
        if own["cached"].any():  # what was not asked for has no service time
            continue
        times = all_times if shared else _times(own)
        if not times:
            continue
        found[arm] = ideal(len(times), times, _strategy(ways.get(arm), workers.get(arm, 1)))
    return found


def _strategy(way: Strategy | int | Adaptive | None, workers: int) -> Strategy | int:
    if way is None or isinstance(way, Remote):  # how many a cluster has is seen in the run
        return workers
    return Async(way) if isinstance(way, Adaptive) else way


def _times(requests: pl.DataFrame) -> list[float]:
    """The least seconds of each item, in input order; the median for those that never went well at once."""
    clean = pl.col("ok") & (pl.col("attempts") == 1) & ~pl.col("cached")
    least = (
        requests.group_by("index")
        .agg(seconds=(pl.col("finished") - pl.col("started")).filter(clean).min())
        .sort("index")["seconds"]
    )
    if least.null_count() == len(least):
        return []
    return least.fill_null(least.median()).to_list()
