"""Odd rounds are flagged, and said to be odd; they are not dropped."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.bench.stability import flagged, reasons
from fetchlab.bench.summary import summarise

from .made import rounds

QUIET = {"load_1min": 0.1, "cores": 2}


def odd(times, same=None, environment=QUIET):
    arms = {
        "a": [(seconds, 10) for seconds in times],
        "a (A/A)": [(seconds, 10) for seconds in same or times],
    }
    table = flagged(rounds(arms))
    return table, reasons(table, summarise(table, baseline="a"), environment, "a", "a (A/A)")


def test_quiet_rounds_are_not_suspected():
    """A warning under every table is read under none."""
    table, found = odd([1.0, 1.01, 0.99, 1.02, 1.0])
    assert found == []
    assert not table["outlier"].any()


def test_outliers_are_flagged_and_kept():
    """A round in which a backup ran is shown, not hidden, and not counted as the arm's own."""
    table, found = odd([1.0, 1.01, 0.99, 3.0, 1.0], same=[1.0, 1.0, 1.01, 0.99, 1.0])
    assert table.filter("outlier").select("arm", "seconds").rows() == [("a", 3.0)]
    assert table.height == 10
    assert not any("outliers" in reason for reason in found)
    _, found = odd([1.0, 1.01, 0.99, 3.0, 1.0, 1.02], same=[1.0, 4.0, 1.01, 0.99, 1.0, 1.0])
    assert any("2 of 12 times are outliers" in reason for reason in found)


def test_small_scatter_makes_no_outliers():
    """Where all times are nearly equal, a hundredth more is many deviations and no news."""
    table, _ = odd([1.0, 1.0, 1.0, 1.03, 1.0])
    assert not table["outlier"].any()


def test_a_baseline_that_differs_from_itself_is_told():
    """What the A/A arm shows is what the machine cannot tell apart."""
    _, found = odd([1.0] * 6, same=[1.3, 0.8, 1.2, 0.9, 1.25, 1.3])
    assert any("the baseline against itself takes" in reason for reason in found)


def test_drift_and_load_are_told():
    """A laptop that grows hot, and a machine that was busy before anything was measured."""
    _, found = odd([1.0, 1.0, 1.1, 1.2, 1.3, 1.3], environment={"load_1min": 1.5, "cores": 2})
    assert any("times changed by +30%" in reason for reason in found)
    assert any("load 1.5 on 2 cores" in reason for reason in found)


def test_warm_ups_and_failures_do_not_count():
    """They have no time, or one that is not counted."""
    table = flagged(rounds({"a": [(9.0, 10), *[(1.0, 10)] * 5]}).with_columns(warmup=pl.col("round") == 1))
    assert not table["outlier"].any()


@pytest.mark.parametrize("times", [[1.0, 1.2], [1.0]])
def test_few_rounds_are_no_drift(times):
    """Two times differ always."""
    _, found = odd(times)
    assert not any("changed by" in reason for reason in found)
