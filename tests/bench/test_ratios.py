"""Paired ratios: the right middle, an interval that holds it, and verdicts that mean what they say."""

from __future__ import annotations

import math
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.bench.ratios import MARGIN, Ratio, interval, paired_ratio, verdict
from fetchlab.errors import ConfigError

seconds = st.floats(0.001, 1000)
rounds = st.lists(st.tuples(seconds, seconds), min_size=1, max_size=12)


@given(rounds)
def test_the_median_of_ratios_lies_in_its_interval(pairs):
    """A headline outside its own interval would discredit the table."""
    times, base = zip(*pairs, strict=True)
    ratio = paired_ratio(times, base)
    middle = math.exp(median(math.log(time / other) for time, other in pairs))
    assert ratio.median == pytest.approx(middle)
    assert ratio.low <= ratio.median * (1 + 1e-12)
    assert ratio.high >= ratio.median * (1 - 1e-12)
    if len(pairs) >= 5:
        least, most = min(t / b for t, b in pairs), max(t / b for t, b in pairs)
        assert least * (1 - 1e-9) <= ratio.low <= ratio.high <= most * (1 + 1e-9)


def test_one_round_says_nothing():
    """A single measurement must not be called faster, however fast it was."""
    ratio = paired_ratio([1.0], [3.0])
    assert (ratio.low, ratio.high) == (0.0, math.inf)
    assert ratio.verdict == "inconclusive"


def test_drift_that_hits_both_arms_cancels():
    """Pairing is there for this: a machine that slows down must not look like a slower arm."""
    drift = [1.0, 2.0, 4.0, 8.0, 16.0]
    ratio = paired_ratio([2 * slow for slow in drift], drift)
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))
    assert ratio.verdict == "slower"


@given(st.lists(st.tuples(seconds, seconds), min_size=3, max_size=12))
def test_turning_the_comparison_round_inverts_the_median(pairs):
    """Twice as slow one way must be twice as fast the other, also between two middle rounds."""
    times, base = zip(*pairs, strict=True)
    assert paired_ratio(times, base).median * paired_ratio(base, times).median == pytest.approx(1.0)


def _normal(random):
    return random.gauss(0, 0.05)


def _with_outliers(random):
    """One time in ten something else had the machine."""
    return random.gauss(0, 0.03) + (random.expovariate(3) if random.random() < 0.1 else 0)


@pytest.mark.parametrize("noise", [_normal, _with_outliers])
@pytest.mark.parametrize("count", [3, 5, 6, 7, 9, 15])
def test_the_interval_covers_the_truth(count, noise):
    """A 95 % interval that holds the truth in 80 of 100 cases calls noise a result, as a bootstrap would."""
    random = Random(count)
    held = 0
    for _ in range(2000):
        times = [math.exp(noise(random)) for _ in range(count)]
        base = [math.exp(noise(random)) for _ in range(count)]
        ratio = paired_ratio(times, base)
        held += ratio.low <= 1 <= ratio.high
    assert 0.90 <= held / 2000 <= (0.99 if count < 5 else 0.97)


def test_the_interval_of_nine_is_the_published_one():
    """Between the second and the third value from both ends, where the coverage says (96.1 and 82.0 %)."""
    low, high = interval([float(number) for number in range(1, 10)])
    share = (0.9609375 - 0.95) / (0.9609375 - 0.8203125)
    inwards = 7 * share / (2 + 5 * share)
    assert (low, high) == pytest.approx((2 + inwards, 8 - inwards))


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
