"""The breaker: a host that is down is left alone, and found again when it is back."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fetchlab.policy.breaker import FAILURES, LONGEST_PAUSE, PAUSE, STRANGER_FAILURES, Breaker
from fetchlab.policy.host import HostGate, HostRules
from fetchlab.policy.retry import Retry


class Hosted(RuleBasedStateMachine):
    """A gate whose attempts begin when it lets them, and end in any way and any order."""

    def __init__(self):
        super().__init__()
        self.gate = HostGate("http://a", HostRules(Retry()), 0.0)
        self.now = 0.0
        self.flights = []  # (began, probe)
        self.opened = math.inf
        self.pause = PAUSE

    def _ended(self, place):
        return self.flights.pop(place % len(self.flights))

    def _look(self):
        if self.gate.breaker.opened and self.opened == math.inf:
            self.opened = self.now
            assert self.gate.breaker.until == pytest.approx(self.now + PAUSE), "a new outage begins gently"
            self.pause = PAUSE
        elif not self.gate.breaker.opened:
            self.opened = math.inf

    @rule(seconds=st.floats(0.01, 10))
    def passes(self, seconds):
        self.now += seconds

    @precondition(lambda self: not self.gate.delay(self.now))
    @rule(count=st.integers(1, 40))
    def begins(self, count):
        for _ in range(count):
            if not self.gate.delay(self.now):
                probe = self.gate.begin(self.now)
                assert probe == self.gate.breaker.opened
                self.flights.append((self.now, probe))

    @precondition(lambda self: self.flights)
    @rule(place=st.integers(0, 99))
    def answers(self, place):
        began, _ = self._ended(place)
        self.gate.answered(began, 0.1, self.now)
        if began > self.opened or self.opened == math.inf:
            assert not self.gate.breaker.opened, "an answer shows that the host is there"
        else:
            assert self.gate.breaker.opened, "it began before the outage, and shows nothing"
        self._look()

    @precondition(lambda self: self.flights)
    @rule(place=st.integers(0, 99), count=st.integers(1, 40), first=st.booleans(), down=st.booleans())
    def fails(self, place, count, first, down):
        for _ in range(min(count, len(self.flights))):
            began, probe = self._ended(place)
            mine = probe and began > self.opened
            self.gate.failed(began, self.now, probe=probe, first=first, down=down, trouble="ConnectFailed")
            if mine:
                self.pause = min(LONGEST_PAUSE, 2 * self.pause)
                assert self.gate.breaker.until == pytest.approx(self.now + self.pause)
            self._look()

    @precondition(lambda self: self.flights)
    @rule(place=st.integers(0, 99))
    def is_dropped(self, place):
        _, probe = self._ended(place)
        self.gate.dropped(probe=probe)

    @invariant()
    def one_probe_at_a_time(self):
        assert sum(probe and began > self.opened for began, probe in self.flights) <= 1

    @invariant()
    def in_flight_is_counted(self):
        assert self.gate.in_flight == len(self.flights)

    @invariant()
    def nothing_else_passes_an_open_breaker(self):
        if self.gate.breaker.opened:
            assert self.gate.delay(self.now) > 0 or self.now >= self.gate.breaker.until

    def teardown(self):
        """However it came to this, a probe is let through in the end, and its success opens the door."""
        while self.flights:
            self.is_dropped(0)
        wait = self.gate.delay(self.now)
        assert wait <= LONGEST_PAUSE
        self.now += wait
        assert self.gate.delay(self.now) <= 1e-9
        began, probe = self.now + 1e-9, self.gate.begin(self.now + 1e-9)
        if probe:
            assert self.gate.delay(self.now) == math.inf, "a second probe"
        self.gate.answered(began, 0.1, self.now)
        assert self.gate.quiet
        assert self.gate.delay(self.now) == 0


TestHosted = Hosted.TestCase
TestHosted.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def _opened(*, alive=True):
    breaker = Breaker()
    if alive:
        breaker.answered()
    for _ in range(FAILURES if alive else STRANGER_FAILURES):
        assert not breaker.opened
        breaker.failed(0.0, probe=False, counts=True)
    assert breaker.opened
    return breaker


def test_pauses_double_up_to_the_longest():
    """Half a second at first, so that a hiccup costs little; eight at most, so that the end is not missed."""
    breaker, now, pauses = _opened(), 0.0, []
    for _ in range(7):
        pauses.append(breaker.delay(now))
        now += pauses[-1]
        assert breaker.delay(now) == 0
        breaker.probing = True
        assert breaker.delay(now) == math.inf
        breaker.failed(now, probe=True, counts=True)
    assert pauses == [0.5, 1, 2, 4, 8, 8, 8]


def test_success_closes_it_and_forgets_the_pauses():
    """The next outage is another one: it begins with the short pause, and needs as many failures."""
    breaker = _opened()
    for _ in range(3):
        breaker.probing = True
        breaker.failed(0.0, probe=True, counts=True)
    breaker.probing = True
    breaker.answered()
    assert breaker.delay(0.0) == 0
    for _ in range(FAILURES - 1):
        breaker.failed(9.0, probe=False, counts=True)
        assert breaker.delay(9.0) == 0
    breaker.failed(9.0, probe=False, counts=True)
    assert breaker.delay(9.0) == PAUSE


def test_an_answer_between_failures_keeps_it_closed():
    """A host where one in two fails is ill, not down."""
    breaker = Breaker()
    for _ in range(1000):
        breaker.failed(0.0, probe=False, counts=True)
        breaker.answered()
    assert not breaker.opened


def test_a_host_that_never_answered_is_given_more_time():
    """A short list of dead links just fails; waiting for hosts that do not exist would cost minutes."""
    assert STRANGER_FAILURES > FAILURES
    _opened(alive=False)


def test_retries_of_the_same_items_do_not_open_it():
    """Three items that always fail say nothing about the others."""
    breaker = Breaker()
    breaker.answered()
    for _ in range(100):
        breaker.failed(0.0, probe=False, counts=False)
    assert not breaker.opened


def test_late_answers_do_not_close_it():
    """Twenty requests were under way when the host went down: each that is answered would let in eight."""
    breaker = _opened()
    breaker.answered(breaker.since)
    assert breaker.delay(0.0) == PAUSE
    breaker.answered(breaker.since + 0.001)
    assert breaker.delay(0.0) == 0


def test_late_failures_do_not_prolong_the_pause():
    """Twenty requests were under way when it opened; their failures are old news."""
    breaker = _opened()
    for _ in range(20):
        breaker.failed(0.4, probe=False, counts=True)
    assert breaker.delay(0.0) == PAUSE


def test_a_probe_that_told_nothing_lets_another_through():
    """It was cancelled; without another the host would stay shut for ever."""
    breaker = _opened()
    breaker.probing = True
    breaker.dropped()
    assert breaker.delay(PAUSE) == 0
