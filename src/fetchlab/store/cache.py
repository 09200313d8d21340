"""The cache people hold: what was fetched once is there at once."""

from __future__ import annotations

import inspect
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fetchlab.errors import ConfigError
from fetchlab.model import Request
from fetchlab.policy.freshness import METHODS, Rules
from fetchlab.policy.keys import plain_key
from fetchlab.store import advice
from fetchlab.store.creating import created, created_async
from fetchlab.store.memoize import memoized
from fetchlab.store.shared_address import Address, is_address
from fetchlab.store.tiers import OWN, Tiers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import polars as pl

    from fetchlab.policy.freshness import Mode
    from fetchlab.store.cache_stats import CacheStats

__all__ = ["Cache"]


class Cache:
    """Remembers responses and values: in memory, in one SQLite file, and at a server that machines share.

    ``fl.Cache()`` is memory alone, ``fl.Cache("data/cache/http.db")`` has a file behind it, and
    ``fl.Cache("redis://host:6379/0")`` a Redis or Valkey server; ``fl.Cache(path, shared="redis://…")`` has
    both: what one machine fetched is found by all, and kept in each one's file.

    Give it to ``fl.fetch``, ``fl.map`` or ``fl.download``, or use it directly. Of many who ask for the same
    key at once, in this process, in others with the same file or on machines with the same shared tier, one
    makes the request and the others get its answer. Safe from any thread; several caches of one path share
    the file.

    An entry's key is the request's method, URL and body; secrets in its URL and in its own headers stand
    there as fingerprints. What the client adds to every request makes no difference unless ``vary`` names
    it: two clients with two accounts need ``vary=("authorization",)`` or a file each. Responses are stored
    with a status below 400, or one that ``accept`` names, after their parser has taken them; a call whose
    own ``accept``, ``max_bytes`` or ``parse`` refuses what is stored asks anew. Secret headers,
    ``Set-Cookie`` among them, are masked in what is stored.

    The shared tier needs ``pip install 'fetchlab[redis]'``. All that is there stands under ``fetchlab:``. A
    run goes on without a server that goes away, or is full, and takes it up again when it is back;
    ``stats()`` counts what did without. An entry stays there for a week beyond its time, so that it may be
    asked about and stand in. How much there is room for, and what goes first, say the server's ``maxmemory``
    and ``maxmemory-policy``. What one machine deletes is still in memory and file of others, until its time
    is over.

    Args:
        path: the SQLite file, made with its folders, ``~`` is the user's; None keeps everything in memory.
            Or a shared tier's URL, with memory in front of it.
        ttl: seconds an entry is good for, one hour unless told; None for ever. Or a function of the
            :class:`Response` that returns them, 0 for what is not to be stored; if it fails, an hour. Who
            stores an entry says how long it is good; ``mode="refresh"`` is for who cannot wait for that.
        memory: entries in memory, the least recently used dropped first; caches of one file share them.
            At least 256 in front of a shared tier alone.
        max_bytes: size of the file (without one, of the memory) at which the least recently used are dropped.
            The last cache made of a file decides for all of them. While it is open the write-ahead log beside
            it comes on top, half as much again and 32 MB at most.
        mode: ``"use"``; ``"refresh"`` asks again for everything stored before the run; ``"offline"`` makes no
            request at all, whatever the entries' age, and ends an item without one as ``CacheMiss``;
            ``"off"``.
        stale_if_error: seconds past its time that an entry stands in for a request that failed, retries
            included.
        vary: names of request headers that make a difference, ``("accept-language",)`` say.
        ignore: names of query parameters that make none, ``("_", "timestamp")`` say.
        methods: what is cached.
        shared: a shared tier's URL: ``redis://host:6379/0``, ``rediss://`` over TLS, ``valkey://``,
            ``valkeys://``, ``unix:///run/redis.sock?db=0``. ``user:password@`` stands before the host, or the
            password in the environment as ``FETCHLAB_CACHE_PASSWORD``; it is shown nowhere.

    Raises:
        ConfigError: a knob has a value that cannot work, or the shared tier's client is not installed.
        CacheError: the shared tier does not answer; or the file cannot be used and cannot be replaced, or is
            somebody else's SQLite file, which stays as it is. One that is damaged, or no SQLite file, is
            moved aside, a new one is begun, and a warning says so.
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
        shared: str | None = None,
    ) -> None:
        self.rules = Rules(ttl, mode, stale_if_error, tuple_of(vary), tuple_of(ignore), tuple_of(methods))
        _whole("memory", memory, 0)
        if max_bytes is not None:
            _whole("max_bytes", max_bytes, 1)
        if is_address(path) and shared is not None:
            raise ConfigError("shared", "is given as the path already; give a file there, or leave one out")
        far = _address("path", path) if is_address(path) else _address("shared", shared)
        self.path = None if is_address(path) else path_of(path)
        self._knobs: dict[str, Any] = {
            "path": path, "ttl": ttl, "memory": memory, "max_bytes": max_bytes, "mode": mode,
            "stale_if_error": stale_if_error, "vary": self.rules.vary, "ignore": self.rules.ignore,
            "methods": self.rules.methods, "shared": shared,
        }  # fmt: skip
        self._max_bytes = max_bytes
        self._shared = far
        self.tiers = Tiers(self.path, self.rules, memory=memory, max_bytes=max_bytes, shared=far)

    @classmethod
    def of(cls, cache: Any) -> Cache | None:
        """Return the cache of a ``cache`` knob: a cache, a path, a shared tier's URL, or None.

        Raises:
            ConfigError: it is none of these.
        """
        if cache is None or isinstance(cache, cls):
            return cache
        if isinstance(cache, str | os.PathLike):
            return cls(cache)
        raise ConfigError("cache", f"give fl.Cache(…) or a file's path, not {cache!r}")

    @property
    def shared(self) -> str | None:
        """The shared tier's address, without user and password; None if there is none."""
        return None if self._shared is None else self._shared.shown

    @property
    def knobs(self) -> dict[str, Any]:
        """What it was made with, by name; a shared tier's URL without its password."""
        if self._shared is None:
            return dict(self._knobs)
        return self._knobs | {"shared" if self._knobs["shared"] else "path": self._shared.plain}

    def in_mode(self, mode: Mode) -> Cache:
        """Return a cache of the same entries in another mode; itself, if that is its own.

        Raises:
            ConfigError: there is no such mode.
            CacheError: as when a cache is made.
        """
        if mode == self.rules.mode:
            return self
        other = type(self)(**self._knobs | {"mode": mode})
        if self.path is None and self._shared is None:
            other.tiers.share(self.tiers)
        return other

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what is stored under a key and still good, else ``default``.

        On the engine's own thread, which waits for no server, only memory and file are looked into.

        Args:
            key: a URL, an ``fl.Request``, a key as in ``run.frame()``, or the key it was :meth:`put` under.
            default: what to return if there is nothing.

        Returns:
            The :class:`Response` of a request, or the value.
        """
        name = self.key_of(key)
        entry = self.tiers.good(name) or self.tiers.reach(name)
        return default if entry is None else entry.value()

    def put(self, key: Any, value: Any, ttl: Any = OWN) -> None:
        """Store a value: anything JSON can say, bytes, a polars DataFrame, a dataclass, a Response.

        Args:
            key: a string, a number, a tuple of those, or an ``fl.Request``.
            value: what to store.
            ttl: seconds it is good for, None for ever; the cache's own unless given.

        Raises:
            StoreError: the value cannot be stored.
            CacheError: the file, or what is shared, cannot be written; a run goes on then, an order does not.
        """
        name = self.key_of(key)
        self.tiers.take_orders()
        self.tiers.store_value(name, value, ttl)

    def get_or_create(self, key: Any, create: Callable[[], Any], ttl: Any = OWN) -> Any:
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
            return created_async(self.tiers, name, create, ttl)
        return created(self.tiers, name, create, ttl)

    def memoize(
        self,
        function: Callable[..., Any] | None = None,
        *,
        ttl: Any = OWN,
        key: Callable[..., Any] | None = None,
    ) -> Any:
        """Make a function remember what it returned for its arguments; a decorator.

        ``@cache.memoize`` or ``@cache.memoize(ttl=60)``, for async and plain functions. The key is the
        function's name and source, what it holds (its defaults, what it closes over) and its arguments, so a
        changed function is asked anew.

        Args:
            function: what to decorate.
            ttl: as in :meth:`put`.
            key: makes the key of a call's arguments, where these have no plain form, or where the function is
                bound to an object or holds one that has none.
        """
        if function is None:
            return lambda decorated: memoized(self.tiers, decorated, ttl=ttl, key=key)
        return memoized(self.tiers, function, ttl=ttl, key=key)

    def delete(self, key: Any) -> bool:
        """Drop an entry; say whether it was there.

        Raises:
            CacheError: the file, or what is shared, cannot be written.
        """
        return self.tiers.remove(self.key_of(key))

    def clear(self) -> int:
        """Drop all entries, a shared tier's for all machines; return how many there were.

        Raises:
            CacheError: the file, or what is shared, cannot be written.
        """
        return self.tiers.clear()

    def expire(self, older_than: float | None = None) -> int:
        """Drop entries whose time is over, which also end to be asked about and to stand in for failures.

        Args:
            older_than: seconds; drop what was stored longer ago, too.

        Returns:
            How many were dropped.

        Raises:
            CacheError: the file, or what is shared, cannot be written.
        """
        now = time.time()
        return self.tiers.expire(now, -1.0 if older_than is None else now - older_than)

    def stats(self) -> CacheStats:
        """Return a snapshot of what was asked and what is held.

        Without a file, what a shared tier holds is counted key by key, a second or two for 100,000 entries.
        """
        return self.tiers.stats()

    def frame(self) -> pl.DataFrame:
        """Return a row per entry, the latest stored first.

        Of the file; without one of the shared tier, without that of the memory.

        Columns: ``key str, host str?`` (null where the key is no request's)``, kind str, bytes u64, stored
        datetime (UTC), expires datetime?, seconds f64`` (what it took to get)``, hits u64, fetches u64`` (how
        often it was fetched)``, changes u64`` (how often that brought another body)``, first datetime``
        (when it was fetched first). Without a file ``hits, fetches`` and ``changes`` are 0, 1 and 0.
        """
        return advice.entries_frame(self.tiers.rows())

    def advice(self) -> pl.DataFrame:
        """Return what to change, and how many requests that would have saved.

        Where a ttl is too short or too long, a parameter makes no difference, or bodies are too large; see
        :mod:`~fetchlab.store.advice`.

        Columns: ``advice str, host str, entries u32, requests i64, knob str, example_key str, detail str``.
        """
        return advice.advice_frame(self.tiers.rows(), self.stats(), self._max_bytes)

    def key_of(self, key: Any) -> str:
        """Return the name under which something is stored."""
        if isinstance(key, Request):
            return self.tiers.keys.of_request(key)
        if isinstance(key, str) and key[:8].lower().startswith(("http://", "https://")):
            return self.tiers.keys.of_request(Request(key))
        name = plain_key(key)
        if name is None:
            raise ConfigError("key", f"give a string, a number, a tuple of those or a Request, not {key!r}")
        return name

    def flush(self) -> None:
        """Wait until everything stored so far is in the file, and at the shared tier."""
        self.tiers.flush()

    def close(self) -> None:
        """Write what waits, close the file and disconnect; what is asked later opens both again."""
        self.tiers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self._knobs,)

    def __repr__(self) -> str:
        held = self.tiers.stats(near=True)
        where = "in memory" if self.path is None else str(self.path)
        shared = "" if self.shared is None else f" before {self.shared}"
        return (
            f"Cache({where}{shared}, mode={self.rules.mode!r}, {held.entries:,} entries, "
            f"{held.bytes / 1e6:,.1f} MB, {held.hits:,} hits, {held.misses:,} misses)"
        )


def path_of(path: Any) -> Path | None:
    """Return a file's path, ``~`` being the user's home.

    Raises:
        ConfigError: it is no path, or a folder's.
    """
    if path is None:
        return None
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(name, str) or "\0" in name:
        raise ConfigError("path", f"give a file's path, not {path!r}")
    file = Path(name)
    with suppress(RuntimeError):  # there is no such user
        file = file.expanduser()
    if file.is_dir():
        raise ConfigError("path", f"{file} is a folder; give a file in it, {file / 'cache.db'} say")
    return file


def _address(knob: str, url: Any) -> Address | None:
    return None if url is None else Address(url, knob)


def tuple_of(names: Any) -> Any:
    """Return a collection as a tuple; what is none stays, to be refused under its knob."""
    return names if isinstance(names, str) or not isinstance(names, list | set | frozenset) else tuple(names)


def _whole(knob: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(knob, f"must be a whole number of {least} or more, not {value!r}")


def _remake(knobs: dict[str, Any]) -> Cache:
    return Cache(**knobs)
