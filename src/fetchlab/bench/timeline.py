"""Timelines in real browsers: a published plan's improvements measured, speed beside completeness.

What is measured are real pauses, real pages and a real Chromium, on the testbed's site.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.timeline_arms import NOW, OLD, Way, collected
from fetchlab.bench.timeline_shortcuts import SHORTCUTS
from fetchlab.bench.timeline_tables import beside, predicted, thread_seconds, workers
from fetchlab.errors import ConfigError
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.bench.measuring import Measuring
    from fetchlab.testbed import Testbed

__all__ = [
    "BENCH",
    "COLLECTORS",
    "COUNTS",
    "LATENCY",
    "POSTS",
    "QUICK",
    "TABLES",
    "arms",
    "predictions",
    "ways",
]

TABLES = ("improvements", "workers", "threads", "shortcuts", "writes", "memory")
COLLECTORS = ("dom", "network", "api", "rss")
COUNTS = (1, 2, 4, 8)
LATENCY = 0.05
POSTS = {"dom": 8, "network": 80, "api": 1_000, "rss": 200}
"""Posts of each user: some ten seconds' worth in a browser."""
WHOLE = (1, 2, 3)
"""Places of users with 1,000 posts, whose whole timelines are written again."""
QUICK: dict[str, Any] = {
    "pace": 0.01, "counts": [1, 2], "posts": {"dom": 3, "network": 20, "api": 50, "rss": 20}, "whole": [6],
}  # fmt: skip
"""Settings of some seconds: pauses of a hundredth, few posts."""


def ways(
    tables: Sequence[str] = TABLES,
    *,
    counts: Sequence[int] = COUNTS,
    posts: dict[str, int] | None = None,
    pace: float = 1.0,
    whole: Sequence[int] = WHOLE,
) -> dict[str, Way]:
    """Return every way to collect, by ``table: way``.

    Args:
        tables: of TABLES.
        counts: users at a time, for ``workers``.
        posts: of each user, by collector.
        pace: multiplies all pauses.
        whole: places of users whose whole timelines are written, for ``writes``.

    Raises:
        ConfigError: there is no such table.
    """
    known = {
        "improvements": _improvements,
        "workers": _workers,
        "threads": _threads,
        "shortcuts": _shortcuts,
        "writes": _writes,
        "memory": _memory,
    }
    if not tables or not set(tables) <= set(known):
        raise ConfigError("tables", f"are of {', '.join(TABLES)}, not {list(tables)!r}")
    size = {**POSTS, **(posts or {})}
    found: dict[str, Way] = {}
    for table in tables:
        made = known[table](size, counts, whole)
        paced = {
            name: replace(way, pause=(way.pause[0] * pace, way.pause[1] * pace)) for name, way in made.items()
        }
        found |= {f"{table}: {name}": way for name, way in paced.items()}
    return found


def arms(bed: Testbed, **which: Any) -> dict[str, Callable[[], Measurement]]:
    """Return the ways of :func:`ways` as arms that are each done once."""
    return {name: partial(collected, bed, way) for name, way in ways(**which).items()}


def _improvements(size: dict[str, int], counts: Sequence[int], whole: Sequence[int]) -> dict[str, Way]:
    """What a published tool did at first, one improvement at a time, and all of them."""
    del whole
    two = min(2, max(counts))
    before = Way(users=two, posts=size["dom"], pause=OLD, batch=1, a_browser_each=True)
    return {
        "as it was": before,
        "delays 0.5–1.5 s": replace(before, pause=NOW),
        "threads off": replace(before, threads=False),
        "batch writes": replace(before, batch=50),
        "one browser kept": replace(before, a_browser_each=False),
        "2 users at a time": replace(before, workers=two),
        "all of them": Way(users=two, posts=size["dom"], threads=False, workers=two),
        "all but threads off": Way(users=two, posts=size["dom"], workers=two),
    }


def _workers(size: dict[str, int], counts: Sequence[int], whole: Sequence[int]) -> dict[str, Way]:
    """Every collector as it comes, on the same users up to four at a time."""
    del whole
    fewest = min(4, max(counts))
    return {
        f"{collector} {count}": Way(
            collector=collector, users=max(count, fewest), workers=count, posts=size[collector]
        )
        for collector in COLLECTORS
        for count in counts
    }


def _threads(size: dict[str, int], counts: Sequence[int], whole: Sequence[int]) -> dict[str, Way]:
    del whole
    two = min(2, max(counts))
    on = Way(collector="network", users=two, workers=two, posts=size["network"])
    return {"on": on, "off": replace(on, threads=False)}


