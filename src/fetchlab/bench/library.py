"""The library's phases off and on: parsing, cache, discovery, and all of them."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from fetchlab.bench import library_memory
from fetchlab.bench.library_arms import CAP, COUNTS, FOLDER, LATENCY, ways
from fetchlab.bench.library_shelf import CONCURRENCY, Shelf, settle
from fetchlab.bench.library_tables import PHASES, cases, claims, phase, shares
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from fetchlab.bench.library_arms import Way
    from fetchlab.bench.measuring import Measuring
    from fetchlab.testbed import Testbed

__all__ = ["BENCH", "OFF", "arms"]

OFF = 1_500
"""Up to so many videos everything is also measured without the improvements: above, that takes minutes."""


def arms(
    bed: Testbed,
    shelf: Shelf,
    *,
    off: bool = True,
    capped: bool = False,
    latency: float = LATENCY,
    cap: float = CAP,
) -> dict[str, Callable[[], Measurement]]:
    """Return every way to do every phase as an arm, by ``phase: way``.

    Args:
        bed: a testbed; each arm sets its latency and rate.
        shelf: the library.
        off: also the ways without the improvements.
        capped: also the whole under the service's limit.
        latency: seconds of an answer.
        cap: requests per second of that limit.
    """
    known = ways(shelf, off=off, capped=capped, latency=latency, cap=cap)
    return {name: partial(_measured, bed, way) for name, way in known.items()}


def _measured(bed: Testbed, way: Way) -> Measurement:
    bed.configure("tmdb", **way.settings)
    settle()
    done = way.start()
    done.more["ideal"] = float(way.least)
    return done


def _collect(
    *,
    files: Sequence[int] = COUNTS,
    off: int = OFF,
    capped: Sequence[int] = (417, 10_000),
    memory: Sequence[int] = (10_000,),
    latency: float = LATENCY,
    cap: float = CAP,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    found: dict[str, Callable[[], Measurement]] = {}
    with serve(port=0) as bed, tempfile.TemporaryDirectory(prefix="fetchlab-") as folder:
        url = bed.urls["tmdb"]
        for count in sorted({*files, *memory}):
            shelf = Shelf.made(Path(folder), url, count)
            if count in files:
                some = arms(bed, shelf, off=count <= off, capped=count in capped, latency=latency, cap=cap)
                found |= {f"{count} {name}": arm for name, arm in some.items()}
            if count in memory:
                for name, arm in library_memory.arms(str(shelf.root), url, count).items():
                    found[f"{count} memory: {name}"] = partial(_weighed, bed, arm)
        return measure(found, warmup=1, **how)


def _weighed(bed: Testbed, arm: Callable[[], Measurement]) -> Measurement:
    bed.configure("tmdb", latency=0.0, rate=None)
    return arm()


_TITLES = {
    "parse": "Parsing; off: guessit for every name, alone: in one process",
    "cache": "Asking; off: every file asks, on: once for each title and season, warm: once more",
    "discovery": f"Discovery, {FOLDER * 1000:g} ms a folder; off: one after the other",
    "local discovery": "Discovery on this disk; off: one after the other, on: what the walk chooses",
    "whole": "The whole; off: without any, on: cold, warm: once more, capped: under the service's limit",
}


def _tables(rows: pl.DataFrame, **_: Any) -> list[Table]:
    made = [Table("What was asked for", claims(rows))]
    made += [Table(_TITLES[name], table) for name in PHASES if not (table := phase(rows, name)).is_empty()]
    if not (parts := shares(rows)).is_empty():
        made.append(Table("Shares of the whole", parts))
    for count, part in cases(rows, "memory"):
        held, peaks = library_memory.held(part), library_memory.peaks(part, count)
        made.append(Table(f"Memory that the files of {count:,} videos take", held))
        made.append(Table(f"Peak memory of {count:,} videos, MB; ideal: imports alone", peaks))
    return made


def _notes(*, latency: float = LATENCY, cap: float = CAP, **_: Any) -> list[str]:
    served = f"The local testbed serves, {latency * 1000:g} ms an answer; its limit: {cap:g} a second."
    ideals = (
        f"Ideals: the names' time on all cores, requests on {CONCURRENCY} workers, folders on as many; "
        "of the whole that of its longest phase."
    )
    return [served, ideals]


BENCH = Bench(name="library", collect=_collect, tables=_tables, notes=_notes)
"""A library's phases off and on, cold and warm, with the published figures beside."""
