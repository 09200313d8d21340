"""The tier in memory: the entries used last, as many as there is room for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetchlab.store.entry import Entry

__all__ = ["Memory"]


class Memory:
    """Entries by key, the least recently used dropped first; safe from any thread.

    Args:
        entries: how many at most; 0 holds none.
        max_bytes: how much they may take at most.
    """

    def __init__(self, entries: int, max_bytes: int) -> None:
        self._most = entries
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()  # guards _entries and bytes
        self.bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def widen(self, entries: int) -> Memory:
        """Hold at least so many entries from now on."""
        self._most = max(self._most, entries)
        return self

    def get(self, key: str) -> Entry | None:
        """Return an entry, which now is the last to be dropped."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, entry: Entry) -> bool:
        """Add or replace an entry; say whether there is room for one of its size."""
        size = entry.size
        with self._lock:
            self._remove(entry.key)
            if not self._most or size > self._max_bytes:
                return False
            self._entries[entry.key] = entry
            self.bytes += size
            while len(self._entries) > self._most or self.bytes > self._max_bytes:
                _, old = self._entries.popitem(last=False)
                self.bytes -= old.size
                self.dropped += 1
            return True

    def remove(self, key: str) -> bool:
        """Drop an entry; say whether it was there."""
        with self._lock:
            return self._remove(key)

    def entries(self) -> list[Entry]:
        """Return all entries, the least recently used first."""
        with self._lock:
            return list(self._entries.values())

    def expire(self, now: float, before: float) -> int:
        """Drop what is over at this moment or was stored before another; return how many."""
        over = [
            entry.key
            for entry in self.entries()
            if (entry.expires is not None and entry.expires <= now) or entry.stored < before
        ]
        return sum(map(self.remove, over))

    def clear(self) -> None:
        """Drop all entries."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def _remove(self, key: str) -> bool:
        old = self._entries.pop(key, None)
        if old is not None:
            self.bytes -= old.size
        return old is not None
