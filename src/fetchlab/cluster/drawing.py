"""What bounds a cluster, over the number of its nodes, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fetchlab.plot.theme import COLOURS, WIDTH

if TYPE_CHECKING:
    import altair as alt

__all__ = ["bounds_over_nodes"]

TALL = 300
NEAREST = 5
"""Bounds that are drawn, the lowest ones."""
ABOVE = 20.0
"""Times the lowest bound: what lies higher is cut off."""


def bounds_over_nodes(bounds: pl.DataFrame, at: int) -> alt.LayerChart:
    """The lowest bounds as dashed lines, and what is left of them all as a thick one; both axes logarithmic.

    Args:
        bounds: columns ``nodes, what, items_per_s, first``, a row per bound and number of nodes.
        at: the number of nodes that is planned, marked by a rule.
    """
    import altair as alt

    planned = bounds.filter(nodes=at).sort("items_per_s")
    shown = planned.head(NEAREST)["what"].to_list()
    bottom = float(bounds["items_per_s"].min())  # type: ignore[arg-type]
    top = max(ABOVE * planned["items_per_s"][0], 2 * bottom)
    lines = bounds.filter(pl.col("what").is_in(shown), pl.col("items_per_s") <= top)
    lowest = bounds.filter("first").sort("nodes")
    x = alt.X(
        "nodes:Q",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(title="nodes (log)", tickCount=8, format="~d", grid=False, labelOverlap="greedy"),
    )
    y = alt.Y(
        "items_per_s:Q",
        scale=alt.Scale(type="log", domain=[bottom, top], nice=False),
        axis=alt.Axis(title="items per second (log)", tickCount=6, format=",~r"),
    )
    palette = [COLOURS[name] for name in ("vermilion", "blue", "green", "orange", "purple")]
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=shown, range=palette[: len(shown)]),
        legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1),
    )
    first = planned["what"][0]
    layers = [
        alt.Chart(lowest).mark_line(strokeWidth=7, color=COLOURS["ink"], opacity=0.18).encode(x, y),
        alt.Chart(lines).mark_line(strokeWidth=2, strokeDash=[5, 4], clip=True).encode(x, y, colour),
        alt.Chart(pl.DataFrame({"nodes": [at]})).mark_rule(color=COLOURS["ink"], strokeDash=[2, 3]).encode(x),
    ]
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH,
        height=TALL,
        title=alt.TitleParams(
            "What bounds the cluster", subtitle=f"What gives first at {at:,} nodes: {first}"
        ),
        description=f"Bounds of throughput over nodes; what gives first at {at} nodes is {first}.",
    )
