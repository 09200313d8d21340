"""A published table made again: its strategies and ours in the same rounds, under one law of latency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench.charts import beside, ideals, ideals_of, parsing, riding, versus
from fetchlab.bench.charts_arms import (
    AT_ONCE,
    BASELINE,
    EXECUTOR,
    JITTER,
    LATENCY,
    OURS,
    apps,
    arms,
    ids,
    law,
    requests_of,
)
from fetchlab.bench.compare import compare
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    from fetchlab.bench.bounds import Ideal
    from fetchlab.bench.comparison import Comparison
    from fetchlab.testbed import Testbed

__all__ = ["TOGETHER", "Case", "case", "in_table"]

TOGETHER = (AT_ONCE, EXECUTOR, *OURS)
"""The arms that have all lists under way at once."""
_BETWEEN = {
    9: ("Batch-3chunk",),
    15: ("ThreadPool-5", "ThreadPool-10", "Batch-5chunk", "Batch-10chunk"),
    25: ("Batch-5chunk",),
}
"""What a table has figures of, between one after the other and all at once; *Batch-10chunk* was estimated."""


@dataclass(frozen=True, slots=True)
class Case:
    """A published table and what was measured for it.

    Attributes:
        count: its requests.
        law: of latency.
        comparison: the rounds.
        ideals: least seconds by arm.
    """

    count: int
    law: str
    comparison: Comparison
    ideals: dict[str, Ideal]

    def table(self) -> pl.DataFrame:
        """Return published beside measured.

        Returns:
            The columns of :func:`~fetchlab.bench.charts.beside`, then ``ratio, ratio_low, ratio_high f64``
            (of times to *Batch-ALL*, with its 95 % interval)``, verdict str`` about it.
        """
        told = self.comparison.summary().select(
            "arm", "ratio", pl.col("low", "high").name.prefix("ratio_"), "verdict"
        )
        table = beside(self.comparison.frame(), self.count, self.ideals)
        return table.join(told, on="arm", how="left", maintain_order="left")

    def versus(self) -> pl.DataFrame:
        """Return ours against each published strategy; see :func:`~fetchlab.bench.charts.versus`."""
        return versus(self.comparison.frame())


def in_table(count: int) -> tuple[str, ...]:
    """Return the arms that a published table has figures of, with *Asyncio+Executor* and ours beside."""
    return (BASELINE, *_BETWEEN[count], *TOGETHER)


def case(
    bed: Testbed,
    count: int,
    name: str = "constant",
    *,
    only: Collection[str] | None = None,
    latency: float = LATENCY,
    jitter: float = JITTER,
    rounds: int = 5,
    num_results: int = 100,
    progress: bool | None = None,
) -> Case:
    """Measure the arms of a published table on a testbed.

    The warm-up round is made without latency. The ideals are of what each list took alone, in the rounds of
    *Sequential* or in a pass of its own where that is no arm, and each call in which several ride.

    Args:
        bed: a testbed; its settings are changed.
        count: requests of the table: 9, 15 or 25.
        name: the law of latency, one of LAWS.
        only: the arms; those of :func:`in_table` unless told.
        latency: mean seconds of a call.
        jitter: coefficient of variation, where the law has one.
        rounds: measured rounds.
        num_results: apps of each list.
        progress: tell how far it is.

    Raises:
        ConfigError: there is no such table, law or arm, or *Batch-ALL* is not among the arms.
    """
    url, wanted = bed.urls["play"], requests_of(count, num_results)
    known = arms(url, wanted)
    chosen = in_table(count) if only is None else only
    if AT_ONCE not in chosen or not set(chosen) <= set(known):
        raise ConfigError("only", f"are some of {', '.join(known)}, with {AT_ONCE}, not {list(chosen)!r}")
    ways = {arm: start for arm, start in known.items() if arm in chosen}
    bed.configure("play", **law(name, 0.0, 0.0))
    for start in ways.values():
        start()
    bed.configure("play", **law(name, latency, jitter))
    found = compare(ways, rounds=rounds, warmup=0, baseline=AT_ONCE, check=ids, units=apps, progress=progress)
    if BASELINE in ways:
        took = parsing(url, wanted)
        return Case(count, name, found, ideals_of(_alone(found), riding(url, wanted, took), took))
    return Case(count, name, found, ideals(url, wanted, passes=1))


def _alone(comparison: Comparison) -> list[float]:
    """The least seconds of each list, one after the other."""
    taken = (pl.col("finished") - pl.col("started")).min()
    requests = comparison.requests().filter(arm=BASELINE)
    return requests.group_by("index").agg(taken).sort("index")["finished"].to_list()
