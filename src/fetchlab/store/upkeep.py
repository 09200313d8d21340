"""What the writer's thread does to a cache's file beside putting rows: keeping its size, using few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.store.shelf_sql import DELETE, PUT, PUT_BODY

if TYPE_CHECKING:
    import sqlite3

    from fetchlab.store.writer import Row

__all__ = ["give_back_room", "is_larger", "put_rows", "shrink"]

ROOM = 0.9
"""So much of the limit is left in use when entries are dropped, so that not every batch drops some."""
AT_ONCE = 64
"""Entries in one statement."""


def put_rows(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Say rows with few words: each statement lets other threads of this process in, and waits for its turn.

    Of one key the last entry counts, and entries come before what is said of them.
    """
    bodies = [values for sql, values in rows if sql is PUT_BODY]
    entries = [values for sql, values in rows if sql is PUT]
    for sql, many in ((PUT_BODY, bodies), (PUT, entries)):
        for start in range(0, len(many), AT_ONCE):
            some = many[start : start + AT_ONCE]
            marks = ",".join(["(" + ",".join("?" * len(some[0])) + ")"] * len(some))
            connection.execute(sql.format(marks), [value for values in some for value in values])
    for sql, values in rows:
        if sql is not PUT and sql is not PUT_BODY:
            connection.execute(sql, values)


def is_larger(connection: sqlite3.Connection, max_bytes: int) -> bool:
    """Say whether the file holds more than so many bytes."""
    return _used(connection) > max_bytes


def shrink(connection: sqlite3.Connection, max_bytes: int) -> None:
    """Drop the entries not used for longest until the file has room, and give the room back."""
    dropped = 0
    while (surplus := _used(connection) - ROOM * max_bytes) > 0:
        numbers: list[tuple[int]] = []
        for number, size in connection.execute("SELECT id, size FROM entry ORDER BY used"):
            if surplus <= 0:
                break
            numbers.append((number,))
            surplus -= size
        if not numbers:
            break
        connection.executemany(DELETE, numbers)
        dropped += len(numbers)
    connection.execute("UPDATE tally SET evicted = evicted + ?", (dropped,))
    give_back_room(connection)


def give_back_room(connection: sqlite3.Connection) -> None:
    """Give free pages back; the module steps such a statement once, which frees one page."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    for _ in range(free):
        connection.execute("PRAGMA incremental_vacuum(1)")


def _used(connection: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    ((pages,), (free,), (size,)) = (
        connection.execute(f"PRAGMA {name}").fetchone()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