def _shortcuts(size: dict[str, int], counts: Sequence[int], whole: Sequence[int]) -> dict[str, Way]:
    del whole
    many = min(4, max(counts))
    plain = Way(users=many, workers=many, posts=size["dom"])
    return {"none": plain} | {name: replace(plain, shortcut=name) for name in SHORTCUTS}


def _writes(size: dict[str, int], counts: Sequence[int], whole: Sequence[int]) -> dict[str, Way]:
    """From the fastest source, where writing weighs most."""
    del counts
    plain = Way(collector="api", places=whole, users=len(whole), workers=len(whole), posts=size["api"])
    return {
        "50 posts a commit": plain,
        "1 post a commit": replace(plain, batch=1),
        "over stored rows": replace(plain, again=True),
        "no look-ups (refetch_all)": replace(plain, anew=True),
    }


def _memory(size: dict[str, int], counts: Sequence[int], whole: Sequence[int]) -> dict[str, Way]:
    del whole
    many = min(4, max(counts))
    plain = Way(collector="network", users=many, workers=many, posts=size["network"], weigh=True)
    return {
        "contexts in one browser": plain,
        "a browser for each worker": replace(plain, isolation="browser"),
    }


def _collect(
    *,
    tables: Sequence[str] = TABLES,
    counts: Sequence[int] = COUNTS,
    posts: dict[str, int] | None = None,
    pace: float = 1.0,
    whole: Sequence[int] = WHOLE,
    latency: float = LATENCY,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    with serve(port=0, latency=latency) as bed:
        made = arms(bed, tables=tables, counts=counts, posts=posts, pace=pace, whole=whole)
        return measure(made, warmup=0, **how)


_BASES = {
    "improvements": "as it was",
    "threads": "off",
    "shortcuts": "none",
    "writes": "50 posts a commit",
    "memory": "contexts in one browser",
}
_TITLES = {
    "improvements": "A published plan's improvements, one at a time; dom, ratios of posts/s",
    "threads": "Threads' pages visited or not; network",
    "shortcuts": "Forbidden shortcuts; dom, up to 4 users at a time",
    "writes": "Writing; api, whole timelines",
    "memory": "Contexts or browsers; network",
}


def _tables(rows: pl.DataFrame, **_: Any) -> list[Table]:
    made = []
    if any(arm.startswith("workers: ") for arm in rows["arm"]):
        made.append(Table("Users at a time", workers(rows)))
        made.append(Table("100 users × 20,000 posts, in hours", predictions(rows)))
    for table, base in _BASES.items():
        found = beside(rows, table, base)
        if found.is_empty():
            continue
        if table == "memory":
            found = found.with_columns(MB=pl.col("memory") / 1e6)
        note = ""
        if table == "threads" and (each := thread_seconds(rows, "threads: on", "threads: off")) is not None:
            note = f"A thread's page costs its user {each:.2g} s."
        made.append(Table(_TITLES[table], found.drop("memory"), note))
    return made


def predictions(rows: pl.DataFrame, *, users: int = 100, posts: int = 20_000, at: int = 4) -> pl.DataFrame:
    """Return how long so many timelines would take with each collector that was measured with its workers.

    Returns:
        Columns ``collector str, workers u32, posts u64`` (of each user; an API gives 3,200)``, hours, low,
        high f64`` (the 95 % interval)``, model str``.
    """
    there = {arm.split()[1] for arm in rows["arm"] if arm.startswith("workers: ")}
    made = []
    for collector in (name for name in COLLECTORS if name in there):
        each = min(posts, 3_200) if collector == "api" else posts
        measured = [int(arm.split()[2]) for arm in rows["arm"] if arm.startswith(f"workers: {collector} ")]
        count = min(at, max(measured))
        told = predicted(rows, collector, users=users, posts=each, workers=count)
        hours = (told.seconds / 3600, told.low / 3600, told.high / 3600)
        made.append((collector, count, each, *hours, told.model))
    schema = {
        "collector": pl.String, "workers": pl.UInt32, "posts": pl.UInt64, "hours": pl.Float64,
        "low": pl.Float64, "high": pl.Float64, "model": pl.String,
    }  # fmt: skip
    return pl.DataFrame(made, schema, orient="row")


def _notes(*, pace: float = 1.0, latency: float = LATENCY, **_: Any) -> list[str]:
    pauses = f"pauses of {NOW[0] * pace:g}–{NOW[1] * pace:g} s, before: {OLD[0] * pace:g}–{OLD[1] * pace:g} s"
    return [
        f"The local testbed serves, {latency * 1000:g} ms an answer; a real Chromium with {pauses}.",
        "Shares beside a speed: of posts as far down as was read, and of their quotes, videos and threads.",
    ]


BENCH = Bench(name="timeline", collect=_collect, tables=_tables, notes=_notes)
"""A published plan's improvements, collectors, workers, shortcuts, writes and memory."""
