"""``fetchlab library``, as it is typed."""

from __future__ import annotations

import signal
import time

import polars as pl
import pytest

from fetchlab.studies.library.planning import PLAN
from fetchlab.studies.library.scanning import SCANNED
from fetchlab.testbed import media_tree
from studies.library.trees import tree_of

KEY = "0123456789abcdef0123456789abcdef"
FILES = 60


@pytest.fixture
def url(bed):
    return bed.urls["tmdb"]


@pytest.fixture
def media(tmp_path):
    media_tree(tmp_path / "media", FILES)
    return tmp_path / "media"


def test_scan_says_what_is_there(fetchlab, media, tmp_path):
    """The first look at a library, without any service."""
    said = fetchlab("library", "scan", media, "--out", "found.parquet", "--threshold", 100)
    assert said.code == 0, said.err
    assert f"{FILES} videos" in said.out
    assert "Walked sequential: a folder takes" in said.out
    table = pl.read_parquet(tmp_path / "found.parquet")
    assert table.schema == SCANNED
    assert table.filter(kind="video").height == FILES


def test_plan_then_apply_then_undo(fetchlab, bed, url, media, tmp_path):
    """The whole way, each line as the one before printed it; a plan alone touches nothing."""
    before = tree_of(media)
    knobs = ["--tmdb-url", url, "--api-key", KEY, "--concurrency", 8, "--ttl", "1h", "--threshold", 100]
    said = fetchlab("library", "plan", media, *knobs, "--out", "plan.parquet")
    assert said.code == 0, said.err
    assert tree_of(media) == before
    table = pl.read_parquet(tmp_path / "plan.parquet")
    assert table.schema == PLAN
    moving = int(table["move"].sum())
    assert f"{moving} of {table.height} files move" in said.out
    assert "→ " in said.out
    assert "goes with its video" in said.out
    assert "Cache data/cache/library.db: 0 hits of" in said.out
    assert KEY not in said.out + said.err
    requests = bed.counters("tmdb")["requests"]
    assert requests > 0

    said = fetchlab(*_line(said, "To move them: "))
    assert said.code == 0, said.err
    assert f"{moving} files: {moving} moved" in said.out
    assert "fetchlab monitor data/runs/library-" in said.out
    after = tree_of(media)
    assert all(target in after for target in table.filter("move")["target"])
    assert bed.counters("tmdb")["requests"] == requests

    said = fetchlab(*_line(said, "To take it back: "))
    assert said.code == 0, said.err
    assert f"{moving} restored" in said.out
    assert tree_of(media) == before

    said = fetchlab("library", "apply", media, *knobs)
    assert said.code == 0, said.err
    assert "(100%)" in said.out
    assert bed.counters("tmdb")["requests"] == requests
    assert tree_of(media) == after


def _line(said, start):
    """The words of the command that a line of the output names."""
    (line,) = (line for line in said.out.splitlines() if start in line)
    return line.partition(start)[2].split()[1:]


def test_another_folder_and_what_is_not_sure(fetchlab, url, media, tmp_path):
    """Nothing below the confidence moves, and the old folder is left alone but for what moved."""
    words = ["--to", tmp_path / "new", "--tmdb-url", url, "--api-key", KEY, "--threshold", 100]
    said = fetchlab("library", "apply", media, *words, "--confidence", 0.99)
    assert said.code == 0, said.err
    assert "confidence below 0.99: same title, no year in the name" in said.out
    moved = [path for path, seen in tree_of(tmp_path / "new").items() if seen != "folder"]
    assert f"{len(moved)} moved" in said.out
    assert not (media / "TV Shows").exists()


def test_without_a_service_and_a_library_it_makes_both(fetchlab, monkeypatch):
    """A newcomer's first command."""
    monkeypatch.delenv("TMDB_API_KEY", raising=False)
    said = fetchlab("library", "plan", "--demo", 12, "--latency", 0.001, "--threshold", 100)
    assert said.code == 0, said.err
    assert "files of a made-up library are in" in said.out
    assert "local testbed serves http://127.0.0.1:" in said.out


