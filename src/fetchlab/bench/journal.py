"""What a journal costs while a run writes it, and how soon a run goes on from a large one.

While it goes on: hundreds of requests in flight at a server that takes 50 ms for each 11 KB, without a
journal, with one, and how fast SQLite takes the same bodies when nobody does anything else. Going on: from
the call to the first request, with all but a hundredth of the items known.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench.heap import collect_garbage
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.speed import Budget, budgets, speeds
from fetchlab.engine.calls import fetch
from fetchlab.engine.journal import Journal
from fetchlab.errors import StudyError
from fetchlab.policy.keys import url_key
from fetchlab.store.database import connect
from fetchlab.store.journal_layout import ITEM, LAYOUT, ident
from fetchlab.testbed import serve
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.bench.measuring import Measuring

__all__ = ["OFF", "ON", "PLAIN", "collect", "fill", "resume", "resume_table", "table"]

OFF, ON, PLAIN = "journal off", "journal on", "plain SQLite, no requests"
SIZE = 11_000
BATCH = 50
SLOWER, AIM = 1.15, 1.05
RESUMED, FIRST_SECONDS = "resume", 5.0
KNOWN = 0.99


def collect(
    base: str,
    *,
    items: int = 20_000,
    workers: int = 200,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure runs with and without a journal, and SQLite alone.

    Args:
        base: the testbed's echo wire.
        items: requests of each arm.
        workers: requests in flight.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; a journal's time includes its last commit and its closing.
    """
    urls = [f"{base}/bytes/{SIZE}?n={number}" for number in range(items)]
    arms = {
        OFF: partial(_fetched, urls, workers, journal=False),
        ON: partial(_fetched, urls, workers, journal=True),
        PLAIN: partial(_inserted, urls),
    }
    return measure(arms, warmup=1, **how)


def table(rounds: pl.DataFrame, *, workers: int, latency: float) -> pl.DataFrame:
    """Return a row per arm: items per second, the ideal, and the ratio of times to a run without a journal.

    Args:
        rounds: what :func:`collect` returned.
        workers: requests in flight, for the ideal.
        latency: seconds the server takes.
    """
    found = speeds(rounds, baseline=OFF)
    held = budgets(rounds, [Budget(ON, OFF, 1 / SLOWER, 1 / AIM)]).select("arm", "met")
    slower = pl.col("arm") == ON
    least = pl.when(pl.col("arm") != PLAIN).then(workers / latency)
    return found.join(held, on="arm", how="left", maintain_order="left").select(
        "arm",
        pl.col("per_s").alias("items/s"),
        least.alias("ideal"),
        (pl.col("per_s") / least).alias("efficiency"),
        pl.when(slower).then(1 / pl.col("ratio")).alias("ratio of times"),
        pl.when(slower).then(1 / pl.col("high")).alias("low"),
        pl.when(slower).then(1 / pl.col("low")).alias("high"),
        pl.when(slower).then(SLOWER).alias("budget"),
        pl.when(slower).then(AIM).alias("aim"),
        "met",
        "error",
    )


def resume(
    base: str,
    *,
    items: int = 1_000_000,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure how long after the call a run begins to fetch what a large journal does not know.

    Args:
        base: the testbed's echo wire.
        items: of the input; the journal knows all but the last hundredth.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; ``items`` are those of the journal.
    """
    urls = [f"{base}/json?n={number}" for number in range(items)]
    known = urls[: int(items * KNOWN)]
    with tempfile.TemporaryDirectory(prefix="fetchlab-bench-") as folder:
        path = Path(folder) / "journal.db"
        fill(path, known)
        return measure({RESUMED: partial(_resumed, urls, path, len(known))}, warmup=1, **how)


def resume_table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return the seconds to the first request: median, longest, and what is allowed for a million items."""
    measured = rounds.filter(~pl.col("warmup"))
    return measured.group_by(pl.col("items").alias("items known")).agg(
        pl.col("seconds").median().alias("first request, s"),
        pl.col("seconds").max().alias("longest"),
        pl.lit(FIRST_SECONDS).alias("budget"),
        pl.col("rss_peak").max().alias("peak bytes"),
        pl.col("error").drop_nulls().first(),
    )


def fill(path: Path, urls: Sequence[str], *, body: bytes = b"{}" * 50) -> None:
    """Make a journal in which all these URLs were fetched."""
    with closing(connect(path, LAYOUT)) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO session VALUES (1, 0, '', ?, ?, 'done', 1, NULL, NULL)", (time.time(), time.time())
        )
        rows = sorted(
            (ident(key), key, index) for index, key in enumerate(url_key("GET", url) for url in urls)
        )
        marks = ", ".join("?" * len(ITEM))
        connection.executemany(
            f"INSERT INTO item VALUES ({marks})",  # noqa: S608  # question marks
            (
                (number, key, 1, 1, index, "http://127.0.0.1", 200, None, None, 1, 0, 0,
                 0.0, 0.0, 0.05, 0.05, len(body), "bytes", index + 1)
                for number, key, index in rows
            ),
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO value (id, data) VALUES (?, ?)", ((index + 1, body) for index in range(len(rows)))
        )
        connection.execute("COMMIT")


