"""``fl.Journal``: the file that remembers a job, as a knob of a call and as something to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    import os

    from fetchlab.engine.journal_view import JournalView

__all__ = ["Journal"]

MOST_ROWS = 1000


class Journal:
    """A file that remembers every item of a job that ended: ``fl.fetch(urls, journal="data/runs/demo.db")``.

    The same call on the same file goes on where an earlier one was stopped or killed: what is ok is not
    fetched again, what failed is tried again, what was in flight is pending. Results, tables and ``follow``
    get what earlier sessions finished as if it had just come. Items are known by their keys, whatever their
    order. What ended is committed in batches: at most what was in flight and not yet committed is fetched
    again after ``kill -9``.

    Values must be something that can be stored: bytes, what JSON holds, tuples, sets, dates, responses,
    dataclasses, msgspec and pydantic models, polars DataFrames. Nothing is ever unpickled.

    A journal holds values of one kind: with another ``parse`` it is refused. A function may be changed in the
    middle of a job: values of its earlier versions are used as they are, with a warning, and counted in
    ``run.notes``.

    One call at a time writes a journal. The same call made again in one process, as when a cell is run
    twice, returns the run that is going on; any other gets a :class:`~fetchlab.errors.JournalError`. Reading
    is always possible, see :meth:`open`.

    Args:
        path: the file, one per job; made with its folders if there is none. ``.lock`` is put beside it.
        batch_size: items per commit, 1 to 1,000; a batch that does not fill is committed after 100 ms.
        skip_known: False looks nothing up and fetches everything anew, which replaces what is there, also by
            values of another kind.
        retry_failed: False leaves failed items as they are recorded.

    Raises:
        ConfigError: a knob has a value that cannot work.
    """

    __slots__ = ("batch_size", "path", "retry_failed", "skip_known")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        batch_size: int = 50,
        skip_known: bool = True,
        retry_failed: bool = True,
    ) -> None:
        self.path = _path(path)
        if (
            not isinstance(batch_size, int)
            or isinstance(batch_size, bool)
            or not 1 <= batch_size <= MOST_ROWS
        ):
            raise ConfigError(
                "batch_size", f"must be a whole number from 1 to {MOST_ROWS:,}, not {batch_size!r}"
            )
        for knob, value in (("skip_known", skip_known), ("retry_failed", retry_failed)):
            if not isinstance(value, bool):
                raise ConfigError(knob, f"is True or False, not {value!r}")
        self.batch_size = batch_size
        self.skip_known = skip_known
        self.retry_failed = retry_failed

    @classmethod
    def of(cls, given: Any) -> Journal | None:
        """Return a journal from what the knob ``journal`` accepts.

        Raises:
            ConfigError: it is neither a path nor a journal.
        """
        if given is None or isinstance(given, cls):
            return given
        return cls(given)

    @staticmethod
    def open(path: str | os.PathLike[str]) -> JournalView:
        """Open a journal to read it, also while a run writes it and where nothing can be written.

        Raises:
            JournalError: there is none, or the file is no journal or damaged.
        """
        from fetchlab.engine.journal_view import JournalView

        return JournalView(_path(path))

    def __repr__(self) -> str:
        return (
            f"Journal({str(self.path)!r}, batch_size={self.batch_size}, skip_known={self.skip_known}, "
            f"retry_failed={self.retry_failed})"
        )


def _path(given: Any) -> Path:
    try:
        path = Path(given).expanduser()
    except TypeError:
        raise ConfigError(
            "journal", f"give a file's path or fl.Journal(path), not {type(given).__name__}"
        ) from None
    except RuntimeError as error:  # nobody's home
        raise ConfigError("journal", f"{given}: {error}") from None
    if "\0" in str(path):
        raise ConfigError("journal", f"{str(given)!r} can be no file's path")
    if not path.name or path.is_dir():
        raise ConfigError("journal", f"{str(given)!r} is a folder; give a file in it, one per job")
    return path
