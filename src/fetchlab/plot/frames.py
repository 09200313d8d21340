"""What every chart asks of its frame first, and the numbers its text is made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    import altair as alt

    Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.VConcatChart

__all__ = [
    "MOST_TICKS",
    "count_ticks",
    "drawable",
    "ends",
    "nice_step",
    "one_clock",
    "plural",
    "quantile",
    "seconds",
]


MOST_TICKS = 40
"""Vega thins out the ticks it is given to the number it would have drawn itself: this keeps them."""


def drawable(frame: pl.DataFrame, columns: Collection[str], knob: str = "frame") -> pl.DataFrame:
    """The rows that have a start and an end, in the order of their index.

    Raises:
        ConfigError: a column is missing, or no row is left.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ConfigError(knob, f"needs the column {missing[0]!r}, as run.frame() and run.attempts() have it")
    ends = pl.col("started", "finished").is_finite() if "started" in columns else pl.lit(value=True)
    kept = frame.filter(pl.all_horizontal(ends))
    if kept.is_empty():
        why = "no row has a start and an end" if frame.height else "it has no rows"
        raise ConfigError(knob, f"nothing to draw: {why}")
    return kept


def one_clock(frame: pl.DataFrame) -> pl.DataFrame:
    """Put the sittings of a resumed job one after another; the column ``shift`` says by how much.

    Each sitting counts seconds from its own start: drawn as they are, a resumed job would seem to do twice
    the work at once. A sitting that already begins after the one before keeps its times.
    """
    times = [name for name in ("queued", "started", "first_byte", "finished") if name in frame.columns]
    if "session" not in frame.columns:
        return frame.with_columns(shift=pl.lit(0.0))
    parts: list[pl.DataFrame] = []
    end = 0.0
    for _, part in sorted(frame.partition_by("session", as_dict=True).items()):
        begin, last = part.select(
            pl.min_horizontal(pl.col("queued", "started").min()), pl.col("finished").max()
        ).row(0)
        shift = max(0.0, end - begin)
        parts.append(part.with_columns(pl.col(times) + shift, shift=pl.lit(shift)))
        end = last + shift
    return pl.concat(parts)


def ends(values: pl.Series) -> tuple[float, float]:
    """The smallest and the largest of some values, which must not be empty."""
    low, high = values.to_frame("value").select(low=pl.col("value").min(), high=pl.col("value").max()).row(0)
    return float(low), float(high)


def quantile(values: pl.Series, share: float) -> float:
    """The value below which ``share`` of the values lie, by linear interpolation."""
    return float(values.quantile(share, "linear") or 0)


def nice_step(at_least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is not below ``at_least``."""
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= at_least * (1 - 1e-9))


def count_ticks(top: float, about: int) -> list[int]:
    """Whole numbers for the axis of something counted: a third of a request is no tick."""
    step = int(max(1.0, nice_step(max(top, 1.0) / about)))
    return list(range(0, int(top) + 1, step))


def seconds(value: float) -> str:
    """A duration as a reader says it: ``430 µs``, ``52.1 ms``, ``3.4 s``, ``12 min``."""
    if value >= 7200:
        return f"{value / 3600:.3g} h"
    if value >= 120:
        return f"{value / 60:.3g} min"
    if value >= 1:
        return f"{value:.3g} s"
    return f"{value * 1000:.3g} ms" if value >= 0.001 else f"{value * 1e6:.3g} µs"


def plural(count: int, noun: str) -> str:
    """``1 request``, ``70,000 requests``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
