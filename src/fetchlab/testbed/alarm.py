"""Waking many waiters with one timer, never too early and hardly too late.

A timer of the event loop costs more than the rest of a delayed answer, and uvloop's clock counts whole
milliseconds. Here waiters share one timer, set to ring before the first is due; the rest, below a
millisecond, is turns of the loop, which serve whatever else comes.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Alarm"]

_TICK = 0.001


class Alarm:
    """Sets futures to True when their time comes; belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[float, int, asyncio.Future[bool]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._rings = float("inf")

    def wake(self, waiter: asyncio.Future[bool], seconds: float) -> None:
        """Set `waiter` in `seconds`, unless it has been set by then."""
        due = monotonic() + seconds
        heappush(self._waiting, (due, next(self._order), waiter))
        if due < self._rings:
            if self._timer is not None:
                self._timer.cancel()
            self._arm(due, seconds)

    def _arm(self, due: float, seconds: float) -> None:
        self._rings = due
        # Where uvloop rounds to the nearest tick, half a tick less rounds down; no tick at all is one turn.
        self._timer = self._loop.call_later(max(0.0, seconds - _TICK / 2), self._ring)

    def _ring(self) -> None:
        now = monotonic()
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            waiter = heappop(waiting)[2]
            if not waiter.done():
                waiter.set_result(True)
        if waiting:
            self._arm(waiting[0][0], waiting[0][0] - now)
        else:
            self._timer, self._rings = None, float("inf")
