"""Where bodies lie in a cache's file: numbers in the order they come, so that a batch lies together."""

from __future__ import annotations

import secrets
import threading
import time

__all__ = ["Places"]


class Places:
    """Rising numbers, and other ones than other processes choose at the same time; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _last
        self._last = 0

    def next(self) -> int:
        """Return a number that nobody has."""
        place = time.time_ns() // 1000 << 12 | secrets.randbits(12)
        with self._lock:
            self._last = max(self._last + 1, place)
            return self._last
