"""What each worker did: the sample is complete, honest and small."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.errors import ConfigError
from fetchlab.plot import gantt, svg

from .conftest import record


def layers(chart):
    waits, bars, crosses = (layer.data for layer in chart.layer)
    return waits, bars, crosses


def window(chart):
    return chart.layer[1].encoding.x["scale"]["domain"]


def subtitle(chart):
    return " ".join(chart.title.subtitle)


def test_short_run_is_drawn_whole():
    """Sampling a run that fits would hide requests for no reason."""
    frame, attempts = record(60, workers=4)
    waits, bars, crosses = layers(chart := gantt(frame, attempts))
    assert subtitle(chart).startswith(f"All {attempts.height + frame['cached'].sum()} attempts on 4 workers")
    assert bars["key"].n_unique() == 60
    assert crosses.height == attempts["error"].is_not_null().sum() > 0
    assert waits["phase"].unique().to_list() == ["waiting"]
    assert window(chart) == [frame["queued"].min(), frame["finished"].max()]


def test_sample_is_everything_in_its_window(recorded):
    """A sample that left requests out would show idle workers that were busy."""
    chart = gantt(*recorded, max_rows=200, seed=3)
    _, bars, _ = layers(chart)
    begin, end = window(chart)
    inside = recorded.attempts.filter(pl.col("started") <= end, pl.col("finished") >= begin)
    assert set(inside["key"]) <= set(bars["key"])
    assert len(inside) <= 200 + 20
    assert bars["from"].min() >= round(begin, 6)
    assert bars["to"].max() <= round(end, 6)


def test_subtitle_counts_what_was_drawn(recorded):
    """A sample that does not say it is one would be read as the whole run."""
    chart = gantt(recorded.frame, max_rows=150)
    begin, end = window(chart)
    _, bars, _ = layers(chart)
    count = bars["key"].n_unique()
    wanted = f"{count} of 5,000 requests: everything on all 20 workers from {begin:.3f} s to {end:.3f} s"
    assert subtitle(chart).startswith(wanted)
    assert 100 <= count <= 170


def test_many_workers_are_sampled_too():
    """Two hundred lanes would be too thin to read."""
    frame = record(3000, workers=200).frame
    chart = gantt(frame)
    _, bars, _ = layers(chart)
    assert len(chart.layer[1].encoding.y["scale"]["domain"]) == 32
    assert bars["worker"].n_unique() <= 32
    assert "everything on 32 of 200 workers" in subtitle(chart)


def test_seed_chooses_the_window(recorded):
    """The same cell has to draw the same picture, and another seed another part of the run."""
    assert window(gantt(recorded.frame, seed=1)) == window(gantt(recorded.frame, seed=1))
    assert window(gantt(recorded.frame, seed=1)) != window(gantt(recorded.frame, seed=2))


def test_phases_meet_at_the_first_byte():
    """Waiting for the server and reading its answer are what the colours tell apart."""
    frame, attempts = record(20, workers=2, cached=0, retried=0)
    _, bars, crosses = layers(gantt(frame, attempts))
    first = bars.filter(phase="to first byte").join(bars.filter(phase="body"), on="key")
    assert first.height == 20
    assert (first["to"] == first["from_right"]).all()
    assert crosses.is_empty()
    assert set(bars["phase"]) == {"to first byte", "body"}


def test_attempts_show_the_wait_between():
    """A retried item has to be two bars and a wait, not one long bar that blocks its worker."""
    frame, attempts = record(1, workers=1, cached=0, retried=1.0, failed=0.0, seed=4)
    assert attempts.height > 1
    waits, bars, crosses = layers(gantt(frame, attempts))
    assert bars.filter(phase="failed").height == crosses.height == attempts.height - frame["ok"].sum()
    pause = attempts["wait"][0]
    begun = attempts["finished"][0]
    assert any(
        abs(a - begun) < 1e-5 and abs(b - a - pause) < 1e-5 for a, b in waits.select("from", "to").rows()
    )


def test_waits_of_a_lane_do_not_overlap(recorded):
    """Hundreds of lines on top of one another would be most of the file and show nothing more."""
    waits, _, _ = layers(gantt(*recorded))
    ahead = waits.with_columns(before=pl.col("to").shift(1).over("worker"))
    assert ahead.filter(pl.col("from") <= pl.col("before")).is_empty()


def test_cached_and_bodyless_have_phases_of_their_own():
    """A cache hit has no first byte, and neither has a task that is no request."""
    frame = record(40, workers=2, cached=0.5, retried=0).frame
    _, bars, _ = layers(gantt(frame))
    assert bars.filter(phase="cached").height == frame["cached"].sum()
    _, bars, _ = layers(gantt(frame.with_columns(first_byte=None, cached=False)))
    assert set(bars["phase"]) == {"task"}


def test_sittings_follow_one_another():
    """Two sittings of one job both count from zero: overlaid, each worker would do two things at once."""
    first = record(30, workers=3, cached=0).frame
    second = first.with_columns(index=pl.col("index") + 30, session=pl.lit(2, pl.UInt16))
    chart = gantt(pl.concat([first, second]))
    begin, end = window(chart)
    assert end - begin == pytest.approx(2 * (first["finished"].max() - first["queued"].min()))


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("max_rows", [1, 3, 300])
def test_tiny_runs(rows, max_rows):
    """One request is the first thing a newcomer draws."""
    frame, attempts = record(rows, workers=3)
    assert "<svg" in svg(gantt(frame, attempts, max_rows=max_rows))


def test_all_failed():
    """A run where nothing worked is when somebody looks at charts."""
    frame, attempts = record(50, cached=0, retried=1.0, failed=1.0)
    assert not frame["ok"].any()
    chart = gantt(frame, attempts)
    assert set(layers(chart)[1]["phase"]) == {"failed"}
    assert "50 attempts failed (crossed)" in subtitle(chart)
    assert "<svg" in svg(chart)


def test_instant_run():
    """A run of cache hits in the same microsecond has no width to scale by."""
    frame = record(3, cached=1.0).frame.with_columns(queued=0.0, started=0.0, finished=0.0)
    assert "<svg" in svg(gantt(frame))


def test_nothing_to_draw(recorded):
    """An empty frame has to say so, not end in a traceback of Altair's."""
    with pytest.raises(ConfigError, match="frame: nothing to draw: it has no rows"):
        gantt(recorded.frame.clear())
    with pytest.raises(ConfigError, match="frame: nothing to draw: no row has a start and an end"):
        gantt(recorded.frame.head(3).with_columns(started=None))
    with pytest.raises(ConfigError, match="attempts: nothing to draw"):
        gantt(recorded.frame, recorded.attempts.clear())
    with pytest.raises(ConfigError, match="max_rows: 0 draws nothing"):
        gantt(recorded.frame, max_rows=0)
    with pytest.raises(ConfigError, match="frame: needs the column 'worker'"):
        gantt(recorded.frame.drop("worker"))
