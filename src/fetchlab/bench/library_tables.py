"""The library's tables, from raw rounds: each phase, what of the whole it takes, and what was asked for."""

from __future__ import annotations

from typing import Any

import polars as pl

from fetchlab import reference
from fetchlab.bench.library_arms import COUNTS, FOLDER
from fetchlab.bench.speed import speed_ratio
from fetchlab.bench.summary import summarise
from fetchlab.errors import ConfigError

__all__ = ["PHASES", "cases", "claims", "phase", "shares", "summed"]

PHASES = ("parse", "cache", "discovery", "local discovery", "whole")
_WAYS = ("off", "alone", "on", "parallel", "warm", "capped")
_COUNTED = (
    "fast", "guessit", "folders", "threads", "lookups", "requests", "searches", "seasons", "fallbacks",
)  # fmt: skip


def phase(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return a phase's table, for every number of videos.

    Args:
        rows: raw rounds, with arms such as ``417 parse: on``.
        name: one of PHASES.

    Returns:
        Columns ``files u32, way str, median_s, files_per_s f64, ratio, low, high f64?, verdict str?`` (of
        times to *off*, with its 95 % interval)``, ideal_s, efficiency f64``, and what was counted. The whole
        has ``published_s`` and ``published_per_s`` beside the number of files that was published.
    """
    parts = [summed(part, count, name) for count, part in cases(rows, name)]
    if not parts:
        return pl.DataFrame()
    table = pl.concat(parts, how="diagonal")
    counted = [column for column in table.columns if table[column].null_count() < table.height]
    return table.select(counted)


def shares(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what part of the whole each phase takes.

    Returns:
        Columns ``files u32, way str, median_s, scan, match f64`` (shares of the time).
    """
    kept = rows.filter(~pl.col("warmup"), pl.col("arm").str.contains(" whole: "), pl.col("seconds") > 0)
    if kept.is_empty():
        return pl.DataFrame()
    taken = kept.group_by("arm", maintain_order=True).agg(
        pl.col("seconds").median().alias("median_s"),
        (pl.col("scan_s") / pl.col("seconds")).median().alias("scan"),
        (pl.col("match_s") / pl.col("seconds")).median().alias("match"),
    )
    head = taken["arm"].str.split(" whole: ")
    named = taken.with_columns(files=head.list.first().cast(pl.UInt32), way=head.list.last())
    order = pl.col("way").replace_strict({way: place for place, way in enumerate(_WAYS)})
    return named.sort("files", order).select("files", "way", "median_s", "scan", "match")


def claims(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what was asked for, and whether it was reached.

    Returns:
        Columns ``claim str, files u32, measured, low, high, asked f64, met str``: an interval has to lie
        wholly on one side for *yes* or *no*.
    """
    made: list[tuple[Any, ...]] = []
    for count, _ in cases(rows, "whole"):
        least = 500.0 if count == max(COUNTS) else None
        made += [_rate(rows, count, "on", "cold, files/s", least)]
        made += [_rate(rows, count, "warm", "warm, files/s", 2_000.0 if least else None)]
        made += [_share(rows, f"{count} whole: capped", count, "under the limit, share of the ideal", None)]
    for count, _ in cases(rows, "parse"):
        ratio = (
            speed_ratio(rows, f"{count} parse: alone", f"{count} parse: off") if _has(rows, count) else None
        )
        if ratio is not None:
            figures = (ratio.median, ratio.low, ratio.high)
            made.append(("one process, × guessit's names/s", count, *figures, 5.0))
    for count, _ in cases(rows, "discovery"):
        name = f"{FOLDER * 1000:g} ms a folder, share of the ideal"
        made.append(_share(rows, f"{count} discovery: on", count, name, 0.8 if count >= 417 else None))
    kept = [row for row in made if row[2] is not None]
    columns = ["claim", "files", "measured", "low", "high", "asked"]
    table = pl.DataFrame(kept, columns, orient="row", infer_schema_length=None)
    asked, low, high = pl.col("asked").cast(pl.Float64), pl.col("low"), pl.col("high")
    met = (
        pl.when(asked.is_null()).then(pl.lit("–"))
        .when(low >= asked).then(pl.lit("yes"))
        .when(high < asked).then(pl.lit("no"))
        .otherwise(pl.lit("unsure"))
    )  # fmt: skip
    return table.with_columns(met=met).sort("claim", "files")


def _has(rows: pl.DataFrame, count: int) -> bool:
    return f"{count} parse: off" in set(rows["arm"])


def _rate(rows: pl.DataFrame, count: int, way: str, claim: str, asked: float | None) -> tuple[Any, ...]:
    kept = _kept(rows, f"{count} whole: {way}")
    rates = kept["items"] / kept["seconds"]
    if not len(rates):
        return (claim, count, None, None, None, asked)
    return (claim, count, rates.median(), rates.min(), rates.max(), asked)


def _share(rows: pl.DataFrame, arm: str, count: int, claim: str, asked: float | None) -> tuple[Any, ...]:
    kept = _kept(rows, arm)
    found = kept["ideal"] / kept["seconds"] if "ideal" in kept.columns else pl.Series([], dtype=pl.Float64)
    if not len(found):
        return (claim, count, None, None, None, asked)
    return (claim, count, found.median(), found.min(), found.max(), asked)


def _kept(rows: pl.DataFrame, arm: str) -> pl.DataFrame:
    return rows.filter(~pl.col("warmup"), pl.col("arm") == arm, pl.col("seconds").is_not_null())


def cases(rows: pl.DataFrame, name: str) -> list[tuple[int, pl.DataFrame]]:
    """Return each number of videos with its rows of a phase, arms named by their way."""
    head = pl.col("arm").str.extract(rf"^(\d+) {name}: ").cast(pl.Int64)
    counts = rows.select(head)["arm"].drop_nulls().unique().sort()
    way = pl.col("arm").str.split(": ").list.last()
    return [(count, rows.filter(head == count).with_columns(way)) for count in counts]


def summed(part: pl.DataFrame, count: int, name: str) -> pl.DataFrame:
    """Return the rows of :func:`phase` for one number of videos; arms are named by their way."""
    there = set(part["arm"])
    least = dict(part.drop_nulls("ideal").select("arm", "ideal").iter_rows())
    table = summarise(part, baseline="off" if "off" in there else "on", ideals=least)
    more = [column for column in _COUNTED if column in part.columns and part[column].count()]
    figures = part.filter(~pl.col("warmup")).group_by("arm").agg(pl.col(more).median())
    held = "off" in there
    shown = table.join(figures, on="arm", how="left").select(
        pl.lit(count, pl.UInt32).alias("files"),
        pl.col("arm").alias("way"),
        "median_s",
        pl.col("items_per_s").alias("files_per_s"),
        *(pl.col(one) if held else pl.lit(None).alias(one) for one in ("ratio", "low", "high", "verdict")),
        "ideal_s",
        "efficiency",
        *more,
        *(_published(count) if name == "whole" else ()),
        "error",
    )
    order = {way: place for place, way in enumerate(_WAYS)}
    return shown.sort(pl.col("way").replace_strict(order, default=len(order)))


def _published(count: int) -> list[pl.Expr]:
    """The published time and rate, where they are of so many files."""
    try:
        known = reference.load("001").filter(table="optimized-performance")
    except ConfigError:  # an installed wheel outside a checkout: the figures are not at hand
        return []
    told = dict(known.select("quantity", "low").iter_rows())
    same = told.get("files") == count
    names = {"time": "published_s", "rate": "published_per_s"}
    return [pl.lit(told[one] if same else None, pl.Float64).alias(name) for one, name in names.items()]
