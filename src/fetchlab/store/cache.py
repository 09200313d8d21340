"""The cache people hold: what was fetched once is there at once."""

from __future__ import annotations

import inspect
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fetchlab.errors import CacheMiss, ConfigError
from fetchlab.model import Request
from fetchlab.policy.freshness import METHODS, Rules, lasts_until
from fetchlab.policy.keys import plain_key
from fetchlab.store import advice
from fetchlab.store.cache_keys import CacheKeys
from fetchlab.store.cache_stats import CacheStats
from fetchlab.store.creating import created, created_async
from fetchlab.store.entry import Entry
from fetchlab.store.flights import Flights
from fetchlab.store.memoize import memoized
from fetchlab.store.memory import Memory
from fetchlab.store.shelf import shelf_at

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection
    from concurrent.futures import Future

    import polars as pl

    from fetchlab.policy.freshness import Mode
    from fetchlab.store.leases import Verdict

__all__ = ["Cache"]

_OWN = object()


class Cache:
    """Remembers responses and values: in memory, and in one SQLite file where a path is given.

    Give it to ``fl.fetch``, ``fl.map`` or ``fl.download``, or use it directly. Of many who ask for the same
    key at once, in this process or in others with the same file, one asks the server and the others get its
    answer. Safe from any thread; several caches of one path share the file.

    An entry's key is the request's method, URL and body, secrets masked. Two accounts that get different
    answers for one URL need ``vary=("authorization",)`` or a file each. Responses are stored with a status
    below 400, or one that ``accept`` names, after their parser has taken them. Secret headers, ``Set-Cookie``
    among them, are masked in what is stored.

    Args:
        path: the SQLite file, made with its folders; None keeps everything in memory.
        ttl: seconds an entry is good for, one hour unless told; None for ever. Or a function of the
            :class:`Response` that returns them, 0 for what is not to be stored.
        memory: entries in memory, the least recently used dropped first; caches of one file share them.
        max_bytes: size of the file (without one, of the memory) at which the least recently used are dropped.
        mode: ``"use"``; ``"refresh"`` asks again for everything stored before the run; ``"offline"`` makes no
            request at all, whatever the entries' age, and ends an item without one as ``CacheMiss``;
            ``"off"``.
        stale_if_error: seconds past its time that an entry stands in for a request that failed, retries
            included.
        vary: names of request headers that make a difference, ``("accept-language",)`` say.
        ignore: names of query parameters that make none, ``("_", "timestamp")`` say.
        methods: what is cached.

    Raises:
        ConfigError: a knob has a value that cannot work.
        CacheError: the file cannot be used and cannot be replaced. One that is damaged or foreign is moved
            aside, a new one is begun, and a warning says so.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        ttl: float | Callable[[Any], float | None] | None = 3600.0,
        memory: int = 10_000,
        max_bytes: int | None = None,
        mode: Mode = "use",
        stale_if_error: float | None = None,
        vary: Collection[str] = (),
        *,
        ignore: Collection[str] = (),
        methods: Collection[str] = METHODS,
    ) -> None:
        self.rules = Rules(ttl, mode, stale_if_error, tuple_of(vary), tuple_of(ignore), tuple_of(methods))
        _whole("memory", memory, 0)
        if max_bytes is not None:
            _whole("max_bytes", max_bytes, 1)
        self.path = None if path is None else Path(path)
        self._knobs = (path, ttl, memory, max_bytes, mode, stale_if_error, vary)
        self._keys = CacheKeys(self.rules)
        self._since = time.time()
        self._max_bytes = max_bytes
        self._shelf = (
            None
            if self.path is None or mode == "off"
            else shelf_at(self.path, max_bytes=max_bytes, readonly=mode == "offline")
        )
        if self._shelf is None or not memory:
            self._memory = Memory(memory, max_bytes or sys.maxsize)
        else:
            self._memory = self._shelf.memory.widen(memory)
        self._flights = Flights()
        self._lock = threading.Lock()  # guards _counts and _saved
        self._counts: Counter[str] = Counter()
        self._saved = 0.0

    @classmethod
    def of(cls, cache: Any) -> Cache | None:
        """Return the cache of a ``cache`` knob: a cache, a path, or None.

        Raises:
            ConfigError: it is none of these.
        """
        if cache is None or isinstance(cache, cls):
            return cache
        if isinstance(cache, str | os.PathLike):
            return cls(cache)
        raise ConfigError("cache", f"give fl.Cache(…) or a file's path, not {cache!r}")

    # for people

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what is stored under a key and still good, else ``default``.

        Args:
            key: a URL, an ``fl.Request``, a key as in ``run.frame()``, or the key it was :meth:`put` under.
            default: what to return if there is nothing.

        Returns:
            The :class:`Response` of a request, or the value.
        """
        entry = self.good(self.key_of(key))
        return default if entry is None else entry.value()

    def put(self, key: Any, value: Any, ttl: Any = _OWN) -> None:
        """Store a value: anything JSON can say, bytes, a polars DataFrame, a dataclass, a Response.

        Args:
            key: a string, a number, a tuple of those, or an ``fl.Request``.
            value: what to store.
            ttl: seconds it is good for, None for ever; the cache's own unless given.

        Raises:
            StoreError: the value cannot be stored.
        """
        self.store_value(self.key_of(key), value, ttl)

    def get_or_create(self, key: Any, create: Callable[[], Any], ttl: Any = _OWN) -> Any:
        """Return what is stored, else what ``create`` returns, stored from then on.

        Of many who ask at once one creates, in this and other processes; if it fails, the next one does.

        Args:
            key: as in :meth:`put`.
            create: a plain function; or an async one, then this returns something to await.
            ttl: as in :meth:`put`.

        Raises:
            CacheMiss: offline, and there is nothing.
        """
        name = self.key_of(key)
        if inspect.iscoroutinefunction(create):
            return created_async(self, name, create, ttl)
        return created(self, name, create, ttl)

    def memoize(
        self,
        function: Callable[..., Any] | None = None,
        *,
        ttl: Any = _OWN,
        key: Callable[..., Any] | None = None,
    ) -> Any:
        """Make a function remember what it returned for its arguments; a decorator.

        ``@cache.memoize`` or ``@cache.memoize(ttl=60)``, for async and plain functions. The key is the
        function's name and source and its arguments, so a changed function is asked anew.

        Args:
            function: what to decorate.
            ttl: as in :meth:`put`.
            key: makes the key of a call's arguments, where these have no plain form.
        """
        if function is None:
            return lambda decorated: memoized(self, decorated, ttl=ttl, key=key)
        return memoized(self, function, ttl=ttl, key=key)

    def delete(self, key: Any) -> bool:
        """Drop an entry; say whether it was there."""
        name = self.key_of(key)
        return self._memory.remove(name) if self._shelf is None else self._shelf.remove(name)

    def clear(self) -> int:
        """Drop all entries; return how many there were."""
        if self._shelf is not None:
            return self._shelf.clear()
        count = len(self._memory)
        self._memory.clear()
        return count

    def expire(self, older_than: float | None = None) -> int:
        """Drop entries whose time is over, which also end to be asked about and to stand in for failures.

        Args:
            older_than: seconds; drop what was stored longer ago, too.

        Returns:
            How many were dropped.
        """
        now = time.time()
        before = -1.0 if older_than is None else now - older_than
        if self._shelf is not None:
            return self._shelf.expire(now, before)
        return self._memory.expire(now, before)

    def stats(self) -> CacheStats:
        """Return a snapshot of what was asked and what is held."""
        with self._lock:
            counts, saved = self._counts.copy(), self._saved
        if self._shelf is None:
            held = {
                "entries": len(self._memory),
                "bytes": self._memory.bytes,
                "evicted": self._memory.dropped,
            }
        else:
            held = self._shelf.tally()
        names = ("hits_memory", "hits_file", "misses", "revalidated", "stale", "stored")
        trouble = None if self._shelf is None else self._shelf.trouble
        return CacheStats(
            **{name: counts[name] for name in names},
            **held,
            seconds_saved=saved,
            trouble="" if trouble is None else str(trouble),
        )

    def frame(self) -> pl.DataFrame:
        """Return a row per entry, the latest stored first.

        Columns: ``key str, host str?`` (null where the key is no request's)``, kind str, bytes u64, stored
        datetime (UTC), expires datetime?, seconds f64`` (what it took to get)``, hits u64, fetches u64`` (how
        often it was fetched)``, changes u64`` (how often that brought another body). Without a file the last
        three are 0, 1 and 0.
        """
        return advice.entries_frame(self._rows())

    def advice(self) -> pl.DataFrame:
        """Return what to change, and how many requests that would have saved.

        Where a ttl is too short or too long, a parameter makes no difference, or bodies are too large; see
        :mod:`~fetchlab.store.advice`.

        Columns: ``advice str, host str, entries u32, requests i64, knob str, example_key str, detail str``.
        """
        return advice.advice_frame(self._rows(), self.stats(), self._max_bytes)

    def flush(self) -> None:
        """Wait until everything stored so far is in the file."""
        if self._shelf is not None:
            self._shelf.flush()

    def close(self) -> None:
        """Write what waits and close the file; what is asked later opens it again."""
        if self._shelf is not None:
            self._shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self._knobs, self.rules.ignore, self.rules.methods)

    def __repr__(self) -> str:
        held = self.stats()
        where = "in memory" if self.path is None else str(self.path)
        return (
            f"Cache({where}, mode={self.rules.mode!r}, {held.entries:,} entries, {held.bytes / 1e6:,.1f} MB, "
            f"{held.hits:,} hits, {held.misses:,} misses)"
        )

    # for the engine

    def key_of(self, key: Any) -> str:
        """Return the name under which something is stored."""
        if isinstance(key, Request):
            return self._keys.of_request(key)
        if isinstance(key, str) and key[:8].lower().startswith(("http://", "https://")):
            return self._keys.of_request(Request(key))
        name = plain_key(key)
        if name is None:
            raise ConfigError("key", f"give a string, a number, a tuple of those or a Request, not {key!r}")
        return name

    @property
    def flights(self) -> Flights:
        """Who is getting what at this moment: all caches of one file know of each other's."""
        return self._flights if self._shelf is None else self._shelf.flights

    @property
    def backlog(self) -> int:
        """Rows that are not in the file yet."""
        return 0 if self._shelf is None else self._shelf.backlog

    @property
    def keys(self) -> CacheKeys:
        """What names requests."""
        return self._keys

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

    def good(self, key: str, since: float | None = None, *, memory_only: bool = False) -> Entry | None:
        """Return an entry to use without asking, and count the hit; None if there is none."""
        if self.rules.mode == "off":
            return None
        entry = self._memory.get(key)
        tier = "hits_memory"
        if entry is None or not self.is_good(entry.stored, entry.expires, since):
            entry = None if self._shelf is None or memory_only else self._shelf.get(key)
            tier = "hits_file"
            if entry is None or not self.is_good(entry.stored, entry.expires, since):
                return None
            self._memory.put(entry)
        with self._lock:
            self._counts[tier] += 1
            self._saved += entry.seconds
        if self._shelf is not None:
            self._shelf.touch(key, time.time())
        return entry

    def old(self, key: str) -> Entry | None:
        """Return an entry of any age, None if there is none."""
        stored = None if self._shelf is None else self._shelf.get(key)
        return stored or self._memory.get(key)

    def count(self, what: str) -> None:
        """Count a miss, a revalidation or a stand-in."""
        with self._lock:
            self._counts[what] += 1

    def store(self, entry: Entry) -> None:
        """Keep an entry."""
        self.count("stored")
        self._memory.put(entry)
        if self._shelf is not None:
            self._shelf.put(entry)

    def lasts_until(self, response: Any, now: float) -> tuple[bool, float | None]:
        """Return whether to store a response or value (None), and until when it is good."""
        ttl = self.rules.ttl
        return lasts_until(3600.0 if callable(ttl) and response is None else ttl, response, now)

    def renew(self, entry: Entry, expires: float | None) -> Entry:
        """Note that the server has said an entry is unchanged; return it with its new time."""
        fresh = entry.renewed(time.time(), expires)
        self._memory.put(fresh)
        if self._shelf is not None:
            self._shelf.renew(fresh)
        return fresh

    @property
    def leases(self) -> bool:
        """True if other processes may be asking for the same."""
        return self._shelf is not None and self._shelf.writable

    def lease(self, keys: list[str], since: float | None = None) -> Future[list[Verdict]]:
        """Ask for the lead among processes; return the future of a verdict per key."""
        shelf = self._shelf
        assert shelf is not None

        def good(stored: float, expires: float | None) -> bool:
            return self.is_good(stored, expires, since)

        def take(connection: sqlite3.Connection) -> list[Verdict]:
            return [shelf.leases.take(connection, key, good) for key in keys]

        return shelf.call(take)

    def give_back(self, key: str) -> None:
        """Give the lead among processes back."""
        if self._shelf is not None:
            self._shelf.leases.give_back(key)

    def when_over(self, key: str, verdict: Verdict, call: Callable[[], object]) -> None:
        """Call back when somebody else's asking is over, another process's (``held``) or our own."""
        if verdict == "held" and self._shelf is not None:
            self._shelf.leases.when_over(key, call)
        else:
            self.flights.when_over(key, call)

    def store_value(self, name: str, value: Any, ttl: Any = _OWN, seconds: float = 0.0) -> None:
        """Keep a value under a name."""
        if self.rules.mode == "off":
            return
        now = time.time()
        given = self.rules.ttl if ttl is _OWN else ttl
        keep, expires = lasts_until(given if not callable(given) or ttl is not _OWN else 3600.0, value, now)
        if keep:
            self.store(Entry.of_value(name, value, stored=now, expires=expires, seconds=seconds))

    def or_miss(self, name: str) -> None:
        """Raise offline, where nothing can be asked."""
        if self.rules.mode == "offline":
            self.count("misses")
            raise CacheMiss(f"the cache is offline and does not hold {name} (cache=fl.Cache(mode=…))")

    def _rows(self) -> list[tuple[Any, ...]]:
        if self._shelf is not None:
            return self._shelf.rows(advice.SELECT)
        return [
            (
                entry.key,
                entry.kind,
                entry.size,
                entry.stored,
                entry.expires,
                entry.seconds,
                0,
                1,
                0,
                0,
                entry.stored,
            )
            for entry in reversed(self._memory.entries())
        ]


def tuple_of(names: Any) -> Any:
    """Return a collection as a tuple; what is none stays, to be refused under its knob."""
    return names if isinstance(names, str) or not isinstance(names, list | set | frozenset) else tuple(names)


def _whole(knob: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(knob, f"must be a whole number of {least} or more, not {value!r}")


def _remake(knobs: tuple[Any, ...], ignore: tuple[str, ...], methods: tuple[str, ...]) -> Cache:
    return Cache(*knobs, ignore=ignore, methods=methods)
