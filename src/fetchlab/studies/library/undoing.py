"""An undo: every file back to where it was, the latest apply first; then the folders that applies made."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from fetchlab.errors import WriteFailed
from fetchlab.studies.library.applying import moved_frame
from fetchlab.studies.library.intents import undo_key
from fetchlab.studies.library.moving import Done, Intent, move_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import polars as pl

    from fetchlab.engine.run import Run
    from fetchlab.studies.library.intents import Book

__all__ = ["Undoing"]


class Back(NamedTuple):
    """One file's way back, or with no intent the end of the made folders."""

    number: int
    intent: Intent | None

    @property
    def key(self) -> str:
        """The item's key: ``undo/1/`` and the file's path, or ``undo/folders``."""
        return "undo/folders" if self.intent is None else undo_key(self.number, self.intent)


class Undoing:
    """Takes back what a journal's applies moved; one for each run.

    Args:
        root: the library's folder.
        to: the folder of the new layout.
        book: what was moved.

    Attributes:
        stopped: whether the run is over before its end; what is being copied is given up then.
    """

    def __init__(self, root: Path, to: Path, book: Book) -> None:
        self._root, self._to = root, to
        self._folders = sorted((to / folder for folder in book.folders), key=lambda one: -len(one.parts))
        self._intents = [intent for _, intent in book.moves.values()]
        self._left: list[list[Back]] = [[Back(0, None)]]
        for wanted in sorted({number for number, _ in book.moves.values()}):
            self._left.append([Back(number, one) for number, one in book.moves.values() if number == wanted])
        self._done: dict[tuple[str, str], Done] = {}
        self._removed = 0
        self.stopped: Callable[[], bool] = lambda: False

    def further(self) -> Iterable[Back]:
        """What comes next when everything before it has ended: an apply's files, at last the folders."""
        return self._left.pop() if self._left else []

    def __call__(self, back: Back) -> dict[str, Any]:
        """Move one file back, or remove the folders.

        Raises:
            WriteFailed: it is not moved; the message says why.
        """
        intent = back.intent
        if intent is None:
            return {"folders": self._remove_folders()}
        try:
            done = move_back(self._root, self._to, intent, self.stopped)
        except WriteFailed as error:
            outcome: Literal["pending", "failed"] = "pending" if self.stopped() else "failed"
            self._done[intent.source, intent.target] = Done(outcome, message=str(error))
            raise
        self._done[intent.source, intent.target] = done
        return {"outcome": done.outcome}

    def _remove_folders(self) -> int:
        """Remove those that are empty, the innermost first."""
        removed = 0
        for folder in self._folders:
            with suppress(OSError):
                folder.rmdir()
                removed += 1
        self._removed += removed
        return removed

    def frame_of(self, run: Run) -> pl.DataFrame:
        """Every move and what became of taking it back, MOVED, sorted by source."""
        del run
        return moved_frame(self._intents, self._done)

    def notes(self) -> dict[str, object]:
        """What was done, by outcome."""
        done = list(self._done.values())
        names = ("restored", "already", "failed")
        counts = {name: sum(one.outcome == name for one in done) for name in names}
        return {"files": len(self._intents), **counts, "folders_removed": self._removed}