def _fetched(urls: list[str], workers: int, *, journal: bool) -> Measurement:
    collect_garbage()
    with tempfile.TemporaryDirectory(prefix="fetchlab-bench-") as folder, Client() as client:
        path = Path(folder) / "journal.db" if journal else None
        done = Measurement.of(fetch(urls, workers=workers, client=client, journal=path, progress=False))
    if done.ok != len(urls):
        raise StudyError(f"{len(urls) - done.ok:,} of {len(urls):,} items have no value")
    return done


def _inserted(urls: list[str]) -> Measurement:
    """The least that anybody can do: keys and bodies in batches, in the order they come."""
    body = bytes(range(250)) * (SIZE // 250)
    with tempfile.TemporaryDirectory(prefix="fetchlab-bench-") as folder:
        begun = time.perf_counter()
        with closing(sqlite3.connect(Path(folder) / "plain.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("CREATE TABLE item (key TEXT PRIMARY KEY, value BLOB)")
            for first in range(0, len(urls), BATCH):
                connection.execute("BEGIN")
                rows = [(url, body) for url in urls[first : first + BATCH]]
                connection.executemany("INSERT INTO item VALUES (?, ?)", rows)
                connection.execute("COMMIT")
        return Measurement(time.perf_counter() - begun, items=len(urls), ok=len(urls))


def _resumed(urls: list[str], path: Path, known: int) -> Measurement:
    collect_garbage()
    begun = time.perf_counter()
    with Client() as client:
        run = fetch(urls, workers=20, client=client, journal=Journal(path), progress=False)
        while not (run.ended or (stats := run.stats()).in_flight or stats.done > stats.earlier):
            time.sleep(0.05)
        seconds = time.perf_counter() - begun
        run.cancel()
        done = Measurement.of(run)
    if run.stats().earlier < known:
        raise StudyError(f"{run.stats().earlier:,} items are known, not {known:,}")
    return replace(done, seconds=seconds, items=known)


def _collect(
    *, items: int = 20_000, workers: int = 200, latency: float = 0.05, **how: Unpack[Measuring]
) -> pl.DataFrame:
    with serve(port=0, latency=latency) as bed:
        return collect(bed.urls["echo"], items=items, workers=workers, **how)


def _tables(rows: pl.DataFrame, *, workers: int = 200, latency: float = 0.05, **_: Any) -> list[Table]:
    title = f"11 KB from the testbed at {latency * 1000:g} ms an answer, {workers} requests in flight"
    return [Table(title, table(rows, workers=workers, latency=latency))]


def _resume(*, items: int = 1_000_000, latency: float = 0.05, **how: Unpack[Measuring]) -> pl.DataFrame:
    with serve(port=0, latency=latency) as bed:
        return resume(bed.urls["echo"], items=items, **how)


BENCH = Bench(
    name="journal", collect=_collect, tables=_tables, yardsticks=lambda arm: (OFF,) if arm == ON else ()
)
RESUME = Bench(
    name="resume",
    collect=_resume,
    tables=lambda rows, **_: [
        Table("From the call to the first request, all but 1 % known", resume_table(rows))
    ],
    notes=lambda *, items=1_000_000, **_: [f"Making a journal of {items:,} items …"],
)
