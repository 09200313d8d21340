"""A walk over a library's folders: one after the other, or many at a time where a folder takes long.

On a local disk a folder is read in some ten microseconds, and threads only get into each other's way. Over a
network each takes a round trip, and they should wait together. The walk begins with one at a time, measures,
and goes parallel as soon as even the quicker quarter of the latest folders takes longer than handing one over
is worth: a folder that takes long now and then was waiting for the interpreter, not for a disk.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import Counter, deque
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from fetchlab.errors import ConfigError
from fetchlab.studies.library.filters import Filter
from fetchlab.studies.library.listing import Folder, Listing, Problem, list_folder, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["WORTH", "Decision", "Walk"]

WORTH = 0.001
"""Seconds a folder must take before threads are worth it: some ten times what handing one over costs."""
_MEASURED = 5
"""Folders that the decision looks at, again and again: a mount is noticed where it begins."""

Mode = Literal["auto", "sequential", "parallel"]


class Decision(NamedTuple):
    """How a walk is done from some folder on, and why.

    Attributes:
        mode: ``sequential`` or ``parallel``.
        folders: how many had been read.
        latency: seconds in which a quarter of the latest folders was read, 0 if none was.
        threads: how many folders are read at a time.
        why: in words.
    """

    mode: Literal["sequential", "parallel"]
    folders: int
    latency: float
    threads: int
    why: str


class Walk:
    """Iterates over the folders of a library as :class:`Listing` objects, as they are read.

    Nothing of a file is read but its size and time. Links to folders are followed unless they lead back into
    the library or to what was walked already; both is reported.

    Args:
        root: the library's folder.
        rules: what is kept.
        concurrency: folders at a time once it is parallel.
        mode: ``"auto"`` decides by what folders take; the others do not ask.
        scandir: what reads folders, with the interface of :func:`os.scandir`.
        clock: seconds, for what folders take.

    Attributes:
        problems: what could not be read; grows during the walk.
        skipped: how many were passed over, by reason.
        decisions: how the walk was done; one more for every change.
        folders: how many were read.
        seconds: what reading them took, added up.

    Raises:
        ConfigError: a knob has a value that cannot work, or there is no such folder.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        rules: Filter | None = None,
        *,
        concurrency: int = 16,
        mode: Mode = "auto",
        scandir: Callable[[str], Any] = os.scandir,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.root = os.path.abspath(os.fspath(root))  # noqa: PTH100 - strings: there are many
        if not os.path.isdir(self.root):  # noqa: PTH112
            raise ConfigError("path", f"{shown(self.root)} is no folder")
        if mode not in ("auto", "sequential", "parallel"):
            raise ConfigError("mode", f"is 'auto', 'sequential' or 'parallel', not {mode!r}")
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise ConfigError("concurrency", f"is a whole number of 1 or more, not {concurrency!r}")
        self._rules = rules or Filter()
        self._threads = concurrency
        self._mode = mode
        self._scandir = scandir
        self._clock = clock
        self._real = os.path.realpath(self.root)
        self._linked: set[tuple[int, int]] = set()
        self._latest: deque[float] = deque(maxlen=4 * _MEASURED)
        self.problems: list[Problem] = []
        self.skipped: Counter[str] = Counter()
        self.decisions: list[Decision] = []
        self.folders = 0
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Listing]:
        """Walk; a folder comes before those in it."""
        waiting = [Folder(self.root, "", 0)]
        self._decide("parallel" if self._mode == "parallel" else "sequential", _first(self._mode))
        while waiting and self.decisions[-1].mode == "sequential":
            listing = list_folder(waiting.pop(), self._rules, self._scandir, self._clock)
            waiting += reversed(self._saw(listing))
            if self._mode == "auto" and self._threads > 1 and self._due():
                self._reconsider()
            yield listing
        if waiting:
            yield from self._in_threads(waiting)

    def _due(self) -> bool:
        """Whether to look at what folders take: after each of the first but one, later now and then."""
        return 1 < self.folders < _MEASURED or self.folders % _MEASURED == 0

    def _reconsider(self) -> None:
        latency = self._latency()
        if latency >= WORTH:
            self._decide("parallel", f"a folder takes {latency * 1e3:.1f} ms, {WORTH * 1e3:g} ms or more")
        elif len(self.decisions) == 1:
            why = f"a folder takes {latency * 1e3:.2f} ms, less than {WORTH * 1e3:g} ms"
            self.decisions[0] = Decision("sequential", self.folders, latency, 1, why)

    def _latency(self) -> float:
        """The lower quartile of what the latest folders took."""
        return sorted(self._latest)[len(self._latest) // 4] if self._latest else 0.0

    def _decide(self, mode: Literal["sequential", "parallel"], why: str) -> None:
        latency = self._latency()
        threads = self._threads if mode == "parallel" else 1
        self.decisions.append(Decision(mode, self.folders, latency, threads, why))

    def _in_threads(self, waiting: list[Folder]) -> Iterator[Listing]:
        asked: queue.SimpleQueue[Folder | None] = queue.SimpleQueue()
        told: queue.SimpleQueue[Listing] = queue.SimpleQueue()

        def work() -> None:
            while (folder := asked.get()) is not None:
                told.put(list_folder(folder, self._rules, self._scandir, self._clock))

        crew = [
            threading.Thread(target=work, name="fetchlab-walk", daemon=True) for _ in range(self._threads)
        ]
        for thread in crew:
            thread.start()
        try:
            open_folders = 0
            for folder in waiting:
                asked.put(folder)
                open_folders += 1
            while open_folders:
                listing = told.get()
                open_folders -= 1
                for folder in self._saw(listing):
                    asked.put(folder)
                    open_folders += 1
                yield listing
        finally:
            for _ in crew:
                asked.put(None)
            # What was asked for before this and not begun is read in vain only if the walk was given up.

    def _saw(self, listing: Listing) -> list[Folder]:
        """Take note of a folder, and return those in it that are to be read."""
        self.folders += 1
        self.seconds += listing.seconds
        self._latest.append(listing.seconds)
        if listing.problems:
            self.problems += listing.problems
        if listing.skipped:
            self.skipped.update(listing.skipped)
        if not listing.links:
            return listing.folders
        return [*listing.folders, *filter(self._follows, listing.links)]

    def _follows(self, folder: Folder) -> bool:
        """Whether a linked folder leads to something new."""
        real = os.path.realpath(folder.path)
        try:
            seen = os.stat(real)  # noqa: PTH116
        except OSError as error:
            self.problems.append(Problem(folder.inside, "unreadable", error.strerror or "cannot be read"))
            return False
        identity = seen.st_dev, seen.st_ino
        if _holds(real, os.path.realpath(os.path.dirname(folder.path))):  # noqa: PTH120
            self.problems.append(Problem(folder.inside, "loop", "leads back to a folder that it lies in"))
            return False
        if identity in self._linked or _holds(self._real, real):
            self.problems.append(Problem(folder.inside, "twice", "leads to a folder that is walked anyway"))
            return False
        self._linked.add(identity)
        return True


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(os.path.join(outer, ""))  # noqa: PTH118


def _first(mode: Mode) -> str:
    return "nothing measured yet" if mode == "auto" else "as asked for"
