"""The catalogue's tables: list pages and details, measured, beside the published figures and the ideal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab import reference
from fetchlab.bench.bounds import ideal
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import measure
from fetchlab.bench.summary import summarise
from fetchlab.engine.progress import duration
from fetchlab.engine.strategies import Async, Sequential
from fetchlab.errors import ConfigError
from fetchlab.studies.catalogue import Catalogue
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.bench.measuring import Measuring
    from fetchlab.engine.run import Run

__all__ = ["COUNTS", "MOVIES_IN_ALL", "PAGES_IN_ALL", "pages", "pages_table", "phases", "published"]

MOVIES_IN_ALL = 70_613
PAGES_IN_ALL = math.ceil(MOVIES_IN_ALL / 50)
COUNTS = (10, 100, 1000, PAGES_IN_ALL)
"""The published table's rows; the last one is all there are."""
SAMPLE_PAGES = 10
PAUSE = 0.2


def pages(
    catalogue: Catalogue,
    *,
    counts: Sequence[int] = COUNTS,
    workers: int = 20,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure list pages in parallel, and ten of them one by one with and without the pause of 0.2 s.

    Returns:
        The raw rounds; :func:`pages_table` makes the table of them.
    """
    arms: dict[str, Callable[[], Run]] = {
        f"{count} pages": lambda count=count: catalogue.ids(count, workers, progress=False)  # type: ignore[misc]
        for count in counts
    }
    for name, pause in (("one by one", 0.0), ("one by one, paused", PAUSE)):
        arms[name] = lambda pause=pause: catalogue.ids(  # type: ignore[misc]
            SAMPLE_PAGES, strategy=Sequential(pause), progress=False
        )
    return measure(arms, warmup=1, **how)


def pages_table(rounds: pl.DataFrame, *, latency: float, workers: int = 20) -> pl.DataFrame:
    """Return the table: published and measured, before and after, with ideal and efficiency.

    Args:
        rounds: what :func:`pages` returned.
        latency: seconds the server takes for a page, for the ideal.
        workers: pages at a time.

    Returns:
        A row per page count, in seconds; ``before`` is ten pages one by one with pauses, scaled to the row.
    """
    counts = {arm: int(arm.split()[0]) for arm in rounds["arm"].unique() if arm.endswith(" pages")}
    least = {arm: ideal(count, latency, Async(workers), first=True) for arm, count in counts.items()}
    summary = summarise(rounds, ideals=least)
    times = dict(zip(summary["arm"], summary["median_s"], strict=True))
    rows = []
    for arm, count in sorted(counts.items(), key=lambda entry: entry[1]):
        before = times["one by one, paused"] / SAMPLE_PAGES * count
        rows.append(
            {
                "pages": count,
                "published before": published(count, "time_before"),
                "published after": published(count, "time_after"),
                "published speedup": published(count, "speedup"),
                "before": before,
                "before, no pause": times["one by one"] / SAMPLE_PAGES * count,
                "after": times[arm],
                "speedup": before / times[arm],
                "ideal": least[arm],
                "efficiency": least[arm] / times[arm],
            }
        )
    return pl.DataFrame(rows)


def phases(ids: Run, details: Run, *, latency: float) -> pl.DataFrame:
    """Return the phase table: ids measured; details measured on a sample and predicted for all; total.

    The prediction is linear in the number of movies, from the sample's mean rate.

    Args:
        ids: the run over all list pages.
        details: the run over a sample of movies.
        latency: seconds the server takes, for the ideal.
    """
    listed, detailed = ids.wait().stats(), details.wait().stats()
    movies = len(ids.result())
    least_ids = ideal(listed.done, latency, Async(listed.workers), first=True)
    least_sample = ideal(detailed.done, latency, Async(detailed.workers))
    least_all = ideal(movies, latency, Async(detailed.workers))
    predicted = detailed.elapsed / max(detailed.done, 1) * movies
    rows = [
        (
            f"ids: {listed.done:,} pages, {listed.workers} at a time",
            _claim("ID Collection"),
            least_ids,
            listed.elapsed,
        ),
        (
            f"details: {detailed.done:,} movies, {detailed.workers} at a time",
            "",
            least_sample,
            detailed.elapsed,
        ),
        (f"details: {movies:,} movies, predicted", _claim("Movie Details"), least_all, predicted),
        ("total, predicted", _claim("Total"), least_ids + least_all, listed.elapsed + predicted),
    ]
    return pl.DataFrame(
        [
            {
                "phase": phase,
                "published": claim,
                "ideal": duration(least),
                "measured": duration(took),
                "efficiency": f"{least / took:.0%}",
            }
            for phase, claim, least, took in rows
        ]
    )


def published(count: int, quantity: str) -> str:
    """Return the published figure for so many pages as text, ``–`` where there is none."""
    row = f"{1412 if count == PAGES_IN_ALL else count} pages"
    return _figure((pl.col("table") == "speed-improvements") & (pl.col("row") == row), quantity)


def _claim(phase: str) -> str:
    return _figure((pl.col("table") == "expected-timeline") & (pl.col("row") == phase), "time")


def _figure(where: pl.Expr, quantity: str) -> str:
    try:
        found = reference.load("000").filter(where & (pl.col("quantity") == quantity))
    except ConfigError:  # an installed wheel outside a checkout: the figures are not at hand
        return "–"
    if found.is_empty():
        return "–"
    low, high, unit = found.row(0, named=True)["low"], found.row(0, named=True)["high"], found["unit"][0]
    if low is None:
        return f"< {high:g} {unit}"
    return f"{low:g} {unit}" if low == high else f"{low:g}–{high:g} {unit}"


def details(catalogue: Catalogue, *, workers: int = 200, **how: Unpack[Measuring]) -> pl.DataFrame:
    """Measure the details of all movies, whose ids are listed before the first round.

    Returns:
        The raw rounds; :func:`details_table` makes the table of them.
    """
    ids = catalogue.ids(progress=False).result()
    how.setdefault("rounds", 1)
    arms = {"all details": lambda: catalogue.details(ids, workers=workers, progress=False)}
    return measure(arms, warmup=0, **how)


def details_table(rounds: pl.DataFrame, *, latency: float, workers: int = 200) -> pl.DataFrame:
    """Return one row: movies, seconds (median), the ideal and the share of it that was reached."""
    measured = rounds.filter(~pl.col("warmup"), pl.col("seconds").is_not_null())
    count = int(measured["items"].max() or 0)  # type: ignore[arg-type]  # a number
    least = ideal(count, latency, Async(workers))
    return measured.select(
        pl.lit(count).alias("movies"),
        pl.lit(_claim("Movie Details")).alias("published"),
        pl.col("seconds").median().alias("measured"),
        pl.lit(float(least)).alias("ideal"),
        (float(least) / pl.col("seconds").median()).alias("efficiency"),
        (pl.col("items").sum() - pl.col("ok").sum()).alias("failed"),
    )


_pages = pages  # its setting has the same name


def _collect(
    *,
    pages: Sequence[int] = COUNTS,
    workers: int = 20,
    latency: float = 0.05,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    with serve(port=0, latency=latency) as bed:
        return _pages(Catalogue(bed.urls["catalogue"]), counts=pages, workers=workers, **how)


def _tables(rows: pl.DataFrame, *, workers: int = 20, latency: float = 0.05, **_: Any) -> list[Table]:
    return [Table("List pages, seconds", pages_table(rows, latency=latency, workers=workers))]


def _collect_details(*, workers: int = 200, latency: float = 0.05, **how: Unpack[Measuring]) -> pl.DataFrame:
    with serve(port=0, latency=latency) as bed:
        return details(Catalogue(bed.urls["catalogue"]), workers=workers, **how)


def _details_tables(
    rows: pl.DataFrame, *, workers: int = 200, latency: float = 0.05, **_: Any
) -> list[Table]:
    found = details_table(rows, latency=latency, workers=workers)
    return [Table(f"Details of all movies at {workers} workers, seconds", found)]


def _notes(*, latency: float = 0.05, **_: Any) -> list[str]:
    return [f"The local testbed serves, {latency * 1000:g} ms an answer."]


BENCH = Bench(name="catalogue", collect=_collect, tables=_tables, notes=_notes)
DETAILS = Bench(name="details", collect=_collect_details, tables=_details_tables, notes=_notes)
