"""Journals on the command line: commands that go on, and what their journals hold."""

from __future__ import annotations

import polars as pl
import pytest


@pytest.fixture
def urls(echo, tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"{echo}/bytes/{n}\n" for n in range(20)) + f"{echo}/status/404\n")
    return path


def test_a_fetch_goes_on_and_writes_all_of_it(fetchlab, bed, urls, tmp_path):
    """The second night's file would hold the second night only."""
    words = ["fetch", urls, "--journal", "runs/j.db", "--out", "all.parquet", "--retries", 0]
    assert fetchlab(*words).code == 1
    said = fetchlab(*words)
    assert said.code == 1
    assert "20 of them earlier" in said.out
    assert bed.counters("echo")["requests"] == 22
    table = pl.read_parquet(tmp_path / "all.parquet").sort("index")
    assert [len(value) for value in table["value"]] == list(range(20))
    assert fetchlab(*words, "--refetch").code == 1
    assert bed.counters("echo")["requests"] == 22 + 21


def test_refetch_without_a_journal_is_refused(fetchlab, urls):
    """It would do nothing, and look as if it had."""
    said = fetchlab("fetch", urls, "--refetch")
    assert said.code == 2
    assert "--refetch" in said.err


def test_a_journal_that_cannot_be_used_is_one_line(fetchlab, urls, tmp_path):
    """Not a traceback."""
    (tmp_path / "j.db").write_bytes(b"no database" * 1000)
    said = fetchlab("fetch", urls, "--journal", "j.db")
    assert said.code == 1
    assert "is no journal or is damaged" in said.err
    assert len(said.err.splitlines()) == 1


def test_the_catalogue_remembers_by_default(fetchlab, bed, tmp_path):
    """Ctrl-C in the third hour would cost three hours."""
    url = bed.urls["catalogue"]
    words = ["catalogue", "--base-url", url, "--max-pages", 2, "--out", "m.parquet"]
    assert fetchlab(*words).code == 0
    assert (tmp_path / "data" / "runs" / "catalogue.db").exists()
    said = fetchlab(*words)
    assert said.code == 0
    assert "100 details from earlier" in said.out
    assert bed.counters("catalogue")["requests"] == 102
    assert fetchlab(*words, "--no-journal").code == 0
    assert bed.counters("catalogue")["requests"] == 204
    assert fetchlab(*words, "--refetch").code == 0
    assert bed.counters("catalogue")["requests"] == 306
    assert pl.read_parquet(tmp_path / "m.parquet").height == 100


def test_the_testbeds_run_is_no_part_of_another_services_journal(fetchlab, bed):
    """Made-up movies among real ones, for ever."""
    words = ["catalogue", "--max-pages", 1, "--ids-only", "--latency", 0.001]
    assert fetchlab(*words, "--base-url", bed.urls["catalogue"]).code == 0
    said = fetchlab(*words)
    assert said.code == 0
    assert "nothing is remembered of this one" in said.out
    other = bed.urls["catalogue"].replace("127.0.0.1", "localhost")
    said = fetchlab(*words, "--base-url", other)
    assert said.code == 1
    assert "give another file" in said.err


def test_show_and_export(fetchlab, urls, tmp_path):
    """Whoever finds the file next year must see what it is."""
    fetchlab("fetch", urls, "--journal", "j.db", "--retries", 0)
    said = fetchlab("journal", "show", "j.db")
    assert said.code == 0
    assert "21 items, 20 ok, 1 failed" in said.out
    assert "StatusError" in said.out
    said = fetchlab("journal", "export", "j.db", "out/j.parquet")
    assert said.code == 0
    assert pl.read_parquet(tmp_path / "out" / "j.parquet").height == 21
    assert fetchlab("journal", "show", "none.db").code == 1
