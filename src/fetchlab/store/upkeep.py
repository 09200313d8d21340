"""What the writer's thread does to a cache's file beside putting rows: keeping its size, using few words."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from fetchlab.store.shelf_sql import DELETE, DROP, OLDEST, PUT, PUT_BODY

if TYPE_CHECKING:
    import sqlite3

    from fetchlab.store.writer import Row

__all__ = ["GAP_SECONDS", "SLICE", "Shrinking", "drop_some", "give_back_room", "put_rows", "used_bytes"]

ROOM = 0.9
"""So much of the limit is left in use when entries are dropped, so that not every batch drops some."""
AT_ONCE = 64
"""Entries in one statement."""
SLICE = 2_000
"""Entries, and pages, in one transaction: others wait a quarter of a second for it."""
PLANNED = 20 * SLICE
GAP_SECONDS = 0.03
"""Between two such transactions: who waits for the lock looks for it now and then."""


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


class Shrinking:
    """Drops the entries not used for longest until a file has room, some of them in each transaction.

    A transaction of a million would keep every other process from writing for as long as it takes.
    """

    def __init__(self) -> None:
        self._next: deque[tuple[int, float]] = deque()  # entries to drop, and when they were used last
        self.under_way = False

    def is_needed(self, connection: sqlite3.Connection, max_bytes: int) -> bool:
        """Say whether there is something to drop, or room to give back of what was dropped."""
        return self.under_way or used_bytes(connection) > max_bytes

    def step(self, connection: sqlite3.Connection, max_bytes: int) -> bool:
        """Drop some entries and give their room back; say whether there is more to do."""
        self.under_way = True
        surplus = used_bytes(connection) - ROOM * max_bytes
        if surplus > 0 and not self._next:
            self._plan(connection, surplus)
        dropped = 0
        while surplus > 0 and self._next and dropped < SLICE:
            some = [self._next.popleft() for _ in range(min(AT_ONCE, len(self._next)))]
            cursor = connection.executemany(DROP, some)
            dropped += cursor.rowcount
            surplus = used_bytes(connection) - ROOM * max_bytes
        connection.execute("UPDATE tally SET evicted = evicted + ?", (dropped,))
        left = give_back_room(connection)
        self.under_way = left > 0 or (surplus > 0 and dropped > 0)
        if not self.under_way:
            self._next.clear()
        return self.under_way

    def _plan(self, connection: sqlite3.Connection, surplus: float) -> None:
        for number, size, used in connection.execute(OLDEST, (PLANNED,)):
            if surplus <= 0:
                break
            self._next.append((number, used))
            surplus -= size

    def start_over(self) -> None:
        """Plan anew: what was dropped last is there again."""
        self._next.clear()
        self.under_way = False


def drop_some(
    connection: sqlite3.Connection, sql: str, after: int, values: tuple[float, ...]
) -> tuple[int, int | None]:
    """Drop some of the entries that a statement selects.

    Args:
        connection: the writer's.
        sql: selects the numbers of entries in their order.
        after: the number to go on after.
        values: the statement's further ones.

    Returns:
        How many were dropped, and the number to go on after, None if these were all.
    """
    numbers = connection.execute(sql, (after, SLICE, *values)).fetchall()
    connection.executemany(DELETE, numbers)
    return len(numbers), numbers[-1][0] if len(numbers) == SLICE else None


def give_back_room(connection: sqlite3.Connection) -> int:
    """Give some free pages back, and return how many are left.

    The module steps such a statement once, which frees one page.
    """
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    for _ in range(min(free, SLICE)):
        connection.execute("PRAGMA incremental_vacuum(1)")
    return max(0, int(free) - SLICE)


def used_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    ((pages,), (free,), (size,)) = (
        connection.execute(f"PRAGMA {name}").fetchone()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
