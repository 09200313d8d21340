"""``fetchlab bench again``: tables are committed, planned and measured once more."""

from __future__ import annotations

import os
import shutil

import pytest

from fetchlab.bench import record
from fetchlab.bench.past import history
from fetchlab.bench.saved import Saved

EXITS = ("bench", "exits", "--items", 1, "--out", "raw")


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A folder for what is measured once for all tests here."""
    return tmp_path_factory.mktemp("measured") / "once"


@pytest.fixture
def committed(fetchlab, tmp_path, once):
    """A table of processes that end, of two rounds."""
    if once.exists():
        shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    else:
        said = fetchlab(*EXITS, "--rounds", 2, "--seed", 4, "--commit")
        assert said.code == 0, said.err
        assert "table: data/bench/exits.parquet" in said.out
        shutil.copytree(tmp_path, once)
    return tmp_path / "data" / "bench" / "exits.parquet"


def test_a_committed_table_is_measured_again_with_its_settings(fetchlab, committed, tmp_path):
    """Without a word about them on the command line."""
    before = committed.read_bytes()
    said = fetchlab("bench", "again", "--out", "raw")
    assert said.code == 0, said.err
    for words in (
        "measured again with their settings",
        "In all about",
        "2 processes of each way",
        "waits for",
    ):
        assert words in said.out
    assert "What became of the committed tables" in said.out
    assert committed.read_bytes() == before, "only --commit changes what is committed"
    runs = history("exits", tmp_path / "raw")
    assert runs.height == 2
    first, second = (record.read(path)[1]["settings"] for path in runs["file"])
    assert first == second == {"bench": "exits", "items": 1, "rounds": 2, "seed": 4}


def test_the_plan_measures_nothing(fetchlab, committed, tmp_path):
    """Whoever has five minutes wants to know before."""
    said = fetchlab("bench", "again", "exits", "--plan", "--out", "raw2")
    assert said.code == 0
    assert "exits" in said.out
    assert not (tmp_path / "raw2").exists()


def test_a_table_of_another_machine_is_measured_and_not_compared(fetchlab, committed):
    """The reader has figures of this machine, and no verdict that compares two."""
    table = Saved.read(committed)
    Saved(table.rows, table.about | {"cpu": "Another CPU"}).save_as(committed)
    said = fetchlab("bench", "again", "--out", "raw")
    assert said.code == 0
    assert "exits: not comparable: another machine: CPU" in said.out
    assert "Exit codes and wall time" in said.out
    assert "reproduced" not in said.out.replace("reproduced, faster", "")


def test_progress_tells_what_is_left(fetchlab, tmp_path):
    """An hour without it is an hour of doubt."""
    made = fetchlab("bench", "fairness", "--items", 40, "--rounds", 1, "--out", "raw", "--commit")
    assert made.code == 0, made.err
    said = fetchlab("bench", "again", "--quick", "--out", "raw")
    assert said.code == 0, said.err
    assert "[1/1 fairness] warm-up: " in said.out
    assert "[1/1 fairness] round 1/1: " in said.out
    assert " left\n" in said.out


def test_a_bench_that_fails_leaves_the_others(fetchlab, committed):
    """The one that fails must not cost what takes the rest of the hour, nor go unseen."""
    bad = {"bench": "adaptive", "profile": ["no-such-profile"], "items": 10, "rounds": 1, "seed": 0}
    record.write(Saved.read(committed).rows, committed.with_stem("adaptive"), **bad)
    said = fetchlab("bench", "again", "--out", "raw")
    assert said.code == 1
    assert "adaptive: " in said.out
    assert "no-such-profile" in said.out
    assert "Exit codes and wall time" in said.out


def test_a_table_with_failures_is_not_committed(fetchlab, tmp_path, monkeypatch):
    """`make bench` would hold everybody's figures against an error."""
    curl = tmp_path / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text("#!/bin/sh\nexit 7\n")
    curl.chmod(0o755)
    monkeypatch.setenv("PATH", str(curl.parent), prepend=os.pathsep)
    words = ("--files", 1, "--mb", 1, "--rounds", 1, "--out", "raw")
    said = fetchlab("bench", "download", *words, "--commit")
    assert said.code == 0, said.err
    assert "Not kept as a table: 4 of its measurements failed." in said.out
    assert not (tmp_path / "data" / "bench").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "tables: data/bench holds none; `fetchlab bench NAME --commit` makes one"),
        (["--tables", "elsewhere"], "tables: elsewhere holds none"),
    ],
)
def test_without_tables_it_says_how_to_make_one(fetchlab, words, message):
    """An empty list of results would look like a success."""
    said = fetchlab("bench", "again", *words)
    assert said.code == 1
    assert message in said.err
