"""``fetchlab catalogue``: what it writes, says and exits with."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.studies.catalogue import MOVIES


@pytest.fixture
def url(bed):
    return bed.urls["catalogue"]


def newest(bed, count):
    movies = bed.truth("catalogue")["movies"]
    places = sorted(range(len(movies)), key=movies.uploaded.__getitem__)[-count:]
    return sorted(movies.ids[place] for place in places)


def until(happened, child):
    """Ask until an event comes about; fail if it never does, or the process has ended."""
    deadline = time.monotonic() + 30
    while not happened():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, "the event did not happen"


def test_the_documented_command_writes_the_details(fetchlab, bed, url, tmp_path):
    """The published command line, flag for flag."""
    words = ["--max-pages", "2", "--parallel-pages", "20", "--workers", "16", "--batch-size", "50"]
    said = fetchlab("catalogue", "--base-url", url, *words, "--out", "new/movies.parquet")
    assert said.code == 0
    table = pl.read_parquet(tmp_path / "new" / "movies.parquet")
    assert table.schema == MOVIES
    assert table["id"].to_list() == newest(bed, 100)
    assert "100 movie ids" in said.out
    assert "100 rows written to new/movies.parquet" in said.out
    assert bed.counters("catalogue")["max_in_flight"] <= 20
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["movies.parquet"]


def test_without_a_url_it_starts_the_testbed_and_says_so(fetchlab):
    """A newcomer's first command must not meet somebody else's server, nor an error."""
    said = fetchlab("catalogue", "--max-pages", 1, "--ids-only", "--latency", 0.001)
    assert said.code == 0
    assert "local testbed serves http://127.0.0.1:" in said.out
    assert "1 ms an answer" in said.out


def test_taken_ports_are_no_obstacle(fetchlab):
    """A second terminal with the testbed running must not stop the command in this one."""
    with fl.testbed.serve() as first:
        said = fetchlab("catalogue", "--max-pages", 1, "--ids-only")
        assert said.code == 0
        assert "usual ports are taken" in said.out
        assert first.urls["catalogue"] not in said.out


def test_ids_only_writes_the_ids(fetchlab, bed, url, tmp_path):
    """Whoever wants the ids should not have to fetch the details."""
    said = fetchlab(
        "catalogue", "--base-url", url, "--max-pages", 3, "--ids-only", "--out", tmp_path / "ids.parquet"
    )
    assert said.code == 0
    assert pl.read_parquet(tmp_path / "ids.parquet")["id"].to_list() == newest(bed, 150)
    assert bed.counters("catalogue")["requests"] == 3


@pytest.mark.parametrize(
    ("pages", "word"), [(4, "Note: "), (5, None), (20, None), (50, None), (51, "Warning: ")]
)
def test_unwise_parallel_pages_are_remarked_on(fetchlab, url, pages, word):
    """5 to 50 is what was recommended; outside it works, and says what to expect."""
    said = fetchlab("catalogue", "--base-url", url, "--max-pages", 1, "--ids-only", "--parallel-pages", pages)
    assert said.code == 0
    remarks = [line for line in said.out.splitlines() if "--parallel-pages" in line]
    assert len(remarks) == (word is not None)
    assert all(remark.startswith(word) and str(pages) in remark for remark in remarks)


def test_what_failed_is_a_table_and_exit_code_1(fetchlab, bed, url, tmp_path):
    """A nightly job that lost half its movies must not end with 0."""
    bed.configure("catalogue", error_rate={404: 0.15})
    said = fetchlab("catalogue", "--base-url", url, "--max-pages", 4, "--out", tmp_path / "some.parquet")
    assert said.code == 1
    assert "details that failed" in said.out
    assert "StatusError" in said.out
    assert "HTTP 404" in said.out
    assert "Not everything came" in said.out
    written = pl.read_parquet(tmp_path / "some.parquet").height
    assert 0 < written < 200
    assert f"{written} rows written" in said.out


def test_a_service_that_is_not_there_is_exit_code_1(fetchlab, refused):
    """No answer at all must not look like an empty catalogue."""
    said = fetchlab("catalogue", "--base-url", refused.rstrip("/"), "--ids-only")
    assert said.code == 1
    assert "ConnectFailed" in said.out
    assert "failed pages 1" in said.out


def test_pages_that_were_mended_are_no_failure(fetchlab, bed, url):
    """A page that came at the second try is there: exit code 0."""
    bed.configure("catalogue", error_rate={404: 0.2})  # a status that is not retried, except at the end
    said = fetchlab("catalogue", "--base-url", url, "--max-pages", 9, "--ids-only")
    assert "failed at least once" in said.out
    assert ("failed pages" in said.out) == (said.code == 1)
    assert ("450 movie ids" in said.out) == (said.code == 0)


def test_a_file_that_cannot_be_written_is_refused_before_the_first_request(fetchlab, bed, url, tmp_path):
    """An hour of fetching would end in a stack trace."""
    (tmp_path / "file").touch()
    for out in (tmp_path, tmp_path / "file" / "x.parquet"):
        said = fetchlab("catalogue", "--base-url", url, "--out", out)
        assert said.code == 1
        assert said.err.startswith("fetchlab: --out: ")
    assert bed.counters("catalogue")["requests"] == 0


def test_ctrl_c_during_the_details_writes_what_is_done(bed, url, process, tmp_path):
    """Whoever stops a run after an hour keeps the hour."""
    bed.configure("catalogue", latency=0.01)
    child = process("catalogue", "--base-url", url, "--max-pages", 100, "--out", "kept.parquet")
    until(lambda: bed.counters("catalogue")["requests"] > 300, child)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err
    kept = pl.read_parquet(tmp_path / "kept.parquet")
    assert 100 < kept.height < 5000
    assert f"Interrupted: {kept.height:,} of 5,000 details are kept." in out
    assert set(kept["id"]) <= set(newest(bed, 5000))


def test_ctrl_c_during_the_ids_writes_the_ids(bed, url, process, tmp_path):
    """Going on with thousands of details is not what Ctrl-C means; what came is kept all the same."""
    bed.configure("catalogue", latency=0.1)
    child = process("catalogue", "--base-url", url, "--out", "kept.parquet")
    until(lambda: bed.counters("catalogue")["requests"] > 60, child)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert "what is written are the ids alone" in out
    assert "failed pages" not in out
    kept = pl.read_parquet(tmp_path / "kept.parquet")
    assert kept.columns == ["id"]
    assert kept.height >= 20 * 50
    assert set(bed.counters("catalogue")["by_route"]) == {"GET /api/v2/list_movies.json"}


def test_nothing_replaces_a_good_file(tmp_path):
    """One unreachable host would overwrite the details of a six-hour run with an empty table."""
    good = tmp_path / "movies.parquet"
    pl.DataFrame({"id": [1, 2, 3]}).write_parquet(good)
    asked = ["--base-url", "http://127.0.0.1:1", "--max-pages", "1", "--out", str(good)]
    command = [sys.executable, "-m", "fetchlab", "catalogue", *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert pl.read_parquet(good).height == 3
