"""How a service admits requests: its rate limit, its capacity, its latency, its bad hours."""

from __future__ import annotations

import math
import random
from collections import deque
from statistics import NormalDist
from time import monotonic
from typing import TYPE_CHECKING

from fetchlab.testbed.hashing import share

if TYPE_CHECKING:
    import asyncio

    from fetchlab.testbed.protocol import Connection
    from fetchlab.testbed.settings import Settings

__all__ = ["Gate"]


class Gate:
    """One wire's door. Every request asks `refusal`, then enters, takes `seconds`, and leaves."""

    def __init__(self, seed: int, settings: Settings) -> None:
        self._seed = seed
        self._noise = random.Random(seed)  # noqa: S311 - not a secret
        self._queue: deque[asyncio.Future[bool]] = deque()
        self._inside = 0
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Follow new settings; the clocks of outage and drift and the burst start anew."""
        self.settings = settings
        self._since = monotonic()
        self._due = 0.0
        self._countdown = settings.outage_after
        self._outage_ends = 0.0
        spread = math.log1p(settings.jitter**2)
        self._sigma, self._mu = math.sqrt(spread), -spread / 2
        self._admit()

    def refusal(self) -> int | None:
        """429 beyond the rate, 503 in an outage, else None."""
        settings = self.settings
        if self._countdown is not None or self._outage_ends:
            now = monotonic()
            if self._countdown is not None:
                self._countdown -= 1
                if self._countdown < 0:
                    self._countdown = None
                    self._outage_ends = now + settings.outage_for
            if now < self._outage_ends:
                return 503
        if settings.rate is not None:
            # GCRA: the theoretical arrival time may run ahead of the clock by the burst.
            now, step = monotonic(), 1 / settings.rate
            due = max(self._due, now)
            if due - now > (settings.burst - 1) * step + 1e-9:
                return 429
            self._due = due + step
        return None

    def seconds(self, in_flight: int, key: str = "", work: float = 0.0) -> float:
        """How long the service takes for this answer; with `steady` it depends on what is asked, by `key`.

        Args:
            in_flight: how many requests are being served, this one included.
            key: what is asked.
            work: seconds that this answer takes beyond the latency.
        """
        settings = self.settings
        seconds = settings.latency + work
        if not seconds:
            return 0.0
        if settings.jitter:
            drawn = _steady(self._seed, key) if settings.steady else self._noise.gauss(0.0, 1.0)
            seconds *= math.exp(self._mu + self._sigma * drawn)
        if settings.collapse is not None and in_flight > settings.collapse:
            seconds *= (in_flight / settings.collapse) ** 2
        if settings.drift:
            turns = (monotonic() - self._since) / settings.drift_period
            seconds *= 1 + settings.drift * math.sin(2 * math.pi * turns)
        return seconds

    async def enter(self, connection: Connection) -> bool:
        """Wait for a place, first come first served; False if the client leaves before."""
        capacity = self.settings.capacity
        if capacity is None or (self._inside < capacity and not self._queue):
            self._inside += 1
            return True
        turn = connection.wait()
        self._queue.append(turn)
        return await turn

    def leave(self) -> None:
        """Give the place to the next in the queue."""
        self._inside -= 1
        if self._queue:
            self._admit()

    def _admit(self) -> None:
        capacity = self.settings.capacity
        while self._queue and (capacity is None or self._inside < capacity):
            turn = self._queue.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(True)


_NORMAL = NormalDist()


def _steady(seed: int, key: str) -> float:
    """A draw from the normal distribution that belongs to `key`."""
    return _NORMAL.inv_cdf(min(1 - 1e-12, max(1e-12, share(seed, f"latency {key}", 0))))
