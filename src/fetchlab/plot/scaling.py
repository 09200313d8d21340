"""Throughput over the number of workers: what was measured, the curves through it, the recommendation."""

from __future__ import annotations

import math
from textwrap import wrap
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.plot.frames import MOST_TICKS, drawable, ends
from fetchlab.plot.theme import COLOURS, WIDTH

if TYPE_CHECKING:
    import altair as alt

__all__ = ["scaling"]

TALL = 340
AIR = 1.35
LETTERS = 105
"""In a line of the subtitle."""
MODELS = {
    "usl": ("Universal Scalability Law", COLOURS["blue"]),
    "roofline": ("roofline", COLOURS["vermilion"]),
    "linear": ("linear", COLOURS["green"]),
}
CURVES = ("model", "chosen", "workers", "throughput", "low", "high")


def scaling(
    points: pl.DataFrame,
    curves: pl.DataFrame | None = None,
    *,
    recommended: int | None = None,
    low: int | None = None,
    high: int | None = None,
    knee: float | None = None,
    subtitle: str = "",
) -> alt.LayerChart:
    """Throughput over workers, on logarithmic axes: in proportion is a straight line, a limit a flat one.

    The reader sees every measurement as a ring, the chosen curve as a thick line in its 95 % band, the other
    curves thin and dashed, the knee of the chosen one as a diamond, and the recommended number of workers as
    a rule in the band of its interval.

    Args:
        points: columns ``workers, throughput`` (items/s), a row per measurement; those without a throughput
            are named in the subtitle.
        curves: columns ``model, chosen, workers, throughput, low, high``; model is ``usl``, ``roofline`` or
            ``linear``.
        recommended: the recommended number of workers.
        low: the lower end of its interval.
        high: the upper end; None for as far as the chart goes.
        knee: the number of workers at which the chosen curve stops to rise; drawn where it is in the range.
        subtitle: a sentence on what it means.

    Raises:
        ConfigError: nothing to draw, a column is missing, or a model is unknown.
    """
    import altair as alt

    given = drawable(points, ("workers", "throughput"), "points")
    rows = given.filter(pl.col("throughput") > 0).select("workers", "throughput")
    if rows.is_empty():
        raise ConfigError("points", "nothing to draw: no number of workers has a throughput")
    failed = sorted(set(given["workers"]) - set(rows["workers"]))
    lines = _lines(curves, rows)
    left, right = ends(pl.concat([rows["workers"].cast(pl.Float64), lines["workers"]]))
    bottom, top = (value * air for value, air in zip(ends(rows["throughput"]), (1 / AIR, AIR), strict=True))
    x_scale = alt.Scale(type="log", domain=[left / 1.08, right * 1.08], nice=False)
    y_scale = alt.Scale(type="log", domain=[bottom, top], nice=False)
    ticks = sorted(set(rows["workers"].to_list()))
    x = alt.X(
        "workers:Q",
        scale=x_scale,
        axis=alt.Axis(
            title="workers (log)",
            values=ticks,
            tickCount=MOST_TICKS,
            format="~d",
            labelOverlap="greedy",
            grid=False,
        ),
    )
    y_axis = alt.Axis(
        title="items per second (log)", values=_ticks(bottom, top), tickCount=MOST_TICKS, format=",~r"
    )
    y = alt.Y("throughput:Q", scale=y_scale, axis=y_axis)
    shown = [name for name in MODELS if name in set(lines["model"])]
    colour = alt.Color(
        "label:N",
        title=None,
        scale=alt.Scale(
            domain=[MODELS[name][0] for name in shown], range=[MODELS[name][1] for name in shown]
        ),
        legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1) if shown else None,
    )
    layers: list[alt.Chart] = []
    if recommended is not None:
        layers += _advice(recommended, low, high, (left, right))
    chosen, others = lines.filter("chosen"), lines.filter(~pl.col("chosen"))
    if chosen.height:
        layers.append(
            alt.Chart(chosen)
            .mark_area(opacity=0.16, clip=True, aria=False)
            .encode(x, alt.Y("low:Q", scale=y_scale), alt.Y2("high"), colour)
        )
    if others.height:
        layers.append(
            alt.Chart(others)
            .mark_line(strokeWidth=1.3, strokeDash=[5, 4], clip=True, aria=False)
            .encode(x, y, colour)
        )
    if chosen.height:
        layers.append(alt.Chart(chosen).mark_line(strokeWidth=3, clip=True, aria=False).encode(x, y, colour))
    layers.append(
        alt.Chart(rows)
        .mark_point(size=55, strokeWidth=1.4, color=COLOURS["ink"], filled=False, opacity=0.85)
        .encode(x, y)
    )
    if knee is not None and chosen.height and left <= knee <= right:
        layers.append(_knee(knee, chosen).encode(x, y))
    words = wrap(subtitle, LETTERS)
    if failed:
        words.append(f"Without a throughput: {', '.join(map(str, failed))} workers")
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH,
        height=TALL,
        title=alt.TitleParams("Throughput over workers", subtitle=words),
        description=f"Throughput over workers. {' '.join(words)}",
    )


