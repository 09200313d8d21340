"""The tier that machines share: entries at a Redis or Valkey server, under names of our own.

All is said by the one thread of :mod:`~fetchlab.store.shared_wire`; who asks is called back. A server that is
gone, full or not to be written is told once, and done without until it is itself again: nobody's run ends
because of it.
"""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from fetchlab import loop
from fetchlab.errors import CacheError
from fetchlab.store import shared_words as words
from fetchlab.store.entry import spelt
from fetchlab.store.flights import Flights
from fetchlab.store.memory import Memory
from fetchlab.store.shared_hits import SharedHits
from fetchlab.store.shared_leases import SharedLeases
from fetchlab.store.shared_trouble import told
from fetchlab.store.shared_wire import Wire
from fetchlab.store.shelf import MEMORY_BYTES
from fetchlab.store.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.store.entry import Entry
    from fetchlab.store.shared_address import Address

__all__ = ["Shared"]

T = TypeVar("T")

BACKLOG_BYTES = 64_000_000
"""Of entries that wait to be sent; what comes on top is not shared."""


class Shared:
    """Entries at a server; safe from any thread.

    Args:
        address: where it is.
        on_close: told when it is closed.

    Attributes:
        lost: entries that were not stored there, and questions that were not answered.

    Raises:
        CacheError: the server does not answer, or does not want us; the message says what to do.
        ConfigError: the client is not installed.
    """

    def __init__(self, address: Address, *, on_close: Callable[[Shared], object]) -> None:
        self.address = address
        self.trouble = Trouble(readonly=False)
        self.memory = Memory(0, MEMORY_BYTES)
        self.lost = 0
        self._on_close = on_close
        self._start()
        self.try_anew()

    def _start(self) -> None:
        self.flights = Flights()
        self.leases = SharedLeases(weakref.proxy(self))
        self.hits = SharedHits()
        self._lock = threading.Lock()  # guards lost
        self.wire = Wire(  # which holds no reference, so that a tier nobody uses is closed
            self.address,
            on_down=_weakly(self._down, None),
            on_up=_weakly(self._back, None),
            tend=_weakly(self._tend, None),
            due=_weakly(self._due, math.inf),
        )
        self._finalizer = weakref.finalize(self, _close_wire, self.wire, self.hits, os.getpid())

    def leave_to_parent(self) -> None:
        """Begin anew in a forked child: thread and connection are the parent's."""
        _left_alone.append((self.wire, self.leases))
        self._start()

    def try_anew(self) -> None:
        """Connect, if the server is not known to be there.

        Raises:
            CacheError: it is not.
        """
        wire = self.wire
        if wire.up and wire.connected and (loop.on_loop_thread() or self.answers()):
            return
        try:
            wire.open()
        except Exception as error:
            raise told(error, self.address) from None  # whose text may quote the URL
        if not wire.up:
            wire.up = True
            self.trouble.over()

    @property
    def readable(self) -> bool:
        """False while the server is gone."""
        return self.wire.wanted and self.trouble.readable

    @property
    def writable(self) -> bool:
        """False while nothing can be written there."""
        return self.wire.wanted and self.trouble.writable

    # reading

    def fetch(self, keys: Sequence[str], done: Callable[[list[Entry | None]], object]) -> None:
        """Read entries of any age, on one trip; call back with them, None for each that is not there."""

        def read(answers: list[Any] | None) -> None:
            if answers is None:
                self.without(len(keys))
                answers = [[None]] * len(keys)
            elif self.trouble.unread:
                self.trouble.read()
            done([self._entry(key, found) for key, found in zip(keys, answers, strict=True)])

        self.wire.call([words.fetch(words.name_of(key)) for key in keys], read)

    def _entry(self, key: str, found: Any) -> Entry | None:
        if isinstance(found, Exception):
            self.trouble.no_reading(told(found, self.address))
            return None
        try:
            return words.entry_of(key, found, self.wire.ahead)
        except ValueError as error:
            self.wire.call([("DEL", words.ENTRY + words.name_of(key))])
            damaged = f"{self.address.shown}: an entry is damaged and was dropped ({spelt(key)}): {error}"
            self.trouble.tell(CacheError(damaged))
            return None

    def times_of(self, found: Any) -> tuple[float, float | None] | None:
        """Return when an entry was stored and when its time is over, as the server told it."""
        try:
            stored, expires = found
            ahead = self.wire.ahead
            return float(stored) - ahead, float(expires) - ahead if expires else None
        except (TypeError, ValueError):
            return None

    # writing

    def put(self, entry: Entry, keep: float | None) -> bool:
        """Store an entry, which ends its lease; False if it cannot be done.

        Args:
            entry: what to store.
            keep: seconds after which the server may forget it, None for never.
        """
        if not self.writable or self.wire.waiting > BACKLOG_BYTES:
            self.without(1)
            return False
        return self._put(entry, keep, self.leases.token_of(entry.key))

    def _put(self, entry: Entry, keep: float | None, token: str) -> bool:
        command = words.put(entry, token=token, keep=keep, ahead=self.wire.ahead)
        return self.wire.call([command], partial(self._written, entry.key, token), entry.size)

    def renew(self, entry: Entry, keep: float | None) -> bool:
        """Note that an entry is unchanged; one that the server has forgotten is stored again."""
        if not self.writable:
            self.without(1)
            return False
        token = self.leases.token_of(entry.key)
        command = words.renew(entry, token=token, keep=keep, ahead=self.wire.ahead)

        def written(answers: list[Any] | None) -> None:
            if answers == [0]:
                self._put(entry, keep, token)
            else:
                self._written(entry.key, token, answers)

        return self.wire.call([command], written)

    def _written(self, key: str, token: str, answers: list[Any] | None) -> None:
        if answers is None:
            self.without(1)
        elif isinstance(answers[0], Exception):
            self.without(1)
            self.not_written(answers[0])
            if token:
                self.wire.call([words.release(words.name_of(key), token)])
        else:
            self.trouble.over()

    def not_written(self, error: Exception) -> None:
        """The server refuses what is to be written: leave writing alone for a while."""
        self.trouble.no_writing(told(error, self.address))

    def without(self, count: int) -> None:
        """Count who had to do without it."""
        with self._lock:
            self.lost += count

    # ending

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything so far has been sent and answered."""
        if self.wire.up:
            self.wire.call(self.hits.take())
            for _ in range(2):  # what an answer gave rise to goes on the next trip
                self.answers(timeout)

    def answers(self, timeout: float | None = None) -> bool:
        """Ask the server for a sign of life, after everything so far; say whether it came."""
        came: Future[bool] = Future()
        self.wire.call([("PING",)], lambda answers: came.set_result(answers is not None))
        try:
            return came.result(timeout)
        except TimeoutError:
            return False

    def close(self) -> None:
        """Send the rest and disconnect; the next use connects again."""
        self.flush()
        self.wire.close()
        self._on_close(self)

    # tending and trouble

    def _due(self) -> float:
        return min(self.hits.due, self.leases.due)

    def _tend(self) -> None:
        self.leases.tend()
        if time.monotonic() >= self.hits.due and self.writable:
            self.wire.call(self.hits.take())

    def _down(self, error: Exception) -> None:
        owned = told(error, self.address)
        self.trouble.tell(owned, "; the run goes on without it", passes=True)
        self.leases.all_over()

    def _back(self) -> None:
        self.trouble.over()


_left_alone: list[object] = []  # a parent's connection: even to close it would speak on it


def _weakly(method: Callable[..., T], default: T) -> Callable[..., T]:
    """Return what calls a method of an object that may be gone."""
    weak = weakref.WeakMethod(method)
    return partial(_call, weak, default)


def _call(weak: weakref.WeakMethod[Any], default: Any, *values: Any) -> Any:
    call = weak()
    return default if call is None else call(*values)


def _close_wire(wire: Wire, hits: SharedHits, owner: int) -> None:
    if os.getpid() == owner:
        wire.parting = True
        if wire.up:
            wire.call(hits.take())
        wire.close(timeout=5.0)
