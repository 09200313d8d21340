"""A user's new rows in the place of the old ones: what the new reading could not see is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetchlab.studies.timeline.layout import TABLES, WEAK, moved

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Sight", "replace"]

_FRESH = 'SELECT id FROM fresh_posts WHERE "of" = :user AND own'
_THREADS = f'{_FRESH} UNION SELECT conversation FROM fresh_posts WHERE "of" = :user AND conversation NOT NULL'  # noqa: S608


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reading can see of a timeline, even when it is complete.

    Attributes:
        weak: its source leaves things out: rows of a richer one stay, and their gaps are filled.
        capped: its source ends before the timeline does: what is older than its last post stays.
        threads: it has whole threads; else what is stored of a thread that is still there stays.
        reposts: it knows reposts by their ids; else those that are stored stay.
    """

    weak: bool = False
    capped: bool = False
    threads: bool = True
    reposts: bool = True

    def old(self) -> str:
        """Return the condition for rows of ``posts`` whose place is taken; ``:user`` is to be bound."""
        unseen = []
        if self.capped:
            unseen.append(f"id < (SELECT min(id) FROM ({_FRESH}))")  # noqa: S608
        if not self.threads:
            unseen.append(f"ifnull(conversation, 0) IN ({_THREADS})")
        if not self.reposts:
            unseen.append("kind = 'repost'")
        condition = "user = :user AND own"
        if unseen:
            condition += f" AND (id IN ({_FRESH}) OR NOT ({' OR '.join(unseen)}))"
        if self.weak:
            condition += f" AND source IN ({', '.join(map(repr, sorted(WEAK)))})"
        return condition


def replace(connection: sqlite3.Connection, user: str, sight: Sight) -> None:
    """Put a user's fresh rows into the place of the old ones, inside a transaction.

    A post that is gone from its author's timeline stays as what others quote or repost, if they do.
    """
    old = f"SELECT id FROM posts WHERE {sight.old()}"  # noqa: S608
    known = {"user": user}
    connection.execute(
        f"UPDATE posts SET own = 0, pinned = NULL WHERE id IN ({old}) AND id NOT IN ({_FRESH}) AND id IN"  # noqa: S608
        f" (SELECT other FROM edges WHERE kind IN ('quote', 'repost') AND post NOT IN ({old}))",
        known,
    )
    for table in ("media", "edges"):
        connection.execute(f"DELETE FROM {table} WHERE post IN ({old})", known)  # noqa: S608
    connection.execute(f"DELETE FROM posts WHERE {sight.old()}", known)  # noqa: S608
    for table in TABLES:
        connection.execute(moved(table, weak=sight.weak), (user,))
        connection.execute(f'DELETE FROM fresh_{table} WHERE "of" = ?', (user,))  # noqa: S608
