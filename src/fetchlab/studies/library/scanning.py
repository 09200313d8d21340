"""A scan: files as the walk finds them, in chunks, whose names are read while the walk goes on."""

from __future__ import annotations

import os
from array import array
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from fetchlab.engine.places import CallingInProcesses, calling_task
from fetchlab.engine.strategies import Processes
from fetchlab.engine.threads import Threads
from fetchlab.studies.library.columns import FILES, Columns, shared_series
from fetchlab.studies.library.ordering import PathOrder
from fetchlab.studies.library.parsed import Parsed
from fetchlab.studies.library.reading import Names, read_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetchlab.engine.tasks import Calling
    from fetchlab.engine.work import Work
    from fetchlab.model import Result
    from fetchlab.store.cache import Cache
    from fetchlab.studies.library.columns import Held
    from fetchlab.studies.library.walk import Walk

__all__ = ["SCANNED", "Chunk", "Parsing", "Scan"]

PARSED = pl.Schema(
    {
        "type": pl.Categorical(),
        "title": pl.String(),
        "year": pl.Int32(),
        "season": pl.Int32(),
        "episodes": pl.List(pl.Int32()),
        "episode_title": pl.String(),
        "alternative": pl.String(),
        "screen": pl.Categorical(),
        "edition": pl.Categorical(),
        "part": pl.Int32(),
        "parser": pl.Categorical(),
        "tier": pl.Categorical(),
        "why": pl.Categorical(),
    }
)
SCANNED = pl.Schema({**FILES, **PARSED})
"""Files with what their names say; of sidecars the latter is null. ``why`` says why that parser read it."""

_UNREAD = Parsed(*[None] * len(PARSED))  # type: ignore[arg-type]  # of a sidecar nothing is known
_SEALED = 2048
_CHUNK = 256
"""Names read at a time by the fast path: some ten milliseconds."""
_HERE = 2
"""Chunks of the fast path that are read in this process in any case: to start one takes ten times as long."""
_GUESSES = 16
"""Names read at a time by guessit: some tenths of a second, so that processes end together."""


class Chunk(NamedTuple):
    """Names to be read, and the rows of their files.

    Attributes:
        number: it is the so manieth.
        names: what is asked.
        rows: of the files, in the same order.
        alone: there are so few names in all that no process is worth starting.
    """

    number: int
    names: Names
    rows: list[int]
    alone: bool

    @property
    def key(self) -> str:
        """The item's key: ``fast/3`` or ``guessit/7``."""
        return f"{self.names.how}/{self.number}"


class Scan:
    """What a walk finds and what the names say; one for each run.

    Args:
        walk: over the library.
        threshold: up to so many videos are read one after the other, in this process.
        held: what holds the files.
    """

    def __init__(self, walk: Walk, threshold: int, held: Held | None = None) -> None:
        self.walk = walk
        self.files: Held = Columns() if held is None else held
        self.counts: dict[str, int] = {"files": 0, "videos": 0, "fast": 0, "guessit": 0, "remembered": 0}
        self.reading = 0.0
        self.walking = 0.0
        self._threshold = threshold
        self._order = PathOrder()
        self._rows = array("I")
        self._parsed: list[pl.DataFrame] = []
        self._fresh: list[Parsed] = []
        self._guessed = 0
        self._walked = False
        self._product: pl.DataFrame | None = None

    def chunks(self) -> Iterator[Chunk]:
        """Walk, and give out names as they come."""
        names: list[tuple[str, str, str]] = []
        rows: list[int] = []
        number = 0
        began = perf_counter()
        for listing in self.walk:
            folder = listing.folder.inside
            self.counts["files"] += len(listing.files)
            listing.files.sort()
            below = (os.path.basename(other.inside) for other in (*listing.folders, *listing.links))  # noqa: PTH119
            self._order.add(folder, [file[0] for file in listing.files], below)
            for name, video, size, modified in listing.files:
                if video:
                    names.append((folder, name, ""))
                    rows.append(len(self.files))
                self.files.add(folder, name, video, size, modified)
            while len(names) >= _CHUNK and (number or len(names) > self._threshold):
                self.counts["videos"] += _CHUNK
                self.walking = perf_counter() - began
                yield Chunk(number, Names("fast", names[:_CHUNK]), rows[:_CHUNK], alone=False)
                number, names, rows = number + 1, names[_CHUNK:], rows[_CHUNK:]
        self.counts["videos"] += len(names)
        self.walking = perf_counter() - began
        self._walked = True
        if names:
            alone = number == 0 and len(names) <= self._threshold
            yield Chunk(number, Names("fast", names), rows, alone)

    def take(self, chunk: Chunk, found: list[Parsed | str]) -> dict[str, Any]:
        """Keep what was read; return what is left to guessit, as the run's value."""
        read = 0
        for row, one in zip(chunk.rows, found, strict=True):
            if not isinstance(one, str):
                read += 1
                self._rows.append(row)
                self._fresh.append(one)
        if len(self._fresh) >= _SEALED:
            self._parsed.append(_parsed_frame(self._fresh))
            self._fresh = []
        self.counts[chunk.names.how] += read
        unsure = [place for place, one in enumerate(found) if isinstance(one, str)]
        asked = chunk.names.names
        left = [(asked[place][0], asked[place][1], str(found[place])) for place in unsure]
        rows = [chunk.rows[place] for place in unsure]
        asked.clear()  # the run holds the chunk to its end, and nobody reads it again
        chunk.rows.clear()
        return {"read": read, "left": left, "rows": rows}

    def further(self, result: Result) -> Iterable[Chunk]:
        """The names that the fast path left, for guessit."""
        left, rows = result.value.pop("left"), result.value.pop("rows")
        for first in range(0, len(left), _GUESSES):
            part = slice(first, first + _GUESSES)
            yield Chunk(self._guessed, Names("guessit", left[part]), rows[part], result.item.alone)
            self._guessed += 1

    def frame(self) -> pl.DataFrame:
        """Every file with what its name says, SCANNED, sorted by path.

        Once every name is read nothing else is held.
        """
        if self._product is not None:
            return self._product
        read = pl.concat([*self._parsed, _parsed_frame([*self._fresh, _UNREAD])], rechunk=False).clone()
        places = array("I", [len(self._rows)]) * len(self.files)
        for place, row in enumerate(self._rows):
            places[row] = place
        order = self._order.rows()
        told = pl.Series(array("I", map(places.__getitem__, order)), dtype=pl.UInt32())
        files = self.files.frame().clone()
        complete = self._walked and len(self._rows) == self.counts["videos"]
        if complete:
            self.files, self._parsed, self._fresh, self._order = Columns(), [], [], PathOrder()
        by_path = pl.Series(order, dtype=pl.UInt32())
        frame = pl.DataFrame([*_gathered(files, FILES, by_path), *_gathered(read, PARSED, told)])
        if complete:
            self._product = frame
        return frame

    def notes(self) -> dict[str, object]:
        """What was observed: counts, what was passed over and why, problems, how the walk was done."""
        return {
            "folders": self.walk.folders,
            **self.counts,
            "skipped": dict(self.walk.skipped),
            "problems": [problem._asdict() for problem in self.walk.problems],
            "walk": [decision._asdict() for decision in self.walk.decisions],
            "walking_s": self.walking,
            "reading_s": self.reading,
        }


