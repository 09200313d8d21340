"""Moving the write-ahead log into the file beside the writer, who would wait for the disk otherwise.

A checkpoint copies pages and waits until the disk has them: as long as many commits take. SQLite lets it go
on while others write (https://www.sqlite.org/wal.html#ckpt), so it has a thread and a connection of its own.
What the writer has added meanwhile is little, and the writer copies that itself: only when all of the log is
in the file does it begin anew instead of growing.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from fetchlab.store.database import LOG_BYTES, PAGE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Checkpoints"]

SAFETY = 8
"""Times the usual length, at which SQLite does it after a commit after all."""


class Checkpoints:
    """The checkpoints of one file; called on its writer's thread.

    Args:
        path: the file.
        log_bytes: length of the log at which it is copied.
    """

    def __init__(self, path: Path, log_bytes: int = LOG_BYTES) -> None:
        self._path = path
        self._limit = log_bytes
        self._length = 0  # of the log, about
        self._thread: threading.Thread | None = None

    def arrange(self, connection: sqlite3.Connection) -> None:
        """Have a new connection leave the checkpoints to this."""
        connection.execute(f"PRAGMA wal_autocheckpoint = {SAFETY * self._limit // PAGE_BYTES}")
        self._length = 0

    def wrote(self, connection: sqlite3.Connection, *, pages: int, data: int) -> None:
        """Hear of a commit, and see to the next checkpoint.

        Args:
            connection: the writer's.
            pages: rows at random places, a page each at most.
            data: bytes beside them.
        """
        self._length += (pages + 2) * PAGE_BYTES + data
        thread = self._thread
        if thread is None:
            if self._length > self._limit:
                self._thread = threading.Thread(target=self._copy, name="fetchlab-checkpoint", daemon=True)
                self._thread.start()
        elif not thread.is_alive():
            self._thread = None
            self._length = 0
            with suppress(sqlite3.Error):  # what is wrong with the file, the next commit tells
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Wait for the one under way."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _copy(self) -> None:
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
