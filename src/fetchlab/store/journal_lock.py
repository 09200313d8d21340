"""One process at a time writes a journal.

The lock is the system's own, on a file beside the journal, so it is gone with a killed process at once. (On
the journal itself it would be lost: closing any handle of a file drops the locks that SQLite has on it.)
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import filelock

from fetchlab.errors import JournalError, StoreError
from fetchlab.store.database import read_only
from fetchlab.store.journal_layout import LAYOUT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["JournalLock", "is_held"]

PATIENCE = 0.5
"""Seconds: the run before may be about to let go."""


class JournalLock:
    """The right to write a journal, from its making until :meth:`release`.

    Args:
        path: the journal, links followed: under another name it is the same.
        shown: what the user calls it.

    Raises:
        JournalError: another process has it, or no lock can be had in that folder.
    """

    def __init__(self, path: Path, shown: Path) -> None:
        beside = path.with_name(path.name + ".lock")
        self._lock = filelock.FileLock(beside, thread_local=False)
        self._owner = os.getpid()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=PATIENCE, poll_interval=0.05)
        except filelock.Timeout:
            raise JournalError(
                f"{shown}: the journal is in use by {holder(path)}; fl.Journal.open({str(shown)!r}) reads it "
                "meanwhile"
            ) from None
        except OSError as error:
            reads = f"; fl.Journal.open({str(shown)!r}) reads it" if path.exists() else ""
            raise JournalError(
                f"{shown}: the journal cannot be opened for writing ({error.strerror or error}){reads}"
            ) from error

    def release(self) -> None:
        """Let others write; a forked child lets go of nothing, because it is its parent's."""
        if os.getpid() == self._owner:
            self._lock.release()


def is_held(path: Path) -> bool | None:
    """Say whether a process of this machine writes a journal; None where that cannot be told by looking."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        found = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(found, fcntl.LOCK_SH | fcntl.LOCK_NB)  # gone with the descriptor
    except BlockingIOError:
        return True
    except OSError:
        return None
    else:
        return False
    finally:
        os.close(found)


def holder(path: Path) -> str:
    """Return who writes a journal and since when, as far as the journal tells."""
    with suppress(StoreError, sqlite3.Error), closing(read_only(path, LAYOUT)) as connection:
        row = connection.execute(
            "SELECT pid, started FROM session WHERE ended IS NULL ORDER BY id DESC LIMIT 1"
        ).fetchone()
        if row is not None:
            since = datetime.fromtimestamp(row[1], UTC)
            today = "%H:%M:%S" if time.time() - row[1] < 12 * 3600 else "%Y-%m-%d %H:%M:%S"
            return f"process {row[0]} since {since:{today}} UTC"
    return "another process"
