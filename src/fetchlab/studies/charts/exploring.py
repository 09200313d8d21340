"""What charts tell: which apps countries share, and who moved between two snapshots."""

from __future__ import annotations

import polars as pl

from fetchlab.errors import ConfigError

__all__ = ["movers", "overlap"]

CHART = ("country", "category", "collection")


def overlap(table: pl.DataFrame) -> pl.DataFrame:
    """Return how many apps two countries share in their charts of the same categories and collections.

    Args:
        table: of :func:`~fetchlab.studies.charts.frame`.

    Returns:
        A row per ordered pair of countries, also of one with itself, sorted: ``country, other str, shared
        u32`` (apps that are in a chart of both)``, together u32`` (in one of either)``, share f64``
        (Jaccard's index, 0 to 1).
    """
    apps = _ranked("table", table).select(*CHART, "app_id")
    sizes = apps.group_by("country").len("size")
    both = apps.join(apps.rename({"country": "other"}), on=["category", "collection", "app_id"])
    shared = both.group_by("country", "other").len("shared")
    pairs = sizes.join(sizes.rename({"country": "other", "size": "others"}), how="cross")
    return (
        pairs.join(shared, on=["country", "other"], how="left")
        .with_columns(pl.col("shared").fill_null(0))
        .with_columns(together=pl.col("size") + pl.col("others") - pl.col("shared"))
        .select("country", "other", "shared", "together", share=pl.col("shared") / pl.col("together"))
        .sort("country", "other")
    )


def movers(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return who moved between two snapshots of the same charts.

    Args:
        before: the earlier one, of :func:`~fetchlab.studies.charts.frame`.
        after: the later one.

    Returns:
        A row per chart and app that stands in either, those that moved farthest first: ``country, category,
        collection, app_id, title str, before, after u16?`` (ranks)``, climbed i32?`` (ranks up, negative for
        down; None for who is new or gone)``, change str`` (``up``, ``down``, ``same``, ``new`` or ``gone``).
    """
    keys = [*CHART, "app_id"]
    early = _ranked("before", before).select(*keys, "title", before="rank")
    late = _ranked("after", after).select(*keys, late_title="title", after="rank")
    climbed = pl.col("before").cast(pl.Int32) - pl.col("after").cast(pl.Int32)
    change = (
        pl.when(pl.col("before").is_null())
        .then(pl.lit("new"))
        .when(pl.col("after").is_null())
        .then(pl.lit("gone"))
        .when(climbed > 0)
        .then(pl.lit("up"))
        .when(climbed < 0)
        .then(pl.lit("down"))
        .otherwise(pl.lit("same"))
    )
    return (
        early.join(late, on=keys, how="full", coalesce=True)
        .with_columns(title=pl.coalesce("late_title", "title"), climbed=climbed, change=change)
        .select(*keys, "title", "before", "after", "climbed", "change")
        .sort(
            pl.col("climbed").abs(), *keys,
            descending=[True, *([False] * len(keys))], nulls_last=True, maintain_order=True,
        )
    )  # fmt: skip


def _ranked(knob: str, table: pl.DataFrame) -> pl.DataFrame:
    """The rows of apps, without those of errors, and each once if a chart is there twice."""
    needed = {*CHART, "app_id", "title", "rank"}
    if not isinstance(table, pl.DataFrame) or not needed <= set(table.columns):
        raise ConfigError(knob, "give the table of charts.frame(…)")
    ranked = table.filter(pl.col("rank").is_not_null())
    return ranked.unique([*CHART, "app_id"], keep="first", maintain_order=True)
