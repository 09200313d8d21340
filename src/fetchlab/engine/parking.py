"""Items that wait by themselves, and the one timer that wakes them and the lanes.

Most wait for their next attempt until a moment. Some are *joined* to another's attempt: somebody is getting
what they need at this moment, and they are looked at again when that is over.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.work import Work

__all__ = ["Parking", "Postponed"]

TIMER_RESOLUTION = 0.002
SHORTEST = 1e-6
"""Seconds; loops take a timer for due when it nearly is: one set again for that moment would be due, too."""


class Postponed(Exception):
    """Raised by a task: this was no attempt, the item is to be served again.

    Args:
        when_over: calls its argument back, from any thread, when that may be; None is now.
    """

    def __init__(self, when_over: Callable[[Callable[[], None]], None] | None = None) -> None:
        super().__init__()
        self.when_over = when_over


class Parking:
    """A heap by due time with one timer.

    Args:
        clock: seconds, monotonic.
        others_due: when somebody else wants to be woken, infinity for never.
        on_due: given the items that are due, which may be none, whenever the timer strikes.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        others_due: Callable[[], float],
        on_due: Callable[[list[Work]], None],
    ) -> None:
        self._clock = clock
        self._others_due = others_due
        self._on_due = on_due
        self._heap: list[tuple[float, int, Work]] = []
        self._joined: dict[Work, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._heap) + len(self._joined)

    @property
    def joined(self) -> int:
        """Items that wait for somebody else's attempt."""
        return len(self._joined)

    def put(self, work: Work, due: float) -> None:
        """Let an item wait."""
        heapq.heappush(self._heap, (due, work.index, work))
        if self._heap[0][2] is work:
            self.arm()

    def join(self, work: Work, when_over: Callable[[Callable[[], None]], None]) -> None:
        """Let an item wait for somebody else's attempt."""
        self._joined[work] = None
        loop = asyncio.get_running_loop()

        def over() -> None:
            with suppress(RuntimeError):  # the loop is gone, and the run with it
                loop.call_soon_threadsafe(self._over, work)

        when_over(over)

    def clear(self) -> list[Work]:
        """Remove and return every item, the next due first."""
        works = [work for _, _, work in sorted(self._heap)] + list(self._joined)
        self._heap.clear()
        self._joined.clear()
        return works

    def arm(self) -> None:
        """Set the timer to the earliest due time."""
        self.disarm()
        due = min(self._heap[0][0] if self._heap else math.inf, self._others_due())
        if due < math.inf:
            wait = max(SHORTEST, due - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait, self._strike)

    def disarm(self) -> None:
        """Take the timer back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self, work: Work) -> None:
        if work in self._joined:
            del self._joined[work]
            self._on_due([work])

    def _strike(self) -> None:
        """Loops round their timers, so a little early is due too."""
        self._timer = None
        late = self._clock() + TIMER_RESOLUTION
        due = []
        while self._heap and self._heap[0][0] <= late:
            due.append(heapq.heappop(self._heap)[2])
        self._on_due(due)
        self.arm()
