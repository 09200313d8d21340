"""What became of each user of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.errors import Cancelled

if TYPE_CHECKING:
    from fetchlab.engine.run import Run
    from fetchlab.studies.timeline.storing import Store

__all__ = ["BY_USER", "summed"]

BY_USER = pl.Schema(
    {
        "user": pl.String(),
        "outcome": pl.String(),
        "found": pl.Int64(),
        "stated": pl.Int64(),
        "seconds": pl.Float64(),
        "posts": pl.Int64(),
        "media": pl.Int64(),
        "edges": pl.Int64(),
        "windows": pl.Int64(),
        "message": pl.String(),
        "saved": pl.List(pl.String()),
    }
)
"""A row per user. ``outcome`` is ``end``, ``most`` or ``known``, where the reading ended, ``stopped``, or the
name of an error; ``found`` posts in ``seconds``, from the first request to the last answer; ``stated`` is how
many posts the account is said to have, replies to others among them, null where the source does not say.
``posts``, ``media``, ``edges`` and ``windows`` are rows of the user in the store. ``saved`` are paths of a
screenshot and of the page's HTML."""


def summed(run: Run, store: Store) -> pl.DataFrame:
    """Return a row per user of a run that has ended (``BY_USER`` schema)."""
    notes: dict[str, Any] = run.notes
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    errors: dict[str, Exception] = {}
    for result in run.results():
        user = _user(result.item)
        began[user] = min(began.get(user, result.started), result.started)
        ended[user] = max(ended.get(user, result.finished), result.finished)
        if result.error is not None:
            errors[user] = result.error
    counts = store.counts(list(began))
    rows = []
    for user, first in began.items():
        error = errors.get(user)
        stopped = isinstance(error, Cancelled) or (error is None and user not in notes["ends"])
        rows.append(
            {
                "user": user,
                "outcome": "stopped" if stopped else type(error).__name__ if error else notes["ends"][user],
                "found": notes["posts"].get(user, 0),
                "stated": notes["stated"].get(user),
                "seconds": ended[user] - first,
                **counts[user],
                "message": None if error is None or stopped else str(error),
                "saved": list(getattr(error, "saved", ())),
            }
        )
    return pl.DataFrame(rows, BY_USER)


def _user(item: Any) -> str:
    """Whose item it is: a page of a user's, or the user."""
    return str(getattr(item, "user", item))
