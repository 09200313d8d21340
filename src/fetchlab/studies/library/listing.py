"""One folder read: what is in it, and what went wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.studies.library.filters import Filter

__all__ = ["Folder", "Listing", "Problem", "list_folder", "shown"]


class Folder(NamedTuple):
    """A folder to be read.

    Attributes:
        path: where it is.
        inside: the same from the library's root on, with ``/``; empty for the root.
        depth: how many folders below the root; 0 for the root.
        linked: it is, or lies in, what a symbolic link points to.
    """

    path: str
    inside: str
    depth: int
    linked: bool = False


class Problem(NamedTuple):
    """What could not be read or is left alone.

    Its kind is ``unreadable``, ``loop``, ``twice``, ``broken link``, ``link``, ``special`` or ``encoding``.
    """

    path: str
    kind: str
    message: str


@dataclass(slots=True)
class Listing:
    """What one folder holds: files as (name, is a video, bytes, modified in ns), folders, problems."""

    folder: Folder
    files: list[tuple[str, bool, int, int]] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    links: list[Folder] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0


def list_folder(
    folder: Folder,
    rules: Filter,
    scandir: Callable[[str], Any] = os.scandir,
    clock: Callable[[], float] = perf_counter,
) -> Listing:
    """Read a folder. Files are only asked for size and time, and only those that are kept by their names.

    Args:
        folder: which.
        rules: what is kept.
        scandir: what reads folders, with the interface of :func:`os.scandir`.
        clock: seconds.
    """
    began = clock()
    listing = Listing(folder)
    try:
        with scandir(folder.path) as entries:
            for entry in entries:
                _take(entry, listing, rules)
    except OSError as error:
        listing.problems.append(Problem(shown(folder.inside) or ".", "unreadable", _said(error)))
    listing.seconds = clock() - began
    return listing


def _take(entry: Any, listing: Listing, rules: Filter) -> None:
    name, above = entry.name, listing.folder
    try:
        if not entry.is_dir():
            _take_file(entry, listing, rules)
            return
        why = rules.folder(name, above.depth + 1)
        if why is not None:
            listing.skipped.append(why)
        elif not _writable(name):
            listing.problems.append(_odd(above, name))
        else:
            linked = entry.is_symlink()
            below = Folder(entry.path, _inside(above, name), above.depth + 1, above.linked or linked)
            (listing.links if linked or above.linked else listing.folders).append(below)
    except OSError as error:
        listing.problems.append(Problem(shown(_inside(above, name)), "unreadable", _said(error)))


def _take_file(entry: Any, listing: Listing, rules: Filter) -> None:
    name, above = entry.name, listing.folder
    kind, why = rules.file(name)
    if kind is None:
        listing.skipped.append(why)
        return
    if not _writable(name):
        listing.problems.append(_odd(above, name))
        return
    if not entry.is_file(follow_symlinks=False):
        listing.problems.append(_unusual(entry, _inside(above, name)))
        return
    try:
        seen = entry.stat()
    except FileNotFoundError:
        return
    video = kind == "video"
    dropped = rules.video(name, seen.st_size) if video else None
    if dropped is not None:
        listing.skipped.append(dropped)
    else:
        listing.files.append((name, video, seen.st_size, seen.st_mtime_ns))


def _unusual(entry: Any, path: str) -> Problem:
    if not entry.is_symlink():
        return Problem(path, "special", "is no usual file, and stays")
    try:
        entry.stat()
    except FileNotFoundError:
        return Problem(path, "broken link", "points to nothing")
    return Problem(path, "link", "points to a file, and stays: a link may lead elsewhere from another place")


def shown(path: str) -> str:
    """Return a path whose bytes are no text as text."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _inside(above: Folder, name: str) -> str:
    return f"{above.inside}/{name}" if above.inside else name


def _writable(name: str) -> bool:
    """Whether a name is text: where it is not, Python shows its bytes as lone surrogates (PEP 383)."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _odd(above: Folder, name: str) -> Problem:
    return Problem(
        shown(_inside(above, name)), "encoding", "its name is not UTF-8; rename it to have it found"
    )


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__
