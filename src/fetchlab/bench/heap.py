"""Garbage collection kept out of what is measured."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collect_garbage", "settled"]

_lock = threading.Lock()
_within = 0  # guarded by _lock
_frozen = False  # by somebody else, before the first of them


def collect_garbage() -> None:
    """Collect garbage in another thread, and wait for that.

    An interrupt while the main thread collects is raised within whatever finalizer runs at that moment, where
    Python prints and forgets it.
    """
    helper = threading.Thread(target=gc.collect, name="fetchlab-collect", daemon=True)
    helper.start()
    helper.join()


@contextmanager
def settled() -> Iterator[None]:
    """Set aside all objects that are there, so that a collection before each arm looks only at new ones.

    In a notebook's kernel a full collection takes tenths of a second, more than many an arm. What is set
    aside and becomes garbage meanwhile is collected afterwards, unless the program had set objects aside
    itself: those stay, and they cannot be told apart.
    """
    global _within, _frozen  # noqa: PLW0603  # the collector has one permanent generation, too
    with _lock:
        _within += 1
        if _within == 1:
            _frozen = gc.get_freeze_count() > 0
            collect_garbage()
            gc.freeze()
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if not (_within or _frozen):
                gc.unfreeze()
