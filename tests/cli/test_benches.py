"""``fetchlab bench …``: every bench prints its table and keeps its rows with their settings."""

from __future__ import annotations

import inspect

import pytest

from fetchlab.bench import loops, named, nginx, overhead, record, wrk
from fetchlab.cli import benches

TINY = {
    "overhead": (["--items", 20], "all policies, 200", {"items": 20}),
    "overhead --ablation": (["--items", 20], "dedup", {"items": 20}),
    "overhead --profile": (["--items", 20], "our transport", {"items": 20}),
    "latency": (["--workers", 5, "--items", 20, "--delay", 0.01], "efficiency", {"latency": 0.01}),
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
