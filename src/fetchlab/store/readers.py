"""A connection to read with for each thread that asks."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from fetchlab.store.database import read_only

if TYPE_CHECKING:
    from pathlib import Path

    from fetchlab.store.database import Layout

__all__ = ["Readers"]

BUSY_MILLISECONDS = 250
MAPPED_BYTES = 1 << 30


class Readers:
    """Connections for reading one file; safe from any thread.

    Args:
        path: the file.
        layout: what it holds.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._local = threading.local()
        self._lock = threading.Lock()  # guards _open
        self._open: weakref.WeakSet[_Reader] = weakref.WeakSet()
        self._generation = 0

    @property
    def partial(self) -> bool:
        """True if this thread's connection may have been opened without the write-ahead log."""
        reader: _Reader | None = getattr(self._local, "reader", None)
        return reader is not None and reader.partial

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection.

        Raises:
            StoreError: the file cannot be read.
        """
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None or reader.generation != self._generation:
            generation = self._generation
            connection = read_only(self._path, self._layout, partial=True)
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            reader = self._local.reader = _Reader(connection, generation, partial=mode != "wal")
            with self._lock:
                self._open.add(reader)
        return reader.connection

    def open_anew(self) -> None:
        """Let every thread open the file again before it reads: another one has taken its place."""
        self._generation += 1

    def close(self) -> None:
        """Close every connection; who reads later opens one again."""
        self.open_anew()
        with self._lock:
            readers = list(self._open)
        for reader in readers:
            with suppress(sqlite3.Error):
                reader.connection.close()


class _Reader:
    """A thread's connection, closed when the thread is gone."""

    __slots__ = ("__weakref__", "connection", "generation", "partial")

    def __init__(self, connection: sqlite3.Connection, generation: int, *, partial: bool) -> None:
        self.connection = connection
        self.generation = generation
        self.partial = partial

    def __del__(self) -> None:
        with suppress(sqlite3.Error):
            self.connection.close()
