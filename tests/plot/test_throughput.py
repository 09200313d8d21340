"""Items per second and in flight: the curves are the run's, decimated or not."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.errors import ConfigError
from fetchlab.plot import svg, throughput

from .conftest import record


def columns(chart):
    return chart.vconcat[0].layer[0].data


def curve(chart):
    return chart.vconcat[1].data


def brute(frame, at):
    return frame.filter(pl.col("started") <= at, pl.col("finished") > at).height


def test_in_flight_equals_brute_force():
    """An event counted at the wrong moment would show more in flight than there were workers."""
    frame = record(120, workers=7).frame
    points = curve(throughput(frame))
    assert points.height <= 400
    assert points["time"].to_list() == sorted({*frame["started"], *frame["finished"]})
    for time, count in points.iter_rows():
        assert count == brute(frame, time)


def test_decimated_points_lie_on_the_curve(recorded):
    """Averaging would draw numbers of items that never were in flight."""
    points = curve(throughput(recorded.frame))
    assert 100 < points.height <= 400
    for time, count in points.iter_rows():
        assert count == brute(recorded.frame, time)


def test_decimation_keeps_ends_and_extremes(recorded):
    """A short stall between two points has to stay visible."""
    frame = recorded.frame
    events = sorted({*frame["started"], *frame["finished"]})
    points = curve(throughput(frame))
    assert points["in_flight"].max() == max(brute(frame, at) for at in events)
    assert points["time"].min() == events[0]
    assert points["time"].max() == events[-1]
    assert points["in_flight"][-1] == 0

    stall = frame.with_columns(
        pl.when(pl.col("started") > 6)
        .then(pl.col("started", "finished") + 5)
        .otherwise(pl.col("started", "finished"))
    )
    assert 0 in curve(throughput(stall))["in_flight"].to_list()[:-1]


@pytest.mark.parametrize("width", [None, 0.05, 0.3, 1.0, 100.0])
def test_columns_add_up_to_all_items(recorded, width):
    """An item lost between two columns would lower the rate that the chart is for."""
    data = columns(throughput(recorded.frame, bin=width))
    items = data.select(
        "outcome", count=(pl.col("above") - pl.col("below")) * (pl.col("to") - pl.col("from"))
    ).group_by("outcome")
    counts = dict(items.agg(pl.sum("count")).rows())
    assert counts["ok"] == pytest.approx(recorded.frame["ok"].sum(), rel=1e-3)
    assert counts["failed"] == pytest.approx((~recorded.frame["ok"]).sum(), rel=1e-2)


def test_last_column_is_no_spike():
    """One item in the last millisecond is not a thousand items per second."""
    frame = record(200, workers=4, latency=0.05, slow=0, cached=0, retried=0).frame
    span = frame["finished"].max() - frame["started"].min()
    data = columns(throughput(frame, bin=span / 10.01))
    assert data["above"].max() < 2 * frame.height / span
    assert data["to"].max() == pytest.approx(frame["finished"].max(), abs=1e-5)


def test_subtitle_tells_the_run(recorded):
    """Rate, failures and peak are what people read off; they have to be the frame's."""
    frame = recorded.frame
    chart = throughput(frame)
    span = frame["finished"].max() - frame["started"].min()
    text = chart.title.subtitle
    assert f"5,000 items in {span:.3g} s: {5000 / span:,.0f}/s on average" in text
    assert f"{(~frame['ok']).sum()} failed" in text
    assert f"at most {curve(chart)['in_flight'].max()} in flight" in text


def test_both_share_the_time_axis(recorded):
    """A dip above has to stand over its cause below."""
    upper, lower = throughput(recorded.frame).vconcat
    assert upper.layer[0].encoding.x["scale"]["domain"] == lower.encoding.x["scale"]["domain"]


def test_sittings_follow_one_another(recorded):
    """A resumed job overlaid on itself would seem to run at twice its rate."""
    again = recorded.frame.with_columns(session=pl.lit(2, pl.UInt16))
    both = throughput(pl.concat([recorded.frame, again]))
    once = throughput(recorded.frame)
    assert curve(both)["in_flight"].max() == curve(once)["in_flight"].max()
    later = again.with_columns(pl.col("queued", "started", "first_byte", "finished") + 1000)
    assert curve(throughput(pl.concat([recorded.frame, later])))["time"].max() > 1000


def test_all_failed_and_one_row():
    """The smallest and the saddest run draw like any other."""
    failed = record(60, cached=0, retried=1.0, failed=1.0).frame
    assert columns(throughput(failed))["outcome"].unique().to_list() == ["failed"]
    assert "<svg" in svg(throughput(failed))
    one = record(1).frame
    assert curve(throughput(one))["in_flight"].to_list() == [1, 0]
    assert "<svg" in svg(throughput(one))
    assert "<svg" in svg(throughput(one.with_columns(started=0.0, finished=0.0)))


@pytest.mark.parametrize("width", [0, -1, 1e-7, float("nan")])
def test_impossible_bins_are_refused(recorded, width):
    """A million columns would hang the notebook."""
    with pytest.raises(ConfigError, match=r"bin: .* does not divide"):
        throughput(recorded.frame, bin=width)


def test_nothing_to_draw(recorded):
    """An empty frame has to say so."""
    with pytest.raises(ConfigError, match="frame: nothing to draw"):
        throughput(recorded.frame.clear())
