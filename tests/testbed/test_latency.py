"""Latency: never less than asked for, and hardly more. On a virtual clock, but for one real wait."""

from __future__ import annotations

import asyncio
import time

import pytest

from fetchlab.testbed import Settings, alarm, app
from fetchlab.testbed.alarm import Alarm
from fetchlab.testbed.app import App
from fetchlab.testbed.registry import World
from fetchlab.testbed.wire import Reply, Route, Wire

from .client import ask


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class Loop:
    """An event loop's timers, whole milliseconds as in uvloop; one call is one turn of the loop."""

    def __init__(self, clock):
        self.clock = clock
        self.timer = None

    def call_later(self, delay, callback):
        self.timer = self
        self.rings, self.callback = round(delay * 1000), callback
        return self

    def cancel(self):
        self.timer = None

    def turn(self):
        self.clock.now += self.rings / 1000 if self.rings else 0.00002
        self.timer = None
        self.callback()


class Waiter:
    def __init__(self, clock):
        self.clock = clock
        self.woken = None

    def done(self):
        return self.woken is not None

    def set_result(self, _):
        self.woken = self.clock.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(alarm, "monotonic", clock)
    monkeypatch.setattr(app, "monotonic", clock)
    return clock


@pytest.mark.parametrize("seconds", [0.05, 0.0504, 0.0505, 0.0506, 0.0009, 0.0001, 0.0])
def test_on_time(clock, seconds):
    """Otherwise an answer would come before its time, or with the next tick of a coarse clock."""
    loop = Loop(clock)
    waiter = Waiter(clock)
    due = clock.now + seconds
    Alarm(loop).wake(waiter, seconds)
    while loop.timer:
        loop.turn()
    assert due <= waiter.woken < due + 0.0001


def test_the_earliest_first(clock):
    """Otherwise a short wait would last as long as the long one before it."""
    loop = Loop(clock)
    bell = Alarm(loop)
    waiters = {seconds: Waiter(clock) for seconds in (0.3, 0.1, 0.2)}
    for seconds, waiter in waiters.items():
        bell.wake(waiter, seconds)
    waiters[0.2].set_result(False)
    while loop.timer:
        loop.turn()
    assert waiters[0.1].woken == pytest.approx(1000.1, abs=0.0001)
    assert waiters[0.2].woken == 1000.0
    assert waiters[0.3].woken == pytest.approx(1000.3, abs=0.0001)


class Slow(Wire):
    def routes(self):
        return [Route("GET", "/", self.answer)]

    def answer(self, _request):
        self.clock.now += 0.03
        return Reply(b"x")


class Line:
    """A connection that notes how long it is told to wait."""

    arrived = 999.99

    def __init__(self):
        self.paused = []

    async def pause(self, seconds):
        self.paused.append(seconds)
        return True


@pytest.mark.parametrize(("capacity", "rest"), [(None, 0.01), (1, 0.02)])
def test_making_the_answer_is_part_of_the_latency(clock, capacity, rest):
    """Otherwise answers would come later the more they cost to make, and latency mean two things."""
    wire = Slow("slow", World(0, 8700))
    wire.clock = clock
    line = Line()
    scope = {"method": "GET", "path": "/", "query_string": b"", "headers": []}
    sent = []

    async def send(message):
        sent.append(message)

    served = App(wire, Settings(latency=0.05, capacity=capacity), None)
    asyncio.run(served(line, scope, None, send))
    assert line.paused == [pytest.approx(rest)]
    assert sent[-1]["body"] == b"x"


def test_never_less(bed):
    """Otherwise speed would be measured against a service that is faster than it says."""
    bed.configure("echo", latency=0.0123)
    for _ in range(20):
        began = time.monotonic()
        assert ask(bed.urls["echo"], "/json").status == 200
        assert time.monotonic() - began >= 0.0123
