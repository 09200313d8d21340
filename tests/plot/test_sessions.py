"""A job's sessions: every item counted once, pauses as long as they were, ends as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError
from fetchlab.frame import SESSIONS
from fetchlab.plot import sessions, svg
from fetchlab.plot.job import laid_out

from .conftest import record

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def sitting(number, begin, end, state="done"):
    moments = {"started": DAY + timedelta(seconds=begin), "ended": None}
    if end is not None:
        moments["ended"] = DAY + timedelta(seconds=end)
    return dict.fromkeys(SESSIONS.names()) | moments | {"session": number, "state": state}


def sittings(*rows):
    return pl.DataFrame([sitting(*row) for row in rows], schema=SESSIONS)


@pytest.fixture(scope="module")
def job():
    """Two thousand items of a killed session, half a minute of nothing, and a thousand of one that ended."""
    parts = [record(count, seed=number).frame for number, count in ((1, 2000), (2, 1000))]
    ends = [part["finished"].max() for part in parts]
    frame = pl.concat(
        part.with_columns(session=pl.lit(number, pl.UInt16)) for number, part in enumerate(parts, 1)
    )
    begin = ends[0] + 30
    return frame, sittings((1, 0, ends[0] - 0.3, "killed"), (2, begin, begin + ends[1] + 0.1))


def layers(chart):
    return {layer.mark.type: layer.data for layer in chart.layer}


def test_the_curve_is_that_of_the_items(job):
    """A job would seem to have done more, or sooner, than it had."""
    frame, table = job
    curve = layers(sessions(frame, table))["line"]
    assert curve["done"].to_list() == sorted(curve["done"])
    assert (curve["done"][0], curve["done"][-1]) == (0, 3000)
    assert 300 <= curve.height <= 500
    second = curve.filter(session=2)
    begin = second["time"][0]
    finished = frame.filter(session=2)["finished"]
    for time, done in second.select("time", "done").iter_rows():
        known = 2000 + (finished <= time - begin + 1e-4).sum()
        assert known >= done
        assert known <= done + 20  # of one moment, or between two points


def test_a_pause_is_as_long_as_it_was(job):
    """The interruption is what the chart is drawn for; a killed session's last item is work, not pause."""
    frame, table = job
    one, two = laid_out(frame, table)
    assert one.end == pytest.approx(frame.filter(session=1)["finished"].max())
    assert two.pause == pytest.approx(30, abs=1e-3)
    assert two.begin - one.end == pytest.approx(30, abs=1e-3)
    assert (one.state, two.state, one.after, two.before) == ("killed", "done", 2000, 2000)
    chart = sessions(frame, table)
    assert "3,000 items in 2 sessions" in chart.title.subtitle
    assert "30 s between them; 1 killed" in chart.title.subtitle


def test_long_pauses_can_be_drawn_short(job):
    """Of a job that slept over night nothing but the night would be seen."""
    frame, table = job
    one, two = laid_out(frame, table, pauses=2.0)
    assert two.begin - one.end == pytest.approx(2.0)
    chart = sessions(frame, table, pauses=2.0)
    assert layers(chart)["rect"]["label"].to_list() == ["30 s"]
    assert "2 s at most" in svg(chart)
    assert "2 s at most" not in svg(sessions(frame, table, pauses=60.0))


def test_sessions_without_items_and_clocks_that_were_set_back(job):
    """Somebody who looked in for a second, and a laptop that was told the time, break no chart."""
    frame, table = job
    two = table.row(1, named=True)
    shifted = two | {"started": two["started"] - timedelta(days=1), "ended": two["ended"] - timedelta(days=1)}
    empty = sitting(3, 200, 201, "cancelled")
    parts = laid_out(frame, pl.DataFrame([table.row(0, named=True), shifted, empty], schema=SESSIONS))
    assert [part.pause >= 0 for part in parts] == [True] * 3
    assert parts[1].pause == 0
    assert [part.after for part in parts] == [2000, 3000, 3000]
    assert "cancelled" in svg(
        sessions(frame, pl.DataFrame([*table.rows(named=True), empty], schema=SESSIONS))
    )


def test_a_running_session_reaches_to_its_last_item():
    """It has no end yet."""
    frame = record(100).frame
    (part,) = laid_out(frame, sittings((1, 0, None, "running")))
    assert part.end == pytest.approx(frame["finished"].max())


def test_it_draws_a_real_journal(tmp_path):
    """The two tables come from one file, and a resumed run's own frame does as well."""
    path = tmp_path / "j.db"
    fl.map(str, range(30), journal=path).wait()
    run = fl.map(str, range(50), journal=path).wait()
    with fl.Journal.open(path) as journal:
        table = journal.sessions()
        drawn = sessions(journal.frame(), table)
    assert "50 items in 2 sessions" in drawn.title.subtitle
    assert layers(drawn)["point"]["done"].to_list() == [30, 50]
    assert layers(sessions(run.frame(), table))["point"]["done"].to_list() == [30, 50]


def test_what_cannot_be_drawn_is_said(job):
    """A traceback from inside a chart library says nothing to anybody."""
    frame, table = job
    with pytest.raises(ConfigError, match="pauses: is seconds"):
        sessions(frame, table, pauses=-1)
    with pytest.raises(ConfigError, match="sessions: needs the column 'state'"):
        sessions(frame, table.drop("state"))
    with pytest.raises(ConfigError, match="sessions: nothing to draw"):
        sessions(frame, table.clear())
    with pytest.raises(ConfigError, match="frame: needs the column 'session'"):
        sessions(frame.drop("session"), table)