def _lines(curves: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame:
    """Curves with finite numbers and labels, not far above what was measured."""
    if curves is None:
        curves = pl.DataFrame(
            schema={name: pl.String if name == "model" else pl.Float64 for name in CURVES}
        ).cast({"chosen": pl.Boolean})
    missing = [name for name in CURVES if name not in curves.columns]
    if missing:
        raise ConfigError("curves", f"needs the column {missing[0]!r}")
    unknown = sorted(set(curves["model"]) - set(MODELS))
    if unknown:
        raise ConfigError("curves", f"model {unknown[0]!r} is none of {', '.join(MODELS)}")
    bottom, top = ends(rows["throughput"])
    label = pl.col("model").replace_strict(
        {name: text for name, (text, _) in MODELS.items()}, return_dtype=pl.String
    )
    return (
        curves.select(CURVES)
        .cast({"workers": pl.Float64})
        .filter(pl.col("throughput").is_between(bottom / 10, top * 10))
        .with_columns(pl.col("low", "high").clip(bottom / 10, top * 10), label=label)
        .sort("model", "workers")
    )


def _ticks(bottom: float, top: float) -> list[float]:
    """1, 2 and 5 times powers of ten; only these powers where they are many."""
    steps = (1, 2, 5) if top / bottom < 5000 else (1,)
    powers = range(math.floor(math.log10(bottom)), math.ceil(math.log10(top)) + 1)
    return [tick for power in powers for step in steps if bottom <= (tick := float(f"{step}e{power}")) <= top]


def _advice(
    recommended: int, low: int | None, high: int | None, ends: tuple[float, float]
) -> list[alt.Chart]:
    """The interval's band, the rule, and its label, which stays inside the chart."""
    import altair as alt

    left, right = ends
    to = min(high or right, right)
    text = f"{recommended} workers recommended"
    if low is not None:
        text += f" [{low}, {'…' if high is None else high}]"
    frame = pl.DataFrame(
        {"from": [float(low or recommended)], "to": [float(to)], "at": [recommended], "text": [text]}
    )
    base = alt.Chart(frame)
    to_left = recommended > (left * right) ** 0.5
    return [
        base.mark_rect(color="#EEEEEE", aria=False).encode(alt.X("from:Q"), alt.X2("to")),
        base.mark_rule(color=COLOURS["ink"], strokeDash=[4, 3]).encode(alt.X("at:Q")),
        base.mark_text(
            align="right" if to_left else "left", dx=-6 if to_left else 6, fontSize=12, fontWeight=600
        ).encode(alt.X("at:Q"), alt.Text("text:N"), y=alt.value(12)),
    ]


def _knee(knee: float, chosen: pl.DataFrame) -> alt.Chart:
    import altair as alt

    nearest = chosen.sort((pl.col("workers").log() - pl.lit(knee).log()).abs()).head(1)
    at = pl.DataFrame({"workers": [knee], "throughput": nearest["throughput"]})
    chart: alt.Chart = alt.Chart(at).mark_point(
        shape="diamond", size=130, filled=True, opacity=1, color=COLOURS["ink"], stroke="white"
    )
    return chart
