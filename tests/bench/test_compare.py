"""Comparisons: arms of real runs, refused where they did not do the same, and right about what is slower."""

from __future__ import annotations

import math
from collections import Counter

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench.compare import SAME
from fetchlab.errors import ConfigError, ResultsDiffer, StoreError


def urls(echo, count=24, path="json"):
    return [f"{echo}/{path}?n={number}" for number in range(count)]


@pytest.fixture
def compared(bed, echo):
    """Two strategies at a server that takes 5 ms."""
    bed.configure(latency=0.005)
    return fl.compare(urls(echo), [fl.Sequential(), 8], rounds=2, parse="json", units=len)


def test_every_arm_is_measured_in_every_round(compared):
    """A round without an arm could not be paired; the baseline is there twice."""
    frame = compared.frame()
    arms = {"Sequential()", "8 workers", "Sequential()" + SAME}
    assert frame.group_by("round").agg(pl.col("arm").sort())["arm"].to_list() == [sorted(arms)] * 3
    assert frame.filter("warmup")["round"].unique().to_list() == [0]
    assert set(frame["ok"]) == {24}
    assert frame.schema["outlier"] == pl.Boolean


def test_the_summary_holds_what_a_referee_asks_for(compared):
    """Ratio, interval and verdict; ideal and efficiency; what was asked of server and machine."""
    summary = compared.summary()
    assert summary["arm"].to_list() == ["Sequential()", "8 workers", "Sequential()" + SAME]
    parallel = summary.row(1, named=True)
    assert parallel["ratio"] < 1
    assert parallel["low"] <= parallel["ratio"] <= parallel["high"]
    assert 0 < parallel["efficiency"] <= 1
    assert parallel["ideal_s"] >= 24 / 8 * 0.005 * 0.9
    assert parallel["units_per_s"] == pytest.approx(parallel["items_per_s"])
    assert (parallel["attempts"], parallel["outliers"]) == (24, 0)
    assert parallel["bytes"] > 0
    assert parallel["rss_peak"] > 0
    assert summary["efficiency"].null_count() == 0


def test_requests_are_kept_by_arm_and_round(compared):
    """What made an arm slow is found in its requests."""
    requests = compared.requests()
    assert requests.group_by("arm", "round").len()["len"].to_list() == [24] * 9
    assert {"started", "first_byte", "finished", "status"} <= set(requests.columns)


def test_it_is_saved_and_shown_again_without_a_server(compared, tmp_path):
    """A shared folder must give the same table and plot, on a machine where nothing else runs."""
    folder = compared.save(tmp_path / "kept")
    loaded = fl.bench.Comparison.load(folder)
    assert loaded.frame().equals(compared.frame())
    assert loaded.requests().equals(compared.requests())
    assert loaded.summary().equals(compared.summary())
    assert loaded.table().as_raw_html() == compared.table().as_raw_html()
    assert loaded.plot().to_json() == compared.plot().to_json()
    assert repr(loaded) == repr(compared)
    assert {arm: least.why for arm, least in loaded.ideals.items()} == {
        arm: least.why for arm, least in compared.ideals.items()
    }
    assert {"cpu", "cores", "load_1min", "packages", "git"} <= set(loaded.environment)
    with pytest.raises(ConfigError, match="rerun"):
        loaded.rerun()


def test_the_table_is_plain_html(compared):
    """A notebook on a page without scripts must show it."""
    html = compared._repr_html_()
    assert "<table" in html
    assert "<script" not in html
    for word in ("ideal", "efficiency", "8 workers"):
        assert word in html


def test_it_is_measured_again(compared):
    """The same arms and rounds, by one call."""
    again = compared.rerun()
    assert again.settings == compared.settings
    assert again.frame()["arm"].to_list() == compared.frame()["arm"].to_list(), (
        "the same seed, the same order"
    )


def test_tasks_and_named_ways(bed):
    """Computing is compared like fetching, and a way may be several knobs under one's own name."""
    found = fl.compare(
        (math.factorial, [400, 500, 600] * 8),
        {"one": fl.Threads(1), "two, deduplicated": {"strategy": fl.Threads(2), "dedup": True}},
        rounds=2,
    )
    assert found.summary()["arm"].to_list() == ["one", "two, deduplicated", "one" + SAME]
    assert found.baseline == "one"


def test_an_arm_with_another_result_is_refused(bed, echo):
    """The faster of two arms is no better if it returns something else; the first difference is shown."""
    asked = bed.counters("echo")["requests"]
    arms = {
        "right": lambda: fl.fetch(urls(echo, 5), parse="json", progress=False),
        "wrong": lambda: fl.fetch([*urls(echo, 4), f"{echo}/json?n=7"], parse="json", progress=False),
    }
    with pytest.raises(ResultsDiffer, match=r"\[4\]\['args'\]\['n'\]: '[47]' ≠ '[47]'"):
        fl.compare(arms, rounds=50)
    assert bed.counters("echo")["requests"] - asked <= 15, "found in the first round, not in the last"


