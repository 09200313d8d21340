"""Which entries a server was asked for with success, counted here and told now and then."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from fetchlab.store import shared_words as words

if TYPE_CHECKING:
    from fetchlab.store.shared_words import Command

__all__ = ["SharedHits"]

SECONDS = 5.0


class SharedHits:
    """Hits since they were last told, by entry; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _hits
        self._hits: dict[str, int] = {}
        self._told = time.monotonic()

    @property
    def due(self) -> float:
        """When they are to be told, infinity if there is nothing to tell; monotonic seconds."""
        return self._told + SECONDS if self._hits else math.inf

    def note(self, key: str) -> None:
        """Count a hit."""
        name = words.name_of(key)
        with self._lock:
            self._hits[name] = self._hits.get(name, 0) + 1

    def take(self) -> list[Command]:
        """Return what tells the server of all that was noted, which begins anew."""
        with self._lock:
            hits, self._hits = self._hits, {}
        self._told = time.monotonic()
        return [words.touch(hits)] if hits else []
