"""What a journal holds of a library's moves: what was meant, and what was taken back.

The journal is the engine's own. Its items tell what became of moves, but they are written in batches after
the fact, so a killed process leaves moves that none of them tells of. Therefore an apply first writes all
that it is about to do as one item, ``intent/1``, a table of moves and of folders to be made; that is on the
disk before the first file moves. With it and what is on the disk nothing is in doubt.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.engine.calls import start
from fetchlab.engine.places import calling_task
from fetchlab.engine.strategies import Async
from fetchlab.errors import JournalError
from fetchlab.store.journal_layout import ITEM
from fetchlab.store.journal_reader import DAMAGED, JournalReader
from fetchlab.studies.library.moving import Intent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fetchlab.engine.journal import Journal

__all__ = ["Book", "write"]

INTENTS = pl.Schema(
    {
        "source": pl.String(),
        "target": pl.String(),
        "kind": pl.Categorical(),
        "sidecar_of": pl.String(),
        "size": pl.UInt64(),
        "modified": pl.Int64(),
        "device": pl.UInt64(),
        "inode": pl.UInt64(),
    }
)
"""Moves as they are meant; a row of kind ``folder`` is a folder that is made, as its target."""

_INTENT, _UNDO = "intent/", "undo/"
_NUMBER, _KEY, _OK = ITEM.index("id"), ITEM.index("key"), ITEM.index("ok")


class Book:
    """The moves of a journal that are not taken back.

    Attributes:
        sittings: how many applies there were.
        moves: each move by source and target, with the number of the latest apply that meant it.
        folders: those that applies made, as paths in the folder of the new layout.
    """

    def __init__(self) -> None:
        self.sittings = 0
        self.moves: dict[tuple[str, str], tuple[int, Intent]] = {}
        self.folders: set[str] = set()

    @classmethod
    def read(cls, path: Path) -> Book:
        """Read a journal; an empty book if there is none.

        Raises:
            JournalError: it cannot be read, or is damaged.
        """
        book = cls()
        if not path.exists():
            return book
        with closing(JournalReader(path)) as reader:
            rows = [row for some in reader.items() for row in some if row[_OK]]
            meant = [row for row in rows if row[_KEY].startswith(_INTENT)]
            tables = reader.values([row[_NUMBER] for row in meant])
        numbers = [int(row[_KEY].removeprefix(_INTENT)) for row in meant]
        undone = {row[_KEY] for row in rows if row[_KEY].startswith(_UNDO)}
        for number, table in sorted(zip(numbers, tables, strict=True), key=lambda one: one[0]):
            if table is DAMAGED or not isinstance(table, pl.DataFrame):
                raise JournalError(f"{path}: the journal is damaged: what apply {number} meant is lost")
            book._take(number, table, undone)
        return book

    def _take(self, number: int, table: pl.DataFrame, undone: set[str]) -> None:
        self.sittings = number
        for row in table.select(list(INTENTS)).iter_rows():
            intent = Intent(*row)
            if intent.kind == "folder":
                self.folders.add(intent.target)
            elif undo_key(number, intent) not in undone:
                self.moves[intent.source, intent.target] = number, intent


def undo_key(number: int, intent: Intent) -> str:
    """Return the key of the item that takes a move back."""
    return f"{_UNDO}{number}/{intent.source}"


def write(
    journal: Journal, number: int, intents: Iterable[Intent], folders: Iterable[str], origin: str
) -> None:
    """Write what an apply is about to do; it is on the disk when this returns.

    Args:
        journal: where.
        number: the apply's.
        intents: the moves.
        folders: those that will be made.
        origin: which library it is of.

    Raises:
        JournalError: it is in use, of another library, or cannot be written.
    """
    rows = [*intents, *(Intent("", folder, "folder", None, 0, 0, 0, 0) for folder in folders)]
    table = pl.DataFrame(rows, INTENTS, orient="row")

    async def meant(_: str) -> Any:
        return table

    strategy = Async(1)
    start(
        calling_task(strategy, meant, timeout=None),
        [f"{_INTENT}{number}"],
        strategy=strategy,
        key=str,
        journal=journal,
        recalls=lambda _: False,
        call=("library.intent", number),
        origin=origin,
        progress=False,
    ).raise_for_errors()
