"""Two runs of a bench that were made apart: what may be compared, by what, and what is said of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench import adaptive, cache, exits, fairness, memory, named, overhead, past, record
from fetchlab.bench.change import CHANGES, INCOMPARABLE, against
from fetchlab.bench.comparable import differences, reasons
from fetchlab.bench.machine import environment
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.saved import Saved
from fetchlab.errors import ConfigError, StoreError

from .made import rounds

SPREAD = (0.98, 0.99, 1.0, 1.01, 1.02)


def run(arms, bench="made", about=None, **settings):
    """A run whose arms took these seconds per item, give or take 2 % between rounds, or a list of them."""
    made = {
        arm: [(one, 1) for one in (cost if isinstance(cost, list) else [cost * s for s in SPREAD])]
        for arm, cost in arms.items()
    }
    return Saved(rounds(made), environment(settings={"bench": bench, **settings}) | (about or {}))


def told(change):
    return dict(change.rows.select("arm", "verdict").iter_rows())


def test_each_arm_is_faster_slower_or_as_before():
    """It is the whole question: did the change of last week cost anything?"""
    change = against(run({"a": 1.0, "b": 1.0, "c": 1.0}), run({"a": 1.0, "b": 0.5, "c": 2.0}))
    assert told(change) == {"a": "invariant", "b": "faster", "c": "slower"}
    assert change.rows.schema == CHANGES
    row = change.rows.filter(arm="c").to_dicts()[0]
    assert (row["earlier"], row["later"]) == (pytest.approx(1e6), pytest.approx(2e6))
    assert row["change"] == row["times"] == pytest.approx(2)
    assert row["low"] < 2 < row["high"]
    assert change.verdicts == {"invariant": 1, "faster": 1, "slower": 1}
    assert "c: 2 [" in repr(change)


def test_too_few_rounds_are_said_to_be_too_few():
    """One round that was slow would otherwise be a regression."""
    change = against(run({"a": [1.0, 1.0]}), run({"a": [3.0, 3.0]}))
    assert told(change) == {"a": "inconclusive"}
    assert "too few rounds" in change.rows["why"][0]


def test_a_slow_machine_is_no_regression_where_there_is_a_yardstick():
    """Everything takes twice as long beside a compiler, wrk too."""
    arms = {"wrk, 20": 1.0, "fetchlab, 20": 4.0, "pyreqwest, 20": 3.0}
    slow = {arm: 2 * cost for arm, cost in arms.items()}
    change = against(run(arms, "overhead"), run(slow, "overhead"))
    assert told(change) == {"wrk, 20": "slower", "fetchlab, 20": "invariant", "pyreqwest, 20": "invariant"}
    ours = change.rows.filter(arm="fetchlab, 20").to_dicts()[0]
    assert ours["measured by"] == "ratio to wrk, 20"
    assert (ours["times"], ours["change"]) == (pytest.approx(2), pytest.approx(1))


def test_the_yardstick_is_one_that_both_runs_have():
    """Without wrk the bare loop is left, and without that only the clock."""
    arms = {"fetchlab, 20": 4.0, "pyreqwest, 20": 3.0}
    change = against(run({**arms, "wrk, 20": 1.0}, "overhead"), run(arms, "overhead"))
    by = dict(change.rows.select("arm", "measured by").iter_rows())
    assert by == {"fetchlab, 20": "ratio to pyreqwest, 20", "pyreqwest, 20": "itself", "wrk, 20": None}
    alone = {"fetchlab, 20": 4.0}
    assert against(run(alone, "overhead"), run(alone, "overhead")).rows["measured by"].to_list() == ["itself"]


def test_arms_of_one_run_only_are_not_compared():
    """A row that is missing now would be forgotten, and it may have failed."""
    change = against(run({"a": 1.0, "old": 1.0}), run({"a": 1.0, "new": 1.0}))
    assert told(change) == {"a": "invariant", "old": INCOMPARABLE, "new": INCOMPARABLE}
    assert dict(change.rows.select("arm", "why").iter_rows())["new"] == "not measured earlier"


def test_an_arm_that_failed_says_why():
    """The error is in the raw rows, where nobody looks."""

    def broken():
        raise RuntimeError("no such luck")

    rows = measure({"a": broken, "b": lambda: Measurement(1.0, 1, 1)}, rounds=5)
    later = Saved(rows, environment(settings={"bench": "made"}))
    change = against(run({"a": 1.0, "b": 1.0}), later)
    why = dict(change.rows.select("arm", "why").iter_rows())
    assert "RuntimeError: no such luck" in why["a"]


def test_a_run_in_which_all_failed_is_compared_with_nothing():
    """It has not even the columns that are measured beside the time."""

    def broken():
        raise RuntimeError("no such luck")

    failed = Saved(measure({fairness.FAST: broken}, rounds=5), run({"a": 1.0}, "fairness").about)
    assert against(failed, failed).rows.is_empty()


def test_other_settings_are_not_compared():
    """Twice the workers are another experiment; more rounds are the same one."""
    same = against(run({"a": 1.0}, items=9, rounds=5, seed=0), run({"a": 1.0}, items=9, rounds=7, seed=3))
    assert same.reasons == ()
    assert {"rounds", "seed"} <= set(same.differences["what"])
    other = against(run({"a": 1.0}, items=9), run({"a": 5.0}, items=10, server="testbed"))
    assert told(other) == {"a": INCOMPARABLE}
    assert other.reasons == ("other settings: items 10, earlier 9; server testbed, earlier –",)
    assert other.rows["change"].null_count() == 1, "a figure would be read all the same"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"cpu": "Another CPU"}, "CPU"),
        ({"cores_usable": 128}, "cores"),
        ({"machine": "z80"}, "architecture"),
        ({"memory_gib": 0.5}, "memory"),
        ({"os": "Plan9 4"}, "Plan9"),
    ],
)
def test_another_machine_is_not_compared(changed, word):
    """A table of a laptop held against one of a server shows which is the server."""
    change = against(run({"a": 1.0}), run({"a": 1.0}, about=changed))
    assert told(change) == {"a": INCOMPARABLE}
    assert change.reasons[0].startswith("another machine: ")
    assert word in change.reasons[0]
    assert "not comparable: another machine" in repr(change)


def test_other_software_is_compared_and_listed():
    """It may be the very change that is asked about."""
    new = environment()
    packages = {**new["packages"], "pyreqwest": "99.0", "httpx": None}
    later = run({"a": 1.0}, about={"python": "3.99.0", "packages": packages, "git": "abc", "load_1min": 99.0})
    change = against(run({"a": 1.0}), later)
    assert change.reasons == ()
    listed = {what: (old, now) for what, old, now in change.differences.iter_rows()}
    assert listed["pyreqwest"] == (new["packages"]["pyreqwest"], "99.0")
    assert listed["httpx"][1] == "–"
    assert {"python", "git", "load before the first round"} <= listed.keys()


def test_what_an_old_record_does_not_tell_is_no_difference_of_machines():
    """Records grow; those from before must stay comparable."""
    about = environment(settings={}) | {"load_1min": 0.0}
    old = {name: value for name, value in about.items() if name != "cores_usable"}
    assert reasons(old, about) == []
    assert reasons(about, {**about, "memory_gib": about["memory_gib"] * 1.01}) == []
    assert differences(about, about).is_empty()


def test_runs_of_different_benches_are_refused():
    """Arms of one name in both would be compared in earnest."""
    with pytest.raises(ConfigError, match="earlier: is a run of cache, the later one of journal"):
        against(run({"a": 1.0}, "cache"), run({"a": 1.0}, "journal"))


def test_files_are_compared_as_well_as_runs(tmp_path):
    """Two files from the archive, in a notebook."""
    old, new = run({"a": 1.0}).save(tmp_path), run({"a": 2.0}).save(tmp_path)
    assert told(fl.bench.against(old, str(new))) == {"a": "slower"}
    foreign = tmp_path / "foreign.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(foreign)
    with pytest.raises(StoreError, match="no environment record"):
        fl.bench.against(foreign, new)


def test_the_table_shows_reasons_and_differences():
    """A published table without them would claim more than was measured."""
    change = against(run({"a": 1.0}), run({"a": 1.0}, about={"cpu": "Another CPU", "git": "abc"}))
    page = change._repr_html_()
    assert "another machine" in page
    assert "git: abc" in page
    assert "<script" not in page


def test_the_history_lists_what_was_kept(tmp_path):
    """Which of twenty files was the one before the change?"""
    first = run({"a": 1.0}, "cache", about={"time": "2026-01-02T03:04:05+00:00"}, items=9, rounds=5)
    second = run({"a": 1.0}, "journal", about={"time": "2026-01-01T00:00:00+00:00"}, items=8)
    first.save(tmp_path), second.save(tmp_path / "deeper")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "foreign.parquet")
    (tmp_path / "broken.parquet").write_text("no parquet at all")
    found = fl.bench.history(folder=tmp_path)
    assert found.schema == past.HISTORY
    assert found["bench"].to_list() == ["journal", "cache"]
    assert found["time"][1] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.select("rounds", "settings", "rows").row(1) == (5, "items=9", 5)
    assert fl.bench.history("cache", tmp_path)["bench"].to_list() == ["cache"]
    assert fl.bench.history(folder=tmp_path / "absent").is_empty()
    assert record.read(found["file"][0])[1]["settings"]["items"] == 8


def test_the_last_run_is_the_last_of_its_bench(tmp_path):
    """Two of one second are told apart by which was written last."""
    run({"a": 1.0}, "cache").save(tmp_path)
    newest = run({"a": 1.0}, "cache").save(tmp_path)
    run({"a": 1.0}, "journal").save(tmp_path)
    assert past.last("cache", tmp_path) == newest
    with pytest.raises(ConfigError, match="against: LAST: there is no earlier run of exits"):
        past.last("exits", tmp_path)


def costs(module, rows):
    found = named.find(module.__name__.rpartition(".")[2]).cost.of(rows)
    return dict(found.group_by("arm").agg(pl.col("cost").median()).iter_rows())


def test_fairness_is_compared_by_the_fast_host():
    """The run as a whole ends with the slow one, however the fast one fared."""
    more = {"fast_s": 1.0, "fast_items": 100, "slow_s": 8.0, "slow_items": 4}
    arms = {
        fairness.MIXED: lambda: Measurement(8.0, 104, 104, more=more),
        fairness.SLOW: lambda: Measurement(8.0, 4, 4, more={"slow_s": 8.0, "slow_items": 4}),
    }
    assert costs(fairness, measure(arms, rounds=2)) == {
        fairness.MIXED: pytest.approx(1e4),
        fairness.SLOW: pytest.approx(2e6),
    }
    assert fairness.BENCH.yardsticks(fairness.MIXED) == (fairness.FAST,)


def test_memory_is_compared_by_its_peak():
    """A faster run that needs twice the memory is no success of this bench."""
    arms = {"big": lambda: Measurement(1.0, 9, 9, more={"before": 80e6, "after": 9e7, "first_s": 0.1})}
    assert costs(memory, measure(arms, rounds=1)) == {"big": pytest.approx(80)}
    assert memory.BENCH.cost.call("slower") == "more"
    assert memory.BENCH.cost.call("invariant") == "invariant"


def test_adaptive_is_compared_by_profile_whichever_number_was_the_best():
    """The best of a sweep is another number each time, and the row would never have a partner."""
    made = rounds({"24 workers": (1.0, 10), adaptive.ARM: (2.0, 10)}, profile="knee")
    assert costs(adaptive, made) == {
        "knee: best fixed number": pytest.approx(1e5),
        "knee: Adaptive()": pytest.approx(2e5),
    }
    assert adaptive.BENCH.yardsticks("knee: Adaptive()") == ("knee: best fixed number",)
    assert adaptive.BENCH.yardsticks("knee: best fixed number") == ()


def test_exits_are_compared_by_process():
    """Their items are requests, of which a process that imports only has none."""
    made = rounds({exits.IDEAL: (0.2, 20), "waits for its run": (0.5, 20)})
    assert costs(exits, made)["waits for its run"] == pytest.approx(500)


def test_yardsticks_are_not_our_own_speed():
    """A ratio of ours to ours hides what both have lost, so the row of the yardstick stands by itself."""
    assert cache.BENCH.yardsticks(cache.FILE) == (cache.PLAIN,)
    assert overhead.BENCH.yardsticks("wrk, 20") == ()
    for name in named.HOMES:
        for arm in ("wrk, 20", "journal off", "plain", fairness.FAST, cache.PLAIN, "1,000 items"):
            json.dumps(list(named.find(name).yardsticks(arm)))
