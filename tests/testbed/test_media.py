"""The library on disk: its files, and what is known about them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from fetchlab.errors import TestbedError
from fetchlab.testbed import media_tree
from fetchlab.testbed.tmdb_data import films, shows
from fetchlab.testbed.tmdb_search import folded


def on_disk(root):
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            found[path.relative_to(root).as_posix()] = path.stat()
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("media") / "library"
    return root, media_tree(root, 1_500)


def test_the_truth_is_what_lies_there(tree):
    """Paths and sizes; a file that nobody knows of would be counted as lost."""
    root, truth = tree
    found = on_disk(root)
    assert {one["path"]: one["size"] for one in truth} == {path: seen.st_size for path, seen in found.items()}
    assert [one["path"] for one in truth] == sorted(found)


def test_the_files_take_no_room(tree):
    """Ten thousand videos must fit on any disk."""
    root, truth = tree
    assert sum(one["size"] for one in truth) > 1e12
    assert sum(seen.st_blocks for seen in on_disk(root).values()) * 512 < 1e7


@pytest.mark.parametrize("files", [1, 9, 99, 417])
def test_as_many_videos_as_wanted(tmp_path, files):
    """The tables are per file."""
    kinds = Counter(one["kind"] for one in media_tree(tmp_path, files))
    assert kinds["movie"] + kinds["episode"] == files
    assert kinds["movie"] >= 1


@pytest.mark.parametrize("files", [99, 417, 1_500, 10_000])
def test_at_most_a_quarter_as_many_titles_and_seasons(tmp_path, monkeypatch, files):
    """So many requests are needed, and what is claimed of them depends on it."""
    monkeypatch.setattr("fetchlab.testbed.media._write", lambda *_: None)
    truth = media_tree(tmp_path, files)
    titles = {(one["kind"], one["tmdb"]) for one in truth if one["tmdb"]}
    seasons = {(one["tmdb"], one["season"]) for one in truth if one["kind"] == "episode"}
    assert len(titles) + len(seasons) <= files / 4


def test_titles_are_the_wires_own(tree):
    """A film that the wire does not know could never be matched."""
    _, truth = tree
    known = {film.id: (film.title, film.year) for film in films(0)}
    aired = {show.id: (show.title, dict(show.seasons)) for show in shows(0)}
    for one in truth:
        if one["kind"] == "movie":
            assert known[one["tmdb"]] == (one["title"], one["year"])
        elif one["kind"] == "episode":
            title, seasons = aired[one["tmdb"]]
            assert one["title"] == title
            assert 1 <= min(one["episodes"]) <= max(one["episodes"]) <= seasons[one["season"]]


def test_a_film_can_be_told_from_its_names(tree):
    """Two films whose files are named alike have no right answer."""
    _, truth = tree
    wanted = {}
    for one in truth:
        if one["kind"] == "movie":
            assert wanted.setdefault((folded(one["title"]), one["year"]), one["tmdb"]) == one["tmdb"]


def test_sidecars_name_their_video(tree):
    """They move with it."""
    _, truth = tree
    paths = {one["path"] for one in truth}
    sidecars = [one for one in truth if one["kind"] == "sidecar"]
    assert sidecars
    for one in sidecars:
        assert one["video"] in paths
        assert one["path"].startswith(one["video"].rpartition(".")[0] + ".")


def test_one_seed_makes_one_tree(tmp_path):
    """Tables are compared over months."""
    first, again, other = (
        media_tree(tmp_path / name, 60, seed=seed) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again != other


def test_bad_knobs_are_named(tmp_path):
    """And nothing is written among somebody's files."""
    with pytest.raises(TestbedError, match="files"):
        media_tree(tmp_path, 0)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(TestbedError, match="path"):
        media_tree(tmp_path, 9)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
