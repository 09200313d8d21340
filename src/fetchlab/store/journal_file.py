"""A journal that is being written: its lock, its one writer, its session.

What ended goes to the writer at once and is committed with its batch. The rows of a batch are written with
one statement per table: the interpreter is let go of once per statement and not once per row, so the event
loop and the writer do not keep each other waiting.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import shlex
import sqlite3
import threading
import time
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from fetchlab.errors import JournalError, StoreError
from fetchlab.policy.keys import NO_TEXT
from fetchlab.store.checkpoints import Checkpoints
from fetchlab.store.database import connect, told
from fetchlab.store.journal_layout import ATTEMPT, ITEM, LAYOUT, WITNESS, checksum, ident, is_whole, readable
from fetchlab.store.journal_lock import JournalLock
from fetchlab.store.journal_makers import Makers
from fetchlab.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from fetchlab.store.writer import Row

__all__ = ["JournalFile"]

log = logging.getLogger("fetchlab.journal")

PULSES_KEPT = 300
CHECKED_BYTES = 64_000_000
"""Files up to this size are looked through for damage before they are used: a fraction of a second."""
OPEN = 2
"""Batches that may be open before no more is begun."""
HELD_BYTES = 64_000_000
AT_ONCE = 50
"""Rows in one statement: SQLite's limit is on the number of values."""
CACHE = -65_536
"""KiB, negative as SQLite wants it; row numbers are random, so that a batch touches many pages."""

_ITEM, _VALUE, _ATTEMPT, _PULSE = "item", "value", "attempt", "pulse"
_UPDATE = ", ".join(f"{name} = excluded.{name}" for name in ITEM[2:])
_HEADS = {
    _ITEM: (f"INSERT INTO item ({', '.join(ITEM)}) VALUES ", len(ITEM)),  # noqa: S608  # our own names
    _VALUE: ("INSERT INTO value (id, data, checksum) VALUES ", 3),
    _ATTEMPT: (f"INSERT INTO attempt ({', '.join(ATTEMPT)}) VALUES ", len(ATTEMPT)),  # noqa: S608
    _PULSE: ("INSERT INTO pulse (session, at, stats) VALUES ", 3),
}
_FORGET = (
    "DELETE FROM value WHERE id IN"
    " (SELECT item.value FROM json_each(?) known JOIN item ON item.id = known.value)"
)
_CHECKED = (
    f"SELECT {', '.join(f'item.{name}' for name in WITNESS)}, data, checksum"  # noqa: S608
    " FROM item LEFT JOIN value ON value.id = item.value WHERE ok"
)
_STRANGE = "SELECT id FROM item WHERE session IN (SELECT value FROM json_each(?))"
_WITNESS = itemgetter(*map(ITEM.index, WITNESS))
_TAILS = {_ITEM: f" ON CONFLICT (id) DO UPDATE SET {_UPDATE} WHERE item.key = excluded.key"}


