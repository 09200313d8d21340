"""Progress bars of what a run is made of, with the time that is left by when the latest ended."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from fetchlab.engine.progress import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Bar", "Pace", "bars"]

LATEST = 20
LIVE, PLAIN = 0.2, 5.0
"""Seconds between two looks, in a terminal and elsewhere."""


class Bar(NamedTuple):
    """How far one kind of work is: its name, how many are done, of how many, and what else is to be said."""

    name: str
    done: int
    total: int
    more: str = ""


class Pace:
    """How fast things end, by when the latest did. Sans I/O.

    What was done before the first look, by an earlier session, says nothing of it.

    Args:
        latest: how many count.
    """

    def __init__(self, latest: int = LATEST) -> None:
        self._latest = latest
        self._seen: deque[tuple[float, int]] = deque()

    def saw(self, now: float, done: int) -> None:
        """Note how many are done at this moment."""
        if not self._seen or done > self._seen[-1][1]:
            self._seen.append((now, done))
        while len(self._seen) > 2 and done - self._seen[1][1] >= self._latest:
            self._seen.popleft()

    def remaining(self, now: float, total: int) -> float | None:
        """Return the seconds that are left if it goes on so, None as long as nothing has ended."""
        if not self._seen:
            return None
        (began, first), (_, done) = self._seen[0], self._seen[-1]
        if done == first:
            return None
        return (total - done) * (now - began) / (done - first)


@contextmanager
def bars(read: Callable[[], Sequence[Bar]]) -> Iterator[None]:
    """Show bars on standard error while something goes on: drawn in a terminal, lines elsewhere.

    Args:
        read: tells how far it is; called in a thread.
    """
    over = threading.Event()
    drawn = sys.stderr.isatty()
    thread = threading.Thread(
        target=_drawn if drawn else _told, args=(read, over), name="fetchlab-progress", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _left(paces: dict[str, Pace], bar: Bar) -> str:
    now, pace = time.monotonic(), paces.setdefault(bar.name, Pace())
    pace.saw(now, bar.done)
    left = None if bar.done >= bar.total else pace.remaining(now, bar.total)
    return "" if left is None else f"ETA {duration(left)}"


def _told(read: Callable[[], Sequence[Bar]], over: threading.Event) -> None:
    paces: dict[str, Pace] = {}
    while not over.wait(PLAIN):
        seen = read()
        parts = [
            " ".join(part for part in (f"{bar.name} {bar.done:,}/{bar.total:,}", _left(paces, bar)) if part)
            for bar in seen
        ]
        with suppress(OSError, ValueError):  # nobody reads it any more
            print(" · ".join([*parts, *(bar.more for bar in seen if bar.more)]), file=sys.stderr, flush=True)


def _drawn(read: Callable[[], Sequence[Bar]], over: threading.Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

    paces: dict[str, Pace] = {}
    tasks: dict[str, TaskID] = {}
    columns = [TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn()]
    told = [TextColumn("{task.fields[left]}"), TextColumn("{task.fields[more]}")]
    with Progress(*columns, *told, console=Console(stderr=True), auto_refresh=False) as shown:
        while True:
            last = over.wait(LIVE)
            for bar in read():
                if bar.name not in tasks:
                    tasks[bar.name] = shown.add_task(bar.name, total=bar.total, left="", more="")
                left = _left(paces, bar)
                shown.update(tasks[bar.name], completed=bar.done, total=bar.total, left=left, more=bar.more)
            shown.refresh()
            if last:
                return
