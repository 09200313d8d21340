"""Downloads at a time: who ends one lets the next begin, the one that expires first. Sans I/O."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Slots"]


class Slots:
    """A number of places, and those who wait for one.

    Args:
        most: places.
    """

    def __init__(self, most: int) -> None:
        self.busy = self.largest = 0
        self._most = most
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def take(self) -> bool:
        """Take a place if there is one."""
        if self.busy >= self._most:
            return False
        self.busy += 1
        self.largest = max(self.largest, self.busy)
        return True

    def wait(self, until: float | None, over: Callable[[], None]) -> None:
        """Have ``over`` called when there may be a place; who must be done earlier goes first."""
        if self.busy < self._most:  # one was freed meanwhile
            over()
            return
        heapq.heappush(self._waiting, (math.inf if until is None else until, next(self._order), over))

    def free(self) -> None:
        """Give a place back."""
        self.busy -= 1
        if self._waiting:
            heapq.heappop(self._waiting)[2]()

    def clear(self) -> None:
        """Forget who waits."""
        self._waiting.clear()
