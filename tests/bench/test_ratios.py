"""Paired ratios: the right middle, an interval that holds it, and verdicts that mean what they say."""

from __future__ import annotations

import math
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.bench.ratios import MARGIN, Ratio, paired_ratio, verdict
from fetchlab.errors import ConfigError

seconds = st.floats(0.001, 1000)
rounds = st.lists(st.tuples(seconds, seconds), min_size=1, max_size=12)


@given(rounds, st.integers(0, 5))
def test_the_median_of_ratios_lies_in_its_interval(pairs, seed):
    """A headline outside its own interval would discredit the table."""
    times, base = zip(*pairs, strict=True)
    ratio = paired_ratio(times, base, seed=seed)
    middle = math.exp(median(math.log(time / other) for time, other in pairs))
    assert ratio.median == pytest.approx(middle)
    assert ratio.low <= ratio.median * (1 + 1e-12)
    assert ratio.high >= ratio.median * (1 - 1e-12)
    least, most = min(t / b for t, b in pairs), max(t / b for t, b in pairs)
    assert least * (1 - 1e-9) <= ratio.low <= ratio.high <= most * (1 + 1e-9)


def test_drift_that_hits_both_arms_cancels():
    """Pairing is there for this: a machine that slows down must not look like a slower arm."""
    drift = [1.0, 2.0, 4.0, 8.0, 16.0]
    ratio = paired_ratio([2 * slow for slow in drift], drift)
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))
    assert ratio.verdict == "slower"


@given(rounds, st.integers(0, 5))
def test_the_same_seed_gives_the_same_interval(pairs, seed):
    """A record that cannot be computed again from its raw rows is no record."""
    times, base = zip(*pairs, strict=True)
    assert paired_ratio(times, base, seed=seed) == paired_ratio(times, base, seed=seed)


@given(st.lists(st.tuples(seconds, seconds), min_size=3, max_size=12))
def test_turning_the_comparison_round_inverts_the_median(pairs):
    """Twice as slow one way must be twice as fast the other, also between two middle rounds."""
    times, base = zip(*pairs, strict=True)
    assert paired_ratio(times, base).median * paired_ratio(base, times).median == pytest.approx(1.0)


def test_the_interval_covers_the_truth():
    """A 95 % interval of the median over 15 rounds should hold it in about 19 of 20 cases."""
    random = Random(1)
    held = 0
    for _ in range(60):
        times = [1.3 * math.exp(random.gauss(0, 0.1)) for _ in range(15)]
        ratio = paired_ratio(times, [1.0] * 15)
        held += ratio.low <= 1.3 <= ratio.high
    assert held >= 52


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.06, 2.0, "slower"),
        (MARGIN, 2.0, "inconclusive"),
        (0.5, 0.94, "faster"),
        (0.5, 1 / MARGIN, "inconclusive"),
        (1 / MARGIN, MARGIN, "invariant"),
        (0.99, 1.01, "invariant"),
        (0.94, 1.01, "inconclusive"),
        (0.99, 1.06, "inconclusive"),
        (0.5, 2.0, "inconclusive"),
    ],
)
def test_verdicts_at_the_edges(low, high, expected):
    """*Slower* and *faster* need the whole interval beyond the margin, *invariant* the whole within."""
    assert verdict(low, high) == Ratio(1.0, low, high).verdict == expected


@pytest.mark.parametrize(
    ("times", "base"), [([], []), ([1.0], []), ([1.0], [1.0, 2.0]), ([0.0], [1.0]), ([1.0], [-1.0])]
)
def test_rounds_that_cannot_be_paired_are_refused(times, base):
    """Pairing the wrong rounds, or a time of nothing, would give a ratio of no meaning."""
    with pytest.raises(ConfigError, match="rounds"):
        paired_ratio(times, base)
