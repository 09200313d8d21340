"""The library's phases, each switched off and on, on libraries that are made for it.

*Off* is what a tool does without the phase's improvement: one folder after the other, guessit for every name,
a request for every file. What is on is :class:`~fetchlab.studies.library.Library` as it comes.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab.bench.bounds import Ideal, ideal
from fetchlab.bench.library_shelf import CONCURRENCY, guess_all
from fetchlab.bench.rounds import Measurement
from fetchlab.engine.calls import fetch
from fetchlab.engine.snapshot import process_usage
from fetchlab.errors import StudyError
from fetchlab.policy.rate import RateLimit
from fetchlab.store.cache import Cache
from fetchlab.studies.library.tmdb import read
from fetchlab.studies.library.walk import Walk
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from fetchlab.bench.library_shelf import Shelf
    from fetchlab.engine.run import Run

__all__ = ["CAP", "COUNTS", "FOLDER", "LATENCY", "Way", "slow_scandir", "ways"]

COUNTS = (9, 99, 417, 1_500, 10_000)
"""Videos: the published document's small, medium and large collections, its own 417, and its promise."""
LATENCY, FOLDER, CAP = 0.05, 0.005, 50.0
"""Seconds of an answer and of a slow folder, and the service's requests per second."""


@dataclass(frozen=True)
class Way:
    """One way to do a phase.

    Attributes:
        start: does it once.
        least: seconds that it needs at least.
        settings: of the testbed.
    """

    start: Callable[[], Measurement]
    least: Ideal
    settings: dict[str, Any]


def ways(shelf: Shelf, *, off: bool, capped: bool, latency: float, cap: float) -> dict[str, Way]:
    """Return every way to do every phase, by ``phase: way``.

    Args:
        shelf: the library.
        off: also the ways without the improvements, which take long.
        capped: also the whole under the service's limit.
        latency: seconds of an answer.
        cap: requests per second of that limit.
    """
    slow = {"latency": latency, "rate": None}
    cores = os.cpu_count() or 1
    names = shelf.fast_s + shelf.guess_s
    parsing = Ideal(max(shelf.walk_s, names / cores), f"the names' own time on {cores} cores, while walking")
    network = _least_asking(shelf, latency)
    weighing = Ideal(shelf.weigh_s, "weighing answers that are at hand, and making the table")
    again = Ideal(
        max(shelf.walk_s, shelf.fast_s / cores) + shelf.weigh_s,
        "walking or reading the names that the fast path reads, then weighing",
    )
    whole = Ideal(max(parsing, network), f"parsing and asking at the same time: {network.why}")
    found = {
        "parse: on": Way(partial(_scanned, shelf), parsing, slow),
        "parse: alone": Way(
            partial(_scanned, shelf, threshold=shelf.count),
            Ideal(shelf.walk_s + names, "walking, then the names' own time"),
            slow,
        ),
        "cache: on": Way(partial(_matched, shelf), network, slow),
        "cache: warm": Way(partial(_matched, shelf, warm=True), weighing, slow),
        "discovery: on": Way(partial(_walked, shelf, "auto", FOLDER), _least_walk(shelf, CONCURRENCY), slow),
        "local discovery: off": Way(partial(_walked, shelf, "sequential"), _local(shelf), slow),
        "local discovery: on": Way(partial(_walked, shelf, "auto"), _local(shelf), slow),
        "local discovery: parallel": Way(partial(_walked, shelf, "parallel"), _local(shelf), slow),
        "whole: on": Way(partial(_whole, shelf), whole, slow),
        "whole: warm": Way(partial(_whole, shelf, warm=True), again, slow),
    }
    if capped:
        limit = RateLimit(cap)
        least = _least_asking(shelf, latency, limit)
        refusing = slow | {"rate": cap, "burst": CONCURRENCY}
        found["whole: capped"] = Way(partial(_whole, shelf, rate=limit), least, refusing)
    if off:
        guessed = Ideal(shelf.walk_s + shelf.guessing_s, "walking, then guessit for every name")
        asking = ideal(len(shelf.asked), latency, CONCURRENCY)
        found |= {
            "parse: off": Way(partial(_guessed, shelf), guessed, slow),
            "cache: off": Way(partial(_asked_each, shelf), asking, slow),
            "discovery: off": Way(partial(_walked, shelf, "sequential", FOLDER), _least_walk(shelf, 1), slow),
            "whole: off": Way(
                partial(_whole_off, shelf), Ideal(guessed + asking, "one phase after the other"), slow
            ),
        }
    return found


def slow_scandir(path: str, seconds: float = FOLDER) -> Any:
    """Read a folder as over a network: it waits first."""
    time.sleep(seconds)
    return os.scandir(path)


# --- the ways


