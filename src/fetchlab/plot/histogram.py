"""How long requests took."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.plot.frames import MOST_TICKS, count_ticks, drawable, ends, nice_step, plural, quantile, seconds
from fetchlab.plot.theme import COLOURS, HEIGHT, WIDTH

if TYPE_CHECKING:
    import altair as alt

__all__ = ["latency"]

BINS = 60
GROUPS = 6
WIDE = 20.0
RULES = {"median": 0.5, "p95": 0.95, "p99": 0.99}
KINDS = {"fetched": COLOURS["blue"], "cached": COLOURS["green"], "failed": COLOURS["vermilion"]}


def latency(frame: pl.DataFrame, by: str | None = None) -> alt.LayerChart | alt.VConcatChart:
    """How long requests took: a histogram with its median, 95th and 99th percentile.

    The reader sees how many requests took how long, from start to finish, failed ones in their own colour,
    and three rules with their values. The axis is logarithmic where the slowest took more than 20 times the
    median. The percentiles (linear interpolation) are of the fetched requests alone, since refusals at the
    door would flatter them. Hits of the cache take no time worth drawing and are only counted. Where nothing
    was fetched, all this is of what there is.

    Args:
        frame: ``run.frame()``.
        by: a column to draw one row of the chart for each value of, such as ``"host"``; beyond six values
            the rarest are together as "other".

    Raises:
        ConfigError: nothing to draw, or no such column.
    """
    import altair as alt

    if by is not None and by not in frame.columns:
        raise ConfigError("by", f"{by!r} is not a column; the frame has {', '.join(frame.columns)}")
    kind = pl.when(~pl.col("ok")).then(pl.lit("failed")).when("cached").then(pl.lit("cached"))
    rows = drawable(frame, ("ok", "cached", "started", "finished", "elapsed")).select(
        kind=kind.otherwise(pl.lit("fetched")),
        took=pl.col("elapsed").clip(0),
        group=pl.lit("") if by is None else pl.col(by).cast(pl.String).fill_null("none"),
    )
    summary = _summary(rows)
    if by != "cached" and rows.filter(kind="fetched").height:
        rows = rows.filter(pl.col("kind") != "cached")
    rows, groups = _rarest_together(rows)
    scale = Scale.of(rows["took"])
    kinds = [name for name in KINDS if name in set(rows["kind"])]
    parts = [
        _histogram(
            rows.filter(group=name),
            scale,
            kinds,
            name=None if by is None else _label(by, name),
            last=name == groups[-1],
        )
        for name in groups
    ]
    heading = "How long requests took" if by is None else f"How long requests took, by {by}"
    title = alt.TitleParams(heading, subtitle=summary)
    description = f"Histogram of elapsed times. {summary}"
    if by is None:
        return parts[0].properties(title=title, description=description)
    return alt.vconcat(*parts, spacing=12).properties(title=title, description=description)


@dataclass(frozen=True, slots=True)
class Scale:
    """The bins and the axis, common to all groups.

    Attributes:
        edges: the bins' ends, in the axis' unit.
        log: whether they are equally wide on a logarithmic axis.
        unit: ``"ms"`` or ``"s"``.
        per_second: units in a second.
    """

    edges: tuple[float, ...]
    log: bool
    unit: str
    per_second: float

    @classmethod
    def of(cls, took: pl.Series) -> Self:
        """At most 60 bins over all durations (seconds)."""
        low, high = ends(took)
        wide = high > WIDE * quantile(took, 0.5)
        high = max(high, 1e-6)
        unit, factor = ("ms", 1000.0) if high < 2 else ("s", 1.0)
        if wide:
            seen, _ = ends(took.clip(high * 1e-6))
            edges = [seen * (high / seen) ** (step / BINS) * factor for step in range(BINS + 1)]
            return cls(tuple(edges), log=True, unit=unit, per_second=factor)
        step = nice_step((high - low) / (BINS - 1) or high / BINS) * factor
        first, last = math.floor(low * factor / step), math.floor(high * factor / step)
        air = max(0, (10 - (last - first)) // 2)
        first, last = max(0, first - air), last + air
        return cls(tuple(step * n for n in range(first, last + 2)), log=False, unit=unit, per_second=factor)

    def counts(self, rows: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
        """Rows ``kind, from, to, below, above``: how many requests per bin, the kinds stacked."""
        edges = pl.Series(self.edges)
        bins = pl.DataFrame({"from": edges[:-1], "to": edges[1:]}).with_row_index("bin")
        place = (edges[1:-1].search_sorted(rows["took"] * self.per_second, side="right")).cast(pl.UInt32)
        order = pl.Enum(kinds)
        return (
            rows.select(pl.col("kind").cast(order), bin=place)
            .group_by("bin", "kind")
            .agg(count=pl.len().cast(pl.Int64))
            .sort("bin", "kind")
            .with_columns(above=pl.col("count").cum_sum().over("bin"))
            .with_columns(below=pl.col("above") - pl.col("count"))
            .join(bins, on="bin", maintain_order="left")
            .select(pl.col("kind").cast(pl.String), "from", "to", "below", "above")
        )


def _rarest_together(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    names = rows["group"].value_counts().sort(["count", "group"], descending=[True, False])["group"].to_list()
    if len(names) <= GROUPS:
        return rows, names
    kept = names[: GROUPS - 1]
    known = pl.col("group").is_in(kept)
    other = f"other ({len(names) - len(kept)})"
    return rows.with_columns(group=pl.when(known).then("group").otherwise(pl.lit(other))), [*kept, other]


def _measured(rows: pl.DataFrame) -> pl.Series:
    """What the percentiles are of: the fetched, else whatever there is."""
    fetched = rows.filter(kind="fetched")
    return (fetched if fetched.height else rows)["took"]


def _label(by: str, name: str) -> str:
    return name if by == "host" or name.startswith("other (") else f"{by} {name}"


def _histogram(
    rows: pl.DataFrame, scale: Scale, kinds: list[str], *, name: str | None, last: bool
) -> alt.LayerChart:
    import altair as alt

    counts = scale.counts(rows, kinds)
    height = HEIGHT if name is None else 90
    line = 15 / height
    # The labels stand above the bars, one line each, so that p95 and p99 never write over one another.
    top = ends(counts["above"])[1] / (1 - 3.2 * line)
    marks = _rules(rows, scale, top, line)
    begin, end = scale.edges[0], scale.edges[-1]

    x = alt.X(
        "from:Q",
        scale=alt.Scale(type="log" if scale.log else "linear", domain=[begin, end], nice=False, zero=False),
        axis=alt.Axis(
            title=f"from start to finish, {scale.unit}" + (" (log)" if scale.log else "") if last else None,
            labels=last,
            values=_log_ticks(begin, end) if scale.log else alt.Undefined,
            tickCount=MOST_TICKS if scale.log else 10,
            format="~g" if scale.log else alt.Undefined,
        ),
    )
    y = alt.Y(
        "below:Q",
        title="requests",
        scale=alt.Scale(domain=[0, top], nice=False),
        axis=alt.Axis(
            values=count_ticks(top, 6 if name is None else 4),
            tickCount=MOST_TICKS,
            format=",d",
            minExtent=alt.Undefined if name is None else 50,
        ),
    )
    colour = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=kinds, range=[KINDS[kind] for kind in kinds]),
        legend=alt.Legend() if len(kinds) > 1 else None,
    )
    bars = (
        alt.Chart(counts)
        .mark_bar(aria=False, binSpacing=0.5)
        .encode(x, alt.X2("to"), y, alt.Y2("above"), colour, tooltip=["kind:N", "from:Q", "to:Q"])
    )
    rule = alt.Chart(marks).mark_rule(color=COLOURS["ink"], strokeDash=[4, 3])
    texts = alt.Chart(marks).encode(alt.X("at:Q"), alt.Y("line:Q"), alt.Text("text:N"))
    layers = [bars, rule.encode(alt.X("at:Q"))]
    at_right, at_left = texts.transform_filter("!datum.flip"), texts.transform_filter("datum.flip")
    for halo in ("white", "transparent"):
        layers += [
            at_right.mark_text(align="left", dx=5, baseline="middle", stroke=halo, strokeWidth=4),
            at_left.mark_text(align="right", dx=-5, baseline="middle", stroke=halo, strokeWidth=4),
        ]
    chart = alt.LayerChart(layer=layers).properties(width=WIDTH, height=height)
    if name is not None:
        chart = chart.properties(
            title=alt.TitleParams(f"{name}: {plural(rows.height, 'request')}", fontSize=12, offset=2)
        )
    return chart


def _rules(rows: pl.DataFrame, scale: Scale, top: float, line: float) -> pl.DataFrame:
    took = _measured(rows)
    begin, end = scale.edges[0], scale.edges[-1]
    marks = []
    for step, (label, share) in enumerate(RULES.items()):
        value = quantile(took, share)
        at = min(max(value * scale.per_second, begin), end)
        across = math.log(at / begin) / math.log(end / begin) if scale.log else (at - begin) / (end - begin)
        marks.append(
            {
                "label": label,
                "seconds": value,
                "at": at,
                "line": top * (1 - (step + 0.6) * line),
                "text": f"{label} {seconds(value)}",
                "flip": across > 0.8,
            }
        )
    return pl.DataFrame(marks)


def _log_ticks(begin: float, end: float) -> list[float]:
    digits = (1, 2, 5) if end / begin < 1e3 else (1,)
    powers = range(math.floor(math.log10(begin)), math.ceil(math.log10(end)) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    return [tick for tick in ticks if begin <= tick <= end]


def _summary(rows: pl.DataFrame) -> str:
    counts = {kind: rows.filter(kind=kind).height for kind in KINDS}
    numbers = ", ".join(
        f"{label} {seconds(quantile(_measured(rows), share))}" for label, share in RULES.items()
    )
    others = [f"{counts[kind]:,} {kind}" for kind in ("cached", "failed") if counts[kind]]
    if not counts["fetched"]:
        return f"{numbers} of {' and '.join(others)}, none fetched"
    apart = f"; {' and '.join(others)} apart" if others else ""
    return f"{numbers} of {counts['fetched']:,} fetched{apart}"
