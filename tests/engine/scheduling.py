"""A scheduler in virtual time, and a sink that remembers."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from fetchlab.engine.scheduler import Scheduler
from fetchlab.engine.source import source_of
from fetchlab.engine.strategies import Async, plan_of
from fetchlab.policy.retry import Retry


class Sink:
    """Everything the scheduler told, in order."""

    def __init__(self, follow=None, rounds=()):
        self.rows = []  # (index, item, value, error, finished)
        self.retries = []
        self.follow = follow
        self.rounds = list(rounds)
        self.abandons = []

    def retried(self, work, worker, finished, error, wait, reason):
        self.retries.append((work.index, finished, wait))

    def ended(self, work, worker, finished, value, error):
        self.rows.append((work.index, work.item, value, error, finished))
        return self.follow(work, value) if self.follow and error is None else ()

    def abandoned(self, work, finished, error):
        self.abandons.append(work)
        self.rows.append((work.index, work.item, None, error, finished))

    def known(self, index):
        return next(((row[2], row[3]) for row in self.rows if row[0] == index), None)

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


class Bench:
    """A scheduler, its sink, and what its task saw."""

    def __init__(self, loop, items, task, *, strategy=None, retry=None, ahead=64, seed=0, gate=None, **sink):
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

        self.scheduler = Scheduler(
            source, attempt, self.plan, retry or Retry(attempts=1), self.sink,
            clock=loop.time, random=Random(seed), gate=gate,
        )  # fmt: skip

    async def run(self, *again):
        await self.scheduler.run(*again)
        assert self.scheduler.in_flight == 0
        return self.sink


async def takes(work):
    """The item is how many seconds it takes, and its value."""
    await asyncio.sleep(work.item)
    return work.item
