"""How many rounds it takes to see a difference of some size, at the noise that was measured.

The noise is the scatter of the rounds' log ratios between the baseline and itself. Rounds are drawn from it
with a difference planted, and counted are those sets whose interval leaves out 1: the power of the test that
the interval is.
"""

from __future__ import annotations

import math
from random import Random
from statistics import median
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench.ratios import interval
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.bench.comparison import Comparison

__all__ = ["DIFFERENCES", "noise_of", "power"]

DIFFERENCES = (0.02, 0.05, 0.1, 0.2)
ROUNDS = (5, 6, 7, 9, 11, 15, 21, 31, 45, 63, 91, 127)
WANTED = 0.8
TRIALS = 400
FEWEST = 5
MOST = 2.0
"""Of a noise: beyond that a percentage was given for a share."""


def power(
    noise: float | Comparison,
    differences: Sequence[float] = DIFFERENCES,
    *,
    rounds: Sequence[int] = ROUNDS,
    wanted: float = WANTED,
    seed: int = 0,
) -> pl.DataFrame:
    """Return how many rounds show a difference in so many of 100 comparisons.

    Args:
        noise: standard deviation of the log ratio of two times in one round, or a comparison that knows it.
        differences: slowdowns as shares: 0.05 is 5 %.
        rounds: numbers of rounds to try, ascending.
        wanted: share of comparisons that must see it.
        seed: of the drawing.

    Returns:
        A row per difference: ``difference f64, rounds u32?`` (the fewest that suffice, null if none of those
        tried do)``, power f64`` (the share there, or of the most rounds tried)``, noise f64``.

    Raises:
        ConfigError: the noise is negative or no share, or a difference is not above 0.
    """
    scatter = noise if isinstance(noise, int | float) else noise_of(noise)
    if not 0 <= scatter <= MOST:
        raise ConfigError("noise", f"is a standard deviation such as 0.02 for 2 %, not {noise!r}")
    if not differences or any(not 0 < difference < 100 for difference in differences):
        raise ConfigError("differences", f"give shares above 0, such as 0.05, not {differences!r}")
    found = []
    for difference in differences:
        enough, share = None, 0.0
        for count in sorted(rounds):
            share = _share(math.log1p(difference), scatter, count, Random(seed))  # noqa: S311  # a simulation
            if share >= wanted:
                enough = count
                break
        found.append((difference, enough, share, scatter))
    schema = {"difference": pl.Float64, "rounds": pl.UInt32, "power": pl.Float64, "noise": pl.Float64}
    return pl.DataFrame(found, schema, orient="row")


def noise_of(comparison: Comparison) -> float:
    """Return the scatter of log ratios between the baseline and itself, robust against outliers.

    Raises:
        ConfigError: fewer than five rounds have both.
    """
    rows = comparison.frame().filter(~pl.col("warmup")).drop_nulls("seconds")
    base = rows.filter(arm=comparison.baseline).select("round", base="seconds")
    pairs = base.join(rows.filter(arm=str(comparison.settings["same"])), on="round")
    logs = (pairs["seconds"] / pairs["base"]).log().to_list()
    if len(logs) < FEWEST:
        raise ConfigError("noise", f"needs {FEWEST} rounds of the baseline and itself, not {len(logs)}")
    middle = median(logs)
    scatter: float = median(abs(one - middle) for one in logs)
    return 1.4826 * scatter


def _share(shift: float, noise: float, rounds: int, random: Random) -> float:
    seen = 0
    for _ in range(TRIALS):
        low, high = interval([random.gauss(shift, noise) for _ in range(rounds)])
        seen += low > 0 or high < 0
    return seen / TRIALS
