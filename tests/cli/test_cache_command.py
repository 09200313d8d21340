"""``fetchlab cache …`` and the cache of ``fetchlab fetch``."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.store import database


@pytest.fixture
def listed(tmp_path, echo):
    """A list of ten URLs."""
    (tmp_path / "urls.txt").write_text("".join(f"{echo}/json?n={number}\n" for number in range(10)))
    return "urls.txt"


def test_a_second_call_asks_nobody_and_offline_needs_nobody(fetchlab, bed, listed, tmp_path):
    """A list fetched every morning would be fetched in full every time."""
    for words in ([], [], ["--offline"]):
        said = fetchlab("fetch", listed, "--cache", "c.db", *words, "--out", "out.parquet", "--json")
        assert said.code == 0, said.err
    assert json.loads(said.out)["cached"] == 10
    assert bed.counters("echo")["requests"] == 10
    assert pl.read_parquet(tmp_path / "out.parquet")["cached"].all()
    assert fetchlab("fetch", listed, "--cache", "c.db", "--refresh", "-q").code == 0
    assert bed.counters("echo")["requests"] == 20


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--offline"], "--cache"),
        (["--ttl", "2h"], "--cache"),
        (["--offline", "--refresh", "--cache", "c.db"], "--offline"),
        (["--cache", "c.db", "--ttl", "soon"], "--ttl"),
    ],
)
def test_a_wrong_word_names_its_flag(fetchlab, listed, words, named):
    """The user would read of a knob that the command line does not have."""
    said = fetchlab("fetch", listed, *words)
    assert said.code == 2
    assert said.err.startswith(f"fetchlab: {named}: ")


def test_stats_advice_expire_and_clear(fetchlab, bed, echo, tmp_path):
    """A file on disk that nobody can look into is nobody's."""
    path = tmp_path / "c.db"
    with fl.Cache(path) as cache:
        for _ in range(3):
            fl.fetch([f"{echo}/bytes/100?_={stamp}" for stamp in range(5)], cache=cache).wait()
        cache.put("mine", 1, ttl=1e-9)
    told = json.loads(fetchlab("cache", "stats", path, "--json").out)
    assert (told["entries"], told["hits"], told["fetches"], told["expired"]) == (6, 10, 6, 1)
    said = fetchlab("cache", "stats", path)
    assert "6 entries" in said.out
    assert echo in said.out
    assert 'ignore=("_",)' in fetchlab("cache", "advice", path).out
    assert "1 entries dropped, 5 left" in fetchlab("cache", "expire", path).out
    assert "0 entries dropped, 5 left" in fetchlab("cache", "expire", path, "--older-than", "7d").out
    assert "5 entries dropped" in fetchlab("cache", "clear", path, "--yes").out
    assert json.loads(fetchlab("cache", "stats", path, "--json").out)["entries"] == 0
    assert "Nothing to advise" in fetchlab("cache", "advice", path).out


@pytest.mark.parametrize("words", [["clear", "--yes"], ["expire", "--older-than", "0"]])
def test_an_order_that_cannot_be_done_is_an_error_of_one_line(fetchlab, tmp_path, monkeypatch, words):
    """``0 entries dropped`` and exit code 0 would be believed."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with fl.Cache(tmp_path / "c.db") as cache:
        cache.put("mine", 1)
    with closing(sqlite3.connect(tmp_path / "c.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = fetchlab("cache", words[0], "c.db", *words[1:])
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert "locked by another process" in said.err
    assert "1 entries" in fetchlab("cache", "stats", "c.db").out


@pytest.mark.parametrize("command", ["stats", "advice", "clear", "expire"])
def test_a_file_that_is_not_there_or_not_ours_is_an_error_of_one_line(fetchlab, tmp_path, command):
    """A mistyped name would make an empty cache, or a user's file be moved away."""
    said = fetchlab("cache", command, "none.db")
    assert (said.code, said.err.strip()) == (1, "fetchlab: none.db: there is no such cache")
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "letter.txt").write_text("Dear all, " * 2000)
    said = fetchlab("cache", command, "letter.txt")
    assert (said.code, len(said.err.splitlines())) == (1, 1)
    assert "letter.txt: the cache is no cache or is damaged" in said.err
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_a_shared_tier_is_looked_into_by_its_url(fetchlab, bed, echo, listed, redis):
    """What many machines fill would be nobody's to look into, or to clear."""
    for _ in range(2):
        said = fetchlab("fetch", listed, "--cache", redis.url(), "--json")
        assert said.code == 0, said.err
    assert (json.loads(said.out)["cached"], bed.counters("echo")["requests"]) == (10, 10)
    told = json.loads(fetchlab("cache", "stats", redis.url(), "--json").out)
    assert (told["entries"], told["fetches"], told["file_bytes"]) == (10, 10, 0)
    assert told["bytes"] > 1000
    said = fetchlab("cache", "stats", redis.url())
    assert f"{redis.url()}: 10 entries, 0.0 MB" in said.out
    assert echo in said.out
    assert fetchlab("cache", "advice", redis.url()).code == 0
    assert "0 entries dropped, 10 left" in fetchlab("cache", "expire", redis.url()).out
    assert "10 entries dropped" in fetchlab("cache", "clear", redis.url(), "--yes").out
    assert "0 entries" in fetchlab("cache", "stats", redis.url()).out


@pytest.mark.parametrize("command", ["stats", "advice", "clear", "expire"])
def test_a_shared_tier_that_is_gone_is_an_error_of_one_line(fetchlab, refused, command):
    """A traceback, with the password in its URL."""
    address = "127.0.0.1:" + refused.rpartition(":")[2].strip("/")
    said = fetchlab("cache", command, f"redis://:S3CRET-word@{address}/0")
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert f"redis://{address}/0: the shared tier does not answer" in said.err
    assert "S3CRET" not in said.err
