"""Speeds: right for arms that did different amounts of work, and budgets that are met only for certain."""

from __future__ import annotations

import pytest

from fetchlab.bench.ratios import Ratio
from fetchlab.bench.rounds import ROUNDS, Measurement, measure
from fetchlab.bench.speed import BUDGETS, SPEEDS, Budget, budgets, speed_ratio, speeds
from fetchlab.errors import ConfigError

from .made import rounds


def test_speeds_are_per_item():
    """One arm makes a hundred thousand requests where another makes a thousand: their times say nothing."""
    table = speeds(rounds({"wrk": (2.0, 100_000), "httpx": (4.0, 1_000)}), baseline="wrk")
    assert table.schema == SPEEDS
    assert table["arm"].to_list() == ["wrk", "httpx"]
    assert table["per_s"].to_list() == pytest.approx([50_000, 250])
    assert table["us_per_item"].to_list() == pytest.approx([20, 4_000])
    assert table["ratio"].to_list() == pytest.approx([1, 0.005])


def test_ratios_are_paired_by_round():
    """A round in which everything was slow must not make one arm look slow."""
    rows = rounds({"a": [(1.0, 10), (8.0, 10), (2.0, 10)], "b": [(2.0, 10), (16.0, 10), (4.0, 10)]})
    ratio = speed_ratio(rows, "a", "b")
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((2.0, 2.0, 2.0))


def test_an_arm_that_failed_has_no_speed():
    """It stays in the table with its reason, last."""

    def broken():
        raise RuntimeError("no such server")

    rows = measure({"a": lambda: Measurement(1.0, 10, 10), "b": broken}, rounds=2, warmup=0)
    table = speeds(rows, baseline="a")
    assert table["arm"].to_list() == ["a", "b"]
    assert table["per_s"].to_list() == [10.0, None]
    assert "no such server" in table["error"][1]
    assert speed_ratio(rows, "b", "a") is None


def test_the_warm_up_does_not_count():
    """It is kept in the rows, and only there."""
    rows = rounds({"a": [(9.0, 1), (1.0, 1), (1.0, 1)]}, warmup=1)
    assert rows["warmup"].sum() == 1
    assert speeds(rows, baseline="a")["rounds"].to_list() == [3]


def test_an_unknown_baseline_is_refused():
    """The table would compare with nothing and say so nowhere."""
    with pytest.raises(ConfigError, match="baseline"):
        speeds(rounds({"a": (1.0, 1)}), baseline="z")


@pytest.mark.parametrize(
    ("low", "high", "at_least", "met"),
    [
        (0.26, 0.3, 0.25, "yes"),
        (0.2, 0.3, 0.25, "unsure"),
        (0.1, 0.2, 0.25, "no"),
        (0.25, 0.25, 0.25, "yes"),
        (1.0, 1.0, None, "–"),
    ],
)
def test_a_budget_is_met_if_the_whole_interval_says_so(low, high, at_least, met):
    """A median above the line with an interval below it is luck."""
    assert Budget("a", "b", at_least).met(Ratio((low + high) / 2, low, high)) == met


def test_budgets_are_a_row_each():
    """What was not measured is said, not left out."""
    rows = rounds({"ours": (1.0, 30), "theirs": (1.0, 100)})
    table = budgets(rows, [Budget("ours", "theirs", 0.25, 0.4), Budget("ours", "absent", 1.3)])
    assert table.schema == BUDGETS
    assert table["met"].to_list() == ["yes", "–"]
    assert table["ratio"].to_list() == [pytest.approx(0.3), None]


def test_what_else_was_measured_becomes_columns():
    """Memory, exit codes and waits belong to the round they come from."""
    arms = {
        "a": lambda: Measurement(1.0, more={"peak": 5}),
        "b": lambda: Measurement(1.0, more={"code": -6.0}),
        "c": lambda: 1 / 0,
    }
    rows = measure(arms, rounds=1, warmup=0).sort("arm")
    assert rows.columns == [*ROUNDS, "code", "peak"]
    assert rows["peak"].to_list() == [5.0, None, None]
    assert rows["code"].to_list() == [None, -6.0, None]
