"""The walk: what it finds, what it reports, and when it reads many folders at a time."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from fetchlab.errors import ConfigError
from fetchlab.studies.library.columns import FILES, Columns, Rows
from fetchlab.studies.library.filters import Filter
from fetchlab.studies.library.walk import Walk
from fetchlab.testbed import media_tree

BOTH = pytest.mark.parametrize("mode", ["sequential", "parallel"])
LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def make(root, *names, size=2_000_000):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)


def link(path, *, to):
    path.symlink_to(to)


def found(walk):
    return sorted(
        f"{listing.folder.inside}/{name}".lstrip("/") for listing in walk for name, *_ in listing.files
    )


def crew():
    """Give the walk's own threads: others may end at any moment."""
    return [thread for thread in threading.enumerate() if thread.name == "fetchlab-walk"]


class Slow:
    """A scandir on whose clock every folder takes so long."""

    def __init__(self, seconds):
        self.now, self.seconds, self.lock = 0.0, seconds, threading.Lock()

    def __call__(self, path):
        with self.lock:
            self.now += self.seconds
        return os.scandir(path)

    def clock(self):
        return self.now


@BOTH
def test_it_finds_what_the_tree_holds(tmp_path, mode):
    """Every video and sidecar, and nothing else; that is the whole point."""
    truth = media_tree(tmp_path, 300)
    walk = Walk(tmp_path, mode=mode)
    wanted = [one["path"] for one in truth if one["kind"] in ("movie", "episode", "sidecar")]
    assert found(walk) == sorted(wanted)
    assert walk.problems == []
    dropped = [one["kind"] for one in truth if one["kind"] in ("extra", "junk")]
    assert sum(walk.skipped.values()) >= len(dropped) > 0


@BOTH
def test_size_and_time_are_the_disks(tmp_path, mode):
    """They are a file's identity from now on."""
    make(tmp_path, "a/Film (2000).mkv", size=5_000_000)
    os.utime(tmp_path / "a/Film (2000).mkv", ns=(1, 1_500_000_000_123_456_700))
    (files,) = [listing.files for listing in Walk(tmp_path, mode=mode) if listing.files]
    assert files == [
        ("Film (2000).mkv", True, 5_000_000, (tmp_path / "a/Film (2000).mkv").stat().st_mtime_ns)
    ]


def test_no_file_is_opened(tmp_path, monkeypatch):
    """Reading contents over a network is what hung the tool that this one replaces."""
    make(tmp_path, "Film (2000).mkv")

    def refuse(*_, **__):
        raise AssertionError("a file was opened")

    walk = Walk(tmp_path)
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert found(walk) == ["Film (2000).mkv"]


def test_what_is_passed_over_is_counted_by_reason(tmp_path):
    """Somebody whose film is missing must be able to see why."""
    make(
        tmp_path,
        "F/Film.mkv",
        "F/Sample/s.mkv",
        "F/film-sample.mkv",
        "F/Trailers/t.mkv",
        "F/film-trailer.mkv",
    )
    make(tmp_path, "F/.hidden.mkv", ".git/x.mkv", "@eaDir/x.mkv", "F/readme.txt", "D/BDMV/STREAM/1.m2ts")
    make(tmp_path, "F/tiny.mkv", size=999_999)
    walk = Walk(tmp_path)
    assert found(walk) == ["F/Film.mkv"]
    assert walk.skipped == {"sample": 2, "extra": 2, "hidden": 3, "other": 1, "disc": 1, "small": 1}
    everything = Filter(samples=True, extras=True, hidden=True, min_size=0)
    assert len(found(Walk(tmp_path, everything))) == 8


def test_a_folder_of_the_librarys_own_may_be_called_other(tmp_path):
    """Plex's names for extras count only inside a title's folder."""
    make(tmp_path, "Other/Film (2000).mkv", "Shorts/Film (2001).mkv", "Film (2002)/Other/x.mkv")
    assert found(Walk(tmp_path)) == ["Other/Film (2000).mkv", "Shorts/Film (2001).mkv"]


