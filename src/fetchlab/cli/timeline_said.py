"""What ``fetchlab timeline`` says while it goes on and at its end: a line, then a row, per user."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from fetchlab.cli.job import every
from fetchlab.cli.tables import filled, say, seen, show
from fetchlab.engine.progress import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import polars as pl

    from fetchlab.engine.run import Run

__all__ = ["remaining", "said_users", "standing", "watching"]

EVERY_TERMINAL, EVERY_PLAIN = 0.5, 5.0
LINES = 12
"""Users that are shown at once, at most: those under way."""


def standing(
    users: Sequence[str], notes: dict[str, Any], most: int | None, elapsed: float, done: Sequence[str]
) -> list[str]:
    """Return a line per user under way, with posts so far, then one of all.

    Args:
        users: all of them.
        notes: those of the run.
        most: posts of each at most.
        elapsed: seconds since it began.
        done: users who have ended, well or not.
    """
    posts: dict[str, int] = notes.get("posts", {})
    expected = _expected(posts, notes.get("stated", {}), most)
    under_way = [user for user in posts if user not in done]
    lines = [
        f"  {user}: {posts[user]:,} posts" + (f" of {expected[user]:,} at most" if user in expected else "")
        for user in under_way[:LINES]
    ]
    if len(under_way) > LINES:
        lines.append(f"  and {len(under_way) - LINES:,} more")
    found = sum(posts.values())
    rate = found / elapsed if elapsed > 0 else 0.0
    left = remaining(users, posts, expected, rate, done)
    eta = "" if left is None else f" · ETA {duration(left)} at most"
    return [
        *lines,
        f"{len(done):,} of {len(users):,} users · {found:,} posts · {rate:,.1f}/s · {duration(elapsed)}{eta}",
    ]


def remaining(
    users: Sequence[str], posts: dict[str, int], expected: dict[str, int], rate: float, done: Sequence[str]
) -> float | None:
    """Return the seconds that are left at most, None where nobody has said how many posts there are.

    Accounts count replies to others among their posts, which timelines leave out, and a timeline that was
    stored before ends early. Who has not begun counts as the mean of the others.
    """
    if not expected or not rate:
        return None
    mean = sum(expected.values()) / len(expected)
    left = sum(max(0.0, expected.get(user, mean) - posts.get(user, 0)) for user in users if user not in done)
    return left / rate


def _expected(posts: dict[str, int], stated: dict[str, int], most: int | None) -> dict[str, int]:
    known = {user: stated[user] for user in posts if user in stated}
    if most is None:
        return known
    return {user: min(most, known.get(user, most)) for user in posts}


@contextmanager
def watching(run: Run, users: Sequence[str], most: int | None) -> Iterator[None]:
    """Show how the users stand, on standard error, while the run goes on."""
    lines, began = _Lines(sys.stderr), time.monotonic()

    def look() -> None:
        done = [*run.notes.get("ends", {}), *_failed(run)]  # type: ignore[misc]  # a dict
        lines.show(standing(users, run.notes, most, time.monotonic() - began, done))

    try:
        with every(EVERY_TERMINAL if lines.terminal else EVERY_PLAIN, look):
            yield
    finally:
        lines.clear()


def _failed(run: Run) -> list[str]:
    """Users whose timelines will not come."""
    import polars as pl

    keys = run.frame().filter(~pl.col("ok"))["key"]
    return sorted({key.split("/")[1] for key in keys if "/" in key})


class _Lines:
    """A few lines on a stream, rewritten in a terminal, new ones elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = 0
        self.terminal = bool(getattr(stream, "isatty", lambda: False)())

    def show(self, lines: list[str]) -> None:
        """Write the lines."""
        self.clear()
        self._stream.write("".join(f"{seen(line)}\n" for line in lines))
        self._stream.flush()
        self._shown = len(lines) if self.terminal else 0

    def clear(self) -> None:
        """Take the lines away, where that can be done."""
        if self._shown:
            self._stream.write(f"\x1b[{self._shown}F\x1b[J")
            self._stream.flush()
            self._shown = 0


def said_users(table: pl.DataFrame, run: Run, store: Path) -> None:
    """Say what became of each user, and of all."""
    import polars as pl

    notes: dict[str, Any] = run.notes
    why = "" if notes["why"] == "asked for" else f" · {notes['why']}"
    found, taken = int(table["found"].sum()), run.stats().elapsed
    say(f"{found:,} posts by {notes['collector']} in {duration(taken)}, {found / taken:,.1f}/s{why}")
    shown = table.drop("saved").rename({"outcome": "what became of it", "found": "found now"})
    show(filled(shown.with_columns(pl.col("message").str.slice(0, 80))))
    for user, paths in table.filter(pl.col("saved").list.len() > 0).select("user", "saved").iter_rows():
        say(f"What {user}'s page showed: {', '.join(map(seen, paths))}")
    rejected = notes["rejected"]
    for name, problem in rejected[:LINES]:
        say(f"A row of {seen(name)} could not be stored: {seen(problem)}")
    say(f"The store is {store}.")
