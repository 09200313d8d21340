"""An entry that is not what it should be: it is dropped and fetched again, and nobody waits for it."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

import fetchlab as fl
from fetchlab import errors
from fetchlab.store import leases, shelf

DAMAGES = {
    "another key": "UPDATE entry SET key = 'x'",
    "a changed key": "UPDATE entry SET key = replace(key, 'n=3', 'n=7')",
    "no body": "DELETE FROM body",
    "a body of text": "UPDATE body SET data = 'text'",
    "no text": "UPDATE entry SET key = CAST(x'ff' || key AS TEXT)",
}
HALVES = pytest.mark.filterwarnings("ignore:.*an entry is damaged:RuntimeWarning")


def harmed(path, sql):
    with sqlite3.connect(path) as connection:
        connection.execute(sql)
    connection.close()


@HALVES
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_run_fetches_damaged_entries_again(bed, echo, tmp_path, damage):
    """Who looks at an entry's times would say that it is there, who reads it that it is not: for ever."""
    path = tmp_path / "c.db"
    urls = [f"{echo}/json?n={number}" for number in range(10)]
    with fl.Cache(path) as cache:
        fl.fetch(urls, cache=cache).wait()
    harmed(path, damage)
    with fl.Cache(path, memory=0) as cache:
        run = fl.fetch(urls, parse="json", cache=cache).wait(20)
        assert run.ended
        assert [value["args"]["n"] for value in run.result()] == [str(number) for number in range(10)]
        cache.flush()
        assert fl.fetch(urls, cache=cache).wait(20).stats().cached == 10


@HALVES
def test_entries_ahead_of_their_turn_may_be_damaged(bed, echo, tmp_path):
    """Of those beyond the first hundreds only the times are looked at before it is their turn."""
    path = tmp_path / "c.db"
    urls = [f"{echo}/json?n={number}" for number in range(400)]
    with fl.Cache(path) as cache:
        fl.fetch(urls, cache=cache).wait()
    harmed(path, "UPDATE body SET data = x'00'")
    run = fl.fetch(urls, priority=lambda url: -len(url), cache=fl.Cache(path, memory=0)).wait(30)
    assert (run.ended, run.stats().ok, run.stats().cached) == (True, 400, 0)


def test_one_key_that_is_no_text_does_not_hide_the_others(tmp_path):
    """The whole file would be called damaged for one bit, or its tables be empty."""
    path = tmp_path / "c.db"
    with fl.Cache(path) as cache:
        for number in range(5):
            cache.put(number, number)
    harmed(path, "UPDATE entry SET key = CAST(x'ff' || key AS TEXT) WHERE key = '3'")
    with fl.Cache(path) as cache:
        assert sorted(cache.frame()["key"]) == ["0", "1", "2", "4", "\ufffd3"]
        assert cache.stats().trouble == ""


@HALVES
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_value_is_created_again(tmp_path, damage):
    """``get_or_create`` would look for it without end, in a thread or on an event loop."""
    path = tmp_path / "c.db"
    with fl.Cache(path) as cache:
        cache.put("k n=3", 1)
        cache.put("l n=3", 1)
    harmed(path, damage)
    with fl.Cache(path, memory=0) as cache:

        async def create():
            return 2

        assert cache.get_or_create("k n=3", lambda: 2) == 2
        assert asyncio.run(asyncio.wait_for(cache.get_or_create("l n=3", create), 20)) == 2
        cache.flush()
        assert (cache.get("k n=3"), cache.get("l n=3")) == (2, 2)


@HALVES
def test_offline_a_damaged_entry_is_a_miss(bed, echo, tmp_path):
    """Nothing can be dropped there: items far ahead would be looked for again and again."""
    path = tmp_path / "c.db"
    urls = [f"{echo}/json?n={number}" for number in range(400)]
    with fl.Cache(path) as cache:
        fl.fetch(urls, cache=cache).wait()
    harmed(path, "DELETE FROM body")
    offline = fl.Cache(path, memory=0, mode="offline")
    run = fl.fetch(urls, cache=offline).wait(30)
    assert run.ended
    assert {type(result.error) for result in run.results()} == {errors.CacheMiss}


def test_two_keys_of_one_number_take_turns(bed, echo, tmp_path, monkeypatch):
    """However unlikely, the second would wait for an entry that is the first one's."""
    for module in (shelf, leases):
        monkeypatch.setattr(module, "id_of", lambda _: 7)
    cache = fl.Cache(tmp_path / "c.db", memory=0)
    for number in (1, 2, 1):
        run = fl.fetch([f"{echo}/json?n={number}"], parse="json", cache=cache).wait(20)
        assert run.result()[0]["args"]["n"] == str(number)
        cache.flush()
    assert cache.get_or_create("other", lambda: 3) == 3
    assert cache.stats().entries == 1
    assert cache.stats().trouble == ""
