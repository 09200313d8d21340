"""Paired ratios with an interval, and the verdict they allow.

Arms are measured in the same rounds, so drift of the machine hits all of them alike and a round's ratio
is free of it. The headline is the median of the rounds' ratios, which an outlier cannot move. Its interval
rests on the sign test and interpolates between two order statistics (T. P. Hettmansperger, S. J. Sheather,
"Confidence intervals based on interpolated order statistics", Statist. Probab. Lett. 4, 1986): it assumes no
distribution and needs no random numbers. Below five rounds no such interval reaches 95 %; there it is
Student's on the logarithms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Ratio", "interval", "paired_ratio", "verdict"]

LEVEL = 0.95
MARGIN = 1.05
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182}
"""97.5 % quantiles of Student's t, by the number of values."""


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


def paired_ratio(times: Sequence[float], baseline: Sequence[float]) -> Ratio:
    """Return the median of per-round ratios ``times / baseline`` with its 95 % interval.

    One round has no interval: it reaches from 0 to infinity.

    Args:
        times: seconds of one arm, a round each.
        baseline: seconds of the baseline in the same rounds.

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
    low, high = interval(logs)
    return Ratio(math.exp(median(logs)), math.exp(low), math.exp(high))


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median of what these values were drawn from; see above.

    One value says nothing: minus infinity to infinity.
    """
    count = len(values)
    if count < 2:
        return -math.inf, math.inf
    if count in STUDENT:
        half = STUDENT[count] * stdev(values) / math.sqrt(count)
        return min(fmean(values) - half, *values), max(fmean(values) + half, *values)
    ordered = sorted(values)
    depth = max(1, sum(_coverage(count, rank) >= LEVEL for rank in range(1, count // 2 + 1)))
    outer, inner = _coverage(count, depth), _coverage(count, depth + 1)
    if outer <= LEVEL or 2 * depth >= count:
        return ordered[depth - 1], ordered[count - depth]
    share = (outer - LEVEL) / (outer - inner)
    inwards = (count - depth) * share / (depth + (count - 2 * depth) * share)
    return (
        (1 - inwards) * ordered[depth - 1] + inwards * ordered[depth],
        (1 - inwards) * ordered[count - depth] + inwards * ordered[count - depth - 1],
    )


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


def _coverage(count: int, depth: int) -> float:
    """How likely the median lies between the values ``depth`` from both ends."""
    outside: int = 2 * sum(math.comb(count, below) for below in range(depth))
    return 1 - outside / 2.0**count
