"""The files of this process's caches, each opened once."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

from fetchlab.store.shelf import Shelf
from fetchlab.store.trouble import warn

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["shelf_at"]

_shelves: weakref.WeakValueDictionary[tuple[str, bool], Shelf] = weakref.WeakValueDictionary()
_shelves_lock = threading.Lock()  # guards _shelves and _latest
_latest: Shelf | None = None  # kept open, so that the next cell finds what this one had in memory


def shelf_at(path: Path, *, max_bytes: int | None, readonly: bool) -> Shelf:
    """Return the one shelf of a file, opened if it was not.

    One that writes will do for who only reads: it knows what is not in the file yet.
    """
    global _latest  # noqa: PLW0603
    real = os.path.realpath(path)
    with _shelves_lock:
        shelf = _shelves.get((real, False)) or (_shelves.get((real, True)) if readonly else None)
        if shelf is None:
            shelf = Shelf(path, max_bytes=max_bytes, readonly=readonly, on_close=_forget)
            _shelves[real, readonly] = shelf
        elif max_bytes is not None:
            old = shelf.max_bytes
            if old not in (None, max_bytes):
                warn(f"{path}: max_bytes is {max_bytes:,} for all caches of this file now, not {old:,}")
            shelf.max_bytes = max_bytes
        _latest = shelf
        return shelf


def _forget(shelf: Shelf) -> None:
    """Let the next one who names the file open it."""
    global _latest  # noqa: PLW0603
    with _shelves_lock:
        for name, known in list(_shelves.items()):
            if known is shelf:
                del _shelves[name]
        if _latest is shelf:
            _latest = None


def _after_fork() -> None:
    """A child has none of its parent's threads, and must not touch its connections."""
    global _shelves_lock  # noqa: PLW0603
    _shelves_lock = threading.Lock()
    for shelf in list(_shelves.values()):
        shelf.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
