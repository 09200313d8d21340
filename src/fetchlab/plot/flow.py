"""The run as a flow: what came out per second, and how much was under way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.plot.frames import (
    MOST_TICKS,
    count_ticks,
    drawable,
    ends,
    nice_step,
    one_clock,
    plural,
    seconds,
)
from fetchlab.plot.theme import COLOURS, HEIGHT, WIDTH

if TYPE_CHECKING:
    import altair as alt

__all__ = ["decimated", "in_flight", "per_second", "throughput"]

BINS = 120
MOST_BINS = 2000
POINTS = 400
OUTCOMES = {"ok": COLOURS["blue"], "failed": COLOURS["vermilion"]}


def throughput(frame: pl.DataFrame, bin: float | None = None) -> alt.VConcatChart:  # noqa: A002 - the field's word
    """What came out of a run per second, and how much was in flight meanwhile.

    The reader sees, above, finished items per second over time, failed ones stacked on the good ones, with
    the mean as a dashed rule; below, on the same axis, how many items were between start and finish (those
    waiting for their next attempt included). The curve below is exact; where it has more than 400 steps it
    shows the lowest and the highest of every slice, so that no dip and no peak is lost.

    Args:
        frame: ``run.frame()``.
        bin: width of a column in seconds; None takes a round width that makes at most 120 columns.

    Raises:
        ConfigError: nothing to draw, or a ``bin`` that is not positive or makes more than 2,000 columns.
    """
    import altair as alt

    rows = one_clock(drawable(frame, ("ok", "started", "finished")))
    begin, end = ends(rows["started"])[0], ends(rows["finished"])[1]
    failed = rows.filter(~pl.col("ok")).height
    span = max(end - begin, 1e-6)
    width = _width(span, rows.height) if bin is None else bin
    if not (width > 0 and span / width <= MOST_BINS):
        raise ConfigError("bin", f"{width} s does not divide {seconds(span)} into 1 to {MOST_BINS:,} columns")
    columns = per_second(rows, width)
    curve = decimated(in_flight(rows), POINTS)
    mean, peak = rows.height / span, int(ends(curve["in_flight"])[1])

    edge = max(end, ends(columns["to"])[1])
    domain = alt.Scale(domain=[begin, edge], nice=False)
    hidden = alt.X("from:Q", scale=domain, axis=alt.Axis(title=None, labels=False, ticks=False))
    shown = [name for name in OUTCOMES if columns.filter(outcome=name)["above"].sum()]
    colour = alt.Color(
        "outcome:N",
        title=None,
        scale=alt.Scale(domain=shown, range=[OUTCOMES[name] for name in shown]),
        legend=alt.Legend() if len(shown) > 1 else None,
    )
    bars = (
        alt.Chart(columns)
        .mark_bar(aria=False, binSpacing=0)
        .encode(hidden, alt.X2("to"), alt.Y("below:Q", title="items per second"), alt.Y2("above"), colour)
    )
    rule = (
        alt.Chart(pl.DataFrame({"mean": [mean]}))
        .mark_rule(color=COLOURS["ink"], strokeDash=[4, 3])
        .encode(alt.Y("mean:Q"))
    )
    steps = (
        alt.Chart(curve)
        .mark_line(interpolate="step-after", strokeWidth=1.2, color=COLOURS["ink"], aria=False)
        .encode(
            alt.X("time:Q", scale=domain, title="seconds since the run began"),
            alt.Y(
                "in_flight:Q",
                title="in flight",
                axis=alt.Axis(values=count_ticks(peak, 4), tickCount=MOST_TICKS, format=",d"),
            ),
        )
        .properties(width=WIDTH, height=100)
    )
    subtitle = (
        f"{plural(rows.height, 'item')} in {seconds(span)}: {_rate(mean)} on average (dashed), "
        f"{failed:,} failed, at most {peak:,} in flight; columns of {seconds(width)}"
    )
    return alt.vconcat(
        alt.LayerChart(layer=[bars, rule]).properties(width=WIDTH, height=HEIGHT), steps, spacing=12
    ).properties(
        title=alt.TitleParams("Throughput and items in flight", subtitle=subtitle),
        description=f"Items per second over time, and items in flight beneath. {subtitle}",
    )


def per_second(frame: pl.DataFrame, width: float) -> pl.DataFrame:
    """Rows ``outcome, from, to, below, above``: finished items per second per column, failed ones on top.

    A last column that less than half of its width belongs to the run is part of the one before: a column
    of a millisecond would show a rate that never was.
    """
    begin, end = ends(frame["started"])[0], ends(frame["finished"])[1]
    columns = max(1, math.ceil((end - begin) / width - 0.5))
    place = ((pl.col("finished") - begin) / width).floor().clip(0, columns - 1).cast(pl.UInt32)
    counts = (
        frame.select(bin=place, ok="ok")
        .group_by("bin")
        .agg(ok=pl.col("ok").sum().cast(pl.Int64), all=pl.len().cast(pl.Int64))
    )
    final = begin + (columns - 1) * width
    lasts = max(end - final, width / 2)
    return (
        pl.DataFrame({"bin": pl.int_range(columns, dtype=pl.UInt32, eager=True)})
        .join(counts, on="bin", how="left", maintain_order="left")
        .with_columns(pl.col("ok", "all").fill_null(0))
        .with_columns((begin + pl.col("bin") * width).alias("from"))
        .with_columns(
            to=pl.when(pl.col("bin") == columns - 1).then(final + lasts).otherwise(pl.col("from") + width)
        )
        .with_columns((pl.col("ok", "all") / (pl.col("to") - pl.col("from"))).round(3))
        .select(
            "from",
            "to",
            ok=pl.struct(below=pl.lit(0.0), above="ok"),
            failed=pl.struct(below="ok", above="all"),
        )
        .unpivot(["ok", "failed"], index=["from", "to"], variable_name="outcome", value_name="height")
        .unnest("height")
        .filter(pl.col("above") > pl.col("below"))
        .with_columns(pl.col("from", "to").round(6))
        .select("outcome", "from", "to", "below", "above")
        .sort("from", "below")
    )


def in_flight(frame: pl.DataFrame) -> pl.DataFrame:
    """The exact curve: rows ``time, in_flight``, one per moment at which the number may change."""
    return (
        pl.concat(
            [frame.select(time="started", change=pl.lit(1)), frame.select(time="finished", change=pl.lit(-1))]
        )
        .group_by("time")
        .agg(pl.col("change").sum())
        .sort("time")
        .select("time", in_flight=pl.col("change").cum_sum())
    )


def decimated(curve: pl.DataFrame, points: int) -> pl.DataFrame:
    """Points of the curve: its ends, and the lowest and the highest of each slice of time."""
    if curve.height <= points:
        return curve
    slices = points // 2 - 1
    begin, end = ends(curve["time"])
    place = ((pl.col("time") - begin) / (end - begin) * slices).floor().clip(0, slices - 1)
    low, high = (
        pl.col("time").get(pl.col("in_flight").arg_min()),
        pl.col("time").get(pl.col("in_flight").arg_max()),
    )
    kept = curve.group_by(place.alias("slice")).agg(low=low, high=high)
    times = pl.concat([kept["low"], kept["high"], pl.Series([begin, end])]).unique()
    return curve.filter(pl.col("time").is_in(times.implode()))


def _width(span: float, rows: int) -> float:
    return nice_step(span / min(BINS, max(1, rows // 4)))


def _rate(value: float) -> str:
    return f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s"
