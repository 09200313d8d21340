"""Time per round: every measured time is a point, outliers hollow, warm-ups left out."""

from __future__ import annotations

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError

FRAME = pl.DataFrame(
    {
        "round": [0, 1, 2, 1, 2],
        "warmup": [True, False, False, False, False],
        "arm": ["a", "a", "a", "b", "b"],
        "seconds": [9.0, 1.0, 1.1, 2.0, None],
        "outlier": [False, False, True, False, False],
    }
)


def test_measured_times_are_points():
    """A warm-up among them would look like an outlier, a failed round like a time of 0."""
    chart = fl.plot.rounds(FRAME).to_dict()
    (rows,) = chart["datasets"].values()
    assert [(row["arm"], row["round"], row["seconds"]) for row in rows] == [
        ("a", 1, 1.0),
        ("a", 2, 1.1),
        ("b", 1, 2.0),
    ]
    assert "1 hollow point is an outlier" in chart["title"]["subtitle"]
    assert "<svg" in fl.plot.svg(fl.plot.rounds(FRAME))


def test_nothing_to_draw_is_said():
    """An empty chart would hide that nothing was measured."""
    with pytest.raises(ConfigError, match="no round has a time"):
        fl.plot.rounds(FRAME.filter("warmup"))
    with pytest.raises(ConfigError, match="seconds"):
        fl.plot.rounds(FRAME.drop("seconds"))
