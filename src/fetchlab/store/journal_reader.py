"""Reading a journal, also while it is written: rows and values by row number, sessions, pulses."""

from __future__ import annotations

import json
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from fetchlab.errors import JournalError, StoreError
from fetchlab.store.database import read_only, told
from fetchlab.store.journal_layout import ATTEMPT, ITEM, LAYOUT, WITNESS, is_whole, readable
from fetchlab.store.values import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["DAMAGED", "JournalReader"]

Row = tuple[Any, ...]
CHUNK = 4096
DAMAGED = object()
"""In a value's place: what is stored cannot be read any more."""
_ITEM = ", ".join(f"item.{name}" for name in ITEM)
_VALUE = ", ".join(f"item.{name}" for name in WITNESS)
_SESSIONS = (
    "SELECT session.id, pid, machine, started, ended, state, workers,"
    " COALESCE(session.stats,"
    " (SELECT stats FROM pulse WHERE pulse.session = session.id ORDER BY id DESC LIMIT 1)),"
    " (SELECT max(at) FROM pulse WHERE pulse.session = session.id)"
    " FROM session ORDER BY session.id"
)


class JournalReader:
    """A journal opened for reading; safe from any thread, and works in a folder where nothing can be written.

    Args:
        path: the file.

    Raises:
        JournalError: it is none, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # guards _connection, which one thread uses at a time
        self._connection: sqlite3.Connection | None = read_only(path, LAYOUT)
        self._connection.text_factory = readable

    def items(self) -> Iterator[list[Row]]:
        """Yield all rows of ``item``, a chunk at a time."""
        sql = f"SELECT {_ITEM} FROM item WHERE id > ? ORDER BY id LIMIT {CHUNK}"  # noqa: S608
        rows = self._query(sql, (-1,))
        while rows:
            yield rows
            rows = self._query(sql, (rows[-1][0],))

    def rows(self, ids: Sequence[int]) -> list[Row]:
        """Return rows of ``item`` for row numbers, in their order.

        Raises:
            JournalError: one of them is not there any more.
        """
        found = self._by_id(f"SELECT {_ITEM} FROM json_each(?) asked JOIN item ON item.id = asked.value", ids)  # noqa: S608
        return [self._there(found, one) for one in ids]

    def values(self, ids: Sequence[int]) -> list[Any]:
        """Return the values of items for row numbers, in their order; DAMAGED for what cannot be read."""
        found = self._by_id(
            f"SELECT {_VALUE}, value.data, value.checksum FROM json_each(?) asked"  # noqa: S608
            " JOIN item ON item.id = asked.value LEFT JOIN value ON value.id = item.value",
            ids,
        )
        return [_value(*self._there(found, one)) for one in ids]

    def attempts(self, ids: Iterable[int] | None = None) -> list[Row]:
        """Return rows of ``attempt``: all, or those of items in the session that ended them."""
        columns = ", ".join(f"attempt.{name}" for name in ATTEMPT)
        if ids is None:
            return self._query(f"SELECT {columns} FROM attempt ORDER BY session, started, attempt")  # noqa: S608
        return self._query(
            f"SELECT {columns} FROM json_each(?) asked JOIN item ON item.id = asked.value"  # noqa: S608
            " JOIN attempt ON attempt.item = item.id AND attempt.session = item.session",
            (json.dumps(list(ids)),),
        )

    def sessions(self) -> list[Row]:
        """Return a row per session.

        Number, process, machine, begin, end, state, workers, its last statistics as JSON, and when its last
        pulse was; times are seconds since the epoch.
        """
        return self._query(_SESSIONS)

    def counts(self) -> dict[int, tuple[int, int, int, float]]:
        """Return how many items each session ended, how many with a value, their bytes, and the last's end.

        That end is in seconds since the session's run began.
        """
        rows = self._query(
            "SELECT session, count(*), sum(ok), sum(bytes), max(finished) FROM item GROUP BY session"
        )
        return {session: (items, ok, size, last) for session, items, ok, size, last in rows}

    def retries(self) -> dict[int, int]:
        """Return how many attempts each session made up for by a further one, as far as they are recorded."""
        rows = self._query(
            "SELECT session, count(*) FROM attempt WHERE reason IS NOT NULL AND reason != 'stale'"
            " GROUP BY session"
        )
        return dict(rows)

    def pulse(self) -> str | None:
        """Return the newest statistics as JSON, None if there are none yet."""
        rows = self._query("SELECT stats FROM pulse ORDER BY id DESC LIMIT 1")
        return rows[0][0] if rows else None

    def meta(self, name: str) -> Any:
        """Return a fact of the file, None if it has none of that name."""
        rows = self._query("SELECT value FROM meta WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _by_id(self, sql: str, ids: Sequence[int]) -> dict[int, Row]:
        return {row[0]: row for row in self._query(sql, (json.dumps(list(ids)),))}

    def _there(self, found: dict[int, Row], one: int) -> Row:
        try:
            return found[one]
        except KeyError:
            raise JournalError(
                f"{self._path}: an item that was in the journal is not there any more: the file is damaged, "
                "or somebody changed it"
            ) from None

    def _query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._lock:
            return self._ask(sql, values)

    def _ask(self, sql: str, values: Sequence[Any]) -> list[Row]:
        if self._connection is None:
            raise JournalError(f"{self._path}: the journal was closed")
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise told(error, self._path, LAYOUT) from error


def _value(*found: Any) -> Any:
    *row, data, noted = found
    if not is_whole(row, data, noted):
        return DAMAGED
    try:
        return decode(row[-1], data)
    except StoreError:
        return DAMAGED
