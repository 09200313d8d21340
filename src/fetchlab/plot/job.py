"""A job over all of its sessions: how many items were done when, and when nobody was at work."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.plot.frames import MOST_TICKS, count_ticks, drawable, plural, seconds
from fetchlab.plot.theme import COLOURS, HEIGHT, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    import altair as alt

__all__ = ["laid_out", "sessions"]

POINTS = 400
NEEDED = ("session", "started", "ended", "state")
STATES = {
    "done": (COLOURS["green"], "circle"),
    "killed": (COLOURS["vermilion"], "cross"),
    "running": (COLOURS["blue"], "diamond"),
}
OTHER = (COLOURS["orange"], "square")
UNITS = ((7200.0, 3600.0, "hours"), (300.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


class Sitting(NamedTuple):
    """One session in the drawing; seconds from the left edge, items done in all sessions up to then."""

    number: int
    state: str
    begin: float
    end: float
    before: int
    after: int
    pause: float
    """Seconds between the session before and this one, as long as they really were."""


def sessions(frame: pl.DataFrame, sessions: pl.DataFrame, pauses: float | None = None) -> alt.LayerChart:
    """How a journalled job came along over the time of day: its items done, its sessions, its interruptions.

    The reader sees the number of items done rise from left to right; a mark where a session ended, which says
    how; and grey bands, with their lengths, for the times in between when nobody was at work. An item counts
    where its last attempt ended, in the session that the journal has it from.

    Args:
        frame: ``journal.frame()`` of ``fl.Journal.open(path)``, or ``run.frame()`` of a run that was resumed.
        sessions: ``journal.sessions()``.
        pauses: seconds that a band is wide at most, for a job that slept over night; what is written in it
            stays the true length. None draws the wall clock as it was.

    Raises:
        ConfigError: nothing to draw, a column is missing, or ``pauses`` is negative.
    """
    import altair as alt

    if pauses is not None and not pauses >= 0:
        raise ConfigError("pauses", f"is seconds, 0 or more, or None, not {pauses!r}")
    rows = drawable(frame, ("session", "started", "finished"))
    parts = laid_out(rows, sessions, pauses)
    longest = parts[-1].end
    size, unit = next((size, unit) for least, size, unit in UNITS if longest >= least)
    points = _points(rows, parts).with_columns(pl.col("time") / size)
    marks = pl.DataFrame(
        {
            "time": [part.end / size for part in parts],
            "done": [part.after for part in parts],
            "state": [part.state for part in parts],
            "label": [f"{part.after:,}" for part in parts],
        }
    )
    bands = pl.DataFrame(
        [
            (
                one.end / size,
                two.begin / size,
                (one.end + two.begin) / 2 / size,
                one.after,
                seconds(two.pause),
            )
            for one, two in pairwise(parts)
        ],
        {"from": pl.Float64, "to": pl.Float64, "middle": pl.Float64, "done": pl.Int64, "label": pl.String},
        orient="row",
    )

    total = parts[-1].after
    across = alt.Scale(domain=[0, longest / size], nice=False)
    time = alt.X("time:Q", scale=across, title=_across(unit, pauses, parts))
    up = alt.Scale(domain=[0, total * 1.08], nice=False)
    axis = alt.Axis(values=count_ticks(total, 5), tickCount=MOST_TICKS, format=",d")
    done = alt.Y("done:Q", title="items done", scale=up, axis=axis, stack=None)
    shades = alt.Chart(bands).encode(alt.X("from:Q", scale=across), alt.X2("to"))
    climb = alt.Chart(points).encode(time, done, alt.Detail("session:N"))
    ended = alt.Chart(marks).encode(time, done)
    shown = marks["state"].unique(maintain_order=True).to_list()
    looks = [STATES.get(state, OTHER) for state in shown]
    colour = alt.Color(
        "state:N", title=None, scale=alt.Scale(domain=shown, range=[colour for colour, _ in looks])
    )
    shape = alt.Shape(
        "state:N", title=None, scale=alt.Scale(domain=shown, range=[shape for _, shape in looks])
    )
    layers = [
        shades.mark_rect(color="#EEEEEE", aria=False),
        climb.mark_area(color=COLOURS["blue"], opacity=0.12, aria=False),
        shades.mark_rule(color=COLOURS["grey"], strokeDash=[4, 3], aria=False).encode(done),
        climb.mark_line(color=COLOURS["blue"], strokeWidth=1.6, aria=False),
        ended.mark_point(filled=True, size=90, opacity=1).encode(colour, shape),
        ended.mark_text(align="right", baseline="bottom", dx=-8, dy=-3).encode(text="label:N"),
        alt.Chart(bands)
        .mark_text(y=6, baseline="top", color="#666666")
        .encode(alt.X("middle:Q", scale=across), text="label:N"),
    ]
    subtitle = _said(parts)
    return alt.LayerChart(layer=layers).properties(
        width=WIDTH,
        height=HEIGHT,
        title=alt.TitleParams("Items done over all sessions", subtitle=subtitle),
        description=f"Items done over time, session by session. {subtitle}",
    )


def laid_out(frame: pl.DataFrame, sessions: pl.DataFrame, pauses: float | None = None) -> list[Sitting]:
    """Put the sessions one after another on one clock, each with what was done before and after it.

    Where a session's last item is later than its recorded end, as when it was killed between two beats, the
    item counts. A clock that was set back between two sessions makes no pause.

    Raises:
        ConfigError: ``sessions`` lacks a column, or has no row.
    """
    missing = [name for name in NEEDED if name not in sessions.columns]
    if missing:
        raise ConfigError("sessions", f"needs the column {missing[0]!r}, as journal.sessions() has it")
    if sessions.is_empty():
        raise ConfigError("sessions", "nothing to draw: it has no rows")
    counts = frame.group_by(pl.col("session").cast(pl.Int64)).agg(
        items=pl.len(), last=pl.col("finished").max()
    )
    known = {number: (items, last) for number, items, last in counts.rows()}
    parts: list[Sitting] = []
    end = last_moment = 0.0
    before = 0
    for row in sessions.sort("session").select(NEEDED).iter_rows(named=True):
        items, last = known.get(row["session"], (0, 0.0))
        moment = row["started"].timestamp()
        lasted = 0.0 if row["ended"] is None else (row["ended"] - row["started"]).total_seconds()
        lasted = max(lasted, last)
        pause = max(0.0, moment - last_moment) if parts else 0.0
        begin = end + (pause if pauses is None else min(pause, pauses))
        parts.append(
            Sitting(row["session"], row["state"], begin, begin + lasted, before, before + items, pause)
        )
        end, last_moment, before = begin + lasted, max(last_moment, moment + lasted), before + items
    return parts


def _points(frame: pl.DataFrame, parts: Iterable[Sitting]) -> pl.DataFrame:
    """Rows ``session, time, done``: the curve, its ends and as many points between as an eye can tell."""
    step = max(1, frame.height // POINTS)
    curves = []
    for part in parts:
        finished = frame.filter(pl.col("session") == part.number)["finished"].sort()
        done = pl.int_range(part.before + 1, part.after + 1, dtype=pl.Int64, eager=True)
        times = pl.concat(
            [pl.Series([part.begin]), (finished + part.begin).gather_every(step), pl.Series([part.end])]
        )
        heights = pl.concat([pl.Series([part.before]), done.gather_every(step), pl.Series([part.after])])
        curves.append(pl.DataFrame({"session": part.number, "time": times.round(4), "done": heights}))
    return pl.concat(curves)


def _across(unit: str, pauses: float | None, parts: list[Sitting]) -> str:
    if pauses is None or all(part.pause <= pauses for part in parts):
        return f"{unit} since the job began"
    return f"{unit} at work; pauses drawn as {seconds(pauses)} at most"


def _said(parts: list[Sitting]) -> str:
    worked = sum(part.end - part.begin for part in parts)
    killed = sum(part.state == "killed" for part in parts)
    text = f"{plural(parts[-1].after, 'item')} in {plural(len(parts), 'session')}, {seconds(worked)} at work"
    if len(parts) > 1:
        text += f", {seconds(sum(part.pause for part in parts))} between them"
    return text + (f"; {killed:,} killed" if killed else "")
