"""One asker leads, the others wait: who is getting what at this moment, in this process.

A flight is one attempt to get what a key stands for. Whoever comes while it lasts does not ask again, but
waits for its end and looks into the cache then. If it brought nothing, one of those who waited leads the
next.
Works across threads and event loops: the end is told by calling back, in whatever thread it happens.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Flights"]


class Flights:
    """The flights under way, by key; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _waiting
        self._waiting: dict[str, list[Callable[[], object]]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._waiting

    def begin(self, key: str) -> bool:
        """Lead, unless somebody does; say whether the caller leads now, and must :meth:`end` it."""
        with self._lock:
            if key in self._waiting:
                return False
            self._waiting[key] = []
            return True

    def end(self, key: str) -> None:
        """End a flight, whatever came of it, and call everybody who waits for it."""
        with self._lock:
            waiting = self._waiting.pop(key, ())
        for call in waiting:
            call()

    def when_over(self, key: str, call: Callable[[], object]) -> None:
        """Call back once the flight is over; at once if there is none."""
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is not None:
                waiting.append(call)
                return
        call()
