"""Admission on a virtual clock: rate, outage, collapse, drift, jitter."""

from __future__ import annotations

import math
import statistics

import pytest

from fetchlab.testbed import Settings, gate
from fetchlab.testbed.gate import Gate


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(gate, "monotonic", clock)
    return clock


def test_rate_and_burst(clock):
    """Otherwise 429 would come at another rate than the one asked for."""
    door = Gate(0, Settings(rate=10, burst=3))
    assert [door.refusal() for _ in range(5)] == [None, None, None, 429, 429]
    clock.now += 0.1
    assert [door.refusal() for _ in range(2)] == [None, 429]
    clock.now += 60
    assert [door.refusal() for _ in range(4)] == [None, None, None, 429]


def test_refusals_do_not_cost(clock):
    """Otherwise a client that hammers would push its own turn away for good."""
    door = Gate(0, Settings(rate=10, burst=1))
    admitted = 0
    for _ in range(1000):
        admitted += door.refusal() is None
        clock.now += 0.01
    assert admitted == 100


def test_outage_once(clock):
    """Otherwise an outage would not come, not end, or come again."""
    door = Gate(0, Settings(outage_after=2, outage_for=5))
    assert [door.refusal() for _ in range(4)] == [None, None, 503, 503]
    clock.now += 4.9
    assert door.refusal() == 503
    clock.now += 0.2
    assert [door.refusal() for _ in range(9)] == [None] * 9


def test_collapse():
    """Otherwise more load would not make the service slower, and throughput would not fall."""
    door = Gate(0, Settings(latency=0.1, collapse=40))
    assert door.seconds(40) == 0.1
    assert door.seconds(80) == pytest.approx(0.4)
    throughput = [load / door.seconds(load) for load in (20, 40, 80, 160)]
    assert throughput.index(max(throughput)) == 1


def test_drift(clock):
    """Otherwise the best number of workers would stand still in the drift profile."""
    door = Gate(0, Settings(latency=0.1, drift=0.5, drift_period=20))
    seen = []
    for _ in range(20):
        seen.append(door.seconds(1))
        clock.now += 1
    assert max(seen) == pytest.approx(0.15)
    assert min(seen) == pytest.approx(0.05)


def test_jitter_keeps_the_mean():
    """Otherwise adding variation would also change the mean latency."""
    door = Gate(0, Settings(latency=0.1, jitter=0.5))
    seen = [door.seconds(1) for _ in range(20_000)]
    assert statistics.fmean(seen) == pytest.approx(0.1, rel=0.02)
    assert statistics.stdev(seen) / statistics.fmean(seen) == pytest.approx(0.5, rel=0.05)
    assert all(math.isfinite(one) and one > 0 for one in seen)
