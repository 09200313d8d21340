"""The tier on disk: one SQLite file, shared by every cache of this process that names it.

Reading is direct, on a connection per thread; writing goes through the one writer thread. A file that turns
out damaged is moved aside and a new one begun; whatever else goes wrong is told once and writing, or reading,
is left alone for a while: nobody's run ends because its cache cannot be written.
"""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from fetchlab import loop
from fetchlab.errors import CacheError, StoreError
from fetchlab.store.database import LOG_BYTES, connect, told
from fetchlab.store.entry import Entry, id_of, spelt
from fetchlab.store.flights import Flights
from fetchlab.store.in_place import InPlace
from fetchlab.store.leases import Leases
from fetchlab.store.memory import Memory
from fetchlab.store.places import Places
from fetchlab.store.readers import Readers
from fetchlab.store.shelf_sql import DELETE, GET, LAYOUT, PUT, PUT_BODY, RENEW, TALLY, TIMES
from fetchlab.store.trouble import Trouble
from fetchlab.store.upkeep import GAP_SECONDS, Shrinking, put_rows
from fetchlab.store.uses import Uses
from fetchlab.store.writer import Row, Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

__all__ = ["Shelf"]

T = TypeVar("T")

MEMORY_BYTES = 256_000_000
"""What the tier in memory may take."""
BATCH = 100
BACKLOG = 4_000


