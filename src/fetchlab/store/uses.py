"""Which entries were used, noted in memory and written now and then: a hit must not cost a write."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

from fetchlab.store.shelf_sql import TOUCH

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Uses"]

SECONDS = 5.0


class Uses:
    """Hits since they were last written, by entry; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _hits
        self._hits: dict[int, tuple[float, int]] = {}
        self._written = time.monotonic()

    def __len__(self) -> int:
        return len(self._hits)

    @property
    def due(self) -> bool:
        """True if there is something to write, and the last time is long ago."""
        return bool(self._hits) and time.monotonic() > self._written + SECONDS

    def note(self, number: int, now: float) -> None:
        """Count a hit."""
        with self._lock:
            _, hits = self._hits.get(number, (0.0, 0))
            self._hits[number] = (now, hits + 1)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what was noted, in one statement; on the writer's thread."""
        with self._lock:
            hits, self._hits = self._hits, {}
            self._written = time.monotonic()
        connection.execute(TOUCH, (json.dumps([(number, *seen) for number, seen in hits.items()]),))
