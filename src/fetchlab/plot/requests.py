"""Single requests: what each worker did, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.plot.frames import drawable, one_clock, plural
from fetchlab.plot.theme import COLOURS, WIDTH

if TYPE_CHECKING:
    import altair as alt

__all__ = ["gantt"]

LANES = 32
CROSS = "M-1,-1L1,1M-1,1L1,-1"

PHASES = {
    "waiting": "#BDBDBD",
    "to first byte": COLOURS["sky"],
    "body": COLOURS["blue"],
    "task": COLOURS["blue"],
    "cached": COLOURS["green"],
    "failed": COLOURS["vermilion"],
}


def gantt(
    frame: pl.DataFrame, attempts: pl.DataFrame | None = None, max_rows: int = 300, seed: int = 0
) -> alt.LayerChart:
    """What each worker did, request by request, in one window of the run.

    The reader sees a lane per worker. A thick bar is a request on the wire, light until the first byte and
    dark while the body arrives; failed ones are vermilion and end in a cross; a thin grey line is an item
    that waits, for its turn or for its next attempt. White in a lane is a worker with nothing to do (or,
    without ``attempts``, one busy with an attempt that another worker repeated).

    A long run is sampled: at most 32 workers, and of those everything in one contiguous window, so that what
    looks idle was idle. The subtitle says what was drawn, out of how much.

    Args:
        frame: ``run.frame()``.
        attempts: ``run.attempts()``; draws each attempt by itself and the waits between them. Without it a
            retried item is one wait, then one bar in the lane of its last worker.
        max_rows: choose the window so that about this many bars are in it.
        seed: chooses the window, and the workers when there are too many. Another seed, another window.

    Raises:
        ConfigError: nothing to draw, or ``max_rows`` below 1.
    """
    import altair as alt

    if max_rows < 1:
        raise ConfigError("max_rows", f"{max_rows} draws nothing; give at least 1")
    spans = _spans(frame, attempts)
    shown, (begin, end) = _sample(spans, max_rows, seed)
    drawn = shown.filter(pl.col("started") <= end, pl.col("finished") >= begin)
    bars, waits = _bars(drawn, begin, end), _waits(shown, begin, end)
    crosses = drawn.filter("failed", pl.col("finished") <= end).select(
        "worker", at=pl.col("finished").round(6)
    )
    phases = [name for name in PHASES if name in {*bars["phase"], *waits["phase"]}]

    lanes = shown["worker"].unique().sort().to_list()
    x = alt.X(
        "from:Q",
        scale=alt.Scale(domain=[begin, end], nice=False),
        axis=alt.Axis(title="seconds since the run began", tickCount=8),
    )
    y = alt.Y("worker:O", scale=alt.Scale(domain=lanes), axis=alt.Axis(title="worker", grid=False))
    colour = alt.Color(
        "phase:N", title=None, scale=alt.Scale(domain=phases, range=[PHASES[name] for name in phases])
    )
    tips = ["key:N", "phase:N", "what:N", "from:Q", "to:Q"]
    # An ARIA label per bar would be more than half of the file: the description speaks for all of them.
    thin = alt.Chart(waits).mark_bar(aria=False, height={"band": 0.2}).encode(x, alt.X2("to"), y, colour)
    thick = alt.Chart(bars).mark_bar(aria=False, height={"band": 0.8}).encode(x, alt.X2("to"), y, colour)
    cross = (
        alt.Chart(crosses)
        .mark_point(aria=False, shape=CROSS, size=30, strokeWidth=1.5, color="black", opacity=1)
        .encode(alt.X("at:Q"), y)
    )
    subtitle = _drawn_of(spans, drawn, lanes, (begin, end), "request" if attempts is None else "attempt")
    return alt.LayerChart(layer=[thin, thick.encode(tooltip=tips), cross]).properties(
        width=WIDTH,
        height=alt.Step(22 if len(lanes) <= 10 else 14),
        title=alt.TitleParams("What each worker did", subtitle=subtitle),
        description=" ".join(["A bar per request, a lane per worker.", *subtitle]),
    )


def _spans(frame: pl.DataFrame, attempts: pl.DataFrame | None) -> pl.DataFrame:
    """One row per bar, in the order they began; ``queued`` and ``again`` are the ends of its two waits."""
    columns = ("index", "key", "worker", "queued", "started", "first_byte", "finished", "status", "error")
    items = one_clock(drawable(frame, (*columns, "ok", "cached", "attempts", "wait"))).with_columns(
        failed=~pl.col("ok"), again=pl.col("finished")
    )
    waited = pl.col("started") + pl.when(pl.col("attempts") > 1).then("wait").otherwise(0.0)
    spans = items.with_columns(started=pl.min_horizontal(waited, "first_byte", "finished"))
    if attempts is not None:
        tried = (
            drawable(attempts, (*columns[:3], *columns[4:], "attempt", "wait"), "attempts")
            .join(items.select("index", "queued", "cached", "shift"), on="index")
            .with_columns(pl.col("started", "first_byte", "finished") + pl.col("shift"))
            .with_columns(
                queued=pl.when(pl.col("attempt") == pl.col("attempt").min().over("index")).then("queued"),
                failed=pl.col("error").is_not_null(),
                again=pl.col("finished") + pl.col("wait"),
            )
        )
        untried = spans.join(tried, on="index", how="anti")
        spans = pl.concat([untried, tried], how="diagonal_relaxed")
    what = pl.coalesce("error", pl.format("status {}", "status"), pl.lit(""))
    return spans.select(*columns[:7], "again", "failed", "cached", what=what).sort("started", "index")


def _sample(spans: pl.DataFrame, max_rows: int, seed: int) -> tuple[pl.DataFrame, tuple[float, float]]:
    """The lanes to draw, with all their rows, and the ends of the window to draw of them."""
    workers = spans["worker"].unique().sort()
    lanes = LANES if spans.height <= max_rows else max(1, min(LANES, max_rows // 4))
    if workers.len() > lanes:
        spans = spans.filter(pl.col("worker").is_in(workers.sample(lanes, seed=seed).implode()))
    # What runs already when the window opens is drawn too: up to one bar per lane.
    size = max(1, max_rows - min(lanes, workers.len()))
    if spans.height <= max_rows:
        first, last = spans.select(
            pl.min_horizontal("queued", "started").min().alias("first"), pl.col("finished").max()
        ).row(0)
        return spans, (first, max(last, first + 1e-6))
    offset = pl.int_range(spans.height - size, eager=True).sample(1, seed=seed).item()
    begin, end = spans["started"][offset], spans["started"][offset + size]
    return spans, (begin, max(end, begin + 1e-6))


def _bars(drawn: pl.DataFrame, begin: float, end: float) -> pl.DataFrame:
    seen = ~pl.col("failed") & ~pl.col("cached") & pl.col("first_byte").is_finite().fill_null(value=False)
    whole = (
        pl.when("failed")
        .then(pl.lit("failed"))
        .when("cached")
        .then(pl.lit("cached"))
        .otherwise(pl.lit("task"))
    )
    first_byte = pl.col("first_byte").clip("started", "finished")
    label = ("key", "worker", "what")
    begun, ended = pl.col("started").alias("from"), pl.col("finished").alias("to")
    parts = [
        drawn.filter(seen).select(
            *label, pl.lit("to first byte").alias("phase"), begun, first_byte.alias("to")
        ),
        drawn.filter(seen).select(*label, pl.lit("body").alias("phase"), first_byte.alias("from"), ended),
        drawn.filter(~seen).select(*label, whole.alias("phase"), begun, ended),
    ]
    pixel = (end - begin) / WIDTH
    whole_bar = pl.col("phase").is_in(["failed", "cached", "task"])
    return (
        pl.concat(parts)
        .filter(pl.col("from") <= end)
        .with_columns(
            to=pl.when(whole_bar).then(pl.max_horizontal("to", pl.col("from") + pixel)).otherwise("to")
        )
        .with_columns(pl.col("from", "to").clip(begin, end).round(6))
    )


def _waits(drawn: pl.DataFrame, begin: float, end: float) -> pl.DataFrame:
    """Waits inside the window, those that overlap in a lane joined into one."""
    before = drawn.select("worker", **{"from": "queued", "to": "started"})
    after = drawn.select("worker", **{"from": "finished", "to": "again"})
    seen = (
        pl.concat([before, after])
        .drop_nulls()
        .with_columns(pl.col("from", "to").clip(begin, end).round(6))
        .filter(pl.col("to") > pl.col("from"))
        .sort("worker", "from")
    )
    apart = pl.col("from") > pl.col("to").cum_max().shift(1).over("worker")
    return (
        seen.with_columns(apart.fill_null(value=True).cum_sum().alias("piece"))
        .group_by("worker", "piece")
        .agg(pl.col("from").min(), pl.col("to").max())
        .select("worker", pl.lit("waiting").alias("phase"), "from", "to")
        .sort("worker", "from")
    )


def _drawn_of(
    spans: pl.DataFrame, drawn: pl.DataFrame, lanes: list[int], edges: tuple[float, float], noun: str
) -> list[str]:
    workers = plural(spans["worker"].n_unique(), "worker")
    failed = int(drawn["failed"].sum())
    outcome = f"{plural(failed, noun)} failed (crossed)" if failed else f"no {noun} failed"
    if drawn.height == spans.height:
        return [f"All {plural(drawn.height, noun)} on {workers}; {outcome}"]
    share = f"{drawn.height:,} of {plural(spans.height, noun)}"
    whose = f"all {workers}" if len(lanes) == spans["worker"].n_unique() else f"{len(lanes)} of {workers}"
    return [f"{share}: everything on {whose} from {edges[0]:.3f} s to {edges[1]:.3f} s", outcome]
