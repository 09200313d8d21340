"""The last session of a journal at one glance: what somebody who watches a run asks for twice a second.

A glance opens the file, reads and lets go of it, so a file that was replaced is noticed, a writer's
checkpoints are not held up, and nothing is written. What it reads does not grow with the journal: pulses and
attempts since the glance before, and of the items a sample. Row numbers of items are hashes of their keys, so
the first few thousand are a fair sample of all.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fetchlab.store.database import read_only, told
from fetchlab.store.journal_layout import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Glance", "LastSession", "glance", "tally"]

PULSES = 300
ATTEMPTS = 20_000
SAMPLE = 2_000

_SESSION = (
    "SELECT id, pid, machine, started, ended, state, workers, stats FROM session ORDER BY id DESC LIMIT 1"
)
_PULSES = (
    "SELECT id, at, stats FROM pulse WHERE id > max(?, (SELECT COALESCE(max(id), 0) FROM pulse) - ?)"
    " AND session = ? ORDER BY id"
)
_LAST_ATTEMPT = "SELECT COALESCE(max(rowid), 0) FROM attempt"
# of columns that are neither grouped nor counted SQLite gives those of the row that has the max()
_ATTEMPTS = (
    "SELECT error, host, count(*), sum(reason IS NULL), key, message,"
    " max((reason IS NULL) * 4611686018427387904 + rowid) FROM attempt"
    " WHERE rowid > ? AND rowid <= ? AND session = ? AND error IS NOT NULL GROUP BY error, host"
)
_SECONDS = (
    "SELECT host, finished - started FROM (SELECT * FROM item ORDER BY id LIMIT ?)"
    " WHERE session = ? AND ok AND attempts = 1 AND NOT cached"
)
_FAILED = (
    "SELECT error, key, message, host, max(session * 1000000000 + finished)"
    " FROM (SELECT * FROM item ORDER BY id LIMIT ?) WHERE NOT ok GROUP BY error"
)


@dataclass(frozen=True, slots=True)
class LastSession:
    """A row of ``session``; moments are seconds since the epoch.

    Attributes:
        number: counted from 1.
        pid: the process.
        machine: its name.
        started: its begin.
        ended: its end, None while nobody ended it.
        state: ``running``, or how it ended.
        workers: slots at its begin.
        stats: its final statistics as JSON, None or ``"null"`` without any.
    """

    number: int
    pid: int
    machine: str
    started: float
    ended: float | None
    state: str
    workers: int
    stats: str | None

    def is_same(self, other: LastSession | None) -> bool:
        """Say whether this is that session, maybe later; false in a file that took the other's place."""
        return other is not None and (self.number, self.pid, self.started) == (
            other.number,
            other.pid,
            other.started,
        )


@dataclass(frozen=True, slots=True)
class Glance:
    """What is new since the glance before.

    Attributes:
        sessions: how many the journal has.
        last: the last one, None before the first.
        goes_on: whether it is the session of the glance before; if not, everything is new.
        pulses: when each was, in seconds since the epoch, and the statistics as JSON; oldest first.
        attempts: failed attempts by error kind and host: kind, host, how many, how many of them ended their
            item, key and message of one.
        seconds: host and duration of items that came at the first attempt; of a sample.
        failed: an example by kind: kind, key, message, host; of a sample, of all items once the session
            ended.
        last_pulse: row number of the newest pulse.
        last_attempt: row number of the newest attempt.
    """

    sessions: int
    last: LastSession | None
    goes_on: bool
    pulses: Sequence[tuple[float, str]]
    attempts: Sequence[tuple[str, str, int, int, str, str | None]]
    seconds: Sequence[tuple[str, float]]
    failed: Sequence[tuple[str, str, str | None, str]]
    last_pulse: int
    last_attempt: int


def glance(path: Path, before: Glance | None = None) -> Glance:
    """Look at a journal, also while another process writes it and in a folder where nothing can be written.

    Args:
        path: the file.
        before: the glance before this one.

    Raises:
        JournalError: there is no such file, it is no journal, it is damaged or cannot be read.
    """
    with closing(read_only(path, LAYOUT)) as connection:
        try:
            connection.execute("BEGIN")  # all of it at one moment
            return _read(connection, before)
        except sqlite3.Error as error:
            raise told(error, path, LAYOUT) from error


def tally(path: Path, session: int) -> tuple[int, int, int]:
    """Return how many items a session ended, how many of them are ok, and their bytes; reads all rows.

    Raises:
        JournalError: it cannot be read.
    """
    sql = "SELECT count(*), COALESCE(sum(ok), 0), COALESCE(sum(bytes), 0) FROM item WHERE session = ?"
    with closing(read_only(path, LAYOUT)) as connection:
        try:
            items, ok, size = connection.execute(sql, (session,)).fetchone()
        except sqlite3.Error as error:
            raise told(error, path, LAYOUT) from error
    return items, ok, size


def _read(connection: sqlite3.Connection, before: Glance | None) -> Glance:
    def ask(sql: str, *values: Any) -> list[Any]:
        return connection.execute(sql, values).fetchall()

    found = ask(_SESSION)
    if not found:
        return Glance(0, None, False, (), (), (), (), 0, 0)
    last = LastSession(*found[0])
    ((sessions,),) = ask("SELECT count(*) FROM session")
    known = before if before is not None and last.is_same(before.last) else None
    pulses = ask(_PULSES, known.last_pulse if known else 0, PULSES, last.number)
    ((newest,),) = ask(_LAST_ATTEMPT)
    oldest = known.last_attempt if known else newest - ATTEMPTS
    return Glance(
        sessions=sessions,
        last=last,
        goes_on=known is not None,
        pulses=[(at, stats) for _, at, stats in pulses],
        attempts=[row[:6] for row in ask(_ATTEMPTS, oldest, newest, last.number)],
        seconds=ask(_SECONDS, SAMPLE, last.number),
        failed=[row[:4] for row in ask(_FAILED, SAMPLE if last.ended is None else -1)],
        last_pulse=pulses[-1][0] if pulses else (known.last_pulse if known else 0),
        last_attempt=newest,
    )
