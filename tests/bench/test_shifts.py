"""The factor between two runs that were made apart, and its interval."""

from __future__ import annotations

import importlib
import math
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.bench.shifts import depth, shift
from fetchlab.errors import ConfigError

times = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=12)


@given(times, times)
def test_the_factor_lies_in_its_interval(old, new):
    """A headline outside its own interval would be nobody's estimate."""
    found = shift(old, new)
    assert found.low <= found.median <= found.high


@given(times, times, st.floats(0.01, 100))
def test_it_goes_with_the_scale_and_turns_with_the_sides(old, new, factor):
    """Seconds or microseconds, then or now: the same statement."""
    found, scaled, turned = shift(old, new), shift(old, [factor * one for one in new]), shift(new, old)
    assert scaled.median == pytest.approx(factor * found.median)
    assert turned.median == pytest.approx(1 / found.median)
    assert turned.low == pytest.approx(1 / found.high)


@pytest.mark.parametrize(("old", "new"), [(1, 1), (1, 30), (2, 7), (3, 3), (3, 4)])
def test_too_few_rounds_say_nothing(old, new):
    """With three and three even the most extreme order comes by chance in one of ten."""
    found = shift([1.0] * old, [9.0] * new)
    assert (found.low, found.high, found.verdict) == (0.0, math.inf, "inconclusive")


@pytest.mark.parametrize(("old", "new"), [(4, 4), (3, 5), (5, 3), (2, 8)])
def test_the_least_that_has_an_interval(old, new):
    """These are the fewest whose most extreme order is rarer than one in twenty."""
    assert shift([1.0] * old, [2.0] * new).verdict == "slower"
    assert shift([2.0] * old, [1.0] * new).verdict == "faster"
    assert shift([1.0] * old, [1.0] * new).verdict == "invariant"


@pytest.mark.parametrize(("old", "new"), [(4, 4), (5, 5), (5, 7), (3, 9)])
def test_the_bounds_are_those_of_all_orders_counted_out(old, new):
    """The recursion is compact enough to be wrong unseen."""
    counts = [0] * (old * new + 1)
    for places in combinations(range(old + new), old):
        counts[sum(place - rank for rank, place in enumerate(places))] += 1
    tail = np.cumsum(counts) / math.comb(old + new, old)
    assert depth(old, new) == int((tail <= 0.025).sum())


@pytest.mark.parametrize("rounds", [10, 40, 200])
def test_the_bounds_are_those_that_the_test_does_not_reject(rounds):
    """Its interval must be what scipy's Mann-Whitney test would leave, for few rounds and for many."""
    stats = importlib.import_module("scipy.stats")  # half a second that nobody needs who only collects tests
    random = Random(rounds)
    old, new = ([math.exp(random.gauss(0, 0.1)) for _ in range(rounds)] for _ in range(2))
    found = shift(old, new)
    for edge, away in ((found.low, 0.999), (found.high, 1.001)):
        tried = [np.log(new) - math.log(edge * factor) for factor in (away, 2 - away)]
        outside, inside = (stats.mannwhitneyu(np.log(old), values).pvalue for values in tried)
        assert outside < 0.055
        assert inside > 0.045


def test_intervals_cover_what_they_promise():
    """95 of a hundred pairs of runs from one machine must not be told apart, whatever the distribution."""
    random = Random(7)
    held = 0
    for _ in range(1_000):
        old, new = ([random.expovariate(1) + 0.1 for _ in range(5)] for _ in range(2))
        found = shift(old, new)
        held += found.low <= 1 <= found.high
    assert held >= 945


@pytest.mark.parametrize(("old", "new"), [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [-1.0])])
def test_values_that_have_no_ratio_are_refused(old, new):
    """A time of zero is a measurement that failed."""
    with pytest.raises(ConfigError, match="rounds"):
        shift(old, new)
