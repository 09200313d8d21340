"""``fetchlab charts``, as it is typed."""

from __future__ import annotations

import signal
import time

import polars as pl
import pytest

from fetchlab.studies.charts import CHARTS, COUNTRIES


@pytest.fixture
def url(bed):
    return bed.urls["play"]


def test_the_documented_command_writes_the_charts(fetchlab, bed, url, tmp_path):
    """The published command line, flag for flag."""
    words = ["--countries", "us,kr,jp", "--categories", "GAME_ACTION,SOCIAL", "--num-results", "100"]
    said = fetchlab("charts", "--base-url", url, *words, "--strategy", "batch", "--out", "new/charts.parquet")
    assert said.code == 0, said.err
    table = pl.read_parquet(tmp_path / "new" / "charts.parquet")
    assert table.schema == CHARTS
    assert table.group_by("country", "category").len()["len"].to_list() == [100] * 6
    assert bed.counters("play")["requests"] == 6
    assert "6 of 6 lists, 600 apps" in said.out
    assert "fetchlab monitor data/runs/charts.db" in said.out


def test_the_same_command_asks_for_nothing_twice(fetchlab, bed, url):
    """An hour's charts are remembered, whichever strategy fetched them."""
    assert fetchlab("charts", "--base-url", url, "--strategy", "multiplexed").code == 0
    assert bed.counters("play")["requests"] == 3
    said = fetchlab("charts", "--base-url", url)
    assert "6 lists from earlier" in said.out
    assert bed.counters("play")["requests"] == 3
    assert fetchlab("charts", "--base-url", url, "--refetch").code == 0
    assert bed.counters("play")["requests"] == 6
    assert fetchlab("charts", "--base-url", url, "--no-journal", "--strategy", "threads").code == 0
    assert bed.counters("play")["requests"] == 12


def test_without_a_url_it_starts_the_testbed_and_says_so(fetchlab):
    """A newcomer's first command must not meet somebody else's server, nor an error."""
    said = fetchlab("charts", "--num-results", 5, "--latency", 0.001)
    assert said.code == 0
    assert "local testbed serves http://127.0.0.1:" in said.out
    assert "3 HTTP calls" in said.out


def test_all_countries_are_all(fetchlab, url, tmp_path):
    """Nobody should have to type forty codes."""
    said = fetchlab("charts", "--base-url", url, "--countries", "all", "--num-results", 1, "--batch-size", 2)
    assert said.code == 0
    table = pl.read_parquet(tmp_path / "data" / "runs" / "charts.parquet")
    assert sorted(set(table["country"])) == sorted(COUNTRIES)


def test_a_list_that_did_not_come_is_exit_code_1(fetchlab, bed, url, tmp_path):
    """A nightly job must notice; what came is written, with a row for what did not."""
    bed.configure("play", error_rate={404: 0.4})
    words = ["--categories", "GAME_ACTION,SOCIAL,TOOLS,DATING", "--strategy", "batch"]
    said = fetchlab("charts", "--base-url", url, *words, "--num-results", 3)
    assert said.code == 1
    assert "lists that failed" in said.out
    assert "goes on from there" in said.out
    table = pl.read_parquet(tmp_path / "data" / "runs" / "charts.parquet")
    failed = table["error"].is_not_null().sum()
    assert 0 < failed < 12
    assert table.height == failed + 3 * (12 - failed)


def test_ctrl_c_writes_what_is_done(bed, url, process, tmp_path):
    """Whoever stops it keeps what came."""
    bed.configure("play", latency=0.05)
    words = ["--countries", "all", "--strategy", "chunked", "--workers", "2", "--num-results", "2"]
    child = process("charts", "--base-url", url, *words, "--out", "kept.parquet")
    deadline = time.monotonic() + 30
    while bed.counters("play")["requests"] < 10:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert "goes on from there" in out
    kept = pl.read_parquet(tmp_path / "kept.parquet")
    assert 8 <= kept.height < 2 * 2 * len(COUNTRIES)
    assert kept["error"].is_null().all()
