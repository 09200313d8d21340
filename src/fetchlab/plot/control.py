"""The controller at work: its limit, what was in flight, and the latency that it listened to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.plot.flow import decimated
from fetchlab.plot.frames import MOST_TICKS, count_ticks, ends, nice_step, plural, seconds
from fetchlab.plot.theme import COLOURS

if TYPE_CHECKING:
    import altair as alt

__all__ = ["concurrency", "first_bytes"]

PANEL = 285
TALL, SHORT = 160, 120
POINTS = 240
SLICES = 60
LINES = {"limit": COLOURS["blue"], "in flight": "#AAAAAA"}
MARKS = {"median": COLOURS["blue"], "p95": COLOURS["sky"], "refused": COLOURS["vermilion"]}
REFUSALS = (429, 503)


def concurrency(
    frame: pl.DataFrame, attempts: pl.DataFrame | None = None, by: str | None = None
) -> alt.VConcatChart:
    """How many requests were allowed and under way, and how soon the host answered them, over time.

    The reader sees, at the left, the limit as a line and the requests in flight behind it; at the right, on
    the same seconds, the time to the first byte of the requests that went well: median and 95th percentile of
    each sixtieth of the run, and a mark for every refusal (429 or 503). Where the left line rises and the
    right one follows, more requests only wait longer. Beyond 240 points a curve shows the lowest and highest
    of every slice.

    Args:
        frame: ``run.concurrency()``.
        attempts: ``run.attempts()``; without it there is no right side.
        by: a column of both frames; a row of the chart for each of its values, in order of appearance.

    Raises:
        ConfigError: nothing to draw, or a column is missing.
    """
    import altair as alt

    needed = {"frame": (frame, ("time", "in_flight", "limit")), "attempts": (attempts, ("started", "status"))}
    for knob, (given, columns) in needed.items():
        for name in (*columns, *([by] if by else [])):
            if given is not None and name not in given.columns:
                raise ConfigError(knob, f"needs the column {name!r}")
    if frame.is_empty():
        raise ConfigError("frame", "nothing to draw: it has no rows")
    groups = frame[by].unique(maintain_order=True).to_list() if by else [None]
    rows = []
    for place, group in enumerate(groups):
        steps = frame if by is None else frame.filter(pl.col(by) == group)
        tried = attempts if attempts is None or by is None else attempts.filter(pl.col(by) == group)
        tall = TALL if len(groups) == 1 else SHORT
        rows.append(_row(steps, tried, group, height=tall, first=place == 0, last=place == len(groups) - 1))
    peak = int(ends(frame["in_flight"])[1])
    subtitle = f"At most {plural(peak, 'request')} in flight"
    return alt.vconcat(*rows, spacing=14).properties(
        title=alt.TitleParams("The limit, and what it listened to", subtitle=subtitle),
        description=f"Limit and requests in flight over time, beside the time to the first byte. {subtitle}",
    )


def first_bytes(attempts: pl.DataFrame, slices: int = SLICES) -> pl.DataFrame:
    """Rows ``time, median, p95``: milliseconds to the first byte of what went well, by slices of the run."""
    good = attempts.filter(pl.col("error").is_null() & pl.col("first_byte").is_finite())
    if good.is_empty():
        return pl.DataFrame(schema={"time": pl.Float64, "median": pl.Float64, "p95": pl.Float64})
    begin, end = ends(good["first_byte"])
    width = max(end - begin, 1e-6) / slices
    place = ((pl.col("first_byte") - begin) / width).floor().clip(0, slices - 1)
    took = (pl.col("first_byte") - pl.col("started")) * 1000
    return (
        good.group_by(place.alias("slice"))
        .agg(median=took.median(), p95=took.quantile(0.95, "linear"))
        .sort("slice")
        .select(
            (begin + (pl.col("slice") + 0.5) * width).round(4).alias("time"), pl.col("median", "p95").round(2)
        )
    )


def _row(
    steps: pl.DataFrame, tried: pl.DataFrame | None, group: object, *, height: int, first: bool, last: bool
) -> alt.LayerChart | alt.HConcatChart:
    import altair as alt

    begin, end = 0.0, ends(steps["time"])[1]
    axis = alt.Axis(title="seconds since the run began" if last else None, tickCount=6, grid=False)
    x = alt.X("time:Q", scale=alt.Scale(domain=[begin, max(end, 1e-6)], nice=False), axis=axis)
    size = {"width": PANEL, "height": height}
    name = "" if group is None else str(group)
    left = _limits(steps, x, show_legend=first).properties(
        **size, title=alt.TitleParams(name, fontSize=12, offset=4)
    )
    if tried is None:
        return left
    right = _answers(tried, x, show_legend=first).properties(
        **size, title=alt.TitleParams(_about(tried), fontSize=11, fontWeight="normal", offset=4)
    )
    both: alt.HConcatChart = alt.hconcat(left, right, spacing=24).resolve_scale(color="independent")
    return both


def _limits(steps: pl.DataFrame, x: alt.X, *, show_legend: bool) -> alt.LayerChart:
    import altair as alt

    flight = decimated(steps.select("time", "in_flight"), POINTS).select("time", value="in_flight")
    limit = decimated(steps.select("time", in_flight="limit"), POINTS).select("time", value="in_flight")
    top = max(ends(flight["value"])[1], ends(limit["value"])[1])
    y = alt.Y(
        "value:Q",
        title="requests",
        axis=alt.Axis(values=count_ticks(top, 4), tickCount=MOST_TICKS, format=",d"),
    )
    colour = _colour(LINES, show_legend)
    layers = [
        alt.Chart(curve.with_columns(pl.col("time").round(4), line=pl.lit(line)))
        .mark_line(interpolate="step-after", strokeWidth=width, aria=False)
        .encode(x, y, colour)
        for curve, line, width in ((flight, "in flight", 1.0), (limit, "limit", 2.0))
    ]
    return alt.LayerChart(layer=layers)


def _answers(tried: pl.DataFrame, x: alt.X, *, show_legend: bool) -> alt.LayerChart:
    import altair as alt

    curve = first_bytes(tried).unpivot(["median", "p95"], index="time", variable_name="line")
    refused = _refusals(tried).select(time=pl.col("finished").round(3)).unique().sort("time")
    refused = refused.with_columns(line=pl.lit("refused"), value=pl.lit(0.0))
    colour = _colour(MARKS, show_legend)
    top = nice_step(max(ends(curve["value"])[1], 1e-3)) if curve.height else 1.0
    y = alt.Y(
        "value:Q",
        title="ms to first byte",
        scale=alt.Scale(domainMin=0, nice=True),
        axis=alt.Axis(tickCount=4, format="~g" if top < 1 else ",d"),
    )
    lines = alt.Chart(curve).mark_line(strokeWidth=1.6, opacity=1, aria=False).encode(x, y, colour)
    marks = (
        alt.Chart(refused)
        .mark_tick(thickness=1.5, height=9, yOffset=-5, orient="vertical", opacity=1, aria=False)
        .encode(x, y, colour)
    )
    return alt.LayerChart(layer=[lines, marks])


def _colour(names: dict[str, str], show_legend: bool) -> alt.Color:
    import altair as alt

    return alt.Color(
        "line:N",
        title=None,
        scale=alt.Scale(domain=list(names), range=list(names.values())),
        legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=3) if show_legend else None,
    )


def _refusals(tried: pl.DataFrame) -> pl.DataFrame:
    return tried.filter(pl.col("status").is_in(REFUSALS))


def _about(tried: pl.DataFrame) -> str:
    end = ends(tried["finished"])[1] if tried.height else 0.0
    return f"{plural(tried.height, 'attempt')} in {seconds(end)}, {_refusals(tried).height:,} refused"
