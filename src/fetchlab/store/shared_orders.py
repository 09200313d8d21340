"""What a person orders of a server, or wants to know of it: done when the call returns, or it is an error.

Only what is under our own names is touched, some entries at a time, so that others are let in between.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from fetchlab import loop
from fetchlab.errors import CacheError
from fetchlab.store import shared_words as words
from fetchlab.store.shared_trouble import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetchlab.store.shared import Shared
    from fetchlab.store.shared_words import Command

__all__ = ["clear", "expire", "prepare", "remove", "rows", "tally"]

SLICE = 1_000


def prepare(shared: Shared) -> None:
    """Make sure that what a person stores now will be there, as far as anybody knows.

    Raises:
        CacheError: it cannot be written.
    """
    if shared.writable:
        return
    _said(shared, [words.probe()])
    shared.trouble.over()


def remove(shared: Shared, key: str) -> bool:
    """Drop an entry; say whether it was there.

    Raises:
        CacheError: the server does not do it; likewise in all others here.
    """
    (dropped,) = _said(shared, [("UNLINK", words.ENTRY + words.name_of(key))])
    return bool(dropped)


def clear(shared: Shared) -> int:
    """Drop all entries; return how many there were."""
    return sum(_said(shared, [("UNLINK", *keys)])[0] for keys in _pages(shared))


def expire(shared: Shared, now: float, before: float) -> int:
    """Drop what is over at a moment or was stored before another; return how many."""
    ahead = shared.wire.ahead
    dropped = 0
    for keys in _pages(shared):
        dropped += _said(shared, [words.drop_over(keys, now + ahead, before + ahead)])[0]
    return dropped


def rows(shared: Shared) -> list[tuple[Any, ...]]:
    """Return a row per entry, the latest stored first, as :mod:`~fetchlab.store.advice` reads them."""
    found: dict[str, tuple[Any, ...]] = {}  # a scan may come upon a key twice
    for keys in _pages(shared):
        for key, columns in zip(keys, _said(shared, [words.rows(key) for key in keys]), strict=True):
            row = words.row_of(columns, shared.wire.ahead)
            if row is not None:
                found[key] = row
    return sorted(found.values(), key=lambda row: row[3], reverse=True)


def tally(shared: Shared) -> dict[str, int]:
    """Return how many entries there are and what they take, by looking at each."""
    sizes: dict[str, int] = {}
    for keys in _pages(shared):
        for key, size in zip(keys, _said(shared, [("HGET", key, "size") for key in keys]), strict=True):
            sizes[key] = int(size or 0)
    return {"entries": len(sizes), "bytes": sum(sizes.values()), "evicted": 0}


def _pages(shared: Shared) -> Iterator[list[str]]:
    cursor: Any = 0
    while True:
        ((cursor, keys),) = _said(shared, [("SCAN", cursor, "MATCH", words.ENTRIES, "COUNT", SLICE)])
        if keys:
            yield [key.decode() for key in keys]
        if not int(cursor):
            return


def _said(shared: Shared, commands: Sequence[Command]) -> list[Any]:
    if loop.on_loop_thread():
        raise CacheError(
            "this is the engine's own thread, which waits for no server: order it from a cell or a script"
        )
    answered: Future[list[Any] | None] = Future()
    if not shared.wire.up:
        shared.try_anew()
    shared.wire.call(commands, answered.set_result)
    answers = answered.result()
    if answers is None:
        raise _not_done(shared, shared.trouble.error)
    for one in answers:
        if isinstance(one, Exception):
            raise _not_done(shared, told(one, shared.address))
    return answers


def _not_done(shared: Shared, why: Exception | None) -> CacheError:
    said = why or f"{shared.address.shown}: the shared tier is gone"
    return CacheError(f"{said}; what was ordered is not done")
