"""By which factor two runs differ that were made apart, with an interval that assumes no distribution.

Rounds of different runs cannot be paired. The estimate is that of Hodges and Lehmann: the median of all
differences between a logarithm of the one and one of the other. Its interval is the set of shifts that the
test of Mann and Whitney does not reject at 5 %: between two of the ordered differences, counted in from both
ends by the exact distribution of the test (J. L. Hodges, E. L. Lehmann, "Estimates of Location Based on Rank
Tests", Ann. Math. Statist. 34, 1963; H. B. Mann, D. R. Whitney, ibid. 18, 1947; D. F. Bauer, "Constructing
Confidence Sets Using Rank Statistics", JASA 67, 1972).

It takes the rounds of a run for independent. What differs between runs as a whole, another kernel or a warm
day, is in the difference and not in the interval: only a ratio to something else in the same run is free
of it.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from fetchlab.bench.ratios import Ratio
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["depth", "shift"]

LEVEL = 0.95
NORMAL = 1.959964
"""97.5 % quantile of the normal distribution."""
EXACT = 1_000
"""Pairs up to which the test's distribution is counted out; above it, it is normal to three digits."""


def shift(earlier: Sequence[float], later: Sequence[float]) -> Ratio:
    """Return the factor from the earlier values to the later ones, with its 95 % interval.

    Too few rounds have no interval of 95 %: it reaches from 0 to infinity. Four on each side are enough, or
    three and five.

    Raises:
        ConfigError: no values, or one that is not above 0.
    """
    if not earlier or not later or any(not value > 0 for value in (*earlier, *later)):
        raise ConfigError("rounds", "two runs are compared by values above 0, at least one of each")
    apart = sorted(math.log(new) - math.log(old) for new in later for old in earlier)
    inwards = depth(len(earlier), len(later))
    middle = math.exp(median(apart))
    if not inwards:
        return Ratio(middle, 0.0, math.inf)
    return Ratio(middle, math.exp(apart[inwards - 1]), math.exp(apart[-inwards]))


def depth(earlier: int, later: int) -> int:
    """Return which of the ordered differences from either end bounds the 95 % interval; 0 is none."""
    pairs = earlier * later
    if pairs > EXACT:
        spread = math.sqrt(pairs * (earlier + later + 1) / 12)
        return max(0, math.floor(pairs / 2 - NORMAL * spread))
    ways = _ways(earlier, later)
    outside, allowed = 0, (1 - LEVEL) / 2 * sum(ways)
    for count, many in enumerate(ways):
        outside += many
        if outside > allowed:
            return count
    raise AssertionError("half of all orders lie in the lower half")


def _ways(first: int, second: int) -> list[int]:
    """In how many orders of both samples so many pairs are inverted: the Gaussian binomial's coefficients."""
    ways = [1] + [0] * (first * second)
    for size in range(1, first + 1):
        for at in range(len(ways) - 1, second + size - 1, -1):
            ways[at] -= ways[at - second - size]
        for at in range(size, len(ways)):
            ways[at] += ways[at - size]
    return ways