def test_a_large_film_may_be_called_sample(tmp_path):
    """A sample is small."""
    make(tmp_path, "The Sample (2000).mkv", size=700_000_000)
    make(tmp_path, "Resampled (2000).mkv")
    assert found(Walk(tmp_path)) == ["Resampled (2000).mkv", "The Sample (2000).mkv"]


@LINKS
@BOTH
def test_links_that_lead_back_end_and_are_told(tmp_path, mode):
    """A walk that follows them never ends."""
    make(tmp_path, "lib/a/b/Film.mkv")
    link(tmp_path / "lib/a/b/up", to=tmp_path / "lib")
    link(tmp_path / "lib/a/over", to=tmp_path)
    link(tmp_path / "lib/again", to=tmp_path / "lib/a")
    walk = Walk(tmp_path / "lib", mode=mode)
    assert found(walk) == ["a/b/Film.mkv"]
    assert sorted((problem.path, problem.kind) for problem in walk.problems) == [
        ("a/b/up", "loop"),
        ("a/over", "loop"),
        ("again", "twice"),
    ]


@LINKS
@BOTH
def test_links_to_elsewhere_are_followed_once(tmp_path, mode):
    """Libraries over several disks are made of such links; two that meet must not double their files."""
    make(tmp_path, "disk/x/Film.mkv", "lib/Other film.mkv")
    link(tmp_path / "disk/x/loop", to=tmp_path / "disk")
    link(tmp_path / "lib/one", to=tmp_path / "disk")
    link(tmp_path / "lib/two", to=tmp_path / "disk")
    walk = Walk(tmp_path / "lib", mode=mode)
    names = found(walk)
    assert len(names) == 2
    assert "Other film.mkv" in names
    assert sorted(problem.kind for problem in walk.problems) == ["loop", "twice"]


@LINKS
def test_a_link_to_what_lies_in_another_links_folder(tmp_path):
    """Its films would be found twice."""
    make(tmp_path, "disk/x/Film.mkv")
    (tmp_path / "lib").mkdir()
    link(tmp_path / "lib/a", to=tmp_path / "disk/x")
    link(tmp_path / "lib/b", to=tmp_path / "disk")
    assert len(found(Walk(tmp_path / "lib", mode="sequential"))) == 1


@LINKS
def test_broken_links_are_told(tmp_path):
    """Their target may be on a disk that is not mounted."""
    link(tmp_path / "Film.mkv", to=tmp_path / "gone.mkv")
    walk = Walk(tmp_path)
    assert found(walk) == []
    assert [(problem.path, problem.kind) for problem in walk.problems] == [("Film.mkv", "broken link")]


@BOTH
def test_an_unreadable_folder_ends_nothing(tmp_path, mode):
    """One folder without permission must not cost the library."""
    make(tmp_path, "a/Film.mkv", "b/Film.mkv", "c/Film.mkv")

    def scandir(path):
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return os.scandir(path)

    walk = Walk(tmp_path, mode=mode, scandir=scandir)
    assert found(walk) == ["a/Film.mkv", "c/Film.mkv"]
    assert walk.problems == [("b", "unreadable", "Permission denied")]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_names_that_are_no_text_are_told(tmp_path):
    """They can be shown to nobody and written nowhere, but must not end the walk."""
    make(tmp_path, "Film.mkv")
    make(tmp_path, os.fsdecode(b"caf\xe9.mkv"), os.fsdecode(b"d\xff/Film.mkv"))
    walk = Walk(tmp_path)
    assert found(walk) == ["Film.mkv"]
    assert sorted((problem.path, problem.kind) for problem in walk.problems) == [
        ("caf\\xe9.mkv", "encoding"),
        ("d\\xff", "encoding"),
    ]


