"""Items that wait, host by host: none lost, none served twice, no host before its turn."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fetchlab.engine.lanes import Lanes
from fetchlab.engine.work import Work
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.host import HostRules
from fetchlab.policy.rate import RateLimit
from fetchlab.policy.retry import Retry

HOSTS = ["http://a", "http://b", "http://c"]
RULES = {
    "http://a": HostRules(Retry(patience=20)),
    "http://b": HostRules(Retry(patience=20), rate=RateLimit(1, burst=2)),
    "http://c": HostRules(Retry(patience=20), adaptive=Adaptive(max=3, start=2)),
}


class Waiting:
    """Lanes under a clock of the test's own, and what became of every item put there."""

    def __init__(self, *, by_priority=False, rules=RULES):
        self.now = 100.0
        self.lanes = Lanes(
            rules.get if isinstance(rules, dict) else rules, lambda: self.now, by_priority=by_priority,
            on_hopeless=self._give_up, on_due=lambda: None,
        )  # fmt: skip
        self.given_up = []
        self.made = 0

    def _give_up(self, works, why):
        assert why
        self.given_up += works

    def work(self, host, priority=0):
        work = Work(self.made, self.made, self.now)
        self.made += 1
        work.host, work.priority = host, priority
        work.lane = self.lanes.of(host)
        return work

    def put(self, host, count=1, *, front=False, priority=0):
        works = [self.work(host, priority) for _ in range(count)]
        for work in works:
            self.lanes.put(work, front=front)
        return works

    def begin(self, work):
        """As the scheduler does it."""
        lane = work.lane
        if not lane.in_flight and not lane.waiting:
            self.lanes.active += 1
        work.began, work.probe = self.now, lane.begin(self.now)
        return work

    def take(self, share=None):
        work = self.lanes.take(share)
        return work if work is None else self.begin(work)

    def end(self, work, how="answered", pause=None):
        """As the scheduler does it."""
        lane = work.lane
        match how:
            case "answered":
                lane.answered(work.began, 0.1, self.now)
            case "refused":
                lane.refused(work.began, self.now, pause, slow_down=True)
            case "failed":
                lane.failed(
                    work.began, self.now, probe=work.probe, first=True, down=True, trouble="ConnectFailed"
                )
        if lane.state != "idle" or not lane.in_flight:
            self.lanes.ended(lane)
        if how == "refused":
            self.lanes.put(work, front=True)


class Traffic(RuleBasedStateMachine):
    """Anything that may happen to lanes, in any order."""

    def __init__(self):
        super().__init__()
        self.waiting = Waiting()
        self.flights = []
        self.done = []

    @rule(host=st.sampled_from(HOSTS), count=st.integers(1, 12), front=st.booleans())
    def put(self, host, count, front):
        self.waiting.put(host, count, front=front)

    @rule(count=st.integers(1, 20), share=st.one_of(st.none(), st.integers(1, 8)))
    def take(self, count, share):
        for _ in range(count):
            work = self.waiting.take(share)
            if work is None:
                assert share is not None or not self._open(), "an item may go, and is not given"
                return
            assert work not in self.flights
            self.flights.append(work)

    @precondition(lambda self: self.flights)
    @rule(
        place=st.integers(0, 99),
        how=st.sampled_from(["answered", "answered", "refused", "failed"]),
        pause=st.one_of(st.none(), st.floats(0.1, 30)),
        count=st.integers(1, 10),
    )
    def end(self, place, how, pause, count):
        for _ in range(min(count, len(self.flights))):
            work = self.flights.pop(place % len(self.flights))
            self.waiting.end(work, how, pause)
            if how != "refused":
                self.done.append(work)

    @rule(seconds=st.floats(0, 15))
    def pass_time(self, seconds):
        self.waiting.now += seconds
        self.waiting.lanes.wake(self.waiting.now)

    def _open(self):
        now = self.waiting.now
        return [lane.name for lane in self.waiting.lanes if lane.waiting and lane.delay(now) <= 0
                and lane.state != "resting"]  # fmt: skip

    @invariant()
    def counts_are_true(self):
        lanes = self.waiting.lanes
        assert lanes.waiting == sum(lane.waiting for lane in lanes)
        assert lanes.active == sum(bool(lane.waiting or lane.in_flight) for lane in lanes)
        assert len(self.flights) == sum(lane.in_flight for lane in lanes)

    @invariant()
    def every_item_is_in_one_place(self):
        known = len(self.flights) + len(self.done) + len(self.waiting.given_up) + self.waiting.lanes.waiting
        assert known == self.waiting.made

    @invariant()
    def states_are_true(self):
        for lane in self.waiting.lanes:
            assert (lane.state == "idle") == (not lane.waiting)
            if lane.state == "resting":
                assert lane.due < math.inf
            if lane.state == "full":
                assert lane.in_flight, "nobody would ever wake it"

    def teardown(self):
        """Let everything run out: it must come to an end, with every item taken or given up once."""
        for _ in range(100_000):
            lanes = self.waiting.lanes
            while self.flights:
                work = self.flights.pop()
                self.waiting.end(work)
                self.done.append(work)
            while (work := self.waiting.take()) is not None:
                self.flights.append(work)
            if not self.flights and not lanes.waiting:
                break
            if not self.flights:
                assert lanes.due < math.inf, "items wait for nothing"
                self.waiting.now = max(self.waiting.now, lanes.due)
                lanes.wake(self.waiting.now)
        ended = Counter(work.index for work in self.done + self.waiting.given_up)
        assert ended == Counter(range(self.waiting.made))
        assert lanes.active == 0


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def _free(_host):
    return HostRules(Retry())


