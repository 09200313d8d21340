"""The least possible time: never above what a real schedule needs, and right where it can be computed."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.bench import ideal
from fetchlab.errors import ConfigError

times = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=6)
workers = st.integers(1, 4)


def best(jobs, machines):
    """The best of all ways to put jobs onto machines."""
    loads = []
    for chosen in product(range(machines), repeat=len(jobs)):
        load = [0.0] * machines
        for job, machine in zip(jobs, chosen, strict=True):
            load[machine] += job
        loads.append(max(load))
    return min(loads)


@given(times, workers)
def test_no_schedule_beats_the_ideal(jobs, machines):
    """An "ideal" above a real schedule would make an efficiency of more than 100 %."""
    assert ideal(len(jobs), jobs, fl.Async(machines)) <= best(jobs, machines) + 1e-9


@given(st.integers(1, 6), st.integers(0, 20).map(float), workers)
def test_the_ideal_of_equal_times_is_exact(count, each, machines):
    """The tables use equal times; there the bound is the optimum, or every efficiency is too low."""
    assert ideal(count, each, fl.Async(machines)) == best([each] * count, machines)
    assert ideal(count, [each] * count, fl.Threads(machines)) == best([each] * count, machines)


@given(st.integers(1, 5000), st.floats(0.001, 10), st.integers(1, 300))
def test_the_first_page_comes_before_the_others(count, latency, machines):
    """The list pages' formula: latency × (1 + ceil((n - 1) / workers))."""
    expected = latency * (1 + math.ceil((count - 1) / machines))
    assert ideal(count, latency, fl.Async(machines), first=True) == pytest.approx(expected)


@given(times, st.integers(1, 4))
def test_chunks_wait_for_their_slowest(jobs, size):
    """A barrier costs the maximum of every chunk, in input order."""
    expected = sum(max(jobs[start : start + size]) for start in range(0, len(jobs), size))
    assert ideal(len(jobs), jobs, fl.Chunked(size)) == expected
    assert expected >= best(jobs, size) - 1e-9


@given(times, st.floats(0, 5))
def test_one_by_one_is_the_sum_and_the_pauses_between(jobs, delay):
    """A pause after the last item keeps nobody waiting."""
    assert ideal(len(jobs), jobs, fl.Sequential(delay)) == pytest.approx(sum(jobs) + delay * (len(jobs) - 1))


@given(times)
def test_all_at_once_takes_the_longest(jobs):
    """Without a limit on workers nothing waits."""
    assert ideal(len(jobs), jobs, fl.Batch()) == max(jobs)


@given(times, workers)
def test_more_workers_never_need_longer(jobs, machines):
    """A bound that rises with workers would invert every comparison made with it."""
    more, fewer = (ideal(len(jobs), jobs, fl.Async(count)) for count in (machines + 1, machines))
    assert more <= fewer + 1e-9


@given(st.lists(st.integers(1, 20).map(float), min_size=2, max_size=6), workers)
def test_the_ideal_is_not_below_half_of_the_best(jobs, machines):
    """A bound of nothing would be a bound too; greedy schedules are at most twice as long (Graham 1966)."""
    assume(len(jobs) >= machines)
    assert 2 * ideal(len(jobs), jobs, fl.Async(machines)) >= best(jobs, machines)


@pytest.mark.parametrize(
    "strategy", [fl.Async(2), fl.Sequential(0.2), fl.Chunked(3), fl.Batch(), fl.Threads(2)], ids=repr
)
def test_nothing_takes_no_time(strategy):
    """A table over an empty input must not divide by a pause that never happened."""
    assert ideal(0, [], strategy) == 0.0
    assert ideal(0, 0.5, strategy, first=True) == 0.0


@pytest.mark.parametrize("wrong", [[0.1], [0.1, -0.1], [0.1, math.nan], [], -1.0])
def test_times_that_cannot_be_are_refused(wrong):
    """A negative or missing time would give a bound that looks like any other number."""
    with pytest.raises(ConfigError, match="service_times"):
        ideal(2, wrong, fl.Async(2))


@pytest.mark.parametrize(
    ("strategy", "seconds", "why"),
    [
        (fl.Sequential(1.0), 19.0, "one after the other: 16 s of work, and rests of 3 s"),
        (fl.Chunked(2), 15.0, "waiting for the slowest of each costs 5 s"),
        (fl.Async(4), 10.0, "the longest item, 10 s: more workers do not help"),
        (fl.Async(1), 16.0, "16 s of work on 1 workers that are never idle"),
        (fl.Batch(), 10.0, "all at once: the longest item"),
        (fl.Adaptive(max=8), 10.0, "as if all 8 workers"),
        (2, 10.0, "the longest item"),
    ],
)
def test_the_ideal_says_why(strategy, seconds, why):
    """A strategy is slow for a reason: a barrier, a rest, one long item; the table's reader wants to know."""
    strategy = fl.Async(strategy) if isinstance(strategy, fl.Adaptive) else strategy
    found = ideal(4, [10.0, 0.5, 0.5, 5.0], strategy)
    assert found == seconds
    assert why in found.why


def test_a_rate_bounds_the_ideal():
    """A host that takes 50 a second is not slow for want of workers."""
    found = ideal(101, 0.05, 200, rate=fl.RateLimit(50))
    assert found == pytest.approx(100 / 50 + 0.05)
    assert "50 in 1 s lets the last item start after 2 s" in found.why
    assert ideal(101, 0.05, 1, rate=fl.RateLimit(50)) == pytest.approx(101 * 0.05)


def test_the_reason_survives_a_copy():
    """Ideals cross to files and processes."""
    import pickle

    found = ideal(3, 1.0, 2, first=True)
    assert pickle.loads(pickle.dumps(found)).why == found.why == (
        "the first item alone takes 1 s; then 2 items on 2 workers are 1 turn which takes 1 s"
    )  # fmt: skip
