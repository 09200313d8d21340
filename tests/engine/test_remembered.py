"""Adaptive limits that begin where they stood: remembered by this process, and by journals."""

from __future__ import annotations

import json

import pytest

import fetchlab as fl
from fetchlab.engine import remembered
from fetchlab.errors import ConfigError
from fetchlab.store.journal_file import JournalFile

HOST = "http://a.test"


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch, tmp_path):
    monkeypatch.setattr(remembered, "_found", {})
    monkeypatch.chdir(tmp_path)


def _journal(path, *sessions):
    """A journal of sessions that ended with such limits and so many items."""
    for limits, done in sessions:
        file = JournalFile(path, batch_size=50, workers=1)
        file.close("done", json.dumps({"limits": limits, "done": done}))


def _limits(run):
    return [limit for _, limit in run.wait().limits()]


def test_a_second_run_begins_where_the_first_one_ended(bed, echo):
    """Slow start costs a run of minutes its first seconds, and the same cell is run again and again."""
    bed.configure(latency=0.01)
    urls = [f"{echo}/json?n={number}" for number in range(600)]
    first = fl.fetch(urls, workers=fl.Adaptive(max=24), progress=False).wait()
    (found,) = first.stats().limits.values()
    assert found > 8
    again = fl.fetch(urls[:60], workers=fl.Adaptive(max=24, start="history"), progress=False)
    assert found in _limits(again)[:3], "not one by one from 4 up"
    fresh = fl.fetch(urls[:60], workers=fl.Adaptive(max=24), progress=False)
    assert _limits(fresh)[0] < found


def test_nothing_remembered_is_slow_start(bed, echo):
    """A host that was never asked is not started at full speed."""
    run = fl.fetch([f"{echo}/json"] * 5, workers=fl.Adaptive(start="history"), progress=False)
    assert (
        _limits(run)[0] == _limits(fl.fetch([f"{echo}/json"] * 5, workers=fl.Adaptive(), progress=False))[0]
    )


def test_a_run_too_short_to_settle_is_not_remembered(bed, echo):
    """Its limit tells where it began, not where it belongs."""
    fl.fetch([f"{echo}/json"] * 5, workers=fl.Adaptive(), progress=False).wait()
    assert remembered._found == {}


def test_journals_remember(tmp_path):
    """The kernel of last week is gone, its journal is not; of several sessions the latest counts."""
    folder = tmp_path / "data" / "runs"
    folder.mkdir(parents=True)
    _journal(folder / "a.db", ({HOST: 10}, 500), ({HOST: 30}, 500), ({HOST: 7}, 20))
    (folder / "b.db").write_bytes(b"no journal" * 100)
    assert remembered.limits(remembered.journals()) == {HOST: 30}
    assert remembered.limit_of(HOST, remembered.limits(remembered.journals())) == 30
    elsewhere = tmp_path / "own.db"
    _journal(elsewhere, ({"http://b.test": 12}, 500))
    assert remembered.limits(remembered.journals(own=elsewhere)) == {HOST: 30, "http://b.test": 12}


def test_what_is_remembered_stays_within_the_bounds():
    """A knob of today beats a run of yesterday."""
    from fetchlab.policy.concurrency import AdaptiveLimit

    assert AdaptiveLimit(fl.Adaptive(max=8, start="history"), 30).limit == 8
    assert AdaptiveLimit(fl.Adaptive(min=40, start="history"), 30).limit == 40


def test_another_word_is_refused():
    """A typo must not silently mean slow start."""
    with pytest.raises(ConfigError, match=r"start=….*'history'.*'last'"):
        fl.Adaptive(start="last")
