"""What a person orders of a cache's file: it is done when the call returns, or it is an error.

A run does without a file that cannot be written; who clears a cache or puts something into it must not
believe that it was done. What touches many entries is done some in each transaction, so that other processes
are let in between.
"""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from fetchlab import loop
from fetchlab.errors import CacheError, StoreError
from fetchlab.store.entry import id_of
from fetchlab.store.shelf import BACKLOG
from fetchlab.store.shelf_sql import ALL, DELETE, OVER
from fetchlab.store.upkeep import GAP_SECONDS, drop_some, give_back_room

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.store.shelf import Shelf

__all__ = ["clear", "expire", "prepare", "remove"]

T = TypeVar("T")


def prepare(shelf: Shelf) -> None:
    """Make sure that what a person stores now will be in the file, as far as anybody knows.

    Raises:
        CacheError: it cannot be written; likewise in all others here.
    """
    if not shelf.writable:
        _do(shelf, lambda _: None)
    elif shelf.backlog > BACKLOG and not loop.on_loop_thread():
        shelf.flush()


def remove(shelf: Shelf, key: str) -> bool:
    """Drop an entry; say whether it was there."""
    number = id_of(key)
    dropped = _do(shelf, lambda connection: connection.execute(DELETE, (number,)).rowcount)
    return shelf.memory.remove(key) or dropped > 0


def clear(shelf: Shelf) -> int:
    """Drop all entries and give their room back; return how many there were."""
    count = _drop(shelf, ALL)
    shelf.memory.clear()
    return count


def expire(shelf: Shelf, now: float, before: float) -> int:
    """Drop what is over at a moment or was stored before another; return how many."""
    count = _drop(shelf, OVER, now, before)
    shelf.memory.expire(now, before)
    return count


def _drop(shelf: Shelf, sql: str, *values: float) -> int:
    count, after = 0, -1
    while True:
        dropped, last = _do(shelf, partial(drop_some, sql=sql, after=after, values=values))
        count += dropped
        if last is None:
            break
        after = last
        time.sleep(GAP_SECONDS)
    while _do(shelf, give_back_room):
        time.sleep(GAP_SECONDS)
    return count


def _do(shelf: Shelf, function: Callable[[sqlite3.Connection], T]) -> T:
    if shelf.trouble.readonly:
        why = shelf.trouble.error or f"{shelf.path}: the cache is offline (mode='offline')"
        raise CacheError(f"{why}; what was ordered is not done")
    try:
        value: T = shelf.call(function).result()
    except (sqlite3.Error, StoreError, RuntimeError) as error:
        raise CacheError(f"{shelf.owned(error)}; what was ordered is not done") from error
    return value
