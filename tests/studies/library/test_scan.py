"""The scan: files found and read while they are being found."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.studies.library import Filter, Library
from fetchlab.studies.library.columns import FILES, Columns, shared_series
from fetchlab.studies.library.ordering import PathOrder
from fetchlab.studies.library.parsed import Parsed
from fetchlab.studies.library.scanning import SCANNED, Scan
from fetchlab.studies.library.walk import Walk
from fetchlab.testbed import media_tree

WHERE = """
import sys
from fetchlab.studies.library import Library
run = Library(sys.argv[1], threshold=int(sys.argv[2])).scan(progress=False)
frame = run.result()
print(len(frame), "guessit" in sys.modules)
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


@pytest.mark.parametrize(("files", "threshold", "here"), [(10, 10, True), (11, 10, False), (300, 300, True)])
def test_few_names_are_read_here_and_many_in_processes(tmp_path, files, threshold, here):
    """Starting processes for ten names takes longer than reading them; guessit's memory is theirs."""
    for number in range(files):
        letters = "aeiou"[number % 5] + "bdfghjklmnpqrstvwxyz"[number // 5 % 20] + "aei"[number // 100]
        name = f"Harbour Q{letters}"
        with (tmp_path / f"{name}{' (2014)' if number % 30 else ''}.mkv").open("wb") as file:
            file.truncate(2_000_000)
    command = [sys.executable, "-c", WHERE, str(tmp_path), str(threshold)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
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


NAMES = st.text(st.sampled_from("ab -.é~東"), min_size=1, max_size=3)


@given(st.lists(st.lists(NAMES, min_size=1, max_size=4).map(tuple), max_size=12), st.randoms())
def test_rows_come_in_the_order_of_their_paths(paths, chance):
    """Folders come in any order; only signs before and after the slash in Unicode show a wrong one."""
    folders = {path[:-1][:depth] for path in paths for depth in range(len(path))} | {()}
    files = {folder: [] for folder in folders}
    for path in sorted(set(paths) - folders):
        files[path[:-1]].append(path[-1])
    order, rows = PathOrder(), []
    for folder in chance.sample(sorted(folders), len(folders)):
        below = [other[-1] for other in folders if other and other[:-1] == folder]
        order.add("/".join(folder), files[folder], below)
        rows += ["/".join((*folder, name)) for name in files[folder]]
    assert len(order) == len(rows)
    assert [rows[row] for row in order.rows()] == sorted(rows)


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=700))
def test_a_column_of_shared_values_is_the_values(values):
    """Each different one is made once, and in parts; neither may show."""
    series = shared_series("x", values, pl.List(pl.Int32()), key=tuple)
    assert series.to_list() == values
    assert series.dtype == pl.List(pl.Int32())


def read(scan, chunks):
    """Read every name as a film that is called like its file."""
    for chunk in chunks:
        asked = chunk.names.names
        scan.take(chunk, [Parsed("movie", name, tier="made up", why="a test") for _, name, _ in asked])


def test_a_scan_that_is_whole_holds_its_table_alone(tmp_path):
    """What it was made of would take as much memory again for as long as the run is held."""
    media_tree(tmp_path / "library", 60)
    scan = Scan(Walk(tmp_path / "library"), 10, Columns())
    read(scan, scan.chunks())
    frame = scan.frame()
    assert (len(frame), len(scan.files)) == (scan.counts["files"], 0)
    assert scan.frame() is frame
    assert frame["path"].is_sorted()
    assert frame.filter(kind="video").select(pl.col("path").str.ends_with(pl.col("title")).all()).item()
    assert frame.filter(kind="sidecar")["title"].null_count() == frame.filter(kind="sidecar").height


def test_what_is_read_late_is_in_the_table(tmp_path):
    """A worker that died is asked again; a table that was looked at before must not be the last word."""
    media_tree(tmp_path / "library", 600)
    scan = Scan(Walk(tmp_path / "library"), 10, Columns())
    first, *others = scan.chunks()
    read(scan, others)
    before = scan.frame()
    assert before.filter(kind="video")["title"].null_count() == len(first.rows)
    read(scan, [first])
    after = scan.frame()
    assert after.filter(kind="video")["title"].null_count() == 0
    assert after.select(*FILES).equals(before.select(*FILES))


PEAK = """
import sys
import fetchlab as fl
from fetchlab.studies.library import Library
library = Library(sys.argv[1], sys.argv[2], "key")
found = library.match(library.scan(progress=False).result(), progress=False).result()
print(len(found), next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(("files", "megabytes"), [(10_000, 100), (100_000, 240)])
def test_libraries_take_little_memory(tmp_path, bed, files, megabytes):
    """The published tool promised less than 100 MB in its process for ten thousand files; imports take 60."""
    media_tree(tmp_path / "library", files)
    command = [sys.executable, "-c", PEAK, str(tmp_path / "library"), bed.urls["tmdb"]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, peak = map(int, done.stdout.split())
    assert found == files
    assert peak / 1024 < megabytes
