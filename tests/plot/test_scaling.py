"""Throughput over workers: points, curves, the knee and the recommendation."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.errors import ConfigError
from fetchlab.plot import scaling, svg

POINTS = pl.DataFrame({"workers": [1, 2, 4, 8, 8, 16], "throughput": [20.0, 40, 80, 100, 102, None]})
CURVES = pl.DataFrame(
    {
        "model": ["roofline"] * 4 + ["linear"] * 4,
        "chosen": [True] * 4 + [False] * 4,
        "workers": [1.0, 5, 8, 12] * 2,
        "throughput": [20.0, 100, 100, 100, 20, 100, 160, 240],
        "low": [19.0, 96, 96, 96, 18, 90, 150, 220],
        "high": [21.0, 104, 104, float("inf"), 22, 110, 180, 260],
    }
)


def texts(chart):
    return svg(chart)


def test_what_was_measured_is_drawn():
    """A fit without its points cannot be judged."""
    chart = scaling(POINTS)
    assert chart.data.height == 5
    assert "<svg" in texts(chart)


def test_curves_knee_and_recommendation():
    """Everything the sweep says is on the chart, in words too."""
    chart = scaling(POINTS, CURVES, recommended=5, low=4, high=6, knee=5.0, subtitle="levels off")
    text = texts(chart)
    for words in ("5 workers recommended [4, 6]", "roofline", "linear", "levels off"):
        assert words in text
    assert "Without a throughput: 16 workers" in chart.title.subtitle
    assert len(chart.layer) == 3 + 3 + 2


def test_an_open_interval_is_drawn_to_the_edge():
    """Not saturated: what lies beyond is not known, and that is how it looks."""
    text = texts(scaling(POINTS, CURVES, recommended=8, low=8, high=None))
    assert "8 workers recommended [8, …]" in text


def test_a_knee_outside_is_not_drawn():
    """A diamond at a place that nobody measured would be read as a measurement."""
    inside = scaling(POINTS, CURVES, knee=5.0)
    assert len(scaling(POINTS, CURVES, knee=90.0).layer) == len(inside.layer) - 1


def test_axes_are_logarithmic_with_the_tried_numbers_as_ticks():
    """Proportional growth is a straight line only there."""
    x = scaling(POINTS).layer[0].encoding.x
    assert x["scale"]["type"] == "log"
    assert x["axis"]["values"] == [1, 2, 4, 8]


def test_rates_are_labelled_at_every_scale():
    """Half an item per second is no "500m", and a tick less than three would be no scale."""
    for factor in (0.01, 1, 1e4):
        chart = scaling(POINTS.with_columns(pl.col("throughput") * factor))
        assert len(chart.layer[0].encoding.y["axis"]["values"]) >= 2
    assert ">0.5<" in texts(scaling(POINTS.with_columns(pl.col("throughput") * 0.01)))


def test_long_subtitles_are_broken():
    """Otherwise the chart grows wider than the page."""
    chart = scaling(POINTS, subtitle="word " * 60)
    assert len(chart.title.subtitle) > 2


def test_one_point():
    """An axis from 8 to 8 still has to be an axis."""
    assert "<svg" in texts(scaling(POINTS.filter(workers=4)))


def test_refused():
    """What is wrong with the frames is said."""
    with pytest.raises(ConfigError, match="points: nothing to draw"):
        scaling(POINTS.filter(workers=16))
    with pytest.raises(ConfigError, match="points: needs the column"):
        scaling(POINTS.drop("throughput"))
    with pytest.raises(ConfigError, match="curves: needs the column 'low'"):
        scaling(POINTS, CURVES.drop("low"))
    with pytest.raises(ConfigError, match="curves: model 'cubic' is none of"):
        scaling(POINTS, CURVES.with_columns(model=pl.lit("cubic")))
