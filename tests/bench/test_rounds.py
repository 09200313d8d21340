"""Rounds over arms, the summary of them, and the record on disk."""

from __future__ import annotations

import getpass
import importlib
import json
import socket
from pathlib import Path

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench import Measurement, environment, measure, record, summarise
from fetchlab.bench.rounds import ROUNDS
from fetchlab.bench.summary import SUMMARY
from fetchlab.errors import ConfigError, StoreError

ARMS = "abcdef"


def fixed(seconds, items=10):
    return lambda: Measurement(seconds, items=items, ok=items, attempts=items)


def orders(rows):
    return [group["arm"].to_list() for _, group in rows.group_by("round", maintain_order=True)]


def test_the_bench_is_used_by_its_short_names():
    """A module of a function's name would take its place as soon as anything imports it."""
    importlib.import_module("fetchlab.bench.catalogue")
    for name in fl.bench.__all__:
        assert callable(getattr(fl.bench, name)), name


def test_every_arm_is_measured_once_a_round_in_a_shuffled_order():
    """A fixed order gives the last arm the warmest caches, every time."""
    called = []
    rows = measure(
        {arm: fixed(1.0) for arm in ARMS}, rounds=8, on_round=lambda number, arm: called.append((number, arm))
    )
    assert rows.schema == ROUNDS
    assert all(sorted(order) == list(ARMS) for order in orders(rows))
    assert len({tuple(order) for order in orders(rows)}) > 4
    assert called == list(rows.select("round", "arm").iter_rows())
    assert rows["position"].to_list() == [*range(6)] * 9


def test_the_same_seed_gives_the_same_order():
    """A benchmark that cannot be repeated cannot be disputed."""
    arms = {arm: fixed(1.0) for arm in ARMS}
    assert orders(measure(arms, seed=3)) == orders(measure(arms, seed=3)) != orders(measure(arms, seed=4))


def test_warm_up_is_kept_and_marked():
    """Dropping it would hide the cold start, counting it would mix it in."""
    rows = measure({"a": fixed(1.0)}, rounds=3, warmup=2)
    assert rows.select("round", "warmup").rows() == [
        (-1, True),
        (0, True),
        (1, False),
        (2, False),
        (3, False),
    ]
    assert measure({"a": fixed(1.0)}, rounds=1, warmup=0)["warmup"].to_list() == [False]


def test_an_arm_that_fails_is_a_row_with_its_error():
    """One arm's exception must neither end the benchmark nor count as a very fast time."""

    def broken():
        raise RuntimeError("no such luck")

    rows = measure({"good": fixed(2.0), "broken": broken}, rounds=2, warmup=0)
    failed = rows.filter(arm="broken")
    assert failed["seconds"].to_list() == [None, None]
    assert all("RuntimeError: no such luck" in error for error in failed["error"])
    table = summarise(rows, baseline="good")
    row = table.filter(arm="broken").to_dicts()[0]
    assert (row["rounds"], row["verdict"], row["median_s"]) == (0, "failed", None)
    assert "no such luck" in row["error"]


def test_a_run_is_measured_by_its_statistics():
    """An arm may return its run; what is stored is the run's own time and counts."""
    run = fl.map(str.upper, ["a", "b"], progress=False)
    row = measure({"run": lambda: run}, rounds=1, warmup=0).to_dicts()[0]
    assert (row["items"], row["ok"], row["attempts"]) == (2, 2, 2)
    assert row["seconds"] == run.stats().elapsed
    assert row["rss_peak"] > 10**7


@pytest.mark.parametrize(
    ("arms", "knobs", "knob"),
    [
        ({}, {}, "arms"),
        ({"a": fixed(1.0)}, {"rounds": 0}, "rounds"),
        ({"a": fixed(1.0)}, {"warmup": -1}, "rounds"),
    ],
)
def test_nothing_to_measure_is_refused(arms, knobs, knob):
    """An empty table looks like a benchmark in which nothing was slow."""
    with pytest.raises(ConfigError, match=knob):
        measure(arms, **knobs)


