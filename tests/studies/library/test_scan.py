"""The scan: files found and read while they are being found."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.studies.library import Filter, Library
from fetchlab.studies.library.scanning import SCANNED
from fetchlab.testbed import media_tree

WHERE = """
import sys
from fetchlab.studies.library import Library
run = Library(sys.argv[1]).scan(progress=False)
frame = run.result()
print(run.notes["guessit"], "guessit" in sys.modules)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("scan") / "library"
    return root, [one for one in media_tree(root, 120) if one["kind"] in ("movie", "episode", "sidecar")]


@pytest.fixture(scope="module")
def scanned(tree):
    run = Library(tree[0]).scan(progress=False)
    return run, run.result()


def test_every_file_is_in_the_table_once(tree, scanned):
    """A file that is lost here is lost for good."""
    _, truth = tree
    run, frame = scanned
    assert run.errors().is_empty()
    assert frame.schema == SCANNED
    assert frame["path"].to_list() == sorted(one["path"] for one in truth)
    sizes = {one["path"]: one["size"] for one in truth}
    assert dict(frame.select("path", "size").iter_rows()) == sizes


def test_what_names_say_stands_beside_the_right_file(tree, scanned):
    """Chunks end in any order, and some names are read twice over."""
    _, truth = tree
    read = {row["path"]: row for row in scanned[1].iter_rows(named=True)}
    for one in truth:
        row = read[one["path"]]
        if one["kind"] == "sidecar":
            assert row["parser"] is None
            continue
        assert row["type"] == one["kind"]
        if one["kind"] == "episode" and row["season"] is not None:
            assert (row["season"], row["episodes"]) == (one["season"], one["episodes"])


def test_the_table_says_which_parser_and_why(scanned):
    """So that somebody who doubts a title can see where it is from."""
    run, frame = scanned
    videos = frame.filter(kind="video")
    assert videos.select(pl.col("parser", "tier", "why").null_count()).row(0) == (0, 0, 0)
    assert run.notes["videos"] == run.notes["fast"] + run.notes["guessit"] == len(videos) == 120
    assert run.notes["fast"] == len(videos.filter(parser="fast"))
    assert run.notes["walk"][0]["mode"] in ("sequential", "parallel")


def test_what_guessit_read_is_remembered(tree, scanned, tmp_path):
    """It is most of the time of a scan, and names do not change."""
    library = Library(tree[0], cache=fl.Cache(tmp_path / "cache.db"))
    first = library.scan(progress=False).wait()
    assert first.notes["remembered"] == 0
    run = Library(tree[0], cache=tmp_path / "cache.db").scan(progress=False)
    assert run.result().equals(scanned[1])
    assert run.notes["remembered"] == run.notes["guessit"] == first.notes["guessit"] > 0


@pytest.mark.parametrize(("files", "here"), [(10, True), (11, False)])
def test_few_names_are_read_here_and_many_in_processes(tmp_path, files, here):
    """Starting processes for ten names takes longer than reading them; guessit's memory is theirs."""
    for number in range(files):
        with (tmp_path / f"Harbour {'abcdefghijk'[number]}.mkv").open("wb") as file:
            file.truncate(2_000_000)
    done = subprocess.run(
        [sys.executable, "-c", WHERE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(files), str(here)]


def test_problems_and_what_was_passed_over_are_told(tmp_path):
    """Otherwise a missing film is a riddle."""
    media_tree(tmp_path / "library", 60)
    (tmp_path / "library" / "gone.mkv").symlink_to(tmp_path / "nowhere.mkv")
    (tmp_path / "elsewhere.mkv").write_bytes(b"x")
    (tmp_path / "library" / "here.mkv").symlink_to(tmp_path / "elsewhere.mkv")
    run = Library(tmp_path / "library", rules=Filter(extensions={"avi"})).scan(progress=False)
    frame = run.result()
    assert set(frame.filter(kind="video")["path"].str.slice(-4)) <= {".avi"}
    assert run.notes["skipped"]["other"] > 30
    library = Library(tmp_path / "library").scan(progress=False).wait()
    problems = {problem["path"]: problem["kind"] for problem in library.notes["problems"]}
    assert problems == {"gone.mkv": "broken link", "here.mkv": "link"}
    assert "here.mkv" not in library.result()["path"]


def test_an_empty_library(tmp_path):
    """A table without rows, not an error."""
    run = Library(tmp_path).scan(progress=False)
    assert run.result().schema == SCANNED
    assert run.result().is_empty()


@pytest.mark.parametrize(
    ("knobs", "named"),
    [
        ({"path": 3}, "path"),
        ({"threshold": -1}, "threshold"),
        ({"concurrency": 0}, "concurrency"),
        ({"tmdb_url": "api.themoviedb.org"}, "tmdb_url"),
        ({"rules": {"mkv"}}, "rules"),
        ({"cache": 7}, "cache"),
    ],
)
def test_bad_knobs_are_named(tmp_path, knobs, named):
    """Somebody who mistypes must read what."""
    with pytest.raises(fl.errors.ConfigError, match=named):
        Library(**{"path": tmp_path} | knobs)
    with pytest.raises(fl.errors.ConfigError, match="path"):
        Library(tmp_path / "missing").scan()


@pytest.mark.slow
def test_ten_thousand_files_take_little_memory(tmp_path):
    """The published tool promised less than 100 MB in its process for ten thousand files."""
    media_tree(tmp_path / "library", 10_000)
    code = """
import sys
from fetchlab.studies.library import Library
frame = Library(sys.argv[1]).scan(progress=False).result()
print(len(frame), next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""
    if sys.platform != "linux":
        pytest.skip("the peak is read from /proc")
    command = [sys.executable, "-c", code, str(tmp_path / "library")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    files, peak = map(int, done.stdout.split())
    assert files > 10_000
    assert peak / 1024 < 100
