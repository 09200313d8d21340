"""What a cache holds, memory and file as one, under the cache's rules: the engine's side of it."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from fetchlab import loop
from fetchlab.errors import CacheError, CacheMiss, ConfigError
from fetchlab.policy.freshness import lasts_until
from fetchlab.store import advice, orders
from fetchlab.store.cache_keys import CacheKeys
from fetchlab.store.cache_stats import CacheStats
from fetchlab.store.entry import Entry
from fetchlab.store.lead import Lead
from fetchlab.store.memory import Memory
from fetchlab.store.shelves import shelf_at
from fetchlab.store.trouble import warn

if TYPE_CHECKING:
    from pathlib import Path

    from fetchlab.policy.freshness import Rules

__all__ = ["OWN", "Tiers"]

OWN = object()
"""In place of a ttl: the cache's own."""
DEFAULT_TTL = 3600.0
"""For values, where the cache's ttl is a function of responses, and for responses that it fails at."""
FLUSH_SECONDS = 2.0
"""What a table of entries waits at most for those that are not in the file yet."""


class Tiers:
    """Entries in memory, and in a file if there is one; safe from any thread.

    Args:
        path: the file, None for memory alone.
        rules: what may be used and how long.
        memory: entries in memory; tiers of one file share them.
        max_bytes: size at which the least recently used are dropped.

    Attributes:
        keys: what names requests.
        lead: who of all who want the same gets it.

    Raises:
        CacheError: the file cannot be used and cannot be replaced.
    """

    def __init__(self, path: Path | None, rules: Rules, *, memory: int, max_bytes: int | None) -> None:
        self.rules = rules
        self.keys = CacheKeys(rules)
        self._since = time.time()
        self._shelf = (
            None
            if path is None or rules.mode == "off"
            else shelf_at(path, max_bytes=max_bytes, readonly=rules.mode == "offline")
        )
        if self._shelf is None or not memory:
            self._memory = Memory(memory, max_bytes or sys.maxsize)
        else:
            self._memory = self._shelf.memory.widen(memory)
        self.lead = Lead(self._shelf, self.is_good)
        self._lock = threading.Lock()  # guards _counts and _saved
        self._counts: Counter[str] = Counter()
        self._saved = 0.0
        self._warned = False

    def share(self, other: Tiers) -> None:
        """Hold the same entries in memory as others, which have no file either."""
        self._memory = other._memory

    # looking

    def is_good(self, stored: float, expires: float | None, since: float | None = None) -> bool:
        """Say whether an entry with these times may be used without asking."""
        return self.rules.is_fresh(stored, expires, time.time(), self._since if since is None else since)

    def has_good(self, key: str, since: float | None = None) -> bool:
        """Say whether there is an entry to use without asking."""
        entry = self._memory.get(key)
        if entry is not None and self.is_good(entry.stored, entry.expires, since):
            return True
        times = None if self._shelf is None else self._shelf.times(key)
        return times is not None and self.is_good(*times, since)

    def holds(self, key: str, since: float, after: float = -1.0) -> bool:
        """Read an entry that is to be good by its times; say whether it is there, whole and late enough."""
        entry = None if self._shelf is None else self._shelf.get(key)
        if entry is None or entry.stored <= after or not self.is_good(entry.stored, entry.expires, since):
            return False
        self._memory.put(entry)
        return True

    def good(
        self, key: str, since: float | None = None, *, memory_only: bool = False, after: float = -1.0
    ) -> Entry | None:
        """Return an entry to use without asking, and count the hit; None if there is none.

        Args:
            key: its name.
            since: with ``refresh``, what was stored before is not good enough.
            memory_only: do not look into the file.
            after: nor is what was stored at this moment or before, whatever the mode.
        """
        if self.rules.mode == "off":
            return None
        entry = self._memory.get(key)
        tier = "hits_memory"
        if entry is None or entry.stored <= after or not self.is_good(entry.stored, entry.expires, since):
            entry = None if self._shelf is None or memory_only else self._shelf.get(key)
            tier = "hits_file"
            if entry is None or entry.stored <= after or not self.is_good(entry.stored, entry.expires, since):
                return None
            self._memory.put(entry)
        with self._lock:
            self._counts[tier] += 1
            self._saved += entry.seconds
        if self._shelf is not None:
            self._shelf.touch(key, time.time())
        return entry

    def take_back(self, entry: Entry) -> None:
        """Count a hit less: the entry was none for who got it."""
        with self._lock:
            self._counts["hits_file" if self._counts["hits_file"] else "hits_memory"] -= 1
            self._saved -= entry.seconds

    def old(self, key: str) -> Entry | None:
        """Return an entry of any age, None if there is none."""
        stored = None if self._shelf is None else self._shelf.get(key)
        return stored or self._memory.get(key)

    def or_miss(self, key: str) -> None:
        """Raise offline, where nothing can be asked.

        Raises:
            CacheMiss: the cache is offline.
            CacheError: it is, and nobody knows what it holds, for its file cannot be read.
        """
        if self.rules.mode == "offline":
            self.count("misses")
            shelf = self._shelf
            if shelf is not None and shelf.trouble.error is not None and not shelf.trouble.readable:
                raise CacheError(f"{shelf.trouble.error}, and the cache is offline")
            raise CacheMiss(f"the cache is offline and does not hold {key} (cache=fl.Cache(mode=…))")

    # keeping

    def store(self, entry: Entry) -> None:
        """Keep an entry."""
        kept = self._memory.put(entry)
        if self._shelf is not None:
            kept = self._shelf.put(entry)
        if kept:
            self.count("stored")

    def store_value(self, key: str, value: Any, ttl: Any = OWN, seconds: float = 0.0) -> None:
        """Keep a value.

        Raises:
            StoreError: it cannot be stored.
        """
        if self.rules.mode == "off":
            return
        now = time.time()
        keep, expires = self.lasts_until(None, now) if ttl is OWN else lasts_until(ttl, value, now)
        if keep:
            self.store(Entry.of_value(key, value, stored=now, expires=expires, seconds=seconds))

    def take_orders(self) -> None:
        """Make sure that what a person stores will be kept.

        Raises:
            CacheError: the file cannot be written.
        """
        if self._shelf is not None:
            orders.prepare(self._shelf)

    def lasts_until(self, response: Any, now: float) -> tuple[bool, float | None]:
        """Return whether to store a response or value (None), and until when it is good."""
        ttl = self.rules.ttl
        if not callable(ttl):
            return lasts_until(ttl, response, now)
        if response is not None:
            try:
                return lasts_until(ttl, response, now)
            except ConfigError as error:  # the answer is there, and good: it is not the item that failed
                if not self._warned:
                    self._warned = True
                    warn(f"{error}; what it does not know is kept for {DEFAULT_TTL / 3600:g} h")
        return lasts_until(DEFAULT_TTL, response, now)

    def renew(self, entry: Entry, expires: float | None) -> Entry:
        """Note that the server has said an entry is unchanged; return it with its new time."""
        fresh = entry.renewed(time.time(), expires)
        self._memory.put(fresh)
        if self._shelf is not None:
            self._shelf.renew(fresh)
        return fresh

    # dropping

    def remove(self, key: str) -> bool:
        """Drop an entry; say whether it was there."""
        return self._memory.remove(key) if self._shelf is None else orders.remove(self._shelf, key)

    def clear(self) -> int:
        """Drop all entries; return how many there were."""
        if self._shelf is not None:
            return orders.clear(self._shelf)
        count = len(self._memory)
        self._memory.clear()
        return count

    def expire(self, now: float, before: float) -> int:
        """Drop what is over at a moment or was stored before another; return how many."""
        if self._shelf is not None:
            return orders.expire(self._shelf, now, before)
        return self._memory.expire(now, before)

    # telling

    @property
    def backlog(self) -> int:
        """Rows that are not in the file yet."""
        return 0 if self._shelf is None else self._shelf.backlog

    def count(self, what: str) -> None:
        """Count a miss, a revalidation or a stand-in."""
        with self._lock:
            self._counts[what] += 1

    def stats(self) -> CacheStats:
        """Return a snapshot of what was asked and what is held."""
        with self._lock:
            counts, saved = self._counts.copy(), self._saved
        if self._shelf is None:
            memory = self._memory
            held = {"entries": len(memory), "bytes": memory.bytes, "evicted": memory.dropped}
        else:
            held = self._shelf.tally()
        names = ("hits_memory", "hits_file", "misses", "revalidated", "stale", "stored")
        trouble = None if self._shelf is None else self._shelf.trouble.error
        return CacheStats(
            **{name: counts[name] for name in names},
            **held,
            seconds_saved=saved,
            trouble="" if trouble is None else str(trouble),
        )

    def rows(self) -> list[tuple[Any, ...]]:
        """Return a row per entry, the latest stored first, as :mod:`~fetchlab.store.advice` reads them."""
        if self._shelf is not None:
            if not loop.on_loop_thread():
                self._shelf.flush(FLUSH_SECONDS)
            return self._shelf.rows(advice.SELECT)
        return [
            (
                *(one.key, one.kind, one.size, one.stored, one.expires, one.seconds),
                *(0, 1, 0, one.checksums()[0], one.stored),
            )
            for one in reversed(self._memory.entries())
        ]

    def flush(self) -> None:
        """Wait until everything stored so far is in the file."""
        if self._shelf is not None:
            self._shelf.flush()

    def close(self) -> None:
        """Write what waits and close the file; what is asked later opens it again."""
        if self._shelf is not None:
            self._shelf.close()