def test_hosts_are_served_in_turn():
    """A host with a thousand items must not be served a thousand times before the next."""
    waiting = Waiting(rules=_free)
    for host in HOSTS:
        waiting.put(host, 30)
    served = [waiting.take(share=10).host for _ in range(30)]
    assert Counter(served) == dict.fromkeys(HOSTS, 10)


@given(
    crowds=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    workers=st.integers(1, 30),
)
def test_no_host_gets_more_than_its_share_while_others_wait(crowds, workers):
    """The fair share is the promise of a host that is slow not to take everybody's workers."""
    waiting = Waiting(rules=_free)
    for number, count in enumerate(crowds):
        waiting.put(f"http://{number}", count)
    taken = Counter()
    for _ in range(min(workers, sum(crowds))):
        share = -(-workers // waiting.lanes.active)
        work = waiting.take(share) or waiting.take()
        taken[work.lane.name] += 1
    fair = -(-workers // len(crowds))
    for number, count in enumerate(crowds):
        assert taken[f"http://{number}"] >= min(count, workers // len(crowds)) - 1
    if all(count >= fair for count in crowds):
        assert max(taken.values()) <= fair


def test_what_is_left_over_is_given_to_whoever_has_something_to_do():
    """Workers that idle because of fairness would be fairness to nobody."""
    waiting = Waiting(rules=_free)
    waiting.put("http://a", 20)
    waiting.put("http://b", 1)
    taken = [waiting.take(3) or waiting.take() for _ in range(21)]
    assert Counter(work.host for work in taken) == {"http://a": 20, "http://b": 1}


MILLISECONDS = st.integers(100, 1_000_000).map(lambda number: number / 1000)
"""Seconds; those nearer to each other than a clock can tell fall into one moment."""


@given(pauses=st.lists(MILLISECONDS, min_size=1, max_size=12, unique=True))
def test_resting_hosts_wake_in_the_order_of_their_due_times(pauses):
    """Woken late, a host waits longer than it asked; woken early, it is asked too soon."""
    waiting = Waiting(rules=lambda _: HostRules(Retry(patience=1e6)))
    lanes = waiting.lanes
    for number, pause in enumerate(pauses):
        work = waiting.begin(waiting.work(f"http://{number}"))
        waiting.end(work, "refused", pause)
    assert lanes.active == len(pauses)
    woken, start = [], waiting.now
    while lanes.waiting:
        assert waiting.take() is None
        waiting.now = lanes.due
        lanes.wake(waiting.now)
        while (work := waiting.take()) is not None:
            woken.append((waiting.now - start, work.index))
            waiting.end(work)
    assert [index for _, index in woken] == sorted(range(len(pauses)), key=pauses.__getitem__)
    assert [when for when, _ in woken] == pytest.approx(sorted(pauses))


@given(priorities=st.lists(st.tuples(st.sampled_from(HOSTS), st.integers(-3, 3)), max_size=30))
def test_priority_goes_before_host_and_order(priorities):
    """The urgent item of a late host first; equal ones in their order."""
    waiting = Waiting(by_priority=True, rules=_free)
    for host, priority in priorities:
        waiting.put(host, priority=priority)
    taken = []
    while (work := waiting.take()) is not None:
        taken.append(work)
    assert [work.priority for work in taken] == sorted(priority for _, priority in priorities)
    for host in HOSTS:
        mine = [(work.priority, work.index) for work in taken if work.host == host]
        assert mine == sorted(mine)


def test_a_second_try_goes_before_the_first_of_others():
    """An item that was refused has waited already."""
    waiting = Waiting(rules=_free)
    first, *rest = waiting.put("http://a", 3)
    assert waiting.take() is first
    waiting.end(first, "refused", 1.0)
    waiting.now += 1.0
    waiting.lanes.wake(waiting.now)
    assert waiting.take() is first
    assert [work.index for work in waiting.lanes.clear()] == [work.index for work in rest]


def test_a_host_that_rests_longer_than_patience_gives_its_items_up():
    """They would wait for an hour otherwise, and later ones too."""
    waiting = Waiting(rules=lambda _: HostRules(Retry(patience=60)))
    first, *others = waiting.put("http://a", 5)
    waiting.end(waiting.take(), "refused", 3600.0)
    assert waiting.take() is None
    assert Counter(waiting.given_up) == Counter([first, *others])
    late = waiting.put("http://a", 2)
    assert waiting.given_up[-2:] == late
    assert (waiting.lanes.waiting, waiting.lanes.active) == (0, 0)


def test_clear_gives_everything_back_in_order():
    """A cancelled run keeps what it had read."""
    waiting = Waiting(rules=_free)
    works = waiting.put("http://a", 3) + waiting.put("http://b", 2) + waiting.put("http://a", 2)
    flight = waiting.take()
    kept = waiting.lanes.clear()
    assert kept == [work for work in works if work is not flight]
    assert waiting.lanes.waiting == 0
    assert not waiting.lanes.ready
    assert waiting.take() is None
    waiting.end(flight)
    assert waiting.lanes.active == 0