def test_what_is_compared_can_be_chosen(echo):
    """Answers that hold a time of day differ although the arms did the same."""
    arms = {
        "a": lambda: fl.fetch(urls(echo, 5), progress=False),
        "b": lambda: fl.fetch(urls(echo, 5, "bytes/3"), progress=False),
    }
    assert fl.compare(arms, rounds=2, check=len).summary().height == 3
    assert fl.compare(arms, rounds=2, check=False).summary().height == 3


def test_unequal_numbers_of_items_are_refused(echo):
    """Nine items are done sooner than ten."""

    def arm(count):
        return lambda: fl.fetch(urls(echo, count), progress=False)

    with pytest.raises(ResultsDiffer, match=r"'[ab]' did (9|10) items, '[ab]' (9|10)"):
        fl.compare({"a": arm(10), "b": arm(9)}, rounds=2)


def test_a_failing_arm_is_shown_and_the_others_stand(echo, refused):
    """One broken strategy must not cost the afternoon in which the others were measured."""

    def broken():
        raise RuntimeError("out of order")

    arms = {
        "good": lambda: fl.fetch(urls(echo, 5), progress=False),
        "refused": lambda: fl.fetch([refused] * 5, retry=fl.Retry(attempts=1), progress=False),
        "raises": broken,
        "no run": lambda: 7,
    }
    found = fl.compare(arms, rounds=2)
    told = {row["arm"]: row for row in found.summary().iter_rows(named=True)}
    assert told["good"]["rounds"] == 2
    assert told["good" + SAME]["ratio"] is not None
    for arm, why in (("refused", "ConnectFailed"), ("raises", "out of order"), ("no run", "not a Run")):
        assert (told[arm]["verdict"], told[arm]["rounds"]) == ("failed", 0)
        assert why in told[arm]["error"]
        assert why in repr(found)
        assert why in found.table().as_raw_html()
    assert found.plot().to_dict()


def test_a_failing_baseline_leaves_times_without_ratios(echo):
    """There is nothing to relate to, but what was measured stays."""

    def broken():
        raise RuntimeError("out of order")

    found = fl.compare({"bad": broken, "good": lambda: fl.fetch(urls(echo, 5), progress=False)}, rounds=2)
    row = found.summary().filter(arm="good").row(0, named=True)
    assert row["ratio"] is None
    assert row["median_s"] > 0
    assert row["verdict"] == "no verdict: the baseline failed"
    assert "good: failed" not in repr(found)
    assert found.plot().to_dict()


@pytest.mark.parametrize(
    ("knob", "call"),
    [
        ("work", lambda echo: fl.compare({}, rounds=2)),
        ("work", lambda echo: fl.compare({"a": 7}, rounds=2)),
        ("work", lambda echo: fl.compare([], rounds=2)),
        ("strategies", lambda echo: fl.compare(urls(echo), [], rounds=2)),
        ("strategies", lambda echo: fl.compare(urls(echo), ["fast"], rounds=2)),
        ("strategies", lambda echo: fl.compare(urls(echo), 7, rounds=2)),
        ("strategies", lambda echo: fl.compare({"a": lambda: None}, [4], rounds=2)),
        ("rounds", lambda echo: fl.compare(urls(echo), [4], rounds=1)),
        ("rounds", lambda echo: fl.compare(urls(echo), [4], rounds="5")),
        ("rounds", lambda echo: fl.compare(urls(echo), [4], rounds=2.5)),
        ("warmup", lambda echo: fl.compare(urls(echo), [4], warmup=-1)),
        ("strategies", lambda echo: fl.compare(urls(echo), [5, 5], rounds=2)),
        ("strategies", lambda echo: fl.compare(urls(echo), {"a": 4, "a" + SAME: 5}, rounds=2)),
        ("baseline", lambda echo: fl.compare(urls(echo), [4], baseline="5 workers")),
        (
            "paarse: is no knob of fl.fetch; did you mean parse",
            lambda echo: fl.compare(urls(echo), [4], paarse="json"),
        ),
        ("wrkers: is no knob of fl.map", lambda echo: fl.compare((str, [1]), [{"wrkers": 4}])),
        ("keep", lambda echo: fl.compare(urls(echo), [4], keep=False)),
        ("check: raised ZeroDivisionError", lambda echo: fl.compare(urls(echo), [4], check=lambda _: 1 / 0)),
        ("units: raised TypeError", lambda echo: fl.compare(urls(echo), [4], units=lambda _: None + 1)),
    ],
)
def test_bad_input_names_the_knob(echo, knob, call):
    """What cannot be measured is refused before anything is asked of a server."""
    with pytest.raises(ConfigError, match=knob):
        call(echo)


def test_a_folder_without_a_comparison_is_refused(tmp_path):
    """A mistyped path gets a sentence."""
    with pytest.raises(StoreError, match="cannot be read"):
        fl.bench.Comparison.load(tmp_path)


