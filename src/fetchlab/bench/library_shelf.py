"""A library on disk, and what is known of it before anything is measured on it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from fetchlab.bench.heap import collect_garbage
from fetchlab.engine.calls import fetch
from fetchlab.studies.library import Library, fast
from fetchlab.studies.library.asking import Asked
from fetchlab.studies.library.matching import Matching
from fetchlab.studies.library.reading import parse
from fetchlab.studies.library.slow import guess
from fetchlab.studies.library.titles import alike, folded
from fetchlab.studies.library.tmdb import Tmdb, read
from fetchlab.studies.library.walk import Walk
from fetchlab.testbed import media_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import polars as pl

__all__ = ["CONCURRENCY", "KEY", "Shelf", "guess_all", "settle"]

CONCURRENCY = 16
"""Requests, or folders, at a time: the published default."""
KEY = "a key"


@dataclass
class Shelf:
    """A library on disk, and what is known of it before anything is measured.

    Attributes:
        root: its folder.
        url: the service's root.
        count: videos.
        scanned: what a scan gives.
        folders: how many there are.
        answers: what the service says to each request that matching makes.
        asked: the requests of a tool in which every file asks for itself.
        walk_s: processor seconds in which its folders are listed, one after the other.
        fast_s: processor seconds in which the fast path reads all names, one after the other.
        guess_s: the same of guessit and the names that the fast path is unsure of, from some sixty of them.
        weigh_s: processor seconds in which answers that are at hand are weighed and put beside the files.
    """

    root: Path
    url: str
    count: int
    scanned: pl.DataFrame = field(init=False)
    folders: int = 0
    answers: dict[Asked, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    walk_s: float = 0.0
    fast_s: float = 0.0
    guess_s: float = 0.0
    weigh_s: float = 0.0

    @classmethod
    def made(cls, folder: Path, url: str, count: int) -> Shelf:
        """Make one in a folder, and find out what there is to know; a warm cache lies beside it."""
        shelf = cls(folder / f"library-{count}", url, count)
        media_tree(shelf.root, count)
        library = shelf.library(cache=shelf.cache_file)
        shelf.scanned = library.scan(progress=False).raise_for_errors().result()
        matched = library.match(shelf.scanned, progress=False).raise_for_errors().result()
        library.cache.flush()
        library.cache.close()
        shelf._alone()
        shelf.answers = _answers(shelf.tmdb, shelf.scanned)
        shelf.weigh_s = _timed(shelf.weighed)
        shelf.asked = _one_each(matched)
        return shelf

    @property
    def cache_file(self) -> Path:
        """A cache in which everything is."""
        return self.root.with_suffix(".db")

    @property
    def tmdb(self) -> Tmdb:
        """The service's client."""
        return Tmdb(self.url, KEY)

    def library(self, **knobs: Any) -> Library:
        """Return the library, with nothing remembered unless told."""
        return Library(self.root, self.url, KEY, concurrency=CONCURRENCY, **knobs)

    def weighed(self) -> pl.DataFrame:
        """Match, given all answers."""
        matching = Matching(self.scanned, 0)
        waiting = list(matching.asking.first())
        while waiting:
            asked = waiting.pop()
            answer = self.answers[_named(asked)]
            fresh = list(answer) if isinstance(answer, list) else answer
            waiting += matching.asking.saw(asked, fresh, cached=True)
        return matching.frame()

    def paths(self) -> Iterator[str]:
        """Walk, and give the path of every video."""
        for listing in Walk(self.root, mode="sequential"):
            inside = listing.folder.inside
            for name, video, _, _ in listing.files:
                if video:
                    yield f"{inside}/{name}" if inside else name

    @cached_property
    def guessing_s(self) -> float:
        """The processor seconds that guessit takes for all names alone, from a hundred of them."""
        videos = self.scanned.filter(kind="video")["path"]
        some = videos.gather_every(max(1, self.count // 100)).to_list()
        return _timed(partial(guess_all, some), passes=1) / len(some) * self.count

    def _alone(self) -> None:
        walk = Walk(self.root, mode="sequential")
        self.walk_s = _timed(partial(deque, walk, 0), passes=1)
        self.folders = walk.folders
        videos = self.scanned.filter(kind="video").select("path", "parser")
        by = {who: videos.filter(parser=who)["path"].to_list() for who in ("fast", "guessit")}
        self.fast_s = _timed(partial(_read_all, by["fast"]))
        some = by["guessit"][:: max(1, len(by["guessit"]) // 60)]
        self.guess_s = _timed(partial(_read_all, some), passes=1) / max(len(some), 1) * len(by["guessit"])


def guess_all(paths: Iterable[str]) -> None:
    """Read every name with guessit."""
    for path in paths:
        *folders, name = path.split("/")
        guess(tuple(folders), name, "")


def _read_all(paths: list[str]) -> None:
    for path in paths:
        parse(path)


def _one_each(matched: pl.DataFrame) -> list[Asked]:
    """What every file would ask for: its title, and its season."""
    asked = []
    known = matched.select("type", "title", "year", "season", "tmdb")
    for kind, title, year, season, tmdb in known.iter_rows():
        asked.append(Asked("tv" if kind == "episode" else "movie", title or "", year))
        if kind == "episode" and tmdb is not None:
            asked.append(Asked("season", show=tmdb, season=1 if season is None else season))
    return asked


def _answers(tmdb: Tmdb, scanned: pl.DataFrame) -> dict[Asked, Any]:
    """Ask for everything, wave by wave."""
    asking = Matching(scanned, 0).asking
    answers: dict[Asked, Any] = {}
    waiting = list(asking.first())
    while waiting:
        wave = [tmdb.request(asked) for asked in waiting]
        found = fetch(wave, workers=CONCURRENCY, parse=read, accept={404}, progress=False).raise_for_errors()
        further: list[Asked] = []
        for asked, answer in zip(waiting, found.result(), strict=True):
            answers[_named(asked)] = list(answer) if isinstance(answer, list) else answer
            further += asking.saw(asked, answer, cached=False)
        waiting = further
    return answers


def _named(asked: Asked) -> Asked:
    return asked._replace(why="title")


def settle() -> None:
    """Forget what names and titles were found to be, and collect garbage."""
    for remembered in (fast.read, folded, alike):
        remembered.cache_clear()
    collect_garbage()


def _timed(work: Callable[[], Any], passes: int = 2) -> float:
    """Processor seconds of this thread, which other work on the machine does not lengthen much."""
    taken = []
    for _ in range(passes):
        settle()
        begun = time.thread_time()
        work()
        taken.append(time.thread_time() - begun)
    return min(taken)
