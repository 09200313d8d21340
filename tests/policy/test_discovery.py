"""Finding the rate that a host sustains, against hosts of which it is known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.policy.discovery import RateDiscovery
from fetchlab.policy.host import HostGate, HostRules
from fetchlab.policy.rate import RateLimit
from fetchlab.policy.retry import Retry
from policy.remotes import Bucket, crowd

CAPS = [(50, 10, 1), (50, 10, None), (20, 5, 1)]


def _gate(rate=None):
    return HostGate("http://a", HostRules(Retry(), rate=rate), 0.0)


@pytest.mark.parametrize(("rate", "burst", "retry_after"), CAPS)
@pytest.mark.parametrize("seed", range(3))
def test_the_cap_is_found_and_kept_to(rate, burst, retry_after, seed):
    """Slower wastes the user's time; more refusals than a few are what gets a client banned."""
    told = crowd(_gate(), Bucket(rate, burst, retry_after=retry_after, seed=seed), 120)
    assert told.rate(20, 80) >= 0.85 * rate
    assert told.rate(60, 120) >= 0.9 * rate
    assert told.rate(0, 120) >= 0.8 * rate, "the search itself took too long"
    assert told.refused_share <= 0.02


@pytest.mark.parametrize(("rate", "burst", "retry_after"), CAPS)
def test_the_price_of_the_search_does_not_grow(rate, burst, retry_after):
    """Once the cap is known, it is asked for again ever more rarely."""
    told = crowd(_gate(), Bucket(rate, burst, retry_after=retry_after), 240)
    early = sum(when < 60 for when in told.refused)
    late = sum(when >= 180 for when in told.refused)
    assert late <= min(early, 0.01 * 60 * rate)


def test_a_cap_that_is_lifted_is_noticed():
    """A host that was busy for a minute must not be asked slowly for the rest of the day."""
    remote = Bucket(20, 5)

    def lift(now):
        if now > 60:
            remote.rate = 100

    told = crowd(_gate(), remote, 240, tell=lift)
    assert told.rate(180, 240) >= 70


@pytest.mark.parametrize("retry_after", [None, 1])
@pytest.mark.parametrize(("before", "after"), [(100, 10), (100, 50), (50, 20), (400, 5)])
def test_a_cap_that_falls_is_noticed(before, after, retry_after):
    """What the host took yesterday would be asked for, and refused, for ever."""
    remote = Bucket(before, 10, retry_after=retry_after)

    def lower(now):
        if now > 60:
            remote.rate = after

    told = crowd(_gate(), remote, 240, tell=lower)
    assert told.rate(120, 240) >= 0.7 * after
    assert sum(when > 120 for when in told.refused) <= 0.05 * 120 * after


@pytest.mark.parametrize("seed", range(6))
def test_rare_refusals_by_chance_are_no_cap(seed):
    """Some services answer one in a hundred with 429 whatever the rate: slowing down helps nobody."""
    told = crowd(_gate(), Bucket(1e6, 10**6, chance=0.01, seed=seed), 60)
    assert told.rate(0, 60) >= 0.5 * 20 / 0.05
    assert told.rate(30, 60) >= 0.9 * 20 / 0.05


def test_the_users_own_rate_still_holds():
    """What is discovered may only slow down further."""
    told = crowd(_gate(RateLimit(10)), Bucket(50, 5), 60)
    assert told.rate(0, 60) == pytest.approx(10, rel=0.02)
    assert not told.refused


events = st.lists(
    st.tuples(
        st.sampled_from(["accepted", "refused", "start"]),
        st.one_of(st.just(0.0), st.floats(0, 5), st.floats(0, 1e5)),  # seconds since the last event
        st.one_of(st.just(0.0), st.floats(0, 86_400)),  # the pause it asks for
    ),
    max_size=80,
)


@given(
    accepted=st.integers(0, 10**6),
    seconds=st.one_of(st.just(0.0), st.floats(0, 1e5)),
    pause=st.floats(0, 86_400),
    fresh=st.booleans(),
    events=events,
)
def test_the_rate_is_always_one_that_can_be_kept(accepted, seconds, pause, fresh, events):
    """A rate of zero, infinity or nan would stop the host for ever, or let everything pass."""
    now = 1000.0
    found = RateDiscovery(now, accepted, seconds, pause, fresh=fresh)
    for what, passed, pause_ in events:
        now += passed
        match what:
            case "accepted":
                found.accepted(now)
            case "refused":
                before, meant = found.rate, found.refused(now, pause_)
                assert meant or not pause_, "a host that says when to come back means it"
                assert not meant or found.rate <= max(before, 0.5), "a refusal made it faster"
            case "start":
                found.start(now)
        assert 0 < found.rate < math.inf
        assert 0 <= found.delay(now) < math.inf
