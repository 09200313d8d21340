"""The run's book: one row per ended item, one per failed attempt.

Rows are tuples while they are fresh and columns once there are enough of them, which takes a quarter of
the memory. A run that keeps no values writes the columns to Arrow files as well and holds none of them.
The engine's thread writes; any thread may read.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from fetchlab.engine.earlier import Earlier

__all__ = ["Ledger"]

SEAL_ROWS = 4096
SPILL_CHUNKS = 16

KEY = 1
INDEX = 0
Row = tuple[Any, ...]


class Ledger:
    """Rows of ended items and of failed attempts, in the order they happened.

    Args:
        key_of: makes a row's key from its item; called late, when a row becomes columns.
        spill: write sealed chunks to disk and let go of them.
    """

    def __init__(self, key_of: Callable[[Any], str], *, spill: bool) -> None:
        self._key_of = key_of
        self._lock = threading.Lock()  # held while rows become columns, so that a reader sees each row once
        self._fresh: list[Row] = []
        self._chunks: list[pl.DataFrame] = []
        self._sealed = 0
        self._attempts: list[Row] = []
        self._spill = spill
        self._folder: Path | None = None
        self._parts: list[Path] = []
        self._earlier: Earlier | None = None

    def __len__(self) -> int:
        return self._sealed + len(self._fresh)

    def comes_after(self, earlier: Earlier) -> None:
        """Have the tables tell what earlier sessions of a journal finished, too."""
        self._earlier = earlier

    def append(self, row: Row) -> None:
        """Write an ended item: a row in ``frame.ROW`` order whose key may still be its item."""
        self._fresh.append(row)
        if len(self._fresh) >= SEAL_ROWS:
            self._seal()

    def append_attempt(self, row: Row) -> None:
        """Write an attempt: a row in ``frame.ATTEMPTS`` order."""
        self._attempts.append(row)

    def rows(self, start: int) -> list[Row]:
        """Return the rows from position ``start`` on, at most one chunk of them."""
        with self._lock:
            if start >= self._sealed:
                return [self._keyed(row) for row in self._fresh[start - self._sealed :]]
            first = 0
            for chunk in self._chunks:
                if start < first + chunk.height:
                    return chunk.slice(start - first).rows()
                first += chunk.height
        return []

    def timings(self) -> pl.DataFrame:
        """Return the timings frame of every item that ended so far."""
        return frame.timings_frame([*(self._earlier.chunks() if self._earlier else ()), *self._all()])

    def attempts(self) -> pl.DataFrame:
        """Return the attempts frame."""
        before = self._earlier.attempts() if self._earlier else []
        return frame.attempts_frame(self.timings(), frame.seal_attempts([*before, *self._attempts]))

    def _all(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        with self._lock:
            fresh = [self._keyed(row) for row in self._fresh]
            chunks, parts = list(self._chunks), list(self._parts)
        yield from (pl.read_ipc(part) for part in parts)
        yield from chunks
        if fresh:
            yield frame.seal_rows(fresh)

    def _keyed(self, row: Row) -> Row:
        return (row[INDEX], self._key_of(row[KEY]), *row[KEY + 1 :])

    def _seal(self) -> None:
        with self._lock:
            self._chunks.append(frame.seal_rows([self._keyed(row) for row in self._fresh]))
            self._sealed += len(self._fresh)
            self._fresh = []
            if self._spill and len(self._chunks) >= SPILL_CHUNKS:
                self._write_part()

    def _write_part(self) -> None:
        import polars as pl

        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="fetchlab-"))
            weakref.finalize(self, _remove, self._folder, os.getpid())
        part = self._folder / f"timings-{len(self._parts):05d}.arrow"
        pl.concat(self._chunks).write_ipc(part, compression="lz4")
        self._parts.append(part)
        self._chunks = []


def _remove(folder: Path, owner: int) -> None:
    """A forked child holds a copy of the ledger; the files are not its to remove."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
