"""The runs that move files: an apply and an undo, on the library's journal."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.engine.calls import start
from fetchlab.engine.places import calling_task
from fetchlab.engine.strategies import Threads
from fetchlab.errors import JournalError
from fetchlab.policy.retry import Retry
from fetchlab.studies.library.applying import Applying
from fetchlab.studies.library.intents import Book, write
from fetchlab.studies.library.undoing import Undoing

if TYPE_CHECKING:
    import polars as pl

    from fetchlab.engine.journal import Journal
    from fetchlab.engine.run import Run

__all__ = ["journal_of", "start_apply", "start_undo"]

ONCE = Retry(attempts=1)
RUNS = Path("data/runs")
_OVER = ("cancelling", "cancelled", "stopped")


def start_apply(
    plan: pl.DataFrame, root: Path, to: Path, journal: Journal, *, workers: int, progress: bool | None
) -> Run:
    """Write down what is meant, then begin; see :meth:`Library.apply`."""
    book = Book.read(journal.path)
    applying = Applying(plan, root, to, book)
    origin = _origin(root, to)
    if applying.fresh:
        write(journal, book.sittings + 1, applying.fresh, applying.folders, origin)
    strategy = Threads(workers)
    run = start(
        calling_task(strategy, applying, timeout=None),
        applying.units,
        strategy=strategy,
        plain=True,
        key=lambda unit: unit.key,
        retry=ONCE,
        product=applying.frame_of,
        journal=journal,
        recalls=lambda _: False,  # what is on the disk tells
        call=("library.apply", origin),
        origin=origin,
        progress=progress,
    )
    applying.stopped = lambda: run.state in _OVER
    run.notes_from(applying.notes)
    return run


def start_undo(root: Path, to: Path, journal: Journal, *, workers: int, progress: bool | None) -> Run:
    """Begin to take back what a journal has; see :meth:`Library.undo`."""
    if not journal.path.exists():
        raise JournalError(
            f"{journal.path}: there is no such journal; give the one that apply named, and the same folders"
        )
    undoing = Undoing(root, to, Book.read(journal.path))
    origin = _origin(root, to)
    strategy = Threads(workers)
    run = start(
        calling_task(strategy, undoing, timeout=None),
        list(undoing.further()),
        strategy=strategy,
        plain=True,
        key=lambda back: back.key,
        retry=ONCE,
        product=undoing.frame_of,
        drained=undoing.further,
        journal=journal,
        recalls=lambda _: False,
        call=("library.undo", origin),
        origin=origin,
        progress=progress,
    )
    undoing.stopped = lambda: run.state in _OVER
    run.notes_from(undoing.notes)
    return run


def journal_of(root: Path, to: Path) -> Path:
    """Return where a library's moves are journalled unless told."""
    told = blake2b(_origin(root, to).encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    return RUNS / f"library-{told}.db"


def _origin(root: Path, to: Path) -> str:
    """What a journal of a library's moves is of."""
    return f"{root.resolve()} to {to.resolve()}"