def _gathered(frame: pl.DataFrame, names: Iterable[str], rows: pl.Series) -> Iterator[pl.Series]:
    """Columns by rows; each one is let go of before the next is made, if nobody else holds the frame."""
    for name in names:
        yield frame.drop_in_place(name)[rows]


def _parsed_frame(read: list[Parsed]) -> pl.DataFrame:
    columns = zip(*read, strict=True) if read else ([] for _ in PARSED)
    made = []
    for (name, kind), values in zip(PARSED.items(), columns, strict=True):
        make = shared_series if name == "episodes" else pl.Series
        made.append(make(name, list(values), kind))
    return pl.DataFrame(made)


class Parsing:
    """Reads chunks of names: in worker processes, or one after the other where they are few.

    guessit's answers are remembered; a fast reading costs no more than looking it up would.

    Args:
        scan: what keeps them.
        cache: where guessit's answers are remembered, None for nowhere.
    """

    def __init__(self, scan: Scan, cache: Cache | None) -> None:
        self._scan = scan
        self._cache = cache
        self._here = Threads()
        self._processes: Calling | CallingInProcesses | Any = None

    def prepare(self, work: Work) -> None:
        """Names have no host."""

    async def __call__(self, work: Work) -> dict[str, Any]:
        """Read a chunk."""
        chunk: Chunk = work.item
        began = perf_counter()
        if chunk.names.how == "guessit" and self._cache is not None:
            known = await self._here.call(self._remembered, chunk)
        else:
            known = [None] * len(chunk.rows)
        unknown = [place for place, one in enumerate(known) if one is None]
        if unknown:
            names = Names(chunk.names.how, [chunk.names.names[place] for place in unknown])
            told = await self._read(work, chunk, names)
            for place, one in zip(unknown, told, strict=True):
                known[place] = one
            if chunk.names.how == "guessit" and self._cache is not None:
                await self._here.call(self._remember, list(zip(names.names, told, strict=True)))
        self._scan.counts["remembered"] += len(known) - len(unknown)
        self._scan.reading += perf_counter() - began
        return self._scan.take(chunk, known)

    async def _read(self, work: Work, chunk: Chunk, names: Names) -> list[Parsed | str]:
        if chunk.alone or (chunk.names.how == "fast" and chunk.number < _HERE):
            read: list[Parsed | str] = await self._here.call(read_names, names)
            return read
        if self._processes is None:
            self._processes = calling_task(Processes(), read_names, timeout=None)
        work.item = names
        try:
            read = await self._processes(work)
        finally:
            work.item = chunk
        return [one if isinstance(one, str) else Parsed(*one) for one in read]

    def _remembered(self, chunk: Chunk) -> list[Parsed | None]:
        assert self._cache is not None  # for the type checker
        kept = [self._cache.get(_key(folder, name)) for folder, name, _ in chunk.names.names]
        return [None if one is None else _parsed(one) for one in kept]

    def _remember(self, read: list[tuple[tuple[str, str, str], Parsed]]) -> None:
        assert self._cache is not None  # for the type checker
        for (folder, name, _), parsed in read:
            self._cache.put(_key(folder, name), list(parsed), ttl=None)

    def close(self) -> None:
        """Let threads and processes end after what they are doing."""
        self._here.close()
        if self._processes is not None:
            self._processes.close()


def _key(folder: str, name: str) -> str:
    return f"guessit {_version()} {folder}/{name}"


def _version() -> str:
    global _known_version  # noqa: PLW0603  # read from disk once
    if _known_version is None:
        _known_version = version("guessit")
    return _known_version


_known_version: str | None = None


def _parsed(kept: Any) -> Parsed:
    one = Parsed(*kept)
    return one._replace(episodes=tuple(one.episodes))