def test_the_summary_has_a_row_per_arm():
    """Median, ratio, verdict and efficiency are what every table is made of."""
    rows = measure({"base": fixed(2.0), "fast": fixed(1.0)}, rounds=5)
    table = summarise(rows, baseline="base", ideals={"fast": 0.8})
    assert table.schema == SUMMARY
    base, fast = (table.filter(arm=arm).to_dicts()[0] for arm in ("base", "fast"))
    assert (base["rounds"], base["median_s"], base["ratio"], base["verdict"]) == (5, 2.0, 1.0, "invariant")
    assert (fast["ratio"], fast["low"], fast["high"], fast["verdict"]) == (0.5, 0.5, 0.5, "faster")
    assert fast["efficiency"] == pytest.approx(0.8)
    assert fast["items_per_s"] == pytest.approx(10)
    assert base["efficiency"] is None
    assert base["mad_s"] == 0.0


def test_the_summary_leaves_warm_up_out_and_pairs_by_round():
    """A ratio of different rounds would let drift in again."""
    rows = pl.DataFrame(
        [
            (0, True, 0, "a", 100.0),
            (0, True, 1, "b", 1.0),
            (1, False, 0, "a", 1.0),
            (1, False, 1, "b", 3.0),
            (2, False, 0, "b", 30.0),
            (2, False, 1, "a", 10.0),
            (3, False, 0, "a", 7.0),
            (3, False, 1, "b", None),
        ],
        {name: ROUNDS[name] for name in ("round", "warmup", "position", "arm", "seconds")},
        orient="row",
    ).with_columns(items=pl.lit(1, pl.UInt64), error=pl.lit(None, pl.String))
    row = summarise(rows, baseline="a").filter(arm="b").to_dicts()[0]
    assert row["rounds"] == 2
    assert row["ratio"] == pytest.approx(3.0)


def test_a_baseline_that_is_no_arm_is_refused():
    """The table would compare with nothing and say so nowhere."""
    with pytest.raises(ConfigError, match="baseline"):
        summarise(measure({"a": fixed(1.0)}, rounds=1), baseline="z")


def test_a_record_is_read_back_with_its_environment(tmp_path):
    """Raw rows without the machine and the settings they come from prove nothing."""
    rows = measure({"a": fixed(1.0)}, rounds=2)
    path = record.write(rows, tmp_path / "deep" / "run.parquet", seed=7, latency=0.05)
    again, about = record.read(path)
    assert again.equals(rows)
    assert again.schema == rows.schema
    assert about["settings"] == {"seed": 7, "latency": 0.05}
    assert about["packages"]["polars"] == pl.__version__
    assert [file.name for file in path.parent.iterdir()] == ["run.parquet"]


def test_a_file_that_is_no_record_is_refused(tmp_path):
    """Rows from elsewhere must not be taken for measured ones."""
    other = tmp_path / "other.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(other)
    with pytest.raises(StoreError, match="no environment record"):
        record.read(other)
    for wrong in (tmp_path / "absent.parquet", tmp_path):
        with pytest.raises(StoreError, match="cannot be read"):
            record.read(wrong)
    (tmp_path / "text.parquet").write_text("no parquet at all")
    with pytest.raises(StoreError, match="cannot be read"):
        record.read(tmp_path / "text.parquet")


def test_the_environment_names_no_person_place_or_machine():
    """It is published with every figure."""
    about = environment(seed=1)
    text = json.dumps(about)
    assert about["seed"] == 1
    for secret in {str(Path.home()), str(Path.cwd()), socket.gethostname(), getpass.getuser()} - {"root"}:
        assert secret not in text
    assert "/" not in json.dumps({**about, "cpu": ""})
    assert json.loads(text) == about


def test_the_environment_says_what_a_referee_asks_for():
    """Without machine, versions and revision nobody could tell why their numbers differ."""
    about = environment()
    assert {"time", "cpu", "cores", "load_1min", "memory_gib", "python", "gil", "os", "git"} <= set(about)
    assert about["cores"] >= 1
    assert about["memory_gib"] > 0.1
    assert {"fetchlab", "polars", "pyreqwest"} <= set(about["packages"])
