"""What made the values that a journal holds: a parser by word or type, or a function in one of its versions.

The values of ``parse="bytes"`` are none of ``parse="json"``: a journal that has the ones is refused to who
wants the others. A function may be mended in the middle of a job, so what an earlier version made is used,
and counted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fetchlab.errors import JournalError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

__all__ = ["FUNCTION", "Makers"]

FUNCTION = "function "
"""What a function's note begins with."""


class Makers:
    """What made the values in a journal, as one that makes further ones sees it.

    Args:
        connection: to the journal.
        path: of the journal, for messages.
        own: what makes the values of this session, None if they are always of one kind.

    Attributes:
        strange: sessions whose values are of another kind.
        older: how many values another version of the function made.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, own: str | None) -> None:
        self.own = own
        self.strange: list[int] = []
        self.older = 0
        self._latest: str | None = None
        self._path = path
        if own is None:
            return
        older: list[int] = []
        for session, maker in connection.execute(
            "SELECT id, maker FROM session WHERE maker IS NOT NULL AND maker != ? ORDER BY id", (own,)
        ):
            both = maker.startswith(FUNCTION) and own.startswith(FUNCTION)
            (older if both else self.strange).append(session)
        self.older = _values(connection, older) if older else 0
        if self.strange and _values(connection, self.strange):
            (self._latest,) = connection.execute(
                "SELECT maker FROM session WHERE maker IS NOT NULL ORDER BY id DESC LIMIT 1"
            ).fetchone()

    def check(self) -> None:
        """Refuse a journal whose values are of another kind.

        Raises:
            JournalError: they are.
        """
        latest, own = self._latest, self.own or ""
        if latest is None or latest == own or (latest.startswith(FUNCTION) and own.startswith(FUNCTION)):
            return
        raise JournalError(
            f"{self._path}: this journal holds values of {_shown(latest)}, not of {_shown(own)}; give "
            "another journal, or fl.Journal(path, skip_known=False), which fetches everything anew"
        )


def _values(connection: sqlite3.Connection, sessions: list[int]) -> int:
    (count,) = connection.execute(
        "SELECT count(*) FROM item WHERE ok AND session IN (SELECT value FROM json_each(?))",
        (json.dumps(sessions),),
    ).fetchone()
    return int(count)


def _shown(maker: str) -> str:
    return maker.split("@", maxsplit=1)[0] if maker.startswith(FUNCTION) else maker
