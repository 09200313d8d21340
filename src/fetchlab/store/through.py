"""Reading through to the shared tier: what one machine fetched is found by all, and kept nearby."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.policy.freshness import Rules
    from fetchlab.store.entry import Entry
    from fetchlab.store.leases import Verdict
    from fetchlab.store.memory import Memory
    from fetchlab.store.shared import Shared
    from fetchlab.store.shelf import Shelf

__all__ = ["KEEP_SECONDS", "LEAST_IN_MEMORY", "Through"]

KEEP_SECONDS = 7 * 86_400.0
"""What the server keeps of an entry whose time is over: it may still be asked about, and stand in."""
LEAST_IN_MEMORY = 256
"""Entries in memory in front of a server, so that what has come is still there at its turn."""
ON_THEIR_WAY = 10_000


class Through:
    """The shared tier as one cache uses it.

    Args:
        shared: the tier.
        memory: the tier in front of it.
        shelf: the file in front of it, None if there is none.
        rules: the cache's.
    """

    def __init__(self, shared: Shared, memory: Memory, shelf: Shelf | None, rules: Rules) -> None:
        self.shared = shared
        self._memory = memory
        self._shelf = shelf
        self._offline = rules.mode == "offline"
        self._grace = max(KEEP_SECONDS, rules.stale_if_error or 0.0)
        self._lost_before = shared.lost
        self._arrived: dict[str, None] = {}

    @property
    def readable(self) -> bool:
        """False while the server is gone."""
        return self.shared.readable

    @property
    def writable(self) -> bool:
        """False while it cannot be written, and offline."""
        return self.shared.writable and not self._offline

    @property
    def lost(self) -> int:
        """Entries not stored there, and questions not answered, since the cache was made."""
        return self.shared.lost - self._lost_before

    def fetch(self, keys: Sequence[str]) -> Future[list[Entry | None]]:
        """Read entries of any age; they are in the tiers in front before the future is done."""
        fetched: Future[list[Entry | None]] = Future()

        def done(entries: list[Entry | None]) -> None:
            try:
                for entry in filter(None, entries):
                    self._keep_near(entry)
            finally:
                fetched.set_result(entries)

        self.shared.fetch(keys, done)
        return fetched

    def ask(self, keys: Sequence[str], good: Callable[[float, float | None], bool]) -> Future[list[Verdict]]:
        """Ask for the lead among machines."""
        return self.shared.leases.ask(keys, good, self._arrive)

    def has_arrived(self, key: str) -> bool:
        """Say whether an entry has come from there since it was last asked for."""
        if key not in self._arrived:
            return False
        return self._arrived.pop(key, 0) is None

    def hit(self, key: str) -> None:
        """Count a hit there."""
        if not self._offline:
            self.shared.hits.note(key)

    def put(self, entry: Entry) -> bool:
        """Store an entry, which ends its lease; False if it cannot be done."""
        return not self._offline and self.shared.put(entry, self._keep_for(entry))

    def renew(self, entry: Entry) -> None:
        """Note that an entry is unchanged."""
        if not self._offline:
            self.shared.renew(entry, self._keep_for(entry))

    def _keep_for(self, entry: Entry) -> float | None:
        return None if entry.expires is None else max(0.0, entry.expires - time.time()) + self._grace

    def _arrive(self, entry: Entry) -> None:
        self._keep_near(entry)
        if len(self._arrived) > ON_THEIR_WAY:  # whose askers were cancelled
            self._arrived.clear()
        self._arrived[entry.key] = None

    def _keep_near(self, entry: Entry) -> None:
        """Keep an entry in front, unless there is a later one."""
        near = self._memory.get(entry.key)
        if near is None or near.stored < entry.stored:
            self._memory.put(entry)
        if self._shelf is not None:
            times = self._shelf.times(entry.key)
            if times is None or times[0] < entry.stored:
                self._shelf.put(entry)
