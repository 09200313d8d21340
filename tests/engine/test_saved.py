"""A run on disk says what the live run said."""

from __future__ import annotations

import json

import pytest
from polars.testing import assert_frame_equal

import fetchlab as fl
from fetchlab.errors import StoreError


def test_round_trip(echo, tmp_path):
    """Every table, the stats and the limits are equal after loading."""
    urls = [f"{echo}/json?n={n}" for n in range(30)] + [f"{echo}/status/404"]
    run = fl.fetch(urls, workers=4, parse="json")
    folder = run.save(tmp_path / "deep" / "run")
    loaded = fl.load(folder)
    for table in ("frame", "attempts", "table", "errors", "concurrency"):
        assert_frame_equal(getattr(loaded, table)(), getattr(run, table)())
    assert loaded.stats().errors == {"StatusError": 1}
    live, read = run.stats(), loaded.stats()
    assert (read.total, read.done, read.elapsed, read.started_at) == (
        live.total,
        live.done,
        live.elapsed,
        live.started_at,
    )
    assert loaded.limits() == run.limits()
    assert "done 31/31" in repr(loaded)
    assert not list(folder.glob("*.part"))


def test_values_that_no_table_can_hold(echo, tmp_path):
    """Timings are saved all the same, and the missing values say why: at once, not when they are needed."""
    run = fl.fetch([f"{echo}/json"], parse="response")
    with pytest.warns(UserWarning, match="the values are not saved.*column 'value'"):
        loaded = fl.load(run.save(tmp_path))
    assert loaded.frame().height == 1
    with pytest.raises(StoreError, match="no table can hold them"):
        loaded.table()


def test_values_of_mixed_kinds_are_saved_as_json_text(tmp_path):
    """A field that is a number here and a list there must neither raise nor become null."""
    values = [{"a": 1, "n": 1}, {"a": [2], "n": 2}, {"a": {"b": "ä"}, "n": 3}, {"n": 4}]
    run = fl.map(lambda item: values[item], range(4)).wait()
    assert run.table()["a"].to_list() == [1, [2], {"b": "ä"}, None]
    folder = run.save(tmp_path)
    assert fl.load(folder).table()["a"].to_list() == ["1", "[2]", '{"b": "ä"}', None]
    assert fl.load(folder).table()["n"].to_list() == [1, 2, 3, 4]
    assert "as JSON text" in json.loads((folder / "run.json").read_text())["values"]


def test_without_values_over_an_older_run(tmp_path):
    """The older run's values beside the newer run's timings would be a lie."""
    fl.map(str, [1, 2]).save(tmp_path)
    assert fl.load(tmp_path).table().height == 2
    fl.map(str, [1, 2, 3], keep=False).save(tmp_path)
    loaded = fl.load(tmp_path)
    assert loaded.frame().height == 3
    with pytest.raises(StoreError, match="keep=False"):
        loaded.table()


def test_what_is_no_saved_run(tmp_path):
    """Nothing there, no JSON, or a format of the future."""
    with pytest.raises(StoreError, match="no saved run"):
        fl.load(tmp_path / "none")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(StoreError, match="no saved run"):
        fl.load(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(StoreError, match="format 99"):
        fl.load(tmp_path)
