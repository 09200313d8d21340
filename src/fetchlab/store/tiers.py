"""What a cache holds, memory, file and server as one, under the cache's rules: the engine's side of it."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fetchlab import loop
from fetchlab.errors import CacheError, CacheMiss, ConfigError
from fetchlab.policy.freshness import lasts_until
from fetchlab.store import advice, orders, shared_orders
from fetchlab.store.cache_keys import CacheKeys
from fetchlab.store.cache_stats import CacheStats
from fetchlab.store.entry import Entry
from fetchlab.store.lead import Lead
from fetchlab.store.memory import Memory
from fetchlab.store.shared_at import shared_at
from fetchlab.store.shelves import shelf_at
from fetchlab.store.through import LEAST_IN_MEMORY, Through
from fetchlab.store.trouble import warn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from fetchlab.policy.freshness import Rules
    from fetchlab.store.shared import Shared
    from fetchlab.store.shared_address import Address

__all__ = ["OWN", "Tiers"]

OWN = object()
"""In place of a ttl: the cache's own."""
DEFAULT_TTL = 3600.0
"""For values, where the cache's ttl is a function of responses, and for responses that it fails at."""
FAR_FIRST = ("hits_shared", "hits_file", "hits_memory")
FLUSH_SECONDS = 2.0
"""What a table of entries waits at most for those that are not in the file yet."""


