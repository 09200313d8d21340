"""Ratios with intervals: order, numbers and verdicts are the comparison's."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.errors import ConfigError
from fetchlab.plot import intervals, svg

SUMMARY = pl.DataFrame(
    {
        "arm": ["Sequential", "Async(20)", "Threads(10)", "Dask", "Batch"],
        "ratio": [1.003, 0.131, 0.241, None, 1.3],
        "low": [0.985, 0.127, 0.225, None, 0.9],
        "high": [1.02, 0.137, 0.262, None, 1.7],
        "verdict": ["invariant", "faster", "faster", None, "inconclusive"],
    }
)


def data(chart):
    return chart.layer[3].data


def test_fastest_first():
    """Readers take the top line for the winner."""
    chart = intervals(SUMMARY)
    assert chart.layer[3].encoding.y["sort"] == ["Async(20)", "Threads(10)", "Sequential", "Batch"]


def test_numbers_stand_beside_the_dots():
    """A chart without its numbers cannot be quoted."""
    texts = dict(data(intervals(SUMMARY)).select("arm", "text").rows())
    assert texts["Async(20)"] == "0.131 [0.127, 0.137]"
    assert texts["Sequential"] == "1.00 [0.985, 1.02]"


def test_arm_without_ratio_is_named():
    """An arm that vanishes would be taken for one that was never tried."""
    chart = intervals(SUMMARY)
    assert chart.title.subtitle[-1] == "Without a ratio: Dask"
    assert "Dask" not in data(chart)["arm"].to_list()


def test_axis_is_logarithmic_around_one():
    """Twice as fast and half as fast have to be equally far from the rule at 1."""
    chart = intervals(SUMMARY.head(2))
    scale = chart.layer[0].encoding.x["scale"]
    assert scale["type"] == "log"
    assert scale["domain"][0] < 0.127
    assert scale["domain"][1] > 1.05
    assert chart.layer[1].data.item() == 1.0
    assert 1 in chart.layer[0].encoding.x["axis"]["values"]


def test_verdicts_differ_in_shape_too():
    """Colour alone excludes one reader in twelve."""
    chart = intervals(SUMMARY)
    assert len(set(chart.layer[3].encoding.shape["scale"]["range"])) == 3
    assert chart.layer[3].encoding.shape["scale"]["domain"] == ["faster", "invariant", "inconclusive"]


@pytest.mark.parametrize(
    ("ratio", "low", "high"),
    [(1.0, 1.0, 1.0), (1e-3, 1e-4, 1e-2), (900.0, 800.0, 12345.0), (1.0, 0.99, 1.01)],
)
def test_one_arm_of_any_size(ratio, low, high):
    """One arm, tiny or huge ratios and a width of zero all have to make an axis."""
    frame = pl.DataFrame(
        {"arm": ["a"], "ratio": [ratio], "low": [low], "high": [high], "verdict": ["slower"]}
    )
    chart = intervals(frame)
    assert chart.layer[0].encoding.x["axis"]["values"]
    assert "<svg" in svg(chart)


def test_refused():
    """A comparison that failed has to say what is wrong with it."""
    with pytest.raises(ConfigError, match="summary: nothing to draw: it has no rows"):
        intervals(SUMMARY.clear())
    with pytest.raises(ConfigError, match="summary: nothing to draw: no arm has a ratio"):
        intervals(SUMMARY.filter(arm="Dask"))
    with pytest.raises(ConfigError, match="summary: needs the column 'verdict'"):
        intervals(SUMMARY.drop("verdict"))
    with pytest.raises(ConfigError, match="summary: ratios of times are positive"):
        intervals(SUMMARY.with_columns(low=pl.lit(0.0)))
    with pytest.raises(ConfigError, match="summary: verdict 'meh' is none of faster"):
        intervals(SUMMARY.with_columns(verdict=pl.lit("meh")))