def _scanned(shelf: Shelf, threshold: int = 10) -> Measurement:
    run = shelf.library(threshold=threshold).scan(progress=False).wait()
    return _of(shelf, [run], run.stats().elapsed, fast=run.notes["fast"], guessit=run.notes["guessit"])


def _guessed(shelf: Shelf) -> Measurement:
    begun = time.perf_counter()
    guess_all(shelf.paths())
    return _of(shelf, [], time.perf_counter() - begun, fast=0, guessit=shelf.count)


def _matched(shelf: Shelf, *, warm: bool = False) -> Measurement:
    with Client() as client:
        library = shelf.library(client=client, cache=Cache(shelf.cache_file) if warm else None)
        begun = time.perf_counter()
        run = library.match(shelf.scanned, progress=False)
        _complete(shelf, run.result())
        taken = time.perf_counter() - begun
        library.cache.close()
    return _of(shelf, [run], taken, **_asking(run))


def _asked_each(shelf: Shelf) -> Measurement:
    requests = [shelf.tmdb.request(asked) for asked in shelf.asked]
    with Client() as client:
        run = fetch(requests, client=client, workers=CONCURRENCY, parse=read, accept={404}, progress=False)
        taken = run.wait().stats().elapsed
    return _of(shelf, [run], taken, lookups=len(requests), requests=len(requests))


def _walked(shelf: Shelf, mode: Any, seconds: float = 0.0) -> Measurement:
    scandir = partial(slow_scandir, seconds=seconds) if seconds else os.scandir
    walk = Walk(shelf.root, concurrency=CONCURRENCY, mode=mode, scandir=scandir)
    begun = time.perf_counter()
    videos = sum(video for listing in walk for _, video, _, _ in listing.files)
    taken = time.perf_counter() - begun
    if videos != shelf.count:
        raise StudyError(f"{videos:,} of {shelf.count:,} videos were found")
    return _of(shelf, [], taken, folders=walk.folders, threads=walk.decisions[-1].threads)


def _whole(shelf: Shelf, *, warm: bool = False, rate: RateLimit | None = None) -> Measurement:
    with Client() as client:
        library = shelf.library(client=client, cache=Cache(shelf.cache_file) if warm else None)
        begun = time.perf_counter()
        scan = library.scan(progress=False)
        scanned = scan.raise_for_errors().result()
        between = time.perf_counter()
        match = library.match(scanned, rate=rate, progress=False)
        _complete(shelf, match.result())
        ended = time.perf_counter()
        library.cache.close()
    shares = {"scan_s": between - begun, "match_s": ended - between, "walk_s": scan.notes["walking_s"]}
    return _of(shelf, [match], ended - begun, **shares, **_asking(match))


def _whole_off(shelf: Shelf) -> Measurement:
    guessed, asked = _guessed(shelf), _asked_each(shelf)
    shares = {"scan_s": guessed.seconds, "match_s": asked.seconds, "walk_s": shelf.walk_s}
    lookups = {name: asked.more[name] for name in ("lookups", "requests")}
    return _of(shelf, [], guessed.seconds + asked.seconds, **shares, **lookups)


# --- what they share


def _of(shelf: Shelf, runs: list[Run], seconds: float, **more: Any) -> Measurement:
    """What a way did: its items are videos."""
    failed = sum(run.stats().failed for run in runs)
    if failed:
        raise StudyError(f"{failed:,} requests have no answer")
    cpu, peak = process_usage()
    figures = {name: float(value) for name, value in more.items()}
    attempts = sum(run.stats().done + run.stats().retries for run in runs)
    return Measurement(seconds, shelf.count, shelf.count, attempts, 0, cpu, peak, figures)


def _asking(run: Run) -> dict[str, Any]:
    notes = run.notes
    names = ("lookups", "titles", "searches", "seasons", "fallbacks", "from_cache")
    figures: dict[str, Any] = {name: notes[name] for name in names}
    return figures | {"requests": figures["searches"] + figures["seasons"] + figures["fallbacks"]}


def _complete(shelf: Shelf, matched: pl.DataFrame) -> None:
    if matched.height != shelf.count:
        raise StudyError(f"{matched.height:,} of {shelf.count:,} videos are in the table")


def _least_walk(shelf: Shelf, threads: int) -> Ideal:
    return ideal(shelf.folders, FOLDER, threads, first=True)


def _least_asking(shelf: Shelf, latency: float, rate: RateLimit | None = None) -> Ideal:
    """A season is asked for when its show is known."""
    least = ideal(len(shelf.answers), latency, CONCURRENCY, rate=rate)
    if least >= 2 * latency or not any(asked.what == "season" for asked in shelf.answers):
        return least
    return Ideal(2 * latency, "a show's search, then its seasons")


def _local(shelf: Shelf) -> Ideal:
    return Ideal(shelf.walk_s, "one folder after the other, measured alone")
