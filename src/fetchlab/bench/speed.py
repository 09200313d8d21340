"""Speeds instead of times: for arms that do different amounts of work, and for budgets on their ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench.ratios import Ratio, paired_ratio
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BUDGETS", "SPEEDS", "Budget", "budgets", "speed_ratio", "speeds"]

SPEEDS = pl.Schema(
    {
        "arm": pl.String,
        "rounds": pl.UInt32,
        "per_s": pl.Float64,
        "us_per_item": pl.Float64,
        "ratio": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "error": pl.String,
    }
)
"""``ratio`` is to the baseline's speed with its 95 % interval: above 1 is faster."""

BUDGETS = pl.Schema(
    {
        "arm": pl.String,
        "against": pl.String,
        "ratio": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "budget": pl.Float64,
        "aim": pl.Float64,
        "met": pl.String,
    }
)
"""``met``: *yes* if the whole interval is at the budget or above, *no* if all of it is below, else *unsure*;
*–* where one of the two was not measured or nothing is asked."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How fast an arm must be, in terms of another; None where nothing is asked."""

    arm: str
    against: str
    at_least: float | None
    aim: float | None = None

    def met(self, ratio: Ratio | None) -> str:
        """Say what an interval of speed ratios allows to say."""
        if ratio is None or self.at_least is None:
            return "–"
        if ratio.low >= self.at_least:
            return "yes"
        return "no" if ratio.high < self.at_least else "unsure"


def speeds(rounds: pl.DataFrame, *, baseline: str) -> pl.DataFrame:
    """Summarise measured rounds by speed, one row per arm, fastest first.

    Args:
        rounds: what :func:`~fetchlab.bench.rounds.measure` returned.
        baseline: the arm that ratios are to.

    Raises:
        ConfigError: the baseline is no arm.
    """
    arms = rounds["arm"].unique().sort().to_list()
    if baseline not in arms:
        raise ConfigError("baseline", f"is one of {', '.join(arms)}, not {baseline!r}")
    rows = []
    for arm in arms:
        times = pl.Series(list(_per_item(rounds, arm).values()), dtype=pl.Float64)
        middle: float | None = times.median()  # type: ignore[assignment]  # of floats
        ratio = speed_ratio(rounds, arm, baseline)
        rows.append(
            {
                "arm": arm,
                "rounds": len(times),
                "per_s": middle and 1 / middle,
                "us_per_item": middle and middle * 1e6,
                "ratio": ratio and ratio.median,
                "low": ratio and ratio.low,
                "high": ratio and ratio.high,
                "error": rounds.filter(pl.col("arm") == arm)["error"].drop_nulls().first(),
            }
        )
    return pl.DataFrame(rows, SPEEDS).sort("per_s", "arm", descending=[True, False], nulls_last=True)


def speed_ratio(rounds: pl.DataFrame, arm: str, against: str) -> Ratio | None:
    """Return the median of the rounds' speed ratios ``arm / against``, None if no round has both."""
    ours, theirs = _per_item(rounds, arm), _per_item(rounds, against)
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        return None
    return paired_ratio([theirs[n] for n in shared], [ours[n] for n in shared])


def budgets(rounds: pl.DataFrame, wanted: Iterable[Budget]) -> pl.DataFrame:
    """Hold measured rounds against budgets, a row each."""
    rows = []
    for budget in wanted:
        ratio = speed_ratio(rounds, budget.arm, budget.against)
        rows.append(
            {
                "arm": budget.arm,
                "against": budget.against,
                "ratio": ratio and ratio.median,
                "low": ratio and ratio.low,
                "high": ratio and ratio.high,
                "budget": budget.at_least,
                "aim": budget.aim,
                "met": budget.met(ratio),
            }
        )
    return pl.DataFrame(rows, BUDGETS)


def _per_item(rounds: pl.DataFrame, arm: str) -> dict[int, float]:
    """Seconds per item by measured round."""
    kept = rounds.filter(
        pl.col("arm") == arm, ~pl.col("warmup"), pl.col("seconds").is_not_null(), pl.col("items") > 0
    )
    return dict(zip(kept["round"], kept["seconds"] / kept["items"], strict=True))
