"""The tier on disk: one SQLite file, shared by every cache of this process that names it.

Reading is direct, on a connection per thread; writing goes through the one writer thread. A file that turns
out damaged is moved aside and a new one begun; whatever else goes wrong is told once and the cache does
without the file for a while: nobody's run ends because its cache cannot be written.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import threading
import time
import warnings
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from fetchlab import loop
from fetchlab.errors import CacheError, StoreError
from fetchlab.store.database import connect, move_aside, told
from fetchlab.store.entry import Entry, id_of
from fetchlab.store.flights import Flights
from fetchlab.store.leases import Leases
from fetchlab.store.memory import Memory
from fetchlab.store.readers import Readers
from fetchlab.store.shelf_sql import DELETE, EXPIRE, GET, LAYOUT, PUT, PUT_BODY, RENEW, TALLY, TIMES
from fetchlab.store.upkeep import give_back_room, is_larger, put_rows, shrink
from fetchlab.store.uses import Uses
from fetchlab.store.writer import Row, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

__all__ = ["Shelf", "shelf_at"]

T = TypeVar("T")

MEMORY_BYTES = 256_000_000
"""What the tier in memory may take."""
BATCH = 100
TROUBLE_SECONDS = 5.0
BACKLOG = 4_000

log = logging.getLogger("fetchlab.cache")


class Shelf:
    """Entries in a file; safe from any thread.

    Args:
        path: the file.
        max_bytes: how large it may grow, None for as large as it likes; the write-ahead log beside it takes
            up to 32 MB more for a while.
        readonly: never write, not even which entries were used.

    Raises:
        CacheError: it cannot be read at all.
    """

    def __init__(self, path: Path, *, max_bytes: int | None, readonly: bool) -> None:
        self.path = path.absolute()  # a notebook may change its folder
        self.max_bytes = max_bytes
        self.readonly = readonly
        self.trouble: CacheError | None = None
        self.memory = Memory(0, MEMORY_BYTES)
        self._blocked_until = 0.0
        self._inode = 0
        self._told: set[str] = set()
        self._start()
        self._begin()

    def _start(self) -> None:
        self.flights = Flights()
        self.leases = Leases(weakref.proxy(self))
        self._readers = Readers(self.path, LAYOUT)
        self._pending: dict[int, Entry] = {}  # stored, not in the file yet
        self._doubted: set[int] = set()  # entries that could not be read when last tried
        self._places = _places()
        self._uses = Uses()
        path = self.path
        failed = weakref.WeakMethod(self.failed)
        tend = weakref.WeakMethod(self._tend)
        settled = weakref.WeakMethod(self._settled)
        self._writer = Writer(  # which holds no reference, so that a shelf nobody uses is closed
            lambda: connect(path, LAYOUT),
            name="fetchlab-cache",
            batch_size=BATCH,
            write_rows=put_rows,
            on_trouble=lambda error, rows: _call(failed, error, rows),
            before_commit=lambda connection: _call(tend, connection),
            on_commit=lambda rows: _call(settled, rows),
        )
        self._finalizer = weakref.finalize(self, _close_writer, self._writer, self._uses, os.getpid())

    def leave_to_parent(self) -> None:
        """Begin anew in a forked child: the threads and connections are the parent's."""
        _left_alone.append((self._writer, self._readers, self.leases))
        self._start()

    def _begin(self) -> None:
        """Open the file once, so that what is wrong with it is told where it is named."""
        if not self.readonly:
            try:
                connect(self.path, LAYOUT).close()
                self._note_inode()
            except StoreError as error:
                if error.damaged or error.reason in ("locked", "full"):
                    self._note_inode()
                    self.failed(error)
                    return
                if error.reason != "readonly" or not self.path.is_file():
                    raise
                self.readonly = True
                self._tell(error)
            else:
                return
        self._readers.connection()

    # reading

    def get(self, key: str) -> Entry | None:
        """Return an entry of any age, None if there is none."""
        number = id_of(key)
        pending = self._pending.get(number)
        if pending is not None and pending.key == key:
            return pending
        row = self._row(GET, (number,), number)
        if row is None:
            return None
        found, kind, head, body, stored, expires, seconds, checksum = row
        if found == key and type(body) is bytes:
            entry = Entry(key, kind, head, body, stored=stored, expires=expires, seconds=seconds)
            if entry.checksums()[1] == checksum:
                self._doubted.discard(number)
                return entry
        elif found is not None and found != key and id_of(found) == number:
            return None  # another key, of the same number
        self._doubted.add(number)
        self.write(DELETE, (number,))
        self._tell(CacheError(f"{self.path}: an entry is damaged and was dropped ({key})"))
        return None

    def times(self, key: str) -> tuple[float, float | None] | None:
        """Return when an entry was stored and when its time is over, None if there is none."""
        number = id_of(key)
        pending = self._pending.get(number)
        if pending is not None:
            return pending.stored, pending.expires
        if number in self._doubted:
            return None
        row = self._row(TIMES, (number, key), number)
        return None if row is None else (row[0], row[1])

    def is_doubted(self, number: int) -> bool:
        """Say whether an entry could not be read when last tried, whatever its times are."""
        return number in self._doubted

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds, nothing if the file is in trouble."""
        return self._read(lambda connection: connection.execute(sql, values).fetchall()) or []

    def tally(self) -> dict[str, int]:
        """Return the file's own counts: entries, bytes, evicted."""
        if self._pending and not loop.on_loop_thread():
            self.flush()
        (row,) = self.rows(TALLY) or [(0, 0, 0)]
        return dict(zip(("entries", "bytes", "evicted"), row, strict=True))

    def _row(self, sql: str, values: tuple[Any, ...], number: int) -> Any:
        """Return an entry's row, None if there is none; its columns are None if one of them is no text."""

        def read(connection: sqlite3.Connection) -> Any:
            try:
                return connection.execute(sql, values).fetchone()
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise
                return (None,) * 8

        return self._read(read, number)

    def _read(self, read: Callable[[sqlite3.Connection], T], number: int | None = None) -> T | None:
        if time.monotonic() < self._blocked_until:
            return None
        try:
            return read(self._readers.connection())
        except (sqlite3.Error, StoreError) as error:
            if number is not None:
                self._doubted.add(number)
            self.failed(error)
            return None

    # writing

    @property
    def writable(self) -> bool:
        """False while the file cannot be written."""
        return not self.readonly and time.monotonic() >= self._blocked_until

    @property
    def backlog(self) -> int:
        """Rows that are not in the file yet."""
        return self._writer.waiting

    def put(self, entry: Entry) -> None:
        """Store an entry with the next batch, which ends its lease."""
        if not self.writable or self._writer.waiting > BACKLOG:
            return
        number, place = id_of(entry.key), next(self._places)
        values = (
            number,
            entry.key,
            entry.kind,
            entry.head,
            entry.stored,
            entry.expires,
            entry.seconds,
            entry.size,
            *entry.checksums(),
            place,
            entry.stored,
            entry.stored,
        )
        self._pending[number] = entry
        self.leases.over(number)
        self._writer.write_all([(PUT_BODY, (place, entry.body)), (PUT, values)])

    def renew(self, entry: Entry) -> None:
        """Note that an entry is unchanged."""
        if self.writable:
            number = id_of(entry.key)
            self._pending[number] = entry
            self.leases.over(number)
            self._writer.write(RENEW, (number, entry.stored, entry.expires))

    def remove(self, key: str) -> bool:
        """Drop an entry; say whether it was there."""
        number = id_of(key)
        self.memory.remove(key)
        return self.ask(lambda connection: connection.execute(DELETE, (number,)).rowcount, 0) > 0

    def clear(self) -> int:
        """Drop all entries and give their room back; return how many there were."""

        def empty(connection: sqlite3.Connection) -> int:
            count = connection.execute("DELETE FROM entry WHERE true").rowcount
            give_back_room(connection)
            return count

        self.memory.clear()
        return self.ask(empty, 0)

    def expire(self, now: float, before: float) -> int:
        """Drop what is over at this moment or was stored before another; return how many."""

        def drop(connection: sqlite3.Connection) -> int:
            count = connection.execute(EXPIRE, (now, before)).rowcount
            give_back_room(connection)
            return count

        self.memory.expire(now, before)
        return self.ask(drop, 0)

    def touch(self, key: str, now: float) -> None:
        """Note that an entry was used; written now and then."""
        if self.readonly:
            return
        self._uses.note(id_of(key), now)
        if self._uses.due and self.writable and not self._writer.beating:
            self._writer.beating = True

    def write(self, sql: str, values: tuple[Any, ...] = ()) -> None:
        """Write with the next batch."""
        if self.writable:
            self._writer.write(sql, values)

    def call(self, function: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Call a function in a transaction on the writer's thread; return the future of its value."""
        return self._writer.call(function)

    def ask(self, function: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do the same and wait for it; ``otherwise`` if the file cannot be written."""
        if not self.writable:
            return otherwise
        try:
            value: T = self._writer.call(function).result()
        except (sqlite3.Error, StoreError, RuntimeError):
            return otherwise
        return value

    def flush(self) -> None:
        """Wait until everything so far is in the file."""
        if self.writable:
            with suppress(sqlite3.Error, StoreError, RuntimeError):
                self.call(self._uses.write).result()

    def close(self) -> None:
        """Write the rest and close the file; the next use opens it again."""
        self.flush()
        self._readers.close()
        self._writer.rest()
        forget(self)

    # tending and trouble

    def _tend(self, connection: sqlite3.Connection) -> None:
        """With every batch: beat for the leases, note now and then what was used, keep to the size.

        A file that somebody has removed or replaced would take what is written all the same, and lose it.
        """
        if self._inode and self._is_replaced():
            raise CacheError(f"{self.path}: the cache was removed or replaced")
        self._writer.beating = self.leases.beat(connection)
        if self._uses.due:
            self._uses.write(connection)
        if self.max_bytes is not None and is_larger(connection, self.max_bytes):
            self._uses.write(connection)
            shrink(connection, self.max_bytes)

    def _settled(self, rows: list[Row]) -> None:
        """Rows are in the file, or will never be: it answers for itself again."""
        for sql, values in rows:
            if sql is PUT or sql is RENEW:
                self._doubted.discard(values[0])
                pending = self._pending.get(values[0])
                if pending is not None and pending.stored == values[4 if sql is PUT else 1]:
                    self._pending.pop(values[0], None)

    def failed(self, error: Exception, lost: list[Row] | None = None) -> None:
        """The file is in trouble: move it aside if it is damaged, else do without it for a while."""
        self._settled(lost or [])
        owned = error if isinstance(error, StoreError) else told(error, self.path, LAYOUT)
        self._readers.open_anew()
        self._writer.open_anew()
        if not self.readonly and (owned.damaged or not self.path.exists()):
            self._replace(owned)
            return
        self._blocked_until = time.monotonic() + TROUBLE_SECONDS
        self._tell(owned)

    def _replace(self, owned: StoreError) -> None:
        """Move a damaged file aside and begin a new one, unless somebody has done so already."""
        if self._is_replaced() and self.path.is_file():
            self._note_inode()
            return
        try:
            if self.path.exists():
                aside = move_aside(self.path)
                owned = CacheError(f"{owned}; it was moved to {aside.name} and a new one begun")
            connect(self.path, LAYOUT).close()
        except (OSError, StoreError) as trouble:
            self._blocked_until = time.monotonic() + TROUBLE_SECONDS
            owned = CacheError(f"{owned}; and it cannot be replaced: {trouble}")
        self._note_inode()
        self._tell(owned)

    def _note_inode(self) -> None:
        with suppress(OSError):
            self._inode = self.path.stat().st_ino

    def _is_replaced(self) -> bool:
        """Say whether the file in this place is another one by now, another process's new one say."""
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    def _tell(self, error: StoreError) -> None:
        """Say it once: in the log, and as a warning where the user looks."""
        self.trouble = error if isinstance(error, CacheError) else CacheError(str(error))
        text = f"{error}; the run goes on without it" if self.readonly or not self.writable else str(error)
        if text in self._told:
            return
        self._told.add(text)
        log.warning("%s", text)
        with suppress(RuntimeWarning):  # where warnings are errors this thread must not end by one
            warnings.warn(text, RuntimeWarning, stacklevel=2)


_left_alone: list[object] = []  # a parent's connections: even to close them would touch its file
_shelves: weakref.WeakValueDictionary[tuple[str, bool], Shelf] = weakref.WeakValueDictionary()
_shelves_lock = threading.Lock()  # guards _shelves and _latest
_latest: Shelf | None = None  # kept open, so that the next cell finds what this one had in memory


def shelf_at(path: Path, *, max_bytes: int | None, readonly: bool) -> Shelf:
    """Return the one shelf of a file, opened if it was not.

    One that writes will do for who only reads: it knows what is not in the file yet.
    """
    global _latest  # noqa: PLW0603
    real = os.path.realpath(path)
    with _shelves_lock:
        shelf = _shelves.get((real, False)) or (_shelves.get((real, True)) if readonly else None)
        if shelf is None:
            shelf = _shelves[real, readonly] = Shelf(path, max_bytes=max_bytes, readonly=readonly)
        elif max_bytes is not None:
            shelf.max_bytes = max_bytes
        _latest = shelf
        return shelf


def forget(shelf: Shelf) -> None:
    """Let the next one who names the file open it."""
    global _latest  # noqa: PLW0603
    with _shelves_lock:
        for name, known in list(_shelves.items()):
            if known is shelf:
                del _shelves[name]
        if _latest is shelf:
            _latest = None


def _after_fork() -> None:
    """A child has none of its parent's threads, and must not touch its connections."""
    global _shelves_lock  # noqa: PLW0603
    _shelves_lock = threading.Lock()
    for shelf in list(_shelves.values()):
        shelf.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _places() -> Iterator[int]:
    """Numbers for bodies: rising, and other ones than other processes choose at the same time."""
    last = 0
    while True:
        last = max(last + 1, time.time_ns() // 1000 << 12 | secrets.randbits(12))
        yield last


def _call(method: weakref.WeakMethod[Any], *values: Any) -> None:
    call = method()
    if call is not None:
        call(*values)


def _close_writer(writer: Writer, uses: Uses, owner: int) -> None:
    if os.getpid() == owner:
        if len(uses):
            writer.call(uses.write)
        writer.close(timeout=5.0)
