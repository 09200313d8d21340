"""Whether a comparison can be trusted: what was odd about its rounds, and why it may have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench.ratios import MARGIN

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OUTLIER", "flagged", "reasons"]

OUTLIER = 3.5
"""Robust z-scores (0.6745 × distance from the median / MAD) beyond which a time is an outlier: B. Iglewicz,
D. C. Hoaglin, "How to Detect and Handle Outliers", 1993."""
MANY = 0.1
DRIFT = 0.1
BUSY = 0.5
"""Runnable processes per core at the start, beyond which something else had the machine."""


def flagged(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return the rounds with a column ``outlier``; nothing is dropped.

    A time is one if it is far from its arm's median, by its arm's own scatter and by 5 % at least.
    """
    counts = ~pl.col("warmup") & pl.col("seconds").is_not_null()
    time = pl.col("seconds").log()
    middle = time.filter(counts).median().over("arm")
    scatter = (time - middle).abs().filter(counts).median().over("arm")
    far = (time - middle).abs()
    odd = counts & (0.6745 * far > OUTLIER * scatter) & (far > pl.lit(MARGIN).log())
    return rounds.with_columns(odd.fill_null(value=False).alias("outlier"))


def reasons(
    rounds: pl.DataFrame, summary: pl.DataFrame, environment: Mapping[str, Any], baseline: str, same: str
) -> list[str]:
    """Return why the figures may not be what they seem, a sentence each.

    Args:
        rounds: flagged.
        summary: a row per arm.
        environment: the record made before the first round.
        baseline: the arm that ratios are to.
        same: the same arm once more.
    """
    counted = rounds.filter(~pl.col("warmup"))
    kept = counted.filter(pl.col("seconds").is_not_null())
    again = summary.filter(pl.col("arm") == same, pl.col("verdict") != "invariant").drop_nulls("ratio")
    found = [
        f"the baseline against itself takes {row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}] "
        "of its time: differences of that size are this machine's"
        for row in again.iter_rows(named=True)
    ]
    holes = counted.group_by("arm", maintain_order=True).agg(
        failed=pl.col("seconds").null_count(), of=pl.len()
    )
    found += [
        f"{arm} failed in {failed} of {of} rounds"
        for arm, failed, of in holes.filter(pl.col("failed").is_between(1, pl.col("of") - 1)).iter_rows()
    ]
    outliers = int(kept["outlier"].sum())
    if kept.height and outliers / kept.height > MANY:
        found.append(f"{outliers} of {kept.height} times are outliers: something else ran now and then")
    times = kept.filter(arm=baseline).sort("round")["seconds"]
    half = len(times) // 2
    if half >= 2:
        first, last = times.head(half).median(), times.tail(half).median()
        if isinstance(first, float) and isinstance(last, float) and abs(last / first - 1) > DRIFT:
            found.append(
                f"from the first half of the rounds to the last, times changed by {last / first - 1:+.0%}"
            )
    load, cores = environment.get("load_1min"), environment.get("cores")
    if load is not None and cores and load > BUSY * cores:
        found.append(f"the machine was busy before the first round: load {load:g} on {cores} cores")
    return found
