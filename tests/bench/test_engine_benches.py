"""Latency, fairness, memory and exits: the tables' arithmetic, and a small run of each."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.bench import cache, child, exits, fairness, latency, memory, wrk
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.errors import StudyError

from .made import rounds


def test_latency_has_the_ideal_and_the_budget_beside():
    """A rate without its ideal says nothing about the client."""
    table = latency.table(
        rounds(
            {
                "wrk, 200": (1.0, 3900),
                "fetchlab, 200": (1.0, 3822),
                "pyreqwest, 200": (1.0, 3850),
                "wrk, 1000": (1.0, 16_000),
                "fetchlab, 1000": (1.0, 8_000),
            }
        ),
        latency=0.05,
    )
    assert table["ideal"].to_list() == [4000.0] * 3 + [20_000.0] * 2
    ours = {row["client, workers"]: row for row in table.to_dicts()}
    assert ours["fetchlab, 200"]["efficiency"] == pytest.approx(0.9555)
    assert ours["fetchlab, 200"]["ratio to wrk"] == pytest.approx(0.98)
    assert (ours["fetchlab, 200"]["budget"], ours["fetchlab, 200"]["met"]) == (0.95, "yes")
    assert (ours["fetchlab, 1000"]["ratio to wrk"], ours["fetchlab, 1000"]["met"]) == (
        pytest.approx(0.5),
        "no",
    )
    assert ours["wrk, 200"]["met"] is None


def test_latency_without_wrk(bed, echo, monkeypatch):
    """The ideal is still there to be held against."""
    monkeypatch.setattr(wrk, "find", lambda: None)
    bed.configure(latency=0.01)
    rows = latency.collect(f"{echo}/json", workers=(5,), items=50, latency=0.01, rounds=1)
    assert rows["error"].null_count() == rows.height
    table = latency.table(rows, latency=0.01)
    assert set(table["client, workers"]) == {"fetchlab, 5", "pyreqwest, 5"}
    assert (table["efficiency"] < 1.01).all()


shares = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6)


@given(shares)
def test_jain_lies_between_one_of_n_and_one(values):
    """The index's own bounds (Jain, Chiu, Hawe 1984)."""
    assert 1 / len(values) - 1e-9 <= fairness.jain(values) <= 1 + 1e-9


def test_jain_knows_its_extremes():
    """All alike is fair, everything to one of four is a quarter."""
    assert fairness.jain([0.3, 0.3, 0.3]) == pytest.approx(1)
    assert fairness.jain([1, 0, 0, 0]) == pytest.approx(0.25)
    assert fairness.jain([]) == 1.0


def test_the_slow_host_s_items_are_spread_evenly():
    """All of them at one end would be another arm."""
    mixed = fairness._mixed([f"f{n}" for n in range(8)], ["s0", "s1"])
    assert sorted(mixed) == sorted([*(f"f{n}" for n in range(8)), "s0", "s1"])
    assert [index for index, url in enumerate(mixed) if url[0] == "s"] == [3, 8]


def test_fairness_compares_the_fast_host_with_itself():
    """The run's own time is the slow host's, and says nothing about the fast one."""
    figures = {
        fairness.FAST: {"fast_s": 1.0, "fast_items": 400, "p50": 0.1, "p95": 0.2},
        fairness.SLOW: {"slow_s": 2.0, "slow_items": 40},
        fairness.MIXED: {
            "fast_s": 1.25,
            "fast_items": 400,
            "slow_s": 2.5,
            "slow_items": 40,
            "p50": 1,
            "p95": 2,
        },
        fairness.BEHIND: {
            "fast_s": 2.0,
            "fast_items": 400,
            "slow_s": 2.0,
            "slow_items": 40,
            "p50": 1,
            "p95": 2,
        },
    }
    arms = {arm: lambda more=more: Measurement(9.0, 440, 440, more=more) for arm, more in figures.items()}
    table = {row["arm"]: row for row in fairness.table(measure(arms, rounds=2, warmup=0)).to_dicts()}
    assert table[fairness.MIXED]["fast/s"] == pytest.approx(320)
    assert table[fairness.MIXED]["ratio"] == pytest.approx(0.8)
    assert table[fairness.MIXED]["Jain"] == pytest.approx(1.0)
    assert table[fairness.BEHIND]["ratio"] == pytest.approx(0.5)
    assert table[fairness.BEHIND]["Jain"] == pytest.approx(0.9)
    assert table[fairness.SLOW]["ratio"] is None
    assert table[fairness.SLOW]["slow/s"] == pytest.approx(20)
    assert table[fairness.FAST]["ideal/s"] == 400
    assert table[fairness.MIXED]["efficiency"] == pytest.approx(0.8)
    assert table[fairness.SLOW]["efficiency"] is None


