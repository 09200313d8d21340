"""The controller's chart: exact curves, honest latencies, every refusal, small multiples in order."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.errors import ConfigError
from fetchlab.frame import concurrency_frame
from fetchlab.plot import concurrency, svg
from fetchlab.plot.control import first_bytes

from .conftest import record


@pytest.fixture(scope="module")
def run():
    made = record(800, workers=20)
    return concurrency_frame(made.attempts, [(0.0, 4), (0.5, 20)]), made.attempts


def panels(chart):
    return [row.hconcat if hasattr(row, "hconcat") else [row] for row in chart.vconcat]


def test_the_limit_and_what_was_in_flight_are_those_of_the_run(run):
    """A smoothed limit would hide the cuts that the chart is drawn for."""
    steps, attempts = run
    ((left, _),) = panels(concurrency(steps, attempts))
    flight, limit = (layer.data for layer in left.layer)
    assert flight["value"].max() == steps["in_flight"].max()
    assert set(limit["value"]) == {4, 20}
    known = set(steps.select(pl.col("time").round(4), "in_flight").rows())
    assert set(flight.select("time", "value").rows()) <= known
    assert flight.height <= 240


def test_latency_is_that_of_answers_that_went_well(run):
    """A refusal is quick, and would look like a fast host."""
    _, attempts = run
    good = attempts.filter(pl.col("error").is_null())
    slices = first_bytes(attempts, slices=1)
    took = (good["first_byte"] - good["started"]) * 1000
    assert slices["median"][0] == pytest.approx(took.median(), abs=0.01)
    assert slices["p95"][0] == pytest.approx(took.quantile(0.95, "linear"), abs=0.01)
    many = first_bytes(attempts)
    assert 30 <= many.height <= 60
    assert many["time"].is_sorted()
    assert (many["median"] <= many["p95"]).all()


def test_every_refusal_is_marked(run):
    """One that is not seen is one the reader does not know of."""
    steps, attempts = run
    ((_, right),) = panels(concurrency(steps, attempts))
    refused = attempts.filter(pl.col("status") == 503)
    assert refused.height > 0
    assert right.layer[1].data["time"].to_list() == refused["finished"].round(3).unique().sort().to_list()


def test_groups_are_rows_in_their_order(run):
    """Small multiples are compared row by row, so each has its own seconds and its name."""
    steps, attempts = run
    tagged = [pl.concat([f.with_columns(profile=pl.lit(n)) for n in ("z", "a")]) for f in (steps, attempts)]
    chart = concurrency(*tagged, by="profile")
    assert [left.title.text for left, _ in panels(chart)] == ["z", "a"]
    assert svg(chart).startswith("<svg")


def test_without_attempts_there_is_the_left_side_only(run):
    """`run.concurrency()` alone is enough for a look."""
    chart = concurrency(run[0])
    assert [len(row) for row in panels(chart)] == [1]
    assert svg(chart).startswith("<svg")


def test_a_run_in_which_nothing_went_well_is_drawn_too(run):
    """An outage has no latency, but it has refusals."""
    steps, attempts = run
    failed = attempts.with_columns(error=pl.lit("StatusError"), status=pl.lit(503, pl.UInt16))
    assert svg(concurrency(steps, failed)).startswith("<svg")


@pytest.mark.parametrize(
    ("frame", "by", "knob"),
    [
        (pl.DataFrame({"time": [0.0]}), None, "in_flight"),
        (
            pl.DataFrame(schema={"time": pl.Float64, "in_flight": pl.UInt32, "limit": pl.UInt32}),
            None,
            "nothing",
        ),
        (pl.DataFrame({"time": [0.0], "in_flight": [1], "limit": [1]}), "profile", "profile"),
    ],
)
def test_what_cannot_be_drawn_is_told(frame, by, knob):
    """The name of the column says what was handed over by mistake."""
    with pytest.raises(ConfigError, match=knob):
        concurrency(frame, by=by)