class Tiers:
    """Entries in memory, in a file and at a server, where there are such; safe from any thread.

    Args:
        path: the file, None for none.
        rules: what may be used and how long.
        memory: entries in memory; tiers of one file share them.
        max_bytes: size at which the least recently used are dropped, from the file or the memory.
        shared: the server's address, None for none.

    Attributes:
        keys: what names requests.
        lead: who of all who want the same gets it.
        through: the tier that machines share, None if there is none.

    Raises:
        CacheError: the file cannot be used and cannot be replaced; the server does not answer.
        ConfigError: there is a server, and its client is not installed.
    """

    def __init__(
        self,
        path: Path | None,
        rules: Rules,
        *,
        memory: int,
        max_bytes: int | None,
        shared: Address | None = None,
    ) -> None:
        self.rules = rules
        self.keys = CacheKeys(rules)
        self._since = time.time()
        self._shelf = (
            None
            if path is None or rules.mode == "off"
            else shelf_at(path, max_bytes=max_bytes, readonly=rules.mode == "offline")
        )
        far = None if shared is None or rules.mode == "off" else shared_at(shared)
        if far is not None and self._shelf is None:
            memory = max(memory, LEAST_IN_MEMORY)
        near = self._shelf or (far if max_bytes is None else None)
        if near is None or not memory:
            self._memory = Memory(memory, max_bytes or sys.maxsize)
        else:
            self._memory = near.memory.widen(memory)
        self.through = None if far is None else Through(far, self._memory, self._shelf, rules)
        self.lead = Lead(self._shelf, self.is_good, self.through)
        self._lock = threading.Lock()  # guards _counts and _saved
        self._counts: Counter[str] = Counter()
        self._saved = 0.0
        self._warned = False

    def share(self, other: Tiers) -> None:
        """Hold the same entries in memory as others, which have nothing else either."""
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
        entry = self._memory.get(key) if self._shelf is None else self._shelf.get(key)
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
        if self.through is not None and self.through.has_arrived(key):
            self.hit_there(entry)
            return entry
        with self._lock:
            self._counts[tier] += 1
            self._saved += entry.seconds
        if self._shelf is not None:
            self._shelf.touch(key, time.time())
        return entry

    @property
    def reaches(self) -> bool:
        """True if there is a server that may hold what is not here."""
        return self.through is not None and self.through.readable

    def fetch(self, keys: Sequence[str]) -> Future[list[Entry | None]]:
        """Read entries of any age from the server, on one trip; call only where it is in reach."""
        assert self.through is not None  # it is in reach
        return self.through.fetch(keys)

    def reach(self, key: str) -> Entry | None:
        """Return an entry from the server to use without asking, and count the hit; waits for the trip.

        On the engine's own thread, which does not wait, there is none.
        """
        if not self.reaches or loop.on_loop_thread():
            return None
        (entry,) = self.fetch([key]).result()
        if entry is None or not self.is_good(entry.stored, entry.expires):
            return None
        return self.hit_there(entry)

    def hit_there(self, entry: Entry) -> Entry:
        """Count a hit at the server; return the entry."""
        with self._lock:
            self._counts["hits_shared"] += 1
            self._saved += entry.seconds
        if self.through is not None:
            self.through.hit(entry.key)
        return entry

    def take_back(self, entry: Entry) -> None:
        """Count a hit less: the entry was none for who got it."""
        with self._lock:
            self._counts[next((tier for tier in FAR_FIRST if self._counts[tier]), FAR_FIRST[-1])] -= 1
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
            for tier in (shelf, None if self.through is None else self.through.shared):
                if tier is not None and tier.trouble.error is not None and not tier.readable:
                    raise CacheError(f"{tier.trouble.error}, and the cache is offline")
            raise CacheMiss(f"the cache is offline and does not hold {key} (cache=fl.Cache(mode=…))")

    # keeping

    def store(self, entry: Entry, *, near: bool = False) -> None:
        """Keep an entry; with ``near`` only on this machine."""
        kept = self._memory.put(entry)
        if self._shelf is not None:
            kept = self._shelf.put(entry)
        if self.through is not None and not near:
            kept = self.through.put(entry) or kept
        if kept:
            self.count("stored")

    def store_value(
        self, key: str, value: Any, ttl: Any = OWN, seconds: float = 0.0, *, near: bool = False
    ) -> None:
        """Keep a value; with ``near`` only on this machine.

        Raises:
            StoreError: it cannot be stored.
        """
        if self.rules.mode == "off":
            return
        now = time.time()
        keep, expires = self.lasts_until(None, now) if ttl is OWN else lasts_until(ttl, value, now)
        if keep:
            entry = Entry.of_value(key, value, stored=now, expires=expires, seconds=seconds)
            self.store(entry, near=near)

    def take_orders(self) -> None:
        """Make sure that what a person stores will be kept.

        Raises:
            CacheError: the file, or what is shared, cannot be written.
        """
        if self._shelf is not None:
            orders.prepare(self._shelf)
        if self.through is not None and self.rules.mode != "off":
            shared_orders.prepare(self._there())

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
        if self.through is not None:
            self.through.renew(fresh)
        return fresh

    # dropping

    def remove(self, key: str) -> bool:
        """Drop an entry from every tier; say whether it was there."""
        near = self._memory.remove(key) if self._shelf is None else orders.remove(self._shelf, key)
        return near if self.through is None else shared_orders.remove(self._there(), key) or near

    def clear(self) -> int:
        """Drop all entries from every tier; return how many the fullest one had."""
        if self._shelf is not None:
            count = orders.clear(self._shelf)
        else:
            count = len(self._memory)
            self._memory.clear()
        return count if self.through is None else max(count, shared_orders.clear(self._there()))

    def expire(self, now: float, before: float) -> int:
        """Drop what is over at a moment or was stored before another; return how many."""
        if self._shelf is not None:
            count = orders.expire(self._shelf, now, before)
        else:
            count = self._memory.expire(now, before)
        return count if self.through is None else max(count, shared_orders.expire(self._there(), now, before))

    def _there(self) -> Shared:
        """Return the server that takes orders.

        Raises:
            CacheError: offline.
        """
        assert self.through is not None  # there is one
        shared = self.through.shared
        if self.rules.mode == "offline":
            raise CacheError(
                f"{shared.address.shown}: the cache is offline (mode='offline'); what was ordered is not done"
            )
        return shared

    # telling

    @property
    def backlog(self) -> int:
        """Rows that are not in the file yet."""
        return 0 if self._shelf is None else self._shelf.backlog

    def count(self, what: str) -> None:
        """Count a miss, a revalidation or a stand-in."""
        with self._lock:
            self._counts[what] += 1

    def stats(self, *, near: bool = False) -> CacheStats:
        """Return a snapshot of what was asked and what is held.

        Args:
            near: do not look at what a server holds, which takes a while.
        """
        with self._lock:
            counts, saved = self._counts.copy(), self._saved
        held = self._held(near=near)
        names = ("hits_memory", "hits_file", "hits_shared", "misses", "revalidated", "stale", "stored")
        shared = None if self.through is None else self.through.shared
        troubles = [tier.trouble.error for tier in (self._shelf, shared) if tier is not None]
        return CacheStats(
            **{name: counts[name] for name in names},
            **held,
            seconds_saved=saved,
            trouble="; ".join(str(error) for error in troubles if error is not None),
            shared="" if shared is None else shared.address.shown,
            without_shared=0 if self.through is None else self.through.lost,
        )

    def _held(self, *, near: bool) -> dict[str, int]:
        if self._shelf is not None:
            return self._shelf.tally()
        if self.through is not None and self.reaches and not near and not loop.on_loop_thread():
            with suppress(CacheError):  # it is gone meanwhile
                return shared_orders.tally(self.through.shared)
        memory = self._memory
        return {"entries": len(memory), "bytes": memory.bytes, "evicted": memory.dropped}

    def rows(self) -> list[tuple[Any, ...]]:
        """Return a row per entry, the latest stored first, as :mod:`~fetchlab.store.advice` reads them."""
        if self._shelf is not None:
            if not loop.on_loop_thread():
                self._shelf.flush(FLUSH_SECONDS)
            return self._shelf.rows(advice.SELECT)
        if self.through is not None:
            return shared_orders.rows(self.through.shared)
        return [
            (
                *(one.key, one.kind, one.size, one.stored, one.expires, one.seconds),
                *(0, 1, 0, one.checksums()[0], one.stored),
            )
            for one in reversed(self._memory.entries())
        ]

    def flush(self) -> None:
        """Wait until everything stored so far is in the file, and at the server."""
        if self._shelf is not None:
            self._shelf.flush()
        if self.through is not None:
            self.through.shared.flush()

    def close(self) -> None:
        """Write what waits, close the file and disconnect; what is asked later opens both again."""
        if self._shelf is not None:
            self._shelf.close()
        if self.through is not None:
            self.through.shared.close()