class JournalFile:
    """One session on a journal, from its making until :meth:`close`.

    Args:
        path: the file, made if there is none.
        batch_size: items per commit.
        workers: for the session's row.
        maker: what makes the values, None if they are always of one kind.
        anew: nothing of what is there is used, so it may be of another kind.

    Attributes:
        session: this session's number.
        older: how many values another version of the maker made.
        trouble: why it can write no more, None while it can.

    Raises:
        JournalError: another process writes it, it is damaged or no journal, it cannot be written, or it
            holds values of another kind.
    """

    def __init__(
        self, path: Path, *, batch_size: int, workers: int, maker: str | None = None, anew: bool = False
    ) -> None:
        self.path = path
        self._where = path.resolve()  # a notebook may change its folder, and a link is not the file
        self.trouble: JournalError | None = None
        self.on_trouble: Callable[[JournalError], None] = lambda _: None
        self.on_room: Callable[[], None] = lambda: None
        self._most_open = OPEN * batch_size
        self._counting = threading.Lock()  # guards _open and _held
        self._open = 0  # items that are not committed yet
        self._held = 0  # bytes of their values
        self._lost: list[Row] = []
        self._hungry = False
        self._lock = JournalLock(self._where, path)
        try:
            self._looked_through = _size(path) <= CHECKED_BYTES
            self._opened: sqlite3.Connection | None = _connected(path)
            self._current = self._opened
            makers = Makers(self._opened, path, maker)
            if not anew:
                makers.check()
            self.older, self._strange = makers.older, makers.strange
            self.session = _begun(self._opened, workers, maker)
            self._file = _identity(self._where)
            (self._place,) = self._opened.execute("SELECT COALESCE(max(id), 0) + 1 FROM value").fetchone()
        except BaseException as error:
            self._lock.release()
            if isinstance(error, sqlite3.Error):
                raise _advised(told(error, path, LAYOUT), path) from error
            if isinstance(error, JournalError):
                raise _advised(error, path) from error
            raise
        self._checkpoints = Checkpoints(self._where)
        self._writer = Writer(
            self._connection,
            name="fetchlab-journal",
            batch_size=batch_size,
            on_trouble=self._failed,
            on_commit=self._committed,
            write_rows=self._write,
        )

    def started(self) -> Future[None]:
        """Have the writer's thread running."""
        return self._writer.call(lambda _: None)

    def load(self, *, ok: bool) -> Future[set[int]]:
        """Return the row numbers of items that are ok, or of those that are not; read in another thread.

        In a file that is small enough to be looked through, an item whose value is damaged is not ok. Of a
        larger one damage is found when the value is read.
        """

        def read(connection: sqlite3.Connection) -> set[int]:
            found = (
                _sound(connection, self.path)
                if ok and self._looked_through
                else {row for (row,) in connection.execute("SELECT id FROM item WHERE ok = ?", (int(ok),))}
            )
            return found - self._of_another_kind(connection) if self._strange else found

        return self._writer.call(read)

    def _of_another_kind(self, connection: sqlite3.Connection) -> set[int]:
        strange = (json.dumps(self._strange),)
        return {row for (row,) in connection.execute(_STRANGE, strange)}

    def fact(self, name: str, value: str) -> str:
        """Note a fact of the file unless it has one of that name; return the one it has."""

        def note(connection: sqlite3.Connection) -> str:
            connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, value))
            (found,) = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            return str(found)

        try:
            return self._writer.call(note).result()
        except sqlite3.Error as error:
            raise _advised(told(error, self.path, LAYOUT), self.path) from error

    def ended(self, row: tuple[Any, ...], data: bytes | None) -> None:
        """Write an ended item: a row in ITEM order, and its value's bytes."""
        self._put((_ITEM, (row, data)))

    def attempt(self, row: tuple[Any, ...]) -> None:
        """Write an attempt: a row in ATTEMPT order."""
        self._put((_ATTEMPT, row))

    def pulse(self, stats: str) -> None:
        """Write how the run stands, as JSON."""
        self._put((_PULSE, (self.session, time.time(), stats)))

    def has_room(self) -> bool:
        """Say whether another item may begin; if not, ``on_room`` will be called, in the writer's thread.

        None may while two batches are open, the one that is being written and the one that fills. So a killed
        process has these and what was in flight to fetch again, and no more. One alone would keep hundreds of
        workers waiting for the disk.
        """
        if self._has_room():
            return True
        self._hungry = True  # and look again: it may have caught up before it could see the flag
        return self._has_room()

    def _has_room(self) -> bool:
        return self._open < self._most_open and self._held <= HELD_BYTES

    def close(self, state: str, stats: str) -> None:
        """Write all that waits and how the session ended, let go of the file; blocks.

        Rows that could not be written before are tried once more.

        Raises:
            JournalError: something could not be written.
        """
        lost, self._lost = self._lost, []
        self.trouble = None
        for row in lost:
            self._put(row)

        def end(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE session SET ended = ?, state = ?, stats = ? WHERE id = ?",
                (time.time(), state, stats, self.session),
            )

        try:
            self._writer.call(end).result()
        except (sqlite3.Error, StoreError) as error:
            self.trouble = self.trouble or self._told(error)
        finally:
            self._checkpoints.close()
            self._writer.close()
            self._lock.release()
        if self.trouble is not None:
            raise self.trouble

    @property
    def unwritten(self) -> list[Row]:
        """Rows that could not be written: give them to the next session's :meth:`catch_up`."""
        return self._lost

    def catch_up(self, rows: list[Row]) -> None:
        """Write what an earlier session could not."""
        for row in rows:
            self._put(row)

    def _put(self, row: Row) -> None:
        if self.trouble is not None:
            self._lost.append(row)
            return
        if row[0] == _ITEM:
            with self._counting:
                self._open += 1
                self._held += len(row[1][1] or b"")
        self._writer.write(*row)

    # on the writer's thread

    def _connection(self) -> sqlite3.Connection:
        opened, self._opened = self._opened, None
        self._check_file()  # or another one would be begun in its place
        self._current = opened or _connected(self._where)
        self._checkpoints.arrange(self._current)
        return self._current

    def _check_file(self) -> None:
        """See at every commit whether the file is there: SQLite would go on writing to one without a name."""
        if _identity(self._where) != self._file:
            raise JournalError(
                f"{self.path}: the journal was deleted, moved or replaced while this run wrote it, and what"
                " was recorded went with it. What the run fetched is still in the run: run.table(),"
                " run.save(…). Put the file back before run.retry_failed() goes on, or give another journal"
            )

    def _write(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        self._check_file()
        ended = [row for table, row in rows if table == _ITEM]
        latest = {item[0]: (item, data) for item, data in ended}
        if len(latest) < len(ended):  # equal keys: the last counts, as it would in two batches
            for item, _ in ended:
                if item[1] != latest[item[0]][0][1]:
                    raise JournalError(_clash(self.path, item[1], latest[item[0]][0][1]))
        items: list[Any] = []
        values: list[Any] = []
        for item, data in latest.values():
            items.append((*item, None if data is None else self._place))
            if data is not None:
                values.append((self._place, data, checksum(_WITNESS(item), data)))
                self._place += 1
        if latest:
            connection.execute(_FORGET, (json.dumps(list(latest)),))
        tables = {_VALUE: values, _ITEM: items, _ATTEMPT: [], _PULSE: []}
        for table, row in rows:
            if table != _ITEM:
                tables[table].append(row)
        for table, some in tables.items():
            self._insert(connection, table, some)
        if tables[_PULSE]:
            connection.execute(
                "DELETE FROM pulse WHERE session = ? AND id <= (SELECT max(id) FROM pulse) - ?",
                (self.session, PULSES_KEPT),
            )

    def _insert(self, connection: sqlite3.Connection, table: str, rows: list[Any]) -> None:
        head, width = _HEADS[table]
        tail = _TAILS.get(table, "")
        one = f"({', '.join('?' * width)})"
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            sql = f"{head}{', '.join([one] * len(some))}{tail}"
            done = connection.execute(sql, [value for row in some for value in row]).rowcount
            if table == _ITEM and done < len(some):
                for row in some:
                    (key,) = connection.execute("SELECT key FROM item WHERE id = ?", row[:1]).fetchone()
                    if key != row[1]:
                        raise JournalError(_clash(self.path, key, row[1]))

    def _committed(self, rows: list[Row]) -> None:
        items, held = self._settle(rows)
        self._checkpoints.wrote(self._current, pages=items, data=held)

    def _settle(self, rows: list[Row]) -> tuple[int, int]:
        """Make room: these are committed, or never will be here; return their number and bytes."""
        sizes = [len(row[1] or b"") for table, row in rows if table == _ITEM]
        items, held = len(sizes), sum(sizes)
        with self._counting:
            self._open -= items
            self._held -= held
        if self._hungry and self._has_room():
            self._hungry = False
            self.on_room()
        return items, held

    def _failed(self, error: Exception, rows: list[Row]) -> None:
        self._lost.extend(rows)
        first = self.trouble is None
        self.trouble = self.trouble or self._told(error)
        if first:
            self.on_trouble(self.trouble)
        self._settle(rows)

    def _told(self, error: Exception) -> JournalError:
        if isinstance(error, JournalError):
            return error
        return JournalError(
            f"{told(error, self.path, LAYOUT)}; what is committed stays, and the same call goes on from there"
        )


def _connected(path: Path) -> sqlite3.Connection:
    before = _size(path)
    connection = connect(path, LAYOUT)
    try:
        connection.execute(f"PRAGMA cache_size = {CACHE}")
        if 0 < before <= CHECKED_BYTES:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                error = JournalError(f"{path}: the journal is damaged ({found})")
                error.damaged = True
                raise error
    except BaseException:
        connection.close()
        raise
    return connection


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        there = path.stat()
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sound(connection: sqlite3.Connection, path: Path) -> set[int]:
    """The row numbers of items whose values are what was written; the others are told of."""
    before, connection.text_factory = connection.text_factory, readable
    try:
        rows = connection.execute(_CHECKED)
        found = [(row[0], row[1], is_whole(row, data, noted)) for *row, data, noted in rows]
    finally:
        connection.text_factory = before
    broken = [(number, key) for number, key, whole in found if not whole]
    if broken:
        log.warning("%s: %d values are damaged and will be fetched anew, %s", path, len(broken), broken[0][1])
    # a row with another key would be in the way of the right one
    strange = [number for number, key in broken if number not in (ident(key), ident(key + NO_TEXT))]
    connection.execute(
        "DELETE FROM item WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(strange),)
    )
    return {number for number, _, whole in found if whole}


def _begun(connection: sqlite3.Connection, workers: int, maker: str | None) -> int:
    """Begin a session; one that was left open was killed, because nobody else has the lock."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        connection.execute(
            "UPDATE session SET state = 'killed', ended = COALESCE("
            "(SELECT max(at) FROM pulse WHERE pulse.session = session.id), started) WHERE ended IS NULL"
        )
        done = connection.execute(
            "INSERT INTO session (pid, machine, started, state, workers, maker)"
            " VALUES (?, ?, ?, 'running', ?, ?)",
            (os.getpid(), platform.node(), time.time(), workers, maker),
        )
    assert done.lastrowid is not None
    return done.lastrowid


def _clash(path: Path, one: str, other: str) -> str:
    return (
        f"{path}: the keys {one!r} and {other!r} have the same row number in a journal, by a chance of one in"
        " billions; give one of them another key"
    )


def _advised(error: StoreError, path: Path) -> JournalError:
    """The same with what to do about it."""
    said = str(error)
    advice = ""
    if error.damaged:
        advice = "; it is left as it is: give another path, or move it away"
        if "not a database" not in said and "no fetchlab" not in said:
            advice += f". `sqlite3 {shlex.quote(str(path))} .recover` can save rows"
    elif "opened for writing" in said and path.exists():
        advice = f"; fl.Journal.open({str(path)!r}) reads it"
    advised = JournalError(f"{said}{advice}" if advice and advice not in said else said)
    advised.damaged = error.damaged
    return advised
