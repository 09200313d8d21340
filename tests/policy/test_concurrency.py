"""The adaptive limit: within its bounds whatever it hears, and near the best number where there is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ConfigError
from fetchlab.policy.concurrency import Adaptive, AdaptiveLimit
from fetchlab.policy.host import HostGate, HostRules
from fetchlab.policy.retry import Retry
from policy.remotes import Bucket, Crowded, crowd

knobs = st.tuples(st.integers(1, 40), st.integers(0, 60), st.integers(0, 100), st.booleans()).map(
    lambda drawn: Adaptive(
        drawn[0], drawn[0] + drawn[1], min(drawn[0] + drawn[2], drawn[0] + drawn[1]) if drawn[3] else None
    )
)
events = st.lists(
    st.tuples(
        st.sampled_from(["succeeded", "refused", "failed", "give way", "hold", "let go"]),
        st.floats(0, 10),  # seconds since the last event
        st.floats(0, 30),  # seconds since it began
        st.one_of(st.just(0.0), st.floats(0, 60), st.floats(0, 1e-9)),  # its latency
        st.integers(0, 300),  # in flight
        st.integers(1, 60),  # how many of them
    ),
    max_size=60,
)


@given(knob=knobs, events=events)
def test_the_limit_stays_within_its_bounds(knob, events):
    """Above max the user's word is broken; at 0 the host would never be asked again."""
    limit, now = AdaptiveLimit(knob), 100.0
    assert knob.min <= limit.limit <= knob.max
    for what, passed, age, latency, in_flight, count in events:
        now += passed
        for _ in range(count):
            match what:
                case "succeeded":
                    limit.succeeded(now - age, latency, now, in_flight)
                case "refused":
                    limit.refused(now - age, now)
                case "failed":
                    limit.failed(now - age, now)
                case "give way":
                    limit.give_way(now)
                case _:
                    limit.held = what == "hold"
            assert knob.min <= limit.limit <= knob.max
            assert isinstance(limit.limit, int)


def test_a_hundred_refusals_at_once_cut_once():
    """They are one event; a cut for each would leave one request in flight where ninety were fine."""
    limit = AdaptiveLimit(Adaptive(max=200, start=100))
    cuts = [limit.refused(1.0 + 0.001 * number, 2.0 + 0.001 * number) for number in range(100)]
    assert cuts == [True] + [False] * 99
    assert limit.limit == 90
    assert limit.refused(3.0, 3.1), "a refusal of the next epoch is news"
    assert limit.limit == 81


def test_a_few_failures_are_faults_and_many_are_a_refusal():
    """A timeout now and then is life; every fifth is a host that cannot cope."""
    limit = AdaptiveLimit(Adaptive(max=200, start=100))
    for _ in range(10):
        limit.failed(1.0, 1.0)
    assert limit.limit == 100
    limit.failed(1.0, 1.0)
    assert limit.limit == 90
    for _ in range(50):
        limit.failed(0.9, 1.1)
    assert limit.limit == 90, "those began before the cut"


def test_it_does_not_grow_without_being_used():
    """A limit that rises while three requests are in flight would not hold when a thousand come."""
    limit, now = AdaptiveLimit(Adaptive(start=10)), 0.0
    for _ in range(10_000):
        now += 0.01
        limit.succeeded(now - 0.05, 0.05, now, 3)
    assert limit.limit == 10


def test_held_limits_do_not_grow():
    """When this process is the bottleneck, more requests only make it worse."""
    limit, now = AdaptiveLimit(Adaptive()), 0.0
    limit.held = True
    before = limit.limit
    for _ in range(1000):
        now += 0.01
        limit.succeeded(now - 0.05, 0.05, now, limit.limit)
    assert limit.limit == before


REMOTES = {
    "const": {},
    "knee": {"capacity": 24},
    "collapse": {"collapse": 40},
    "drift": {"capacity": 40, "drift": 0.6, "period": 20.0},
}


def _gate(knob=None):
    return HostGate("http://a", HostRules(Retry(), adaptive=knob), 0.0)


@pytest.fixture(scope="module")
def best():
    """The best fixed number's answers per second, by remote."""
    found = {}
    for name, traits in REMOTES.items():
        told = [crowd(_gate(), Crowded(**traits), 20, workers=n) for n in (8, 16, 24, 32, 40, 48, 64)]
        found[name] = max(one.rate(0, 20) for one in told)
    return found


@pytest.mark.parametrize("name", REMOTES)
@pytest.mark.parametrize("seed", range(2))
def test_throughput_is_near_that_of_the_best_fixed_number(best, name, seed):
    """Otherwise the user would do better to guess a number."""
    gate = _gate(Adaptive())
    told = crowd(gate, Crowded(**REMOTES[name], seed=seed), 60, workers=1000)
    assert told.rate(0, 60) >= 0.85 * best[name]
    assert told.widest <= 64
    assert gate.in_flight >= 0


def test_a_host_that_collapses_is_not_left_in_its_collapse(best):
    """Beyond its capacity it answers ever slower: the limit must come down again by itself."""
    gate = _gate(Adaptive(start=64))
    told = crowd(gate, Crowded(collapse=40), 60, workers=1000)
    assert told.rate(30, 60) >= 0.85 * best["collapse"]
    assert gate.limit.limit <= 50


def test_latency_that_rises_by_itself_is_not_our_fault():
    """A host that moves from 50 ms to 200 ms serves as many at once as before."""
    remote = Crowded()

    def move(now):
        if now > 20:
            remote.latency = 0.2

    gate = _gate(Adaptive())
    told = crowd(gate, remote, 120, workers=1000, tell=move)
    assert told.rate(80, 120) >= 0.85 * 64 / 0.2


def test_a_host_with_a_rate_is_not_strangled():
    """Each refusal cuts the limit, yet the rate that the host allows must still be reached."""
    told = crowd(_gate(Adaptive()), Bucket(50, 10), 60, workers=1000)
    assert told.rate(20, 60) >= 0.85 * 50
    assert told.refused_share <= 0.02


@pytest.mark.parametrize(
    "wrong",
    [
        {"min": 0}, {"max": 0}, {"start": 0}, {"min": 1.5}, {"max": "64"}, {"max": None}, {"min": True},
        {"min": 9, "max": 8}, {"start": 65}, {"min": 5, "start": 4},
    ],
    ids=str,
)  # fmt: skip
def test_impossible_bounds_name_the_knob(wrong):
    """A limit that cannot hold would be found only under load."""
    with pytest.raises(ConfigError, match="Adaptive") as caught:
        Adaptive(**wrong)
    assert caught.value.knob == "workers"
