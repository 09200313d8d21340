"""From raw rounds to one row per arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench.ratios import paired_ratio
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUMMARY", "summarise"]

SUMMARY = pl.Schema(
    {
        "arm": pl.String,
        "rounds": pl.UInt32,
        "median_s": pl.Float64,
        "mad_s": pl.Float64,
        "ratio": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "verdict": pl.String,
        "ideal_s": pl.Float64,
        "efficiency": pl.Float64,
        "items_per_s": pl.Float64,
        "error": pl.String,
    }
)
"""``ratio`` is to the baseline's time with its 95 % interval, ``efficiency`` is ideal / median. Where the
baseline failed there are times and no ratios."""


def summarise(
    rounds: pl.DataFrame, *, baseline: str | None = None, ideals: Mapping[str, float] | None = None
) -> pl.DataFrame:
    """Summarise measured rounds, one row per arm, by name.

    Args:
        rounds: what :func:`~fetchlab.bench.rounds.measure` returned.
        baseline: the arm that ratios are to; the first by name unless told.
        ideals: least seconds per arm.

    Raises:
        ConfigError: the baseline is no arm.
    """
    measured = rounds.filter(~pl.col("warmup"))
    arms: list[str] = measured.sort("round", "arm")["arm"].unique(maintain_order=True).to_list()
    reference = baseline or next(iter(arms), "")
    if reference not in arms:
        raise ConfigError("baseline", f"is one of {', '.join(arms)}, not {baseline!r}")
    base = _times(measured, reference)
    rows = [_row(measured, arm, base, (ideals or {}).get(arm)) for arm in arms]
    if not base:
        unheld = "no verdict: the baseline failed"
        rows = [row | {"verdict": unheld} if row["rounds"] else row for row in rows]
    return pl.DataFrame(rows, SUMMARY)


def _times(measured: pl.DataFrame, arm: str) -> dict[int, float]:
    kept = measured.filter((pl.col("arm") == arm) & pl.col("seconds").is_not_null())
    return dict(zip(kept["round"], kept["seconds"], strict=True))


def _row(measured: pl.DataFrame, arm: str, base: dict[int, float], ideal: float | None) -> dict[str, object]:
    rows = measured.filter(pl.col("arm") == arm)
    times = _times(measured, arm)
    problem = rows["error"].drop_nulls().first()
    if not times:
        return {"arm": arm, "rounds": 0, "verdict": "failed", "error": problem}
    series = pl.Series(list(times.values()))
    middle = float(series.median() or 0.0)  # type: ignore[arg-type]  # a float column has a float median
    shared = sorted(times.keys() & base.keys())
    ratio = paired_ratio([times[n] for n in shared], [base[n] for n in shared]) if shared else None
    items = float(rows["items"].median() or 0.0)  # type: ignore[arg-type]
    return {
        "arm": arm,
        "rounds": len(times),
        "median_s": middle,
        "mad_s": (series - middle).abs().median(),
        "ratio": ratio and ratio.median,
        "low": ratio and ratio.low,
        "high": ratio and ratio.high,
        "verdict": ratio.verdict if ratio else "failed",
        "ideal_s": ideal,
        "efficiency": None if ideal is None else ideal / middle,
        "items_per_s": items / middle if middle else None,
        "error": problem,
    }
