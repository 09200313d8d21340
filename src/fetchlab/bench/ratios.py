"""Paired ratios with an interval, and the verdict they allow.

Arms are measured in the same rounds, so drift of the machine hits all of them alike and a round's ratio
is free of it. The headline is the median of the rounds' ratios; its interval is the percentile bootstrap
over rounds (B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Ann. Statist. 7, 1979), seeded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Ratio", "paired_ratio", "verdict"]

RESAMPLES = 5_000
MARGIN = 1.05


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of times to the baseline's, with its 95 % interval."""

    median: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """faster, slower, invariant or inconclusive; see :func:`verdict`."""
        return verdict(self.low, self.high)


def paired_ratio(times: Sequence[float], baseline: Sequence[float], *, seed: int = 0) -> Ratio:
    """Return the median of per-round ratios ``times / baseline`` with a bootstrap 95 % interval.

    Args:
        times: seconds of one arm, a round each.
        baseline: seconds of the baseline in the same rounds.
        seed: of the resampling.

    Raises:
        ConfigError: no rounds, unequal numbers of rounds, or a time that is not above 0.
    """
    if not times or len(times) != len(baseline):
        raise ConfigError(
            "rounds", f"a ratio needs the same rounds of both arms, not {len(times)} and {len(baseline)}"
        )
    if any(not time > 0 for time in (*times, *baseline)):
        raise ConfigError("rounds", "a time of 0 cannot be compared; measure more work per round")
    logs = [math.log(time / base) for time, base in zip(times, baseline, strict=True)]
    random = Random(seed)  # noqa: S311  # resampling
    medians = sorted(median(random.choices(logs, k=len(logs))) for _ in range(RESAMPLES))
    low, high = medians[round(0.025 * (RESAMPLES - 1))], medians[round(0.975 * (RESAMPLES - 1))]
    return Ratio(math.exp(median(logs)), math.exp(low), math.exp(high))


def verdict(low: float, high: float, margin: float = MARGIN) -> str:
    """Say what an interval of time ratios allows.

    *slower* if it lies wholly above the margin, *faster* wholly below its inverse, *invariant* wholly
    between, else *inconclusive*: run more rounds.
    """
    if low > margin:
        return "slower"
    if high < 1 / margin:
        return "faster"
    if low >= 1 / margin and high <= margin:
        return "invariant"
    return "inconclusive"
