"""Makespans predicted from a sweep: any number of items, not any number of workers."""

from __future__ import annotations

import math

import pytest

from fetchlab.errors import ConfigError

from .sweeps import roofline, swept, usl


def test_items_may_be_extrapolated():
    """A hundred pages tell how long seventy thousand take."""
    told = swept(roofline(20, 480), noise=0.02).predict(70_613, 24)
    assert told.seconds == pytest.approx(70_613 / 480, rel=0.05)
    assert told.low < told.seconds < told.high
    assert told.half_width < 0.2
    assert (told.items, told.workers, told.model) == (70_613, 24, "roofline")


def test_the_recommended_number_is_taken_unless_told():
    """The question is how long it takes when done well."""
    sweep = swept(roofline(20, 480))
    assert sweep.predict(1000).workers == sweep.recommended


@pytest.mark.parametrize("workers", [97, 1000, 0, -1, 2.5, True])
def test_numbers_of_workers_may_not(workers):
    """Throughput collapses somewhere, and no fit below knows where."""
    with pytest.raises(ConfigError, match=r"workers: .*1 to 96"):
        swept(roofline(20, 480)).predict(1000, workers)


def test_half_as_many_workers_again_may():
    """The limit is 1.5 × the largest measured, inclusive."""
    assert swept(lambda n: 20 * n).predict(9600, 96).seconds == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("items", [0, -5, 1.5, True, None])
def test_items_are_whole(items):
    """The knob is named."""
    with pytest.raises(ConfigError, match="items"):
        swept(roofline(20, 480)).predict(items)


def test_the_last_round_trip_is_counted_whole():
    """Ten items on eight workers take two round trips, or what the host's capacity allows."""
    told = swept(lambda n: 20 * n, noise=0.0, overhead=0).predict(10, 8)
    assert told.low <= 2 / 20 <= told.high * 1.000001
    assert told.low <= 10 / 160


def test_the_truth_is_within():
    """One run more, with the same noise: nineteen of twenty times within."""
    inside = 0
    for seed in range(40):
        sweep = swept(usl(20, 0.02, 0.0003), noise=0.05, seed=seed, overhead=0.0)
        other = swept(usl(20, 0.02, 0.0003), (16,), rounds=1, noise=0.05, seed=1000 + seed, overhead=0.0)
        told = sweep.predict(16_000, 16)
        inside += told.low <= 16_000 / other.frame()["throughput"].item() <= told.high
    assert inside >= 36


def test_rounds_that_agree_are_not_all_there_is_to_know():
    """A job an hour later is not as like the sweep as its rounds are like each other."""
    assert swept(roofline(20, 480), noise=0.001).predict(100_000, 24).half_width >= 0.045


def test_without_a_curve_the_measurements_are_asked():
    """Between two numbers of workers along a straight line of logarithms."""
    sweep = swept(
        lambda n: 20 * n if n <= 40 else 20 * 40 * (40 / n) ** 2, (4, 8, 16, 32, 40, 64, 96), noise=0.01
    )
    told = sweep.predict(8000, 40)
    assert told.model == "measured"
    assert told.seconds == pytest.approx(10, rel=0.05)
    assert sweep.predict(8000, 2).seconds == pytest.approx(200, rel=0.05)


def test_one_measurement_has_no_interval():
    """Nothing tells its noise."""
    told = swept(lambda n: 20 * n, (8,), rounds=1).predict(160)
    assert told.low < told.seconds
    assert math.isinf(told.high)


def test_failed_items_take_time_too():
    """Throughput counts values; what fails must be fetched all the same."""
    whole = swept(lambda n: 20 * n, noise=0)
    half = swept(lambda n: 20 * n, noise=0)
    half._rows = half._rows.with_columns(ok=half._rows["ok"] // 2)
    assert half.predict(1000, 8).seconds == pytest.approx(whole.predict(1000, 8).seconds / 2, rel=0.05)
