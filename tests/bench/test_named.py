"""Benches by their names: what one command, and one that measures all again, rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fetchlab.bench import named, saved
from fetchlab.bench.named import Bench, Table
from fetchlab.errors import ConfigError

from .made import rounds


def made_up(**more):
    """A bench whose rows are made up, with two settings."""

    def collect(*, items=1, workers=2, **how):
        return rounds({"arm": (1.0, items), "other": (2.0, items)})

    return Bench(name="made", collect=collect, tables=lambda rows, **_: [Table("All", rows)], **more)


@pytest.mark.parametrize("name", named.HOMES)
def test_every_bench_is_found_by_its_name(name):
    """Its files are named after it, and read by it a year later."""
    bench = named.find(name)
    assert bench.name == name
    assert {"rounds", "seed"} <= bench.knobs
    assert "how" not in bench.knobs
    json.dumps(bench.facts())


def test_a_bench_that_is_none_is_refused():
    """The list of names is what whoever mistyped one needs."""
    with pytest.raises(ConfigError, match="one of ablation, adaptive"):
        named.find("cahce")


def test_settings_are_recorded_as_they_are_read_back(tmp_path):
    """A tuple that comes back as a list would look like another setting."""
    bench = made_up(facts=lambda: {"server": "nginx"})
    done = saved.measured(bench, {"items": 3, "workers": (1, 2), "rounds": 5, "seed": 1}, print)
    again = saved.Saved.read(done.save(tmp_path))
    assert again.settings == done.settings
    assert again.settings == {"server": "nginx", "items": 3, "workers": [1, 2], "rounds": 5, "seed": 1}
    assert (again.bench, again.rows.equals(done.rows)) == ("made", True)
    assert again.about["took_s"] >= 0


def test_a_folder_is_used_and_not_recorded(tmp_path):
    """It is the place of one machine, and nothing that a figure depends on."""
    done = saved.measured(made_up(), {"workers": tmp_path, "rounds": 5, "seed": 0}, print)
    assert str(tmp_path) not in json.dumps(done.about)


def test_two_runs_of_one_second_are_two_files(tmp_path):
    """The second would have taken the place of the first, silently."""
    done = saved.measured(made_up(), {"rounds": 5, "seed": 0}, print)
    paths = {done.save(tmp_path) for _ in range(3)}
    assert len(paths) == len(list(Path(tmp_path).iterdir())) == 3