class Shelf:
    """Entries in a file; safe from any thread.

    Args:
        path: the file.
        max_bytes: how large it may grow, None for as large as it likes; the write-ahead log beside it takes
            half as much again for a while, 32 MB at most, and more only if one batch does.
        readonly: never write, not even which entries were used.
        on_close: told when it is closed.

    Raises:
        CacheError: it cannot be read at all.
    """

    def __init__(
        self, path: Path, *, max_bytes: int | None, readonly: bool, on_close: Callable[[Shelf], object]
    ) -> None:
        self.path = path.absolute()  # a notebook may change its folder
        self._log = _Log()
        self.max_bytes = max_bytes
        self.trouble = Trouble(readonly=readonly)
        self.memory = Memory(0, MEMORY_BYTES)
        self._on_close = on_close
        self._in_place = InPlace(self.path)
        self._start()
        self._begin()

    def _start(self) -> None:
        self.flights = Flights()
        self.leases = Leases(weakref.proxy(self))
        self._readers = Readers(self.path, LAYOUT)
        self._pending: dict[int, Entry] = {}  # stored, not in the file yet
        self._doubted: set[int] = set()  # entries that could not be read when last tried
        self._places = Places()
        self._uses = Uses()
        self._shrinking = Shrinking()
        path, log = self.path, self._log
        failed = weakref.WeakMethod(self.failed)
        tend = weakref.WeakMethod(self._tend)
        settled = weakref.WeakMethod(self._settled)
        self._writer = Writer(  # which holds no reference, so that a shelf nobody uses is closed
            lambda: connect(path, LAYOUT, log_bytes=log.bytes),
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
        if not self.trouble.readonly:
            try:
                self._in_place.open()
            except StoreError as error:
                if error.damaged:
                    self._in_place.refuse_foreign(error)
                elif error.reason not in ("locked", "full", "io", "readonly"):
                    raise
                if error.reason == "readonly" and not self.path.is_file():
                    raise
                self.failed(error)
                if error.reason != "readonly":
                    return
            else:
                return
        try:
            self._readers.connection()
        except StoreError as error:
            self._in_place.refuse_foreign(error)
            raise

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
        own = spelt(key)
        if found == own and type(body) is bytes:
            entry = Entry(key, kind, head, body, stored=stored, expires=expires, seconds=seconds)
            if entry.checksums()[1] == checksum:
                self._doubted.discard(number)
                return entry
        elif found is not None and found != own and id_of(found) == number:
            return None  # another key, of the same number
        self._doubted.add(number)
        self.write(DELETE, (number,))
        self.trouble.tell(CacheError(f"{self.path}: an entry is damaged and was dropped ({own})"))
        return None

    def times(self, key: str) -> tuple[float, float | None] | None:
        """Return when an entry was stored and when its time is over, None if there is none."""
        number = id_of(key)
        pending = self._pending.get(number)
        if pending is not None and pending.key == key:
            return pending.stored, pending.expires
        if number in self._doubted:
            return None
        row = self._row(TIMES, (number, spelt(key)), number)
        return None if row is None else (row[0], row[1])

    def is_doubted(self, number: int) -> bool:
        """Say whether an entry could not be read when last tried, whatever its times are."""
        return number in self._doubted

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds, nothing if the file is in trouble."""

        def read(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            try:
                return connection.execute(sql, values).fetchall()
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            try:
                return connection.execute(sql, values).fetchall()  # one damaged row must not hide the others
            finally:
                connection.text_factory = str

        return self._read(read) or []

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
        if not self.trouble.readable:
            return None
        try:
            found = read(self._readers.connection())
        except (sqlite3.Error, StoreError) as error:
            if number is not None:
                self._doubted.add(number)
            self._not_read(error)
            return None
        if self.trouble.unread:
            self.trouble.read()
        return found

    @property
    def readable(self) -> bool:
        """False while the file cannot be read."""
        return self.trouble.readable

    # writing

    @property
    def writable(self) -> bool:
        """False while the file cannot be written."""
        return self.trouble.writable

    @property
    def max_bytes(self) -> int | None:
        """How large the file may grow, None for as large as it likes."""
        return self._max_bytes

    @max_bytes.setter
    def max_bytes(self, value: int | None) -> None:
        self._max_bytes = value
        self._log.bytes = LOG_BYTES if value is None else min(LOG_BYTES, value // 2)

    @property
    def backlog(self) -> int:
        """Rows that are not in the file yet."""
        return self._writer.waiting

    def put(self, entry: Entry) -> bool:
        """Store an entry with the next batch, which ends its lease; False if it cannot be written."""
        if not self.writable or self._writer.waiting > BACKLOG:
            return False
        number, place = id_of(entry.key), self._places.next()
        values = (
            number,
            spelt(entry.key),
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
        return True

    def renew(self, entry: Entry) -> None:
        """Note that an entry is unchanged."""
        if self.writable:
            number = id_of(entry.key)
            self._pending[number] = entry
            self.leases.over(number)
            self._writer.write(RENEW, (number, entry.stored, entry.expires))

    def touch(self, key: str, now: float) -> None:
        """Note that an entry was used; written now and then."""
        if self.trouble.readonly:
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

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything so far is in the file, for so many seconds at most."""
        if self.writable:
            with suppress(sqlite3.Error, StoreError, RuntimeError, TimeoutError):
                self.call(self._uses.write).result(timeout)
                while self._shrinking.under_way and timeout is None:
                    self.call(_nothing).result()

    def close(self) -> None:
        """Write the rest and close the file; the next use opens it again."""
        self.flush()
        self._readers.close()
        self._writer.rest()
        self._on_close(self)

    # tending and trouble

    def _tend(self, connection: sqlite3.Connection) -> None:
        """With every batch: beat for the leases, note now and then what was used, keep to the size."""
        self._in_place.check()
        self._writer.beating = self.leases.beat(connection)
        if self._uses.due:
            self._uses.write(connection)
        if self.max_bytes is not None and self._shrinking.is_needed(connection, self.max_bytes):
            self._uses.write(connection)
            if self._shrinking.step(connection, self.max_bytes):
                self._writer.call(_nothing)

    def _settled(self, rows: list[Row]) -> None:
        """Rows are in the file: it answers for itself again."""
        if self.trouble.over():
            self._readers.open_anew()  # those opened meanwhile may have left the log out
        self._forget_pending(rows)
        if self._shrinking.under_way:
            time.sleep(GAP_SECONDS)

    def _forget_pending(self, rows: list[Row]) -> None:
        for sql, values in rows:
            if sql is PUT or sql is RENEW:
                self._doubted.discard(values[0])
                pending = self._pending.get(values[0])
                if pending is not None and pending.stored == values[4 if sql is PUT else 1]:
                    self._pending.pop(values[0], None)

    def failed(self, error: Exception, lost: list[Row] | None = None) -> None:
        """The file cannot be written: move it aside if it is damaged, else leave writing alone."""
        self._forget_pending(lost or [])
        self._shrinking.start_over()
        owned = self.owned(error)
        if not self.trouble.readonly and self._in_place.is_lost(owned):
            self._begin_anew(owned)
        else:
            self.trouble.no_writing(owned)

    def _not_read(self, error: Exception) -> None:
        """The file cannot be read: move it aside if it is damaged, else leave reading alone."""
        owned = self.owned(error)
        partial = self._readers.partial  # such a connection may see the file in the middle of a change
        self._readers.open_anew()
        if not self.trouble.readonly and not partial and self._in_place.is_lost(owned):
            self._begin_anew(owned)
        else:
            self.trouble.no_reading(owned)

    def owned(self, error: Exception) -> StoreError:
        """Return an error of ours for one of SQLite's."""
        return error if isinstance(error, StoreError) else told(error, self.path, LAYOUT)

    def _begin_anew(self, owned: StoreError) -> None:
        """The file is damaged or gone: a new one takes its place."""
        self._readers.open_anew()
        self._writer.open_anew()
        try:
            told_so = self._in_place.begin_anew(owned)
        except CacheError as error:
            self.trouble.no_reading(error)
            self.trouble.no_writing(error)
        else:
            if told_so is not None:
                self.trouble.tell(told_so)


_left_alone: list[object] = []  # a parent's connections: even to close them would touch its file


class _Log:
    """The length of the write-ahead log, where the writer finds it, who does not know the shelf."""

    bytes = LOG_BYTES


def _nothing(_: object) -> None:
    """Have a transaction made, for what belongs to each."""


def _call(method: weakref.WeakMethod[Any], *values: Any) -> None:
    call = method()
    if call is not None:
        call(*values)


def _close_writer(writer: Writer, uses: Uses, owner: int) -> None:
    if os.getpid() == owner:
        if len(uses):
            writer.call(uses.write)
        writer.close(timeout=5.0)
