"""Services that live in virtual time, and a crowd of workers that asks them through one gate."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass, field
from random import Random

REFUSAL_SECONDS = 0.001


class Bucket:
    """Answers ``rate`` requests per second and ``burst`` at once, refuses the rest; some fail by chance."""

    def __init__(self, rate, burst, *, retry_after=None, chance=0.0, latency=0.05, seed=0):
        self.rate, self.burst, self.retry_after = rate, burst, retry_after
        self.chance, self.latency = chance, latency
        self._random = Random(seed)
        self._due = -math.inf

    def ask(self, now, _in_flight):
        """Return the seconds until the answer, and whether it is one."""
        due = max(self._due, now)
        if due - now > (self.burst - 1) / self.rate + 1e-9 or self._random.random() < self.chance:
            return REFUSAL_SECONDS, False
        self._due = due + 1 / self.rate
        return self.latency * self._random.uniform(0.9, 1.1), True


class Crowded:
    """Slower the more are asking: a capacity, a collapse, a drift, or nothing of all that."""

    def __init__(self, *, latency=0.05, capacity=None, collapse=None, drift=0.0, period=20.0, seed=0):
        self.latency, self.capacity, self.collapse = latency, capacity, collapse
        self.drift, self.period = drift, period
        self._random = Random(seed)
        self._busy = []  # when each place is free again

    def ask(self, now, in_flight):
        """Return the seconds until the answer, and True."""
        seconds = self.latency * self._random.uniform(0.9, 1.1)
        if self.collapse is not None and in_flight > self.collapse:
            seconds *= (in_flight / self.collapse) ** 2
        seconds *= 1 + self.drift * math.sin(2 * math.pi * now / self.period)
        if self.capacity is None:
            return seconds, True
        begins = now if len(self._busy) < self.capacity else max(now, heapq.heappop(self._busy))
        heapq.heappush(self._busy, begins + seconds)
        return begins + seconds - now, True


@dataclass
class Told:
    """What happened, by time."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    widest: int = 0

    def rate(self, since, until):
        """Answers per second in a span of time."""
        return sum(since <= when < until for when in self.answered) / (until - since)

    @property
    def refused_share(self):
        """Refusals among all requests."""
        return len(self.refused) / max(1, len(self.starts))

    def per_second(self):
        """Answers by whole second."""
        return Counter(int(when) for when in self.answered)


def crowd(gate, remote, seconds, *, workers=20, tell=None):
    """Let ``workers`` ask a remote as fast as the gate lets them, for so many seconds of virtual time.

    Args:
        gate: a HostGate, or anything with its four methods.
        remote: a service of this module.
        seconds: how long.
        workers: how many ask.
        tell: called as tell(now) after every event.
    """
    told, now, flights, number = Told(), 0.0, [], 0
    while now < seconds:
        delay = gate.delay(now) if len(flights) < workers else math.inf
        ends = flights[0][0] if flights else math.inf
        if now + delay < ends or (not delay and ends > now):
            now += delay
            if delay:
                continue
            gate.begin(now)
            told.starts.append(now)
            took, well = remote.ask(now, len(flights) + 1)
            number += 1
            heapq.heappush(flights, (now + took, number, now, well))
            told.widest = max(told.widest, len(flights))
        else:
            assert ends < math.inf, "nobody may ask and nobody is asked: it would stand still for ever"
            now, _, began, well = heapq.heappop(flights)
            if well:
                told.answered.append(now)
                gate.answered(began, now - began, now)
            else:
                told.refused.append(now)
                gate.refused(began, now, remote.retry_after, slow_down=True)
        if tell is not None:
            tell(now)
    return told
