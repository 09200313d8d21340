"""What files remember of a host: journals, caches, sweeps and comparisons in a folder."""

from __future__ import annotations

import statistics
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench import record
from fetchlab.bench.swept import Sweep
from fetchlab.engine import remembered
from fetchlab.engine.journal_view import JournalView
from fetchlab.errors import FetchlabError, StoreError
from fetchlab.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Changes", "Session", "changes", "measured", "sessions", "unrefused"]

REFUSALS = (429, 503)


@dataclass(frozen=True, slots=True)
class Session:
    """What one session of a journal did at a host.

    Attributes:
        path: the journal.
        when: its begin.
        workers: how many it had.
        items: that ended there.
        seconds: from the first request to the last answer.
        service: median seconds of an attempt that went well at once.
        refused: attempts answered with 429 or 503.
        sustained: items per second of those seconds in which any ended: what a host took that refused now
            and then, its pauses left out.
    """

    path: Path
    when: datetime
    workers: int
    items: int
    seconds: float
    service: float
    refused: int
    sustained: float

    @property
    def rate(self) -> float:
        """Items per second."""
        return self.items / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Changes:
    """How often a cache's entries of a host changed.

    Attributes:
        path: the cache.
        again: entries that were fetched more than once.
        changed: how many of them had another body at least once.
        interval: median seconds between two changes of those, None if none changed.
        span: median seconds over which entries were watched.
        when: the last time that one was fetched.
    """

    path: Path
    again: int
    changed: int
    interval: float | None
    span: float
    when: datetime


def sessions(folder: Path, host: str) -> list[Session]:
    """Return what journals tell of a host, the latest session last."""
    found: list[Session] = []
    for path in remembered.journals(folder):
        with suppress(StoreError), JournalView(path) as journal:
            found.extend(_of_journal(journal, path, host))
    return sorted(found, key=lambda session: session.when)


def changes(folder: Path, host: str) -> list[Changes]:
    """Return what caches tell of a host."""
    found = []
    for path in remembered.journals(folder):
        with suppress(FetchlabError), Cache(path, mode="offline") as cache:
            watched = (
                cache.frame()
                .filter(pl.col("host") == host, pl.col("fetches") > 1)
                .with_columns(watched=(pl.col("stored") - pl.col("first")).dt.total_microseconds() / 1e6)
            )
            if not watched.height:
                continue
            spans = watched["watched"].to_list()
            changed = watched.filter(pl.col("changes") > 0)
            every = [row["watched"] / row["changes"] for row in changed.iter_rows(named=True)]
            interval = statistics.median(every) if every else None
            span, when = statistics.median(spans), watched["stored"][0]
            found.append(Changes(path, watched.height, changed.height, interval, span, when))
    return found


def measured(folder: Path, host: str, kind: str) -> list[tuple[Path, datetime]]:
    """Return the folders of saved sweeps or comparisons of a host alone, and when they were; latest first.

    Args:
        folder: where to look, subfolders included.
        host: whose.
        kind: ``"sweep"`` or ``"compare"``.
    """
    found = []
    for path in folder.rglob("*.parquet") if folder.is_dir() else ():
        with suppress(StoreError):
            _, environment = record.read(path)
            settings: dict[str, Any] = environment.get("settings") or {}
            named = environment.get("bench") or settings.get("bench")
            if named == kind and settings.get("hosts") == [host]:
                found.append((path.parent, datetime.fromisoformat(environment["time"])))
    return sorted(found, key=lambda one: one[1], reverse=True)


def unrefused(folder: Path, host: str) -> tuple[Path, datetime, float] | None:
    """Return the latest saved sweep of a host alone in which nothing was refused: where, when, items/s."""
    for place, when in measured(folder, host, "sweep"):
        with suppress(FetchlabError):
            rows = Sweep.load(place).frame().drop_nulls("throughput")
            if rows.height and not rows["refused"].fill_null(0).sum():
                return place, when, float(rows["throughput"].max())  # type: ignore[arg-type]
    return None


def _of_journal(journal: JournalView, path: Path, host: str) -> Iterator[Session]:
    timings = journal.frame().filter(host=host, cached=False)
    if not timings.height:
        return
    attempts = journal.attempts().filter(host=host)
    told = {row["session"]: row for row in journal.sessions().iter_rows(named=True)}
    for (number,), part in timings.partition_by("session", as_dict=True).items():
        clean = part.filter(pl.col("ok"), pl.col("attempts") == 1)
        service = (clean["finished"] - clean["started"]).median() if clean.height else None
        first, last = float(part["started"].min()), float(part["finished"].max())  # type: ignore[arg-type]
        session = told[number]
        moments = part.filter("ok")["finished"]
        busy = (moments - moments.min()).cast(pl.Int64).n_unique() if len(moments) else 0
        span = last - first
        yield Session(
            path=path,
            when=session["started"] or datetime.fromtimestamp(0, UTC),
            workers=int(session["workers"]),
            items=part.height,
            seconds=span,
            service=float(service) if isinstance(service, float) else float("nan"),
            refused=attempts.filter(pl.col("session") == number, pl.col("status").is_in(REFUSALS)).height,
            sustained=max(len(moments) / busy, part.height / (last - first))
            if busy and last > first
            else 0.0,
        )
