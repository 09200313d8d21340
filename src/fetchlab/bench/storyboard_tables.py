"""The storyboards' tables, from raw rounds: published beside measured, and what was asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from fetchlab import reference
from fetchlab.bench.ratios import Ratio, paired_ratio
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRADES = r"^\d+ scenes, CV [\d.]+: (\w+) (\d+)$"

__all__ = ["claims", "downloads", "loads", "schemes", "scripts", "trade_offs"]


def scripts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the published table of scripts made again.

    Returns:
        Columns ``scenes u32, way str, published_min, published_speedup, median_s, speedup, low, high f64``
        (of the scenes' phase over one by one, with its 95 % interval)``, ideal_s, efficiency, coverage f64``.
    """
    return _beside(rows, r"^(\d+) scenes: (.+)$", "scenes", "scenes_s", _published_scripts())


def downloads(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the published table of downloads made again; the columns of :func:`scripts`, of ``videos``."""
    return _beside(rows, r"^(\d+) videos: (.+)$", "videos", "downloads_s", _published_downloads())


def trade_offs(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what batches and rolling cost and cover, by how many scenes are written at a time.

    Returns:
        Columns ``size u32, way str, median_s, ideal_s, efficiency, coverage, at_once f64, ratio, low, high
        f64, verdict str`` (of rolling to batches of the same size, paired by round).
    """
    found = _split(rows, _TRADES, ["way", "size"])
    made = []
    for size, way in found.select("size", "way").unique().sort(pl.col("size").cast(pl.UInt32), "way").rows():
        own = found.filter(size=size, way=way)
        ratio = None if way == "batch" else _ratio(own, found.filter(size=size, way="batch"), "seconds")
        made.append(
            {
                "size": int(size),
                "way": way,
                "median_s": _median(own, "seconds"),
                "ideal_s": _median(own, "ideal"),
                "efficiency": _quotient(own, "ideal", "seconds"),
                "coverage": _median(own, "coverage"),
                "at_once": _median(own, "at_once"),
                **_told(ratio),
            }
        )
    return pl.DataFrame(made, infer_schema_length=None)


def loads(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what downloads at a time mean for line, service and disk.

    Returns:
        Columns ``at_a_time u32, median_s, mb_per_s, at_once, connections, disk_writes f64``: the most
        downloads under way, connections that the service saw opened, and write calls of this process.
    """
    found = _split(rows, r"^loads: (\d+) at a time$", ["at_a_time"])
    rates = pl.col("mb") / pl.col("downloads_s")
    wanted = ("at_once", "connections", "disk_writes")
    return (
        found.group_by(pl.col("at_a_time").cast(pl.UInt32))
        .agg(
            pl.col("downloads_s").median().alias("median_s"),
            rates.median().alias("mb_per_s"),
            pl.col(wanted).median(),
        )
        .sort("at_a_time")
        if found.height
        else pl.DataFrame()
    )


def schemes(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the published scheme beside ours.

    Returns:
        Columns ``ready, way str, median_s, delay_s, longest_delay_s f64`` (from a video's being ready until
        its file is whole: the mean and the longest)``, faster, low, high f64`` (times of the published
        scheme to ours)``, sooner, sooner_low, sooner_high f64`` (mean delays likewise).
    """
    found = _split(rows, r"^ready (.+): (\w+)$", ["ready", "way"])
    made = []
    for ready, way in (
        found.select("ready", "way").unique().sort("ready", "way", descending=[True, True]).rows()
    ):
        own, other = found.filter(ready=ready, way=way), found.filter(ready=ready, way="published")
        taken = None if way == "published" else _ratio(other, own, "seconds")
        late = None if way == "published" else _ratio(other, own, "delay_s")
        made.append(
            {
                "ready": ready,
                "way": way,
                "median_s": _median(own, "seconds"),
                "delay_s": _median(own, "delay_s"),
                "longest_delay_s": _median(own, "longest_delay_s"),
                **_named(taken, "faster", "low", "high"),
                **_named(late, "sooner", "sooner_low", "sooner_high"),
            }
        )  # fmt: skip
    return pl.DataFrame(made, infer_schema_length=None)


def claims(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what was asked for, and whether it was reached.

    Returns:
        Columns ``claim str, measured, low, high, asked f64, met str``: an interval has to lie wholly on one
        side for *yes* or *no*.
    """
    made: list[tuple[str, Ratio | None, float]] = []
    main = "75 scenes: batch 5"
    shares = rows.filter(pl.col("arm") == main, pl.col("seconds").is_not_null())
    if shares.height:
        made.append(("75 scenes, share of the ideal", _spread(shares["ideal"] / shares["seconds"]), 0.95))
    made += [
        ("75 scenes, × one by one", _between(rows, "75 scenes: one by one", main, "scenes_s"), 4.9),
        ("20 downloads, × one by one",
         _between(rows, "20 videos: one by one", "20 videos: 5 at a time", "downloads_s"), 4.7),
    ]  # fmt: skip
    for ready in ("over a minute", "all at once"):
        arms = f"ready {ready}: published", f"ready {ready}: ours"
        made += [
            (f"ready {ready}, × the published scheme", _between(rows, *arms, "seconds"), 1.3),
            (f"ready {ready}, delays, × the published scheme's", _between(rows, *arms, "delay_s"), 1.3),
        ]
    table, found = trade_offs(rows), _split(rows, _TRADES, ["way", "size"])
    for row in table.filter(pl.col("way") == "rolling").iter_rows(named=True) if table.height else ():
        before = table.filter(size=row["size"], way="batch")["coverage"].item()
        faster = _ratio(
            found.filter(size=str(row["size"]), way="batch"),
            found.filter(size=str(row["size"]), way="rolling"),
            "seconds",
        )
        made.append((f"rolling {row['size']}, × batches of {row['size']}", faster, 1.0))
        gained = row["coverage"] / before
        made.append(
            (f"rolling {row['size']}, coverage to that of batches", Ratio(gained, gained, gained), 1.0)
        )
    kept = [(claim, one.median, one.low, one.high, asked) for claim, one, asked in made if one is not None]
    columns = {"claim": pl.String} | dict.fromkeys(("measured", "low", "high", "asked"), pl.Float64)
    met = (
        pl.when(pl.col("low") >= pl.col("asked")).then(pl.lit("yes"))
        .when(pl.col("high") < pl.col("asked")).then(pl.lit("no"))
        .otherwise(pl.lit("unsure"))
    )  # fmt: skip
    return pl.DataFrame(kept, columns, orient="row").with_columns(met=met)


# --- parts


def _beside(
    rows: pl.DataFrame, pattern: str, what: str, phase: str, told: Mapping[tuple[int, str], dict[str, float]]
) -> pl.DataFrame:
    found = _split(rows, pattern, [what, "way"])
    made = []
    order = pl.col("way").replace_strict({"one by one": 0}, default=1)
    for number, way in (
        found.select(what, "way").unique().sort(pl.col(what).cast(pl.UInt32), order, "way").rows()
    ):
        own, base = (
            found.filter(pl.col(what) == number, way=way),
            found.filter(pl.col(what) == number, way="one by one"),
        )
        faster = _ratio(base, own, phase)
        made.append(
            {
                what: int(number),
                "way": way,
                "published_min": told.get((int(number), way), {}).get("time"),
                "published_speedup": told.get((int(number), way), {}).get("speedup"),
                "median_s": _median(own, phase),
                **_named(faster, "speedup", "low", "high"),
                **({} if what == "videos" else {
                    "ideal_s": _median(own, "ideal"),
                    "efficiency": _quotient(own, "ideal", "seconds"),
                    "coverage": _median(own, "coverage"),
                }),
            }
        )  # fmt: skip
    return pl.DataFrame(made, infer_schema_length=None)


def _split(rows: pl.DataFrame, pattern: str, names: list[str]) -> pl.DataFrame:
    """The measured rows whose arms are so named, with the parts of the names as columns."""
    kept = rows.filter(
        ~pl.col("warmup"), pl.col("arm").str.contains(pattern), pl.col("seconds").is_not_null()
    )
    return kept.with_columns(
        pl.col("arm").str.extract(pattern, place).alias(name) for place, name in enumerate(names, 1)
    )


def _ratio(ours: pl.DataFrame, base: pl.DataFrame, column: str) -> Ratio | None:
    both = ours.select("round", pl.col(column).alias("ours")).join(
        base.select("round", pl.col(column).alias("base")), on="round"
    )
    return paired_ratio(both["ours"].to_list(), both["base"].to_list()) if both.height else None


def _between(rows: pl.DataFrame, slow: str, fast: str, column: str) -> Ratio | None:
    if column not in rows.columns:
        return None
    kept = rows.filter(~pl.col("warmup"), pl.col(column).is_not_null())
    return _ratio(kept.filter(arm=slow), kept.filter(arm=fast), column)


def _spread(values: pl.Series) -> Ratio:
    """The median of shares with its interval: of ratios to one."""
    return paired_ratio(values.to_list(), [1.0] * len(values))


def _told(ratio: Ratio | None) -> dict[str, Any]:
    return {**_named(ratio, "ratio", "low", "high"), "verdict": None if ratio is None else ratio.verdict}


def _named(ratio: Ratio | None, *names: str) -> dict[str, float | None]:
    if ratio is None:
        return dict.fromkeys(names)
    bounds = (ratio.low, ratio.high) if math.isfinite(ratio.high) else (None, None)  # one round has none
    return dict(zip(names, (ratio.median, *bounds), strict=True))


def _median(rows: pl.DataFrame, column: str) -> float | None:
    return cast("float | None", rows[column].median()) if column in rows.columns else None


def _quotient(rows: pl.DataFrame, over: str, under: str) -> float | None:
    return cast("float | None", (rows[over] / rows[under]).median())


def _published_scripts() -> dict[tuple[int, str], dict[str, float]]:
    return _known("script-generation", "scenes", "batch 5")


def _published_downloads() -> dict[tuple[int, str], dict[str, float]]:
    return _known("video-downloads", "videos", "5 at a time")


def _known(table: str, what: str, way: str) -> dict[tuple[int, str], dict[str, float]]:
    try:
        rows = reference.load("004").filter(table=table)
    except ConfigError:  # an installed wheel outside a checkout: the figures are not at hand
        return {}
    found: dict[tuple[int, str], dict[str, float]] = {}
    for row in rows["row"].unique(maintain_order=True):
        told = dict(rows.filter(row=row).select("quantity", "low").iter_rows())
        found[int(told[what]), "one by one"] = {"time": told["time_before"]}
        found[int(told[what]), way] = {"time": told["time_after"], "speedup": told["speedup"]}
    return found