def test_an_interrupt_keeps_whole_rounds(echo):
    """Ctrl-C after an hour must not throw the hour away."""
    count = Counter()

    def arm():
        count["runs"] += 1
        if count["runs"] == 8:  # warm-up and two rounds of two arms, and one of the next round
            raise KeyboardInterrupt
        return fl.fetch(urls(echo, 3), progress=False)

    found = fl.compare({"a": arm}, rounds=50)
    assert found.frame().filter(~pl.col("warmup"))["round"].max() == 2
    assert any("interrupted" in reason for reason in found.unstable)
    count["runs"] = 7
    with pytest.raises(KeyboardInterrupt):
        fl.compare({"a": arm}, rounds=50)


def test_progress_tells_what_is_measured_and_how_long_it_takes(echo, capfd):
    """Minutes of silence look like a hang."""
    fl.compare(urls(echo, 3), [2], rounds=2, progress=True)
    lines = capfd.readouterr().err.splitlines()
    assert "warm-up" in lines[0]
    assert any("round 2/2" in line and "ETA" in line for line in lines)
    assert lines[-1].startswith("compare: 1 arms in")


def _planted(echo, slowdown, seed, rounds=9):
    """The verdict on a server that takes so much longer, whose arm has no other difference."""

    def arm(delay):
        asked = [f"{echo}/delay/{delay:.4f}?n={number}" for number in range(24)]
        return lambda: fl.fetch(asked, workers=8, progress=False)

    arms = {"usual": arm(0.03), "slower": arm(0.03 * (1 + slowdown))}
    found = fl.compare(arms, rounds=rounds, seed=seed, check=len, baseline="usual")
    return found.summary().filter(arm="slower")["verdict"].item()


def test_a_planted_slowdown_is_found(bed, echo):
    """A server that takes twice as long is slower, or the method finds nothing at all."""
    assert _planted(echo, 1.0, 0, rounds=9) == "slower", "one disturbed round of nine does no harm"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slowdown", "right"),
    [(0.2, {"slower"}), (0.1, {"slower", "inconclusive"}), (0.02, {"faster", "invariant", "inconclusive"})],
)
def test_planted_slowdowns_are_told_right(bed, echo, slowdown, right):
    """20 % is called slower, 10 % never faster or invariant, 2 % never slower; in 18 of 20 comparisons."""
    verdicts = [_planted(echo, slowdown, seed) for seed in range(20)]
    assert sum(verdict in right for verdict in verdicts) >= 18, Counter(verdicts)


def test_arms_that_all_fail_are_shown_as_failed():
    """What is wrong stands in their rows, not in an error about columns."""
    found = fl.compare({"a": lambda: 1 / 0, "b": lambda: 1 / 0}, rounds=2)
    assert found.summary()["verdict"].to_list() == ["failed"] * 3
    assert "ZeroDivisionError" in repr(found)
    assert "<table" in found.table().as_raw_html()
    assert found.requests().is_empty()


def test_an_arm_without_items_did_nothing():
    """Nothing takes no time, and everything is slower than that."""
    found = fl.compare({"none": lambda: fl.map(str, []), "all": lambda: fl.map(str, [])}, rounds=2)
    assert "it did no items" in found.summary()["error"][0]


def test_a_failed_item_is_named(echo):
    """One dead link of a thousand must be found before the comparison is run again."""
    bad = f"{echo}/status/404"
    found = fl.compare([*urls(echo, 3), bad], [2], rounds=2)
    error = found.summary()["error"][0]
    assert "1 of 4 items failed, such as" in error
    assert "/status/404" in error
    assert "accept=" in error


def test_a_round_that_failed_is_told(echo):
    """The median of the rounds that went well looks as good as any."""
    count = Counter()

    def now_and_then():
        count["runs"] += 1
        if count["runs"] == 4:
            raise ValueError("moody")
        return fl.fetch(urls(echo, 3), progress=False)

    arms = {"steady": lambda: fl.fetch(urls(echo, 3), progress=False), "moody": now_and_then}
    found = fl.compare(arms, rounds=3)
    assert "moody failed in 1 of 3 rounds" in found.unstable


def test_what_a_cache_answers_has_no_ideal(echo, tmp_path):
    """13,000 % of a bound that counts requests is no bound."""
    cached = {"cache": fl.Cache(tmp_path / "c.db")}
    found = fl.compare(urls(echo, 6), {"asked": {"workers": 2}, "kept": cached}, rounds=2)
    ideals = dict(found.summary().select("arm", "ideal_s").iter_rows())
    assert ideals["asked"] > 0
    assert ideals["kept"] is None


def test_a_file_is_no_folder_to_save_in(compared, tmp_path):
    """The message names the knob."""
    (tmp_path / "taken").touch()
    with pytest.raises(ConfigError, match="is a file"):
        compared.save(tmp_path / "taken")