def test_slow_folders_are_read_in_parallel(tmp_path):
    """Over a network they should wait together."""
    make(tmp_path, *(f"{number}/Film.mkv" for number in range(40)))
    slow = Slow(0.005)
    walk = Walk(tmp_path, scandir=slow, clock=slow.clock)
    assert len(found(walk)) == 40
    first, second = walk.decisions
    assert (first.mode, first.folders) == ("sequential", 0)
    assert (second.mode, second.threads, second.folders) == ("parallel", 16, 2)
    assert second.latency == pytest.approx(0.005)
    assert "5.0 ms" in second.why


def test_folders_that_become_slow_are_noticed(tmp_path):
    """A network's folder may be mounted in the middle of a local disk."""
    make(tmp_path, *(f"{number:02d}/Film.mkv" for number in range(60)))
    slow, read = Slow(0.00001), []

    def scandir(path):
        read.append(path)
        slow.seconds = 0.004 if len(read) > 30 else 0.00001
        return slow(path)

    walk = Walk(tmp_path, scandir=scandir, clock=slow.clock)
    assert len(found(walk)) == 60
    assert [decision.mode for decision in walk.decisions] == ["sequential", "parallel"]
    assert 30 < walk.decisions[1].folders < 60


def test_a_folder_that_takes_long_now_and_then_changes_nothing(tmp_path):
    """Beside busy threads any call may take milliseconds on the quickest disk."""
    make(tmp_path, *(f"{number:02d}/Film.mkv" for number in range(60)))
    slow, read = Slow(0.0), []

    def scandir(path):
        read.append(path)
        slow.seconds = 0.02 if len(read) % 3 == 0 else 0.00002
        return slow(path)

    walk = Walk(tmp_path, scandir=scandir, clock=slow.clock)
    assert len(found(walk)) == 60
    assert [decision.mode for decision in walk.decisions] == ["sequential"]


def test_quick_folders_are_read_one_after_the_other(tmp_path):
    """On a local disk threads only cost."""
    make(tmp_path, *(f"{number}/Film.mkv" for number in range(40)))
    quick = Slow(0.00002)
    walk = Walk(tmp_path, scandir=quick, clock=quick.clock)
    for _ in walk:
        assert not crew()
    (decision,) = walk.decisions
    assert decision.mode == "sequential"
    assert "0.02 ms" in decision.why


def test_a_walk_that_is_given_up_leaves_no_thread(tmp_path):
    """Whoever looks at the first files only must not pay for ever."""
    make(tmp_path, *(f"{number}/Film.mkv" for number in range(40)))
    walk = iter(Walk(tmp_path, mode="parallel"))
    next(walk)
    threads = crew()
    walk.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("knobs", "named"),
    [({"mode": "fast"}, "mode"), ({"concurrency": 0}, "concurrency"), ({"concurrency": True}, "concurrency")],
)
def test_bad_knobs_are_named(tmp_path, knobs, named):
    """Somebody who mistypes must read what."""
    with pytest.raises(ConfigError, match=named):
        Walk(tmp_path, **knobs)


def test_what_is_no_folder_is_refused(tmp_path):
    """An empty result would look like an empty library."""
    with pytest.raises(ConfigError, match="path"):
        Walk(tmp_path / "missing")
    with pytest.raises(ConfigError, match="min_size"):
        Filter(min_size=-1)
    with pytest.raises(ConfigError, match="extensions"):
        Filter(extensions="mkv")


@pytest.mark.parametrize("held", [Columns, Rows, lambda: Rows(interned=True)])
def test_however_files_are_held_the_frame_is_the_same(tmp_path, held):
    """Otherwise the way that takes less memory would not be a choice."""
    make(tmp_path, "Film (2000).mkv", "a/Film (2001).mkv", "a/Film (2001).srt")
    files = held()
    for listing in Walk(tmp_path):
        for file in listing.files:
            files.add(listing.folder.inside, *file)
    frame = files.frame().sort("path")
    assert frame.schema == FILES
    assert len(frame) == len(files) == 3
    assert frame["path"].to_list() == ["Film (2000).mkv", "a/Film (2001).mkv", "a/Film (2001).srt"]
    assert frame["kind"].to_list() == ["video", "video", "sidecar"]
    assert held().frame().schema == FILES
