"""The timelines' tables, from raw rounds: speed, and beside it always what of the posts came."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab import reference
from fetchlab.bench.prediction import Prediction, predict
from fetchlab.bench.scaling import Points, fit_all
from fetchlab.bench.speed import speed_ratio
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PUBLISHED", "beside", "predicted", "thread_seconds", "workers"]

PUBLISHED = {
    "delays 0.5–1.5 s": "Reduce delays",
    "threads off": "Disable threads (--fast)",
    "batch writes": "Batch DB writes",
    "no look-ups (refetch_all)": "Skip dupe checks (refetch)",
}
"""Arms to rows of the published document's table of priorities."""
_SHARES = {
    "recall": ("posts_found", "posts"),
    "threads": ("threads_found", "threads"),
    "quotes": ("quotes_full", "quotes"),
    "videos": ("videos_right", "videos"),
}


def beside(rows: pl.DataFrame, table: str, baseline: str) -> pl.DataFrame:
    """Return a table of the bench.

    Args:
        rows: raw rounds, with arms such as ``workers: dom 4``.
        table: the arms' first part.
        baseline: the arm that ratios are to, without that part.

    Returns:
        Columns ``way str, posts_per_s, steady_per_s f64`` (medians)``, ratio, low, high f64?`` (of posts per
        second to the baseline's, paired by round, with its 95 % interval, which one round does not have)``,
        published f64?`` (the ratio that the document states)``, recall, precision, threads, quotes, videos
        f64?`` (shares, over all rounds; null where there was none to be found)``, error str?``. Recall is of
        the posts that timelines show, threads of those that only a thread's page does.
    """
    head = f"{table}: "
    kept = rows.filter(~pl.col("warmup"), pl.col("arm").str.starts_with(head))
    told = _published()
    made: list[dict[str, Any]] = []
    for arm in kept["arm"].unique(maintain_order=True).sort():
        way = arm.removeprefix(head)
        own = kept.filter(arm=arm)
        ratio = None if way == baseline else speed_ratio(rows, arm, head + baseline)
        made.append(
            {
                "way": way,
                "posts_per_s": (own["items"] / own["seconds"]).median(),
                "steady_per_s": own["steady_per_s"].median(),
                "ratio": ratio and ratio.median,
                "low": ratio and _finite(ratio.low, ratio.high),
                "high": ratio and _finite(ratio.high, ratio.high),
                "published": told.get(PUBLISHED.get(way, "")),
                **_shares(own),
                "memory": own["memory"].max(),
                "error": own["error"].drop_nulls().first(),
            }
        )
    return pl.DataFrame(made, infer_schema_length=None) if made else pl.DataFrame()


def _finite(value: float, high: float) -> float | None:
    return value if math.isfinite(high) else None


def _shares(own: pl.DataFrame) -> dict[str, float | None]:
    sums: dict[str, float] = {name: float(own[name].sum()) for pair in _SHARES.values() for name in pair}
    shares = {
        name: sums[part] / sums[whole] if sums[whole] else None for name, (part, whole) in _SHARES.items()
    }
    rows = float(own["rows"].sum())
    recall = shares.pop("recall")
    return {"recall": recall, "precision": 1 - float(own["wrong"].sum()) / rows if rows else None, **shares}


def workers(rows: pl.DataFrame) -> pl.DataFrame:
    """Return how each collector grows with workers.

    Returns:
        Columns ``collector str, workers u32, posts_per_s, steady_per_s f64, ratio, low, high`` (of posts per
        second to one worker's, the browser's start included)``, steady_ratio, steady_low, steady_high`` (of
        the steady rates)``, recall, precision, threads, quotes, videos f64?``.
    """
    arms = rows["arm"].unique(maintain_order=True)
    there = {arm.split()[1]: None for arm in arms if arm.startswith("workers: ")}
    parts = [_growth(rows, collector) for collector in sorted(there)]
    return pl.concat(parts, how="vertical_relaxed") if parts else pl.DataFrame()


def _growth(rows: pl.DataFrame, collector: str) -> pl.DataFrame:
    head = f"workers: {collector} "
    own = rows.filter(pl.col("arm").str.starts_with(head))
    named = own.with_columns(arm=pl.lit("workers: ") + pl.col("arm").str.strip_prefix(head))
    one = min(int(arm.split()[1]) for arm in named["arm"])
    table = beside(named, "workers", str(one))
    steadily = named.with_columns(seconds=pl.col("items") / pl.col("steady_per_s"))
    ratios = beside(steadily, "workers", str(one)).select(
        "way", steady_ratio="ratio", steady_low="low", steady_high="high"
    )
    joined = table.join(ratios, on="way", how="left", maintain_order="left")
    return joined.select(
        pl.lit(collector).alias("collector"),
        pl.col("way").cast(pl.UInt32).alias("workers"),
        "posts_per_s",
        "steady_per_s",
        "ratio",
        "low",
        "high",
        "steady_ratio",
        "steady_low",
        "steady_high",
        *("recall", "precision", "threads", "quotes", "videos"),
        "error",
    ).sort("workers")


def thread_seconds(rows: pl.DataFrame, on: str, off: str) -> float | None:
    """Return the seconds that a thread's page costs its user, None where no thread was met.

    What the same posts of the timeline take without threads is taken off, and the rest shared out.

    Args:
        rows: raw rounds.
        on: the arm with threads.
        off: the arm without.
    """
    with_, without = (
        rows.filter(~pl.col("warmup"), pl.col("arm") == arm).drop_nulls("seconds") for arm in (on, off)
    )
    visited = float(with_["visited"].sum())
    if not visited or not without.height:
        return None
    taken, taken_without = (float((own["user_s"] * own["users"]).sum()) for own in (with_, without))
    a_post = taken_without / float(without["posts_found"].sum())
    return (taken - a_post * float(with_["posts_found"].sum())) / visited


def predicted(rows: pl.DataFrame, collector: str, *, users: int, posts: int, workers: int) -> Prediction:
    """Predict how long a collector takes for so many users with so many posts each.

    Throughput is the steady one, by numbers of workers; each user begins with what a user took beside it.

    Args:
        rows: raw rounds, with the arms of ``workers``.
        collector: which.
        users: how many.
        posts: of each.
        workers: users at a time; at most 1.5 times the largest number measured.

    Raises:
        ConfigError: that collector was not measured, or not with so many workers.
    """
    head = f"workers: {collector} "
    own = rows.filter(~pl.col("warmup"), pl.col("arm").str.starts_with(head), pl.col("steady_per_s") > 0)
    if own.is_empty():
        raise ConfigError("collector", f"{collector!r} was not measured")
    own = own.with_columns(
        workers=pl.col("arm").str.strip_prefix(head).cast(pl.Int64), throughput=pl.col("steady_per_s")
    )
    overheads: dict[int, list[float]] = {}
    figures = own.select("workers", "seconds", "users", "items", "steady_per_s")
    for count, seconds, measured, items, rate in figures.iter_rows():
        beside_it = max(0.0, seconds - items / rate)
        overheads.setdefault(count, []).append(beside_it * users / measured)
    points = Points.of(own)
    return predict(fit_all(points), points, overheads, items=users * posts, workers=workers)


def _published() -> Mapping[str, float]:
    try:
        known = reference.load("002").filter(table="implementation-priority", quantity="speedup")
    except ConfigError:  # an installed wheel outside a checkout: the figures are not at hand
        return {}
    return dict(known.select("row", "low").iter_rows())
