"""How long requests took: every request is counted once, and the percentiles are right."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.errors import ConfigError
from fetchlab.plot import latency, svg

from .conftest import record


def bars(chart):
    return chart.layer[0].data


def marks(chart):
    return {row["label"]: row for row in chart.layer[1].data.iter_rows(named=True)}


def counted(chart):
    return (
        bars(chart)
        .select(count=pl.col("above") - pl.col("below"), kind="kind")
        .group_by("kind")
        .agg(pl.sum("count"))
    )


def test_every_request_is_counted_once(recorded):
    """A bin that loses its edge would drop the slowest request, the one people look for."""
    frame = recorded.frame
    counts = dict(counted(latency(frame)).rows())
    assert counts == {
        "fetched": frame.filter("ok", ~pl.col("cached")).height,
        "failed": frame.filter(~pl.col("ok")).height,
    }


def test_bins_hold_what_they_say(recorded):
    """A count in the neighbouring bin would shift the whole histogram."""
    chart = latency(recorded.frame)
    unit = 1000 if "ms" in chart.layer[0].encoding.x["axis"]["title"] else 1
    for kind, begin, end, below, above in bars(chart).iter_rows():
        rows = recorded.frame.filter(pl.col("ok") == (kind == "fetched"), ~pl.col("cached"))
        inside = rows.filter(pl.col("elapsed") * unit >= begin, pl.col("elapsed") * unit < end).height
        assert abs(above - below - inside) <= (1 if end == bars(chart)["to"].max() else 0)


def test_percentiles_are_of_what_was_fetched(recorded):
    """Cache hits among the percentiles would make a slow service look fast."""
    took = sorted(recorded.frame.filter("ok", ~pl.col("cached"))["elapsed"])

    def linear(share):
        place = share * (len(took) - 1)
        low = int(place)
        return took[low] + (place - low) * (took[min(low + 1, len(took) - 1)] - took[low])

    found = marks(chart := latency(recorded.frame))
    for label, share in {"median": 0.5, "p95": 0.95, "p99": 0.99}.items():
        assert found[label]["seconds"] == pytest.approx(linear(share))
        assert found[label]["text"] in chart.title.subtitle
    assert f"of {len(took):,} fetched" in chart.title.subtitle


def test_axis_is_logarithmic_only_when_wide(recorded):
    """On a linear axis one timeout would press all other requests into the first bin."""
    assert latency(recorded.frame).layer[0].encoding.x["scale"]["type"] == "log"
    narrow = recorded.frame.filter(pl.col("elapsed").is_between(0.03, 0.1))
    assert latency(narrow).layer[0].encoding.x["scale"]["type"] == "linear"


def test_bins_stay_few(recorded):
    """The file has to stay small however many requests there were."""
    for chart in (latency(recorded.frame), latency(recorded.frame.filter(pl.col("elapsed") < 0.1))):
        assert bars(chart)["from"].n_unique() <= 61


def test_by_draws_a_row_per_value(recorded):
    """Two hosts with different latencies have to be told apart on one axis."""
    chart = latency(recorded.frame, by="host")
    titles = [part.title.text for part in chart.vconcat]
    fetched = recorded.frame.filter(~pl.col("cached"))
    assert titles == [
        f"https://{host}.example.org: {fetched.filter(pl.col('host').str.contains(host)).height:,} requests"
        for host in ("api", "images")
    ]
    domains = [part.layer[0].encoding.x["scale"]["domain"] for part in chart.vconcat]
    assert domains[0] == domains[1]


def test_by_puts_the_rarest_together(recorded):
    """Two hundred workers as two hundred rows would be no chart."""
    chart = latency(recorded.frame, by="worker")
    titles = [part.title.text for part in chart.vconcat]
    assert len(titles) == 6
    assert titles[-1].startswith("other (15): ")
    assert titles[0].startswith("worker ")
    counts = sum(
        part.layer[0].data.select((pl.col("above") - pl.col("below")).sum()).item() for part in chart.vconcat
    )
    assert counts == recorded.frame.filter(~pl.col("cached")).height


def test_by_cached_draws_the_hits(recorded):
    """Asked for hits against misses, the chart must not leave the hits out."""
    chart = latency(recorded.frame, by="cached")
    assert [part.title.text.split(":")[0] for part in chart.vconcat] == ["cached false", "cached true"]


def test_nulls_are_a_group(recorded):
    """A request that never had a status would otherwise vanish from the chart by status."""
    frame = recorded.frame.with_columns(status=pl.when(pl.col("index") % 2 == 0).then("status"))
    assert any(part.title.text.startswith("status none: ") for part in latency(frame, by="status").vconcat)


@pytest.mark.parametrize("rows", [1, 2])
def test_tiny_runs(rows):
    """One request has one bin and three rules at one place."""
    chart = latency(record(rows, workers=1, cached=0, retried=0, failed=0).frame)
    assert dict(counted(chart).rows()) == {"fetched": rows}
    assert "<svg" in svg(chart)


@pytest.mark.parametrize(("cached", "failed", "kind"), [(1.0, 0.0, "cached"), (0.0, 1.0, "failed")])
def test_nothing_fetched(cached, failed, kind):
    """A replay from the cache and a dead server still took time that can be shown."""
    frame = record(80, cached=cached, retried=failed, failed=failed).frame
    chart = latency(frame)
    assert dict(counted(chart).rows()) == {kind: 80}
    assert f"of 80 {kind}, none fetched" in chart.title.subtitle
    assert "<svg" in svg(chart)


def test_no_time_at_all():
    """Elapsed zero has no logarithm."""
    frame = record(5, cached=0, retried=0).frame
    assert "<svg" in svg(latency(frame.with_columns(elapsed=0.0)))
    mixed = pl.when(pl.col("index") < 4).then(0.0).otherwise(3.0)
    assert "<svg" in svg(latency(frame.with_columns(elapsed=mixed)))


def test_nothing_to_draw(recorded):
    """An empty frame or a misspelt column has to say so."""
    with pytest.raises(ConfigError, match="frame: nothing to draw"):
        latency(recorded.frame.clear())
    with pytest.raises(ConfigError, match="by: 'hots' is not a column; the frame has index, key, host"):
        latency(recorded.frame, by="hots")
