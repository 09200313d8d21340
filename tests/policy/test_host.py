"""A host's gate: every politeness rule in one place, and what belongs to one event."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.policy.breaker import PAUSE, STRANGER_FAILURES
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.host import HostGate, HostRules
from fetchlab.policy.rate import RateLimit
from fetchlab.policy.retry import Retry


def _gate(*, patience=300.0, **rules):
    return HostGate("http://a", HostRules(Retry(patience=patience), **rules), 0.0)


def _begin(gate, count, now):
    for _ in range(count):
        gate.begin(now)


def _refuse(gate, count, began, now, pause=None, *, slow_down=True):
    for _ in range(count):
        gate.refused(began, now, pause, slow_down=slow_down)


def _break(gate, now, trouble="ConnectFailed"):
    for _ in range(STRANGER_FAILURES):
        gate.begin(now)
        gate.failed(now, now, probe=False, first=True, down=True, trouble=trouble)
    assert gate.breaker.opened


def test_a_fresh_gate_is_quiet_and_open():
    """The hot path asks nothing but ``quiet``: a host that never refused must cost nothing."""
    gate = _gate()
    assert gate.quiet
    assert gate.delay(5.0) == 0
    assert gate.begin(5.0) is False
    gate.answered(5.0, 0.1, 5.1)
    assert gate.quiet
    assert gate.why(0.0) == "rate"


def test_a_burst_of_refusals_parks_once():
    """A hundred answers to requests that were under way: parked for one second, not for a hundred."""
    gate = _gate()
    _begin(gate, 100, 1.0)
    for number in range(100):
        gate.refused(1.0, 1.1 + 0.005 * number, 1.0, slow_down=True)
    assert gate.delay(1.6) == pytest.approx(0.5)
    assert gate.delay(2.1) <= 1e-9 or gate.discovery.delay(2.1) > 0
    assert gate.in_flight == 0


def test_a_burst_of_refusals_cuts_once():
    """Each cut halves the rate: a hundred would leave nothing of it."""
    gate, other = _gate(adaptive=Adaptive(max=200, start=100)), _gate(adaptive=Adaptive(max=200, start=100))
    for each, count in ((gate, 100), (other, 1)):
        _begin(each, 100, 1.0)
        _refuse(each, count, 1.0, 1.1)
    assert gate.limit.limit == other.limit.limit == 90
    assert gate.discovery.rate == other.discovery.rate


def test_a_longer_hint_in_the_same_burst_extends_the_park():
    """The first refusal said nothing, or little; a later one of the same burst knows better."""
    gate = _gate()
    _begin(gate, 3, 1.0)
    gate.refused(1.0, 1.1, None, slow_down=True)
    gate.refused(1.0, 1.2, 2.0, slow_down=True)
    assert gate.parked_until == pytest.approx(3.2)
    gate.refused(1.0, 1.3, 60.0, slow_down=True)
    assert gate.parked_until == pytest.approx(61.3)


def test_a_shorter_hint_never_lets_the_host_go_earlier():
    """Hints of one burst arrive in any order."""
    gate = _gate()
    _begin(gate, 2, 1.0)
    gate.refused(1.0, 1.1, 60.0, slow_down=True)
    gate.refused(1.0, 1.2, 0.5, slow_down=True)
    assert gate.parked_until == pytest.approx(61.1)
    gate.begin(2.0)
    gate.refused(2.0, 2.1, 0.5, slow_down=True)
    assert gate.parked_until == pytest.approx(61.1)


def test_a_late_longer_hint_parks_a_host_that_was_well_again():
    """The gate had gone quiet after the first pause; a straggler of that burst says to wait for a minute."""
    gate = _gate()
    _begin(gate, 2, 1.0)
    gate.refused(1.0, 1.1, 0.5, slow_down=False)
    gate.begin(1.7)
    gate.answered(1.7, 0.1, 1.8)
    assert gate.quiet
    gate.refused(1.0, 2.0, 60.0, slow_down=False)
    assert gate.delay(2.0) == pytest.approx(60)


def test_refusals_of_the_next_event_are_news():
    """Requests begun after the first refusal that are refused again: slower, and parked anew."""
    gate = _gate()
    gate.begin(1.0)
    gate.refused(1.0, 1.1, 1.0, slow_down=True)
    rate = gate.discovery.rate
    gate.begin(2.2)
    gate.refused(2.2, 2.3, 1.0, slow_down=True)
    assert gate.parked_until == pytest.approx(3.3)
    assert gate.discovery.rate <= rate


def test_a_503_with_a_hint_parks_and_finds_no_rate():
    """A maintenance window says nothing about how fast one may ask afterwards."""
    gate = _gate()
    gate.begin(1.0)
    gate.refused(1.0, 1.1, 5.0, slow_down=False)
    assert gate.discovery is None
    assert gate.delay(1.1) == pytest.approx(5)
    assert gate.delay(6.2) == 0
    gate.begin(6.2)
    gate.answered(6.2, 0.1, 6.3)
    assert gate.quiet, "the hot path must be fast again"


def test_a_429_governs_from_then_on():
    """The host has a limit; going back to full speed after the pause would be refused again at once."""
    gate = _gate()
    gate.begin(1.0)
    gate.refused(1.0, 1.1, 1.0, slow_down=True)
    gate.begin(2.2)
    gate.answered(2.2, 0.1, 2.3)
    assert not gate.quiet
    assert gate.why(2.3) == "rate"
    assert gate.delay(2.3) > 0


def test_hopeless_says_why_and_names_the_knob():
    """An item that ends without a request must say what the user can change."""
    gate = _gate(patience=60)
    gate.begin(1.0)
    gate.refused(1.0, 1.1, 3600.0, slow_down=True)
    why = gate.hopeless(1.2)
    assert "http://a" in why
    assert "3,600 s" in why
    assert "patience=60" in why
    assert "Retry(patience=" in why


def test_patience_with_a_host_that_gives_nothing_ends():
    """Refusals with short pauses, one after the other, must not hold items for ever."""
    gate, now = _gate(patience=10), 1.0
    while now < 11:
        assert gate.hopeless(now) is None
        gate.begin(now)
        gate.refused(now, now, 0.5, slow_down=True)
        now += 0.6
    assert gate.despair == pytest.approx(11.0)
    why = gate.hopeless(11.5)
    assert "nothing but HTTP 429 for" in why
    assert "patience=10" in why


def test_patience_begins_anew_with_every_answer():
    """A slow host that does answer from time to time is worth waiting for."""
    gate, now = _gate(patience=10), 1.0
    for _ in range(100):
        gate.begin(now)
        gate.refused(now, now, 0.5, slow_down=True)
        now += 8
        gate.begin(now)
        gate.answered(now, 0.1, now)
        assert gate.hopeless(now) is None
        assert gate.despair == math.inf
        now += 8


def test_hope_begins_patience_anew():
    """Who asks for new attempts wants them made, not the old verdict read out."""
    gate = _gate(patience=10)
    _break(gate, 1.0)
    assert gate.hopeless(12.0)
    gate.hope()
    assert gate.hopeless(12.0) is None
    assert gate.despair == math.inf
    assert gate.begin(12.0) is True
    gate.failed(12.0, 12.1, probe=True, first=False, down=True, trouble="ConnectFailed")
    assert gate.despair == pytest.approx(22.1)


def test_an_outage_is_named_for_its_trouble():
    """'RateLimited' for a host that is down would send the user looking for a limit."""
    gate = _gate(patience=5)
    _break(gate, 1.0, "ConnectFailed")
    assert "ConnectFailed" in gate.hopeless(7.0)
    assert gate.why(7.0) == "breaker"


def test_quiet_again_after_the_breaker_closed():
    """An outage that is over must not slow down the rest of the run."""
    gate = _gate()
    _break(gate, 1.0)
    assert not gate.quiet
    assert gate.delay(1.0) == PAUSE
    assert gate.begin(1.0 + PAUSE) is True
    assert gate.delay(2.0) == math.inf
    gate.answered(1.0 + PAUSE, 0.1, 2.0)
    assert gate.quiet
    assert gate.delay(2.0) == 0


def test_a_refusal_shows_that_the_host_is_back():
    """A 429 comes from a host that is alive: the breaker closes, the pause governs."""
    gate = _gate()
    _break(gate, 1.0)
    gate.begin(2.0)
    gate.refused(2.0, 2.1, 3.0, slow_down=True)
    assert not gate.breaker.opened
    assert gate.delay(2.1) == pytest.approx(3)


def test_a_tasks_errors_say_nothing_about_the_next_item():
    """``map`` has no host: a hundred tasks that time out must not stop the others."""
    gate = _gate(breaks=False)
    for _ in range(100):
        gate.begin(1.0)
        gate.failed(1.0, 2.0, probe=False, first=True, down=False, trouble="TimedOut")
    assert gate.quiet
    assert gate.retry_wait(2.0) == 0
    assert gate.in_flight == 0


def test_a_quota_that_is_used_up_rests_the_host():
    """The next request would be refused; the host said so before."""
    gate = _gate()
    gate.begin(1.0)
    gate.rest(1.1, 30.0)
    gate.answered(1.0, 0.1, 1.1)
    assert not gate.quiet
    assert gate.delay(1.1) == pytest.approx(30)
    assert gate.delay(31.2) == 0


def test_rate_and_limit_hold_together():
    """The strictest rule decides."""
    gate = _gate(rate=RateLimit(1), adaptive=Adaptive(max=2, start=2))
    gate.begin(1.0)
    assert gate.delay(1.0) == pytest.approx(1)
    gate.begin(2.0)
    assert gate.delay(3.0) == math.inf, "two are in flight"
    gate.answered(1.0, 2.0, 3.0)
    assert gate.delay(3.0) == 0
    gate.adapt(None)
    gate.begin(3.0)
    assert gate.delay(4.0) == 0, "no limit any more, and the rate allows it"


def test_retries_wait_for_the_budget_and_not_beyond_patience():
    """Ten at once, then five a second; one that nobody waits for is not counted."""
    gate = _gate(patience=2)
    waits = [gate.retry_wait(1.0) for _ in range(1000)]
    assert waits[:10] == [0.0] * 10
    assert sum(wait <= 2 for wait in waits) == 20
    assert max(waits) == pytest.approx(2.2)


ends = st.lists(
    st.tuples(
        st.sampled_from(["answered", "refused", "failed", "dropped", "begin", "rest", "adapt"]),
        st.floats(0, 20),  # seconds since the last event
        st.one_of(st.none(), st.floats(0.001, 86_400)),  # the pause it asks for
        st.booleans(),
        st.integers(0, 10),  # which of those in flight
    ),
    max_size=100,
)
rules = st.fixed_dictionaries(
    {
        "rate": st.sampled_from([None, RateLimit(1), RateLimit(100, burst=10)]),
        "adaptive": st.sampled_from([None, Adaptive(), Adaptive(2, 4, 3)]),
        "breaks": st.booleans(),
    }
)


@given(rules=rules, ends=ends)
def test_whatever_happens_the_gate_stays_sound(rules, ends):
    """It opens at some moment or names another attempt to wait for: else items would wait for ever."""
    gate, now, flights = _gate(**rules), 1.0, []
    for what, passed, pause, flag, place in ends:
        now += passed
        if what == "rest":
            gate.rest(now, pause or 1.0)
        elif what == "adapt":
            gate.adapt(Adaptive() if flag else None)
        elif what == "begin":
            if gate.delay(now) == 0:
                flights.append((now, gate.begin(now)))
        elif flights:
            began, probe = flights.pop(place % len(flights))
            match what:
                case "answered":
                    gate.answered(began, now - began, now)
                case "refused":
                    gate.refused(began, now, pause, slow_down=flag)
                case "failed":
                    gate.failed(began, now, probe=probe, first=flag, down=flag, trouble="TimedOut")
                case "dropped":
                    gate.dropped(probe=probe)
        assert gate.in_flight == len(flights)
        delay = gate.delay(now)
        assert delay >= 0
        assert delay < math.inf or flights, "nobody is asked, and nobody may ask"
        assert not gate.quiet or delay == 0
        gate.hopeless(now)
