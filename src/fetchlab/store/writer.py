"""The one thread that writes a file, in batches.

SQLite lets one writer in at a time, and a commit costs about as much as fifty rows: so nobody but this
thread writes, and it commits when a batch is full or its first row has waited long enough. What must not
wait (:meth:`Writer.call`) is committed with what is there already.

An error is told once to whoever owns the file; rows that could not be written are handed back to it, and the
thread goes on.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

__all__ = ["Row", "Writer"]

T = TypeVar("T")
Row: TypeAlias = tuple[str, Sequence[Any]]
"""An SQL statement and its values."""
Call: TypeAlias = tuple[Callable[[sqlite3.Connection], Any], Future[Any]]


class Writer:
    """Writes rows and does calls on one connection, in the order they come.

    Args:
        open_file: opens the connection; called on the writer's thread, and again after an error.
        name: the thread's.
        batch_size: rows per commit.
        seconds: how long a row may wait for its batch to fill.
        on_trouble: told of an error and the rows that are not written because of it; on the writer's thread.
        write_rows: writes a batch; each row as the statement it is, unless told.
        before_commit: called on the writer's thread with its connection, before every commit.
        on_commit: told of the rows of a batch that is committed; on the writer's thread.
        beat: while ``beating``, seconds between two commits at most.
    """

    def __init__(
        self,
        open_file: Callable[[], sqlite3.Connection],
        *,
        name: str,
        batch_size: int = 50,
        seconds: float = 0.1,
        on_trouble: Callable[[Exception, list[Row]], object] = lambda _error, _rows: None,
        write_rows: Callable[[sqlite3.Connection, list[Row]], object] | None = None,
        before_commit: Callable[[sqlite3.Connection], object] = lambda _connection: None,
        on_commit: Callable[[list[Row]], object] = lambda _rows: None,
        beat: float = 1.0,
    ) -> None:
        self._open = open_file
        self._name = name
        self._batch = batch_size
        self._seconds = seconds
        self._on_trouble = on_trouble
        self._write_rows = write_rows or _one_by_one
        self._before_commit = before_commit
        self._on_commit = on_commit
        self._beat = beat
        self._beaten = time.monotonic()
        self._wanted = threading.Condition()  # guards all below
        self._rows: deque[Row] = deque()
        self._calls: deque[Call] = deque()
        self._beating = False
        self._first = 0.0  # when the oldest waiting row came
        self._closing = self._stale = False
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Rows that are not committed yet."""
        return len(self._rows)

    @property
    def beating(self) -> bool:
        """Whether there are commits without other work, too."""
        return self._beating

    @beating.setter
    def beating(self, value: bool) -> None:
        with self._wanted:
            if value and not self._beating:
                self._start()
                self._wanted.notify()
            self._beating = value

    def write(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Write a row with the next batch; from any thread, without waiting."""
        self.write_all([(sql, values)])

    def write_all(self, rows: Sequence[Row]) -> None:
        """Write rows in one and the same batch, or in two that follow each other."""
        with self._wanted:
            before = len(self._rows)
            self._rows.extend(rows)
            if not before:
                self._first = time.monotonic()
                self._start()
                self._wanted.notify()
            elif before < self._batch <= len(self._rows):
                self._wanted.notify()

    def call(self, function: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Call a function with the connection inside a transaction, after all rows so far.

        The future has its value once that is committed. An error in it undoes what the function wrote, and is
        the future's.
        """
        future: Future[T] = Future()
        with self._wanted:
            if self._closing:
                future.set_exception(RuntimeError("the file is closed"))
                return future
            self._calls.append((function, future))
            self._start()
            self._wanted.notify()
        return future

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything so far is committed, or has failed."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self.call(lambda _: None).result(timeout)

    def open_anew(self) -> None:
        """Open the file again before the next commit: another one has taken its place."""
        self._stale = True

    def rest(self, timeout: float | None = None) -> None:
        """Do as :meth:`close`, but start again when there is something to write."""
        self.close(timeout)
        self._closing = False

    def close(self, timeout: float | None = None) -> None:
        """Write what waits, close the connection and end the thread."""
        with self._wanted:
            self._closing = True
            thread, self._thread = self._thread, None
            self._wanted.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        connection: sqlite3.Connection | None = None
        while True:
            rows, calls, over = self._next()
            if rows or calls or self._beating:
                connection = self._commit(connection, rows, calls)
            if over and not rows and not calls:
                break
        if connection is not None:
            with suppress(sqlite3.Error):  # so that the file alone is whole; while others read, it cannot be
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.close()

    def _next(self) -> tuple[list[Row], list[Call], bool]:
        """Wait for a full batch, an old row, a call, a beat or the end."""
        with self._wanted:
            while not (self._closing or self._calls or len(self._rows) >= self._batch):
                now = time.monotonic()
                waits = [self._first + self._seconds - now] if self._rows else []
                if self._beating:
                    waits.append(self._beaten + self._beat - now)
                if waits and min(waits) <= 0:
                    break
                self._wanted.wait(min(waits) if waits else None)
            calls = [call for call in self._calls if call[1].set_running_or_notify_cancel()]
            self._calls.clear()
            size = len(self._rows) if calls or self._closing else min(len(self._rows), self._batch)
            rows = [self._rows.popleft() for _ in range(size)]
            if self._rows:
                self._first = time.monotonic()
            return rows, calls, self._closing

    def _commit(
        self, connection: sqlite3.Connection | None, rows: list[Row], calls: list[Call]
    ) -> sqlite3.Connection | None:
        """Write all of it in one transaction; return the connection if it is still good."""
        done: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            if self._stale:
                self._stale = False
                _given_up(connection)
                connection = None
            connection = connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
            self._write_rows(connection, rows)
            for function, future in calls:
                done.append((future, *_called(connection, function)))
            self._beaten = time.monotonic()
            self._before_commit(connection)
            connection.execute("COMMIT")
        except Exception as error:
            _given_up(connection)
            self._on_trouble(error, rows)
            for _, future in calls:
                future.set_exception(error)
            return None
        self._on_commit(rows)
        for future, value, trouble in done:
            if trouble is None:
                future.set_result(value)
            else:
                future.set_exception(trouble)
        return connection


def _one_by_one(connection: sqlite3.Connection, rows: list[Row]) -> None:
    for sql, values in rows:
        connection.execute(sql, values)


def _called(
    connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], Any]
) -> tuple[Any, Exception | None]:
    connection.execute("SAVEPOINT called")
    try:
        value = function(connection)
    except sqlite3.Error:
        raise  # the file is in trouble: nothing of this batch counts
    except Exception as error:
        connection.execute("ROLLBACK TO called")
        connection.execute("RELEASE called")
        return None, error
    connection.execute("RELEASE called")
    return value, None


def _given_up(connection: sqlite3.Connection | None) -> None:
    """Close a connection; what it had not committed is undone."""
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.close()
