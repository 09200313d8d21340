"""A scheduler in virtual time, and a sink that remembers."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from fetchlab.engine.scheduler import Scheduler
from fetchlab.engine.source import source_of
from fetchlab.engine.strategies import Async, plan_of
from fetchlab.errors import ConnectFailed, StatusError
from fetchlab.policy.rate import RateRules
from fetchlab.policy.retry import Retry


class Sink:
    """Everything the scheduler told, in order."""

    def __init__(self, follow=None, rounds=(), *, keep=True):
        self.rows = []  # (index, item, value, error, finished)
        self.retries = []
        self.follow = follow
        self.rounds = list(rounds)
        self.abandons = []
        self.reasons = Counter()
        self.keep = keep

    def retried(self, work, worker, finished, error, wait, reason):
        self.retries.append((work.index, finished, wait))
        self.reasons[reason] += 1

    def ended(self, work, worker, finished, value, error):
        self.rows.append((work.index, work.item, value, error, finished))
        return self.follow(work, value) if self.follow and error is None else ()

    def abandoned(self, work, finished, error):
        self.abandons.append(work)
        self.rows.append((work.index, work.item, None, error, finished))

    def known(self, index):
        return next(((row[2], row[3]) for row in self.rows if row[0] == index), None) if self.keep else None

    def drained(self):
        return self.rounds.pop(0) if self.rounds else ()

    @property
    def times_ended(self):
        return Counter(row[0] for row in self.rows)

    @property
    def values(self):
        return {row[0]: row[2] for row in self.rows}

    @property
    def ends(self):
        return {row[0]: row[4] for row in self.rows}

    @property
    def errors(self):
        return {row[0]: row[3] for row in self.rows if row[3] is not None}


class Bench:
    """A scheduler, its sink, and what its task saw. ``host`` names an item's host."""

    def __init__(
        self, loop, items, task, *, strategy=None, retry=None, ahead=64, seed=0, gate=None, host=None,
        rate=None, priority=None, dedup=None, wall=None, may_begin=None, **sink,
    ):  # fmt: skip
        source = source_of(items, ahead=ahead)
        self.plan = plan_of(strategy or Async(4), source.total, plain=False)
        self.sink = Sink(**sink)
        self.peak = 0
        self.starts = []  # (time, item)
        self._now = 0
        self.loop = loop

        async def attempt(work):
            self.starts.append((loop.time(), work.item))
            self._now += 1
            self.peak = max(self.peak, self._now)
            try:
                return await task(work)
            finally:
                self._now -= 1

        def prepare(work):
            if host is not None:
                work.host = host(work.item)

        self.scheduler = Scheduler(
            source, attempt, self.plan, retry or Retry(attempts=1), self.sink,
            clock=loop.time, random=Random(seed), gate=gate, prepare=prepare, rate=RateRules(rate),
            priority=priority, dedup=dedup, wall=wall or loop.time, may_begin=may_begin,
        )  # fmt: skip

    async def run(self, *again):
        await self.scheduler.run(*again)
        lanes = self.scheduler._lanes
        assert self.scheduler.in_flight == 0
        assert (lanes.waiting, lanes.active) == (0, 0)
        assert all(lane.in_flight == 0 for lane in lanes)
        return self.sink

    def times(self, wanted):
        """When attempts at wanted items began."""
        return [when for when, item in self.starts if wanted(item)]


async def takes(work):
    """The item is how many seconds it takes, and its value."""
    await asyncio.sleep(work.item)
    return work.item


def refusal(status=429, **headers):
    """What a host answers that does not want a request now; ``retry_after=1`` is its Retry-After."""
    given = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return StatusError(f"HTTP {status}", status, given)


def down():
    """What comes of a host on which nobody listens."""
    return ConnectFailed("connection refused")
