"""What stands in the way of a move: decided from names alone, and from what is in the target's folders."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from fetchlab.policy.filenames import same

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["There", "Wish", "ignores_case", "longest", "losers"]

_WINDOWS = 255, 259


class Wish(NamedTuple):
    """A file and where it would go.

    Attributes:
        source: its path.
        target: the path it would have.
        there: it has that path already.
        confidence: how sure the match is.
        size: bytes.
    """

    source: str
    target: str
    there: bool
    confidence: float
    size: int


def losers(wishes: Iterable[Wish], *, insensitive: bool) -> dict[str, str]:
    """Return the sources that cannot have their target because another one gets it, and why.

    One that is there already stays; else the surest match goes, then the largest file, then the first name.

    Args:
        wishes: all that would move, and what is in its place already.
        insensitive: names that differ only in case are one name.
    """
    groups: dict[str, list[Wish]] = {}
    for wish in wishes:
        groups.setdefault(_form(wish.target, insensitive=insensitive), []).append(wish)
    lost: dict[str, str] = {}
    for group in groups.values():
        if len(group) == 1:
            continue
        first, *others = sorted(
            group, key=lambda one: (not one.there, -one.confidence, -one.size, one.source)
        )
        for other in others:
            but = "" if other.target == first.target else ", but for its case"
            lost[other.source] = f"{first.source} {'is' if first.there else 'goes'} there{but}"
    return lost


class There:
    """What a folder holds, read when somebody asks; nothing is changed.

    Args:
        root: the folder.
        insensitive: names that differ only in case are one name.
    """

    def __init__(self, root: Path, *, insensitive: bool) -> None:
        self._root = root
        self.insensitive = insensitive
        self._folders: dict[str, tuple[str, dict[str, str]]] = {}

    def holds(self, path: str) -> str | None:
        """Return the path, as it is written there, of what has this path already; None if it is free.

        Raises:
            NotADirectoryError: one of its folders is a file.
        """
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._read(folder)
        written, names = self._folders[folder]
        found = names.get(_form(name, insensitive=self.insensitive))
        return None if found is None else f"{written}/{found}" if folder else found

    def one(self, path: str, other: str) -> bool:
        """Say whether two paths are one there."""
        return _form(path, insensitive=self.insensitive) == _form(other, insensitive=self.insensitive)

    def _read(self, folder: str) -> tuple[str, dict[str, str]]:
        """A folder as it is written there, and its names; none if it is not there or cannot be read."""
        written = self.holds(folder) if folder else ""
        if written is None:
            return folder, {}
        try:
            names = [entry.name for entry in (self._root / written).iterdir()]
        except NotADirectoryError:
            raise NotADirectoryError(folder or str(self._root)) from None
        except OSError:  # it is told of when something is to go there
            names = []
        return written, {_form(name, insensitive=self.insensitive): name for name in names}


def _form(name: str, *, insensitive: bool) -> str:
    return same(name) if insensitive else name


def ignores_case(folder: Path) -> bool:
    """Say whether names that differ only in case are one name there; True where it cannot be seen.

    A name of the folder's is asked for in the other case. Nothing is written.
    """
    here = folder
    while not here.is_dir() and here != here.parent:
        here = here.parent
    device = here.stat().st_dev
    names = iter(_some(here))
    while True:
        for name in names:
            other = name.swapcase()
            if other.casefold() == name.casefold() and other != name:
                return _one(here / name, here / other)
        if here == here.parent or here.parent.stat().st_dev != device:
            return True
        names, here = iter([here.name]), here.parent


def _some(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry, _ in zip(entries, range(100), strict=False)]
    except OSError:
        return []


def _one(path: Path, other: Path) -> bool:
    try:
        return os.path.samestat(path.lstat(), other.lstat())
    except OSError:
        return False


def longest(folder: Path) -> tuple[int, int]:
    """Return how many bytes a name and a path may have there."""
    if not hasattr(os, "pathconf"):
        return _WINDOWS
    here = folder.absolute()
    while not here.is_dir() and here != here.parent:
        here = here.parent
    try:
        return os.pathconf(here, "PC_NAME_MAX"), os.pathconf(here, "PC_PATH_MAX") - 1  # the last is a NUL
    except OSError:
        return _WINDOWS