def test_a_file_that_cannot_be_moved_is_exit_code_1(fetchlab, url, media, tmp_path):
    """A nightly job must notice; the rest is moved."""
    words = ["--tmdb-url", url, "--api-key", KEY, "--threshold", 100]
    assert fetchlab("library", "plan", media, *words, "--out", "plan.parquet").code == 0
    table = pl.read_parquet(tmp_path / "plan.parquet").filter("move")
    (media / table.filter(kind="sidecar")["source"][0]).unlink()
    said = fetchlab("library", "apply", media, "--plan", "plan.parquet")
    assert said.code == 1
    assert "gone since the plan" in said.out
    assert f"{table.height - 1} moved" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["plan"], "PATH"),
        (["scan", "nowhere"], "PATH: nowhere is no folder"),
        (["plan", "nowhere"], "PATH: nowhere is no folder"),
        (["plan", ".", "--out", "plan.csv"], "--out: plan.csv must end in .parquet"),
        (["plan", ".", "--cache", "."], "--cache: . is a folder"),
        (["plan", ".", "--tmdb-url", "http://tmdb.invalid"], "--api-key: give the service's key"),
        (["plan", ".", "--tmdb-url", "tmdb.invalid", "--api-key", KEY], "--tmdb-url: "),
        (["plan", ".", "--ttl", "soon"], "--ttl: "),
        (["apply", ".", "--plan", "nothing.parquet"], "--plan: "),
        (["plan", ".", "--confidence", "80"], "--confidence"),
    ],
)
def test_words_that_cannot_work(fetchlab, monkeypatch, words, told):
    """The message names the word, and nothing has begun."""
    monkeypatch.delenv("TMDB_API_KEY", raising=False)
    said = fetchlab("library", *words)
    assert said.code == 2
    assert told in said.err
    assert "testbed" not in said.out


def test_names_that_a_terminal_would_obey(fetchlab, bed, url, tmp_path):
    """A name off the net may hold anything: it must not colour, clear or forge what is printed."""
    truth = media_tree(tmp_path / "media", 10)
    film = next(one for one in truth if one["kind"] == "movie")
    folder = tmp_path / "media" / "A\x1b[2Jb\nc"
    folder.mkdir()
    with (folder / f"{film['title']} ({film['year']}).mkv").open("wb") as file:
        file.truncate(10**9)
    said = fetchlab("library", "plan", "media", "--tmdb-url", url, "--api-key", KEY, "--threshold", 100)
    assert said.code == 0, said.err
    assert "\x1b" not in said.out
    assert "A\\x1b[2Jb\\nc/" in said.out


def test_a_service_that_does_not_answer_is_exit_code_1(fetchlab, bed, url, media):
    """A nightly job must notice that nothing was matched, and not take it for a library in order."""
    bed.configure("tmdb", error_rate={401: 1.0})
    for command in ("plan", "apply"):
        words = ["--tmdb-url", url, "--api-key", KEY, "--threshold", 100]
        said = fetchlab("library", command, "media", *words, "--cache", f"{command}.db")
        assert said.code == 1, said.out
        assert "requests without an answer" in said.out


def test_it_says_that_the_titles_are_made_up(fetchlab, monkeypatch, tmp_path):
    """Without a service's address, films of one's own would be taken for the testbed's."""
    monkeypatch.delenv("TMDB_API_KEY", raising=False)
    (tmp_path / "mine").mkdir()
    said = fetchlab("library", "plan", "mine", "--out", "plan.parquet")
    assert said.code == 0, said.err
    assert "Its titles are made up" in said.out
    assert "nothing is written" in said.out
    assert "To move them" not in said.out


def test_undo_without_a_journal(fetchlab, media):
    """One line says so."""
    said = fetchlab("library", "undo", media)
    assert said.code == 1
    assert "no such journal" in said.err


def test_ctrl_c_moves_nothing(bed, url, media, process):
    """While the service is asked nothing has moved yet, and what came is kept."""
    bed.configure("tmdb", latency=0.3)
    before = tree_of(media)
    words = ["--tmdb-url", url, "--api-key", KEY, "--concurrency", 1, "--threshold", 100]
    child = process("library", "apply", media, *words)
    deadline = time.monotonic() + 30
    while bed.counters("tmdb")["requests"] < 3:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert "nothing was moved" in out
    assert tree_of(media) == before
