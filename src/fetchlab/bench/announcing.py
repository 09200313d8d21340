"""One line that tells how far a measurement is, in a terminal and in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from fetchlab.engine.progress import duration, in_kernel

__all__ = ["Announcer", "Wanted"]

Wanted: TypeAlias = bool | Callable[[str], object] | None
"""True always, False never, None in a terminal and in a notebook; a function is told each line instead."""


class Announcer:
    """Tells which measurement is being made, and how long all of them will take.

    Args:
        what: what is going on: ``"compare"``.
        total: measurements in all.
        wanted: whether to tell, or who is told.
    """

    def __init__(self, what: str, total: int, *, wanted: Wanted) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._took: dict[str, list[float]] = {}
        self._arm = ""
        self._begun = self._last = time.monotonic()
        self._kernel = in_kernel()
        self._terminal = sys.stderr.isatty()
        self._told = wanted if callable(wanted) else None
        self._wanted = (self._kernel or self._terminal) if wanted is None else bool(wanted)
        self._display: Any = None

    def measuring(self, arm: str, detail: str) -> None:
        """Say that an arm is being measured now; the one before is done."""
        self._close()
        self._arm = arm
        text = f"{self._what} {self._done + 1}/{self._total} · {detail}"
        left = self._left()
        self._say(text if left is None else f"{text} · ETA {duration(left)}")

    def end(self, text: str) -> None:
        """Say how it ended."""
        self._close()
        self._say(f"{self._what}: {text} in {duration(time.monotonic() - self._begun)}")
        if self._wanted and self._terminal and not self._kernel and self._told is None:
            sys.stderr.write("\n")

    def _close(self) -> None:
        now = time.monotonic()
        if self._arm:
            self._done += 1
            self._took.setdefault(self._arm, []).append(now - self._last)
            self._arm = ""
        self._last = now

    def _left(self) -> float | None:
        """Seconds that remain, once something of the kind was measured."""
        if not self._took:
            return None
        means = [sum(times) / len(times) for times in self._took.values()]
        return sum(means) / len(means) * (self._total - self._done)

    def _say(self, text: str) -> None:
        if not self._wanted:
            return
        if self._told is not None:
            self._told(text)
        elif self._kernel:
            from IPython.display import display

            shown = {"text/plain": text}
            if self._display is None:
                self._display = display(shown, raw=True, display_id=True)
            else:
                self._display.update(shown, raw=True)
        elif self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        else:
            sys.stderr.write(f"{text}\n")
