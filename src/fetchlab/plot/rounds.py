"""What was measured, before anything is made of it: every arm's time in every round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.plot.frames import drawable
from fetchlab.plot.theme import COLOURS, WIDTH

if TYPE_CHECKING:
    import altair as alt

__all__ = ["rounds"]

HEIGHT = 200
HUES = [COLOURS[name] for name in ("blue", "vermilion", "green", "purple", "orange", "sky", "grey", "ink")]


def rounds(frame: pl.DataFrame) -> alt.LayerChart:
    """How long each arm took in each round.

    The reader sees a line per arm over the rounds, on a logarithmic axis, so that lines that keep their
    distance keep their ratio. Drift shows as a slope that all share; an outlier is a hollow point.

    Args:
        frame: ``comparison.frame()``: ``round, warmup, arm, seconds`` and ``outlier``; warm-ups are left out.

    Raises:
        ConfigError: nothing to draw, or a column is missing.
    """
    import altair as alt

    needed = drawable(frame, ("round", "warmup", "arm", "seconds"), "frame")
    kept = needed.filter(~pl.col("warmup"), pl.col("seconds") > 0)
    if kept.is_empty():
        raise ConfigError("frame", "nothing to draw: no round has a time")
    outlier = pl.col("outlier") if "outlier" in kept.columns else pl.lit(value=False)
    points = kept.select("round", "arm", pl.col("seconds").round(5), outlier=outlier)
    arms = (
        points.group_by("arm")
        .agg(pl.col("seconds").median())
        .sort("seconds", descending=True)["arm"]
        .to_list()
    )
    base = alt.Chart(points).encode(
        alt.X("round:O", title="round", axis=alt.Axis(labelAngle=0, grid=False)),
        alt.Y("seconds:Q", title="seconds (log)", scale=alt.Scale(type="log", nice=False, padding=12)),
        alt.Color(
            "arm:N",
            title=None,
            sort=arms,
            scale=alt.Scale(domain=arms, range=[HUES[place % len(HUES)] for place in range(len(arms))]),
        ),
    )
    line = base.mark_line(strokeWidth=1.5, opacity=0.6, aria=False)
    plain = base.transform_filter("!datum.outlier").mark_point(filled=True, size=45, opacity=1)
    odd = base.transform_filter("datum.outlier").mark_point(filled=False, size=80, strokeWidth=2)
    count = int(points["outlier"].sum())
    subtitle = "Lines that keep their distance keep their ratio"
    if count:
        subtitle += f"; {count} hollow point{'s are outliers' if count > 1 else ' is an outlier'}, kept"
    return alt.LayerChart(layer=[line, plain, odd]).properties(
        width=WIDTH - 130,
        height=HEIGHT,
        title=alt.TitleParams("Time per round", subtitle=subtitle),
        description=f"Seconds per round of {', '.join(arms)}. {subtitle}",
    )
