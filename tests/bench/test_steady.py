"""Throughput without the edges of a run."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.bench.steady import measured, speed
from fetchlab.errors import StudyError


def waves(workers, trips, latency, start=0.0):
    return [start + latency * (trip + 1) for trip in range(trips) for _ in range(workers)]


@pytest.mark.parametrize("start", [0.0, 0.5])
@pytest.mark.parametrize("workers", [1, 4, 64])
def test_a_slow_start_is_no_part_of_it(workers, start):
    """Otherwise many workers with few round trips would look worse than they are."""
    ends = waves(workers, 8, 0.05, start)
    assert speed(ends, ends[-1], workers, workers) == pytest.approx(workers / 0.05)


def test_a_slow_end_is_no_part_of_it():
    """One straggler at the end has nothing to do with how fast the others were."""
    ends = waves(4, 8, 0.05)
    ends[-1] = 9.0
    assert speed(ends, 9.0, 4, 4) == pytest.approx(80)


def test_three_round_trips_are_enough():
    """The last one is then kept."""
    ends = waves(4, 3, 0.05, 0.5)
    assert speed(ends, ends[-1], 4, 4) == pytest.approx(80)


def test_where_the_host_bounds_it_the_first_half_is_left_out():
    """There the rate was still being found, in pauses and attempts."""
    ends = [2.0 + 0.5 * n for n in range(10)] + [7.0 + 0.02 * n for n in range(10)]
    assert speed(ends, ends[-1], 16, 1.5) == pytest.approx(10 / (ends[-1] - ends[9]))


def test_no_time_is_told():
    """Infinitely fast is no measurement."""
    with pytest.raises(StudyError, match="no time that can be measured"):
        speed([0.0] * 8, 0.0, 2, 2)
    assert speed([1.0] * 8, 1.0, 2, 2) == 8, "all at once: the whole run is what there is"


def test_a_run_is_measured(bed, echo):
    """The columns of a sweep, from a real run."""
    bed.configure(latency=0.01)
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(32)], workers=4, progress=False)
    done = measured(run, 4)
    assert done.more.keys() == {"workers", "failed", "refused", "throughput", "overhead", "in_flight"}
    steady = 32 / done.more["throughput"]
    assert done.more["overhead"] == pytest.approx(max(0.0, done.seconds - steady))


def test_only_values_count(echo):
    """A host that fails fast is not a fast host."""
    urls = [f"{echo}/status/{404 if n % 2 else 200}?n={n}" for n in range(32)]
    done = measured(fl.fetch(urls, workers=4, progress=False), 4)
    assert (done.ok, done.more["failed"]) == (16, 16)
    assert done.more["throughput"] < 32 / done.seconds * 4


def test_all_failed_is_an_error(refused):
    """Its throughput of zero would have no logarithm."""
    run = fl.fetch([refused] * 6, workers=2, retry=fl.Retry(attempts=1), progress=False)
    with pytest.raises(StudyError, match="all 6 items failed: 6 ConnectFailed"):
        measured(run, 2)
