"""What a comparison found: ratios with their intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.plot.frames import MOST_TICKS, drawable, ends
from fetchlab.plot.theme import COLOURS, WIDTH

if TYPE_CHECKING:
    import altair as alt

__all__ = ["intervals"]

SAME = 1.05
NUMBERS = 130
VERDICTS = {
    "faster": (COLOURS["blue"], "circle"),
    "invariant": (COLOURS["green"], "square"),
    "inconclusive": ("#767676", "diamond"),
    "slower": (COLOURS["vermilion"], "triangle-up"),
}


def intervals(summary: pl.DataFrame) -> alt.LayerChart:
    """Which arms of a comparison are faster, and how sure that is.

    The reader sees an arm per line, fastest first: its ratio to the baseline's time as a dot, the interval
    as a line, both as numbers at the right, and the verdict as colour and shape. The rule at 1.0 is the
    baseline; the grey band around it, 1/1.05 to 1.05, is "no difference worth having". Logarithmic axis, so
    that twice as fast and half as fast are equally far from the rule.

    Args:
        summary: columns ``arm, ratio, low, high, verdict``; ratios of times, below 1 is faster. Arms without
            a ratio are named in the subtitle.

    Raises:
        ConfigError: nothing to draw, a column is missing, or a ratio is not positive.
    """
    import altair as alt

    columns = ("arm", "ratio", "low", "high", "verdict")
    numbers = pl.all_horizontal(pl.col("ratio", "low", "high").is_finite())
    given = drawable(summary, columns, "summary").select(columns)
    rows = given.filter(numbers).sort("ratio", "arm")
    if rows.is_empty():
        raise ConfigError("summary", "nothing to draw: no arm has a ratio with both ends of its interval")
    lowest, _ = ends(rows["low"])
    if lowest <= 0:
        raise ConfigError("summary", f"ratios of times are positive, but an interval reaches {lowest:g}")
    rows = rows.with_columns(
        text=pl.struct("ratio", "low", "high").map_elements(_text, return_dtype=pl.String), line=pl.lit(1.0)
    )
    unknown = sorted(set(rows["verdict"].drop_nulls()) - set(VERDICTS))
    if unknown:
        raise ConfigError("summary", f"verdict {unknown[0]!r} is none of {', '.join(VERDICTS)}")
    missing = given.filter(~numbers.fill_null(value=False))["arm"].to_list()
    begin, end = _domain(rows)
    shown = [name for name in VERDICTS if name in set(rows["verdict"])]

    width = WIDTH - NUMBERS
    x = alt.Scale(type="log", domain=[begin, end], nice=False)
    y = alt.Y(
        "arm:N",
        title=None,
        sort=rows["arm"].to_list(),
        axis=alt.Axis(labelFontSize=12, labelLimit=220, ticks=False, domain=False, labelPadding=8),
    )
    colour = alt.Color(
        "verdict:N",
        title=None,
        scale=alt.Scale(domain=shown, range=[VERDICTS[name][0] for name in shown]),
        legend=alt.Legend(symbolType="circle"),
    )
    shape = alt.Shape(
        "verdict:N", title=None, scale=alt.Scale(domain=shown, range=[VERDICTS[name][1] for name in shown])
    )
    axis = alt.Axis(
        title="time, relative to the baseline (log)",
        values=_ticks(begin, end),
        tickCount=MOST_TICKS,
        format="~g",
    )
    band = (
        alt.Chart(pl.DataFrame({"from": [1 / SAME], "to": [SAME]}))
        .mark_rect(color="#EEEEEE", aria=False)
        .encode(alt.X("from:Q", scale=x, axis=axis), alt.X2("to"))
    )
    rule = alt.Chart(pl.DataFrame({"one": [1.0]})).mark_rule(color=COLOURS["ink"]).encode(alt.X("one:Q"))
    base = alt.Chart(rows)
    line = base.mark_rule(strokeWidth=3, strokeCap="round").encode(alt.X("low:Q"), alt.X2("high"), y, colour)
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(alt.X("ratio:Q"), y, colour, shape)
    text = base.mark_text(align="left").encode(y, alt.Text("text:N"), x=alt.value(width + 12))
    subtitle = ["Ratio of times with its 95 % interval; left of the rule is faster, grey is no difference"]
    if missing:
        subtitle.append(f"Without a ratio: {', '.join(map(str, missing))}")
    return alt.LayerChart(layer=[band, rule, line, dot, text]).properties(
        width=width,
        height=alt.Step(30),
        title=alt.TitleParams("Faster or slower than the baseline", subtitle=subtitle),
        description="Ratios of times. "
        + "; ".join(rows.select(pl.format("{} {}", "arm", "text")).to_series()),
    )


def _text(row: dict[str, float]) -> str:
    ratio, low, high = (_digits(row[name]) for name in ("ratio", "low", "high"))
    return f"{ratio} [{low}, {high}]"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def _domain(rows: pl.DataFrame) -> tuple[float, float]:
    low, high = min(ends(rows["low"])[0], 1 / SAME), max(ends(rows["high"])[1], SAME)
    air = (high / low) ** 0.05
    return low / air, high * air


def _ticks(begin: float, end: float) -> list[float]:
    steps: tuple[float, ...] = (1,) if end / begin > 200 else (1, 2, 5)
    if end / begin < 4:
        steps = (1, 1.1, 1.2, 1.3, 1.5, 1.7, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 9.5)
    powers = range(math.floor(math.log10(begin)), math.ceil(math.log10(end)) + 1)
    return [tick for power in powers for step in steps if begin <= (tick := float(f"{step}e{power}")) <= end]
