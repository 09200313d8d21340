"""Files held in memory: as columns, or as one object each for comparison.

An object with its path takes some 300 bytes, most of them Python's own. A column takes 16 for the place of a
path and as many as the path has letters, eight each for size and time, and four for what is one of few words.
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["FILES", "Columns", "Found", "Held", "Rows", "shared_series"]

FILES = pl.Schema(
    {
        "path": pl.String(),
        "kind": pl.Categorical(),
        "size": pl.UInt64(),
        "modified": pl.Int64(),
    }
)
"""Files: ``path`` from the root on, with ``/``; ``kind`` video or sidecar; ``modified`` in ns."""


_SEALED = 4096
_MADE = 128


class Held(Protocol):
    """What holds files."""

    def add(self, folder: str, name: str, video: bool, size: int, modified: int) -> None:
        """Hold one more."""

    def __len__(self) -> int:
        """How many there are."""

    def frame(self) -> pl.DataFrame:
        """Return them in the FILES schema, as they came."""


class Columns:
    """Files as columns: every so many become a frame, and nothing of them stays in Python."""

    def __init__(self) -> None:
        self._sealed: list[pl.DataFrame] = []
        self._count = 0
        self._begin()

    def _begin(self) -> None:
        self._paths: list[str] = []
        self._kinds: list[str] = []
        self._sizes = array("Q")
        self._modified = array("q")

    def add(self, folder: str, name: str, video: bool, size: int, modified: int) -> None:
        """Hold one more."""
        self._paths.append(_path(folder, name))
        self._kinds.append("video" if video else "sidecar")
        self._sizes.append(size)
        self._modified.append(modified)
        self._count += 1
        if len(self._paths) == _SEALED:
            self._sealed.append(self._fresh())
            self._begin()

    def __len__(self) -> int:
        return self._count

    def frame(self) -> pl.DataFrame:
        """Return them in the FILES schema, as they came."""
        return pl.concat([*self._sealed, self._fresh()], rechunk=False)

    def _fresh(self) -> pl.DataFrame:
        columns = {
            "path": self._paths,
            "kind": self._kinds,
            "size": self._sizes,
            "modified": self._modified,
        }
        return pl.DataFrame(columns, schema=FILES)


def shared_series(
    name: str, values: list[Any], kind: pl.DataType, key: Callable[[Any], Hashable] = lambda value: value
) -> pl.Series:
    """Return values as a column, each different one made once, some at a time.

    To make a list polars takes a kilobyte, and lets go of it when all are made.

    Args:
        name: of the column.
        values: most of which occur more than once.
        kind: the column's type.
        key: what tells values apart; themselves unless told.
    """
    places: dict[Hashable, int] = {}
    made: list[Any] = []
    rows = array("I")
    for value in values:
        place = places.setdefault(key(value), len(made))
        if place == len(made):
            made.append(value)
        rows.append(place)
    parts = [
        pl.DataFrame([pl.Series(name, made[first : first + _MADE], kind)])
        for first in range(0, max(len(made), 1), _MADE)
    ]
    return pl.concat(parts, rechunk=True)[name][pl.Series(rows, dtype=pl.UInt32())]


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


class Found(NamedTuple):
    """One file as an object."""

    path: str
    video: bool
    size: int
    modified: int


class Rows:
    """Files as objects, for comparison.

    Args:
        interned: hold equal strings once.
    """

    def __init__(self, *, interned: bool = False) -> None:
        self._interned = interned
        self._rows: list[tuple[str, str, bool, int, int] | Found] = []

    def add(self, folder: str, name: str, video: bool, size: int, modified: int) -> None:
        """Hold one more."""
        if self._interned:
            self._rows.append((sys.intern(folder), name, video, size, modified))
        else:
            self._rows.append(Found(_path(folder, name), video, size, modified))

    def __len__(self) -> int:
        return len(self._rows)

    def frame(self) -> pl.DataFrame:
        """Return them in the FILES schema, as they came."""
        held = Columns()
        for row in self._rows:
            if isinstance(row, Found):
                folder, _, name = row.path.rpartition("/")
                held.add(folder, name, row.video, row.size, row.modified)
            else:
                held.add(*row)
        return held.frame()
