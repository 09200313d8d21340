"""``fetchlab bench …``: every bench prints its table and keeps its rows with their settings."""

from __future__ import annotations

import inspect
from dataclasses import replace

import polars as pl
import pytest

from fetchlab.bench import exits, loops, named, nginx, overhead, record, wrk
from fetchlab.cli import benches
from fetchlab.errors import StudyError

TINY = {
    "overhead": (["--items", 20], "all policies, 200", {"items": 20}),
    "overhead --ablation": (["--items", 20], "dedup", {"items": 20}),
    "overhead --profile": (["--items", 20], "our transport", {"items": 20}),
    "latency": (["--workers", 5, "--items", 20, "--delay", 0.01], "efficiency", {"latency": 0.01}),
    "charts": (
        ["--requests", 9, "--law", "slowest", "--latency", 0.005],
        "published_speedup",
        {"requests": [9], "laws": ["slowest"]},
    ),
    "library": (
        ["--files", 9, "--capped", 9, "--memory", 9, "--latency", 0.01],
        "Shares of the whole",
        {"files": [9], "off": 1_500, "capped": [9], "memory": [9]},
    ),
    "storyboard": (
        [
            "--scenes",
            6,
            "--videos",
            2,
            "--latency",
            0.01,
            "--draws",
            1,
            "--short",
            0.005,
            "--content",
            0.01,
            "--scale",
            0.003,
        ],
        "The published scheme beside ours",
        {"scenes": [6], "videos": [2], "draws": 1},
    ),
    "timeline": (
        ["--quick", "--table", "writes"],
        "refetch_all",
        {"tables": ["writes"], "pace": 0.01, "counts": [1, 2]},
    ),
    "adaptive": (["--profile", "flat", "--items", 20], "best fixed", {"items": 20}),
    "fairness": (["--items", 40], "Jain", {"workers": 20}),
    "memory": (["--items", 1000], "ideal, MB", {"items": 1000}),
    "cache": (["--items", 40], "plain SQLite", {"items": 40}),
    "journal": (
        ["--items", 20, "--known", 200, "--workers", 5, "--delay", 0.01],
        "plain SQLite",
        {"items": 20},
    ),
    "exits": (["--items", 2], "exit code 0", {"items": 2}),
}
NAMES = {"overhead --ablation": "ablation", "overhead --profile": "layers"}


@pytest.fixture
def without_programs(monkeypatch):
    """As on a machine that has none of them."""
    monkeypatch.setattr(wrk, "find", lambda: None)
    monkeypatch.setattr(nginx, "find", lambda: None)
    monkeypatch.setattr(loops, "has_aiohttp", lambda: False)
    monkeypatch.setattr(overhead, "FEWEST", 20)


@pytest.mark.usefixtures("without_programs")
@pytest.mark.parametrize("bench", TINY)
def test_the_bench_prints_its_table_and_keeps_the_rows(bench, fetchlab, tmp_path):
    """Each is run for hours once a year: it must not fail at its last line."""
    words, shown, settings = TINY[bench]
    said = fetchlab("bench", *bench.split(), *words, "--rounds", 1, "--seed", 3, "--out", "raw")
    assert said.code == 0, said.err
    assert shown in said.out
    name = NAMES.get(bench, bench)
    (path,) = (tmp_path / "raw").glob(f"{name}-*.parquet")
    rows, about = record.read(path)
    assert rows["error"].null_count() == rows.height
    assert about["settings"].items() >= {"bench": name, "rounds": 1, "seed": 3, **settings}.items()


@pytest.mark.usefixtures("without_programs")
def test_what_is_missing_is_said(fetchlab):
    """A table without a row for wrk must not look as if there were no such thing."""
    said = fetchlab("bench", "overhead", "--items", 20, "--rounds", 1, "--out", "raw")
    for words in ("apt-get install nginx-light", "apt-get install wrk", "fetchlab[bench]"):
        assert words in said.out


def test_an_unknown_profile_is_an_error_of_one_line(fetchlab):
    """A typo must not cost the profiles measured before it."""
    said = fetchlab("bench", "adaptive", "--profile", "kneee", "--out", "raw")
    assert said.code == 1
    assert "kneee" in said.err
    assert len(said.err.splitlines()) == 1


def test_every_command_gives_settings_that_its_benches_take():
    """A setting that is recorded but not understood cannot be measured again."""
    for command in benches.COMMANDS:
        usual = {
            name: knob.default for name, knob in inspect.signature(command.__wrapped__).parameters.items()
        }
        for name, settings in (command.__wrapped__(**usual) or {command.__name__: usual}).items():
            assert set(settings) == named.find(name).knobs - {"folder"}, name


EXITS = ("bench", "exits", "--items", 1, "--out", "raw")


def test_a_run_is_held_against_the_last_one(fetchlab, tmp_path):
    """Whoever changes the hot path wants to know at once."""
    assert fetchlab(*EXITS, "--rounds", 1).code == 0
    said = fetchlab(*EXITS, "--rounds", 1, "--against", "LAST")
    assert said.code == 0, said.err
    assert "above 1 is slower" in said.out
    assert "inconclusive" in said.out
    assert "too few rounds" in said.out
    (first, _) = sorted((tmp_path / "raw").glob("exits-*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    other = fetchlab("bench", "exits", "--items", 2, "--rounds", 1, "--against", first, "--out", "raw")
    assert other.code == 0
    assert "This will not be comparable with the earlier run: other settings: items 2, earlier 1" in other.out
    assert "not comparable" in other.out


def test_a_run_that_cannot_be_found_is_told_before_the_first_round(fetchlab, tmp_path):
    """After an hour of measuring it would be too late, and the error names the flag."""
    record.write(pl.DataFrame({"a": [1]}), tmp_path / "cache.parquet", bench="cache")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "foreign.parquet")
    for given, words in {
        "LAST": "there is no earlier run of exits in raw",
        "cache.parquet": "is a run of cache, not of exits",
        "foreign.parquet": "no environment record",
        "absent.parquet": "cannot be read",
    }.items():
        said = fetchlab(*EXITS, "--against", given)
        assert said.code == 1
        assert said.err.startswith("fetchlab: against: ")
        assert words in said.err
        assert len(said.err.splitlines()) == 1
        assert "processes of each way" not in said.out


def test_the_rows_are_kept_whatever_becomes_of_the_table(fetchlab, tmp_path, monkeypatch):
    """An hour's figures must not be lost because a table could not be made of them."""

    def broken(rows, **_):
        raise StudyError("no table can be made of this")

    monkeypatch.setattr(exits, "BENCH", replace(exits.BENCH, tables=broken))
    said = fetchlab(*EXITS, "--rounds", 1)
    assert said.code == 1
    assert "no table can be made of this" in said.err
    (path,) = (tmp_path / "raw").glob("exits-*.parquet")
    assert record.read(path)[0].height == 3
