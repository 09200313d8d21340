"""One thread that refreshes everything that moves, four times a second, and sleeps when nothing does."""

from __future__ import annotations

import math
import threading
import time
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Ticker", "ticker"]

PERIOD = 0.25


class Ticker:
    """Calls each view until it says that it is done.

    A view is a function that refreshes a widget and returns True while it wants to be called again. An
    error in a view ends that view and no other.
    """

    def __init__(self, period: float = PERIOD) -> None:
        self._period = period
        self._lock = threading.Lock()  # guards _views and _thread
        self._views: list[Callable[[], bool]] = []
        self._thread: threading.Thread | None = None

    def add(self, view: Callable[[], bool], every: float = 0.0) -> None:
        """Refresh this view from now on.

        Args:
            view: what to call.
            every: seconds from one call to the next, rounded up to whole ticks; each tick unless told.
        """
        turns = max(1, math.ceil(every / self._period - 1e-9))
        with self._lock:
            self._views.append(view if turns == 1 else _at_times(view, turns))
            if self._thread is None:
                self._thread = threading.Thread(target=self._tick, name="fetchlab-ticker", daemon=True)
                self._thread.start()

    @property
    def alive(self) -> bool:
        """True while something moves."""
        return self._thread is not None

    def _tick(self) -> None:
        while True:
            time.sleep(self._period)
            with self._lock:
                views = list(self._views)
            over = [view for view in views if not _refreshed(view)]
            with self._lock:
                self._views = [view for view in self._views if view not in over]
                if not self._views:
                    self._thread = None
                    return


def _at_times(view: Callable[[], bool], turns: int) -> Callable[[], bool]:
    """Return a view that is refreshed at one tick of so many."""
    ticks = count(1)
    return lambda: next(ticks) % turns != 0 or view()


def _refreshed(view: Callable[[], bool]) -> bool:
    try:
        return view()
    except Exception:
        return False


ticker = Ticker()