def test_both_hosts_are_served_in_one_run(bed):
    """Every item of both, with the waits of the fast one's."""
    rows = fairness.collect(bed, items=40, workers=10, rounds=1)
    assert rows["error"].null_count() == rows.height
    mixed = rows.filter(~pl.col("warmup"), arm=fairness.MIXED).to_dicts()[0]
    assert (mixed["fast_items"], mixed["slow_items"]) == (40, 1)
    assert mixed["p50"] <= mixed["p95"]


def test_memory_is_held_against_the_small_run():
    """The ideal is that a long run needs no more than a short one."""

    def arm(items, before, first):
        more = {"first_s": first, "before": before * 1e6, "after": 2 * before * 1e6}
        return lambda: Measurement(2.0, items, items, more=more)

    arms = {"small": arm(1000, 80, 0.5), "large": arm(300_000, 160, 0.6), "late": arm(400_000, 90, 1.5)}
    table = memory.table(measure(arms, rounds=1, warmup=0))
    assert table["items"].to_list() == [1000, 300_000, 400_000]
    assert table["ideal, MB"].to_list() == [80.0] * 3
    assert table["efficiency"].to_list() == pytest.approx([1, 0.5, 80 / 90])
    assert table["peak with frame(), MB"].to_list() == [160.0, 320.0, 180.0]
    assert table["met"].to_list() == ["yes", "no", "no"]
    assert table["items/s"].to_list() == [500.0, 150_000.0, 200_000.0]


def test_memory_is_measured_in_a_process_of_its_own(echo):
    """This process has done too much to say anything about memory."""
    rows = memory.collect(f"{echo}/bytes/64", items=memory.SMALL, workers=20, rounds=1)
    (row,) = rows.to_dicts()
    assert row["error"] is None
    assert row["before"] <= row["after"]
    assert row["before"] > 10e6
    assert row["first_s"] > 0


def test_a_child_that_fails_is_told(monkeypatch):
    """Its error is the only clue there is."""
    monkeypatch.setattr(child, "start", lambda *_: child.subprocess.CompletedProcess([], -6, "", "aborted"))
    rows = memory.collect("http://127.0.0.1:1", items=memory.SMALL, rounds=1)
    assert "exit code -6: aborted" in rows["error"][0]
    monkeypatch.setattr(
        child, "start", lambda *_: child.subprocess.CompletedProcess([], 0, '{"ok": 999}', "")
    )
    with pytest.raises(StudyError, match="1 of 1,000 items"):
        memory._arm("http://127.0.0.1:1", 1000, 1)


def test_every_way_to_end_is_tried(echo):
    """One exit that aborts among hundreds is what this looks for."""
    rows = exits.collect(f"{echo}/json", items=3, rounds=1)
    assert rows["error"].null_count() == rows.height
    table = exits.table(rows)
    assert table["the process"].to_list() == list(exits.WAYS)
    assert table["exit code 0"].to_list() == [1, 1, 1]
    assert set(table["met"]) == {"yes"}


def test_other_exit_codes_are_counted():
    """-6 is an abort; a process that could not be started has none."""
    codes = iter([0.0, -6.0, -6.0])
    arms = {name: lambda: Measurement(0.5, more={"code": 0.0}) for name in exits.WAYS}
    arms["waits for its run"] = lambda: Measurement(0.7, more={"code": next(codes)})
    row = exits.table(measure(arms, rounds=4, warmup=0)).to_dicts()[1]
    assert (row["processes"], row["exit code 0"], row["met"]) == (4, 1, "no")
    assert row["others"] == "none: 1, -6: 2"
    assert row["median, s"] == 0.7
    assert (row["ideal, s"], row["efficiency"]) == (0.5, pytest.approx(5 / 7))


def test_a_replay_is_held_against_plain_sqlite():
    """How much faster than others says nothing about how much faster it could be."""
    made = rounds({cache.FILE: (1.0, 200), cache.MEMORY: (1.0, 900), cache.PLAIN: (1.0, 800)})
    table = {row["arm"]: row for row in cache.table(made).to_dicts()}
    assert table[cache.FILE]["ideal"] == pytest.approx(800)
    assert table[cache.FILE]["efficiency"] == pytest.approx(0.25)
    assert table[cache.MEMORY]["ideal"] is None, "memory reads no file"
