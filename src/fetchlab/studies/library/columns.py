"""Files held in memory: as columns, or as one object each for comparison.

A name takes some hundred bytes whatever is done. Columns add a number for the folder, whose path they hold
once, and plain 64-bit numbers for size and time; objects add as much again as the name.
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

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


class Held(Protocol):
    """What holds files."""

    def add(self, folder: str, name: str, video: bool, size: int, modified: int) -> None:
        """Hold one more."""

    def __len__(self) -> int:
        """How many there are."""

    def frame(self) -> pl.DataFrame:
        """Return them in the FILES schema, as they came."""


class Columns:
    """Files as columns."""

    def __init__(self) -> None:
        self._folders: dict[str, int] = {}
        self._folder = array("I")
        self._names: list[str] = []
        self._videos = bytearray()
        self._sizes = array("Q")
        self._modified = array("q")

    def add(self, folder: str, name: str, video: bool, size: int, modified: int) -> None:
        """Hold one more."""
        self._folder.append(self._folders.setdefault(folder, len(self._folders)))
        self._names.append(name)
        self._videos.append(video)
        self._sizes.append(size)
        self._modified.append(modified)

    def __len__(self) -> int:
        return len(self._names)

    def frame(self) -> pl.DataFrame:
        """Return them in the FILES schema, as they came."""
        return pl.DataFrame(list(self.series(range(len(self)))))

    def sorted(self) -> list[int]:
        """Return the places of the files, sorted by path."""
        return sorted(range(len(self)), key=self._paths().__getitem__)

    def series(self, places: Sequence[int]) -> Iterator[pl.Series]:
        """Return the columns of the FILES schema one after the other, with the files at these places."""
        paths = self._paths()
        yield pl.Series("path", [paths[place] for place in places], FILES["path"])
        del paths
        kinds = ["video" if self._videos[place] else "sidecar" for place in places]
        yield pl.Series("kind", kinds, FILES["kind"])
        yield pl.Series("size", array("Q", [self._sizes[place] for place in places]), FILES["size"])
        yield pl.Series(
            "modified", array("q", [self._modified[place] for place in places]), FILES["modified"]
        )

    def _paths(self) -> list[str]:
        folders = list(self._folders)
        return [_path(folders[at], name) for at, name in zip(self._folder, self._names, strict=True)]


def shared_series(
    name: str, values: list[Any], kind: pl.DataType, key: Callable[[Any], Hashable] = lambda value: value
) -> pl.Series:
    """Return values as a column, each different one made once: polars takes a kilobyte to make a list.

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
    return pl.Series(name, made, kind).gather(pl.Series(rows, dtype=pl.UInt32()))


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
