"""What an apply or an undo removes: only what it knows to be there a second time."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from pathlib import Path

import polars as pl
import pytest

from fetchlab.studies.library import copying, renaming

from .trees import contents_of, library_in, plan_in, tree_of


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "moves.db"


@pytest.fixture
def linked(tmp_path, journal):
    """A library that moved to another folder, name for name, and whose old folder is a link to it now."""
    library = library_in(tmp_path / "old", films=2, to=tmp_path / "new")
    plan = plan_in(library).with_columns(target=pl.col("source"))
    library.apply(plan, journal, progress=False).raise_for_errors()
    old = tmp_path / "old" / "Release.0"
    old.rmdir()
    old.symlink_to(tmp_path / "new" / "Release.0")
    return library, plan


def outcomes(run):
    return {row["source"]: row["outcome"] for row in run.result().iter_rows(named=True)}


def test_an_apply_again_where_the_old_folder_is_a_link_to_the_new_one(linked, journal):
    """Both paths show the file: taken for two of them, the only one would be removed."""
    library, plan = linked
    before = contents_of(library.to)
    assert set(outcomes(library.apply(plan, journal, progress=False)).values()) == {"already"}
    assert contents_of(library.to) == before


def test_an_undo_where_the_old_folder_is_a_link_to_the_new_one(linked, journal):
    """The same on the way back; the link is the user's, and the rest goes back."""
    library, _ = linked
    before = contents_of(library.to)
    run = library.undo(journal, progress=False)
    told = outcomes(run)
    assert {told[f"Release.0/Film.0.{ending}"] for ending in ("mkv", "en.srt", "nfo")} == {"failed"}
    assert {told[f"Release.1/Film.1.{ending}"] for ending in ("mkv", "en.srt", "nfo")} == {"restored"}
    assert "by a link" in run.errors()["message"][0]
    assert contents_of(library.path, library.to / "Release.0") == before


def test_two_names_of_a_file_in_one_folder(tmp_path, journal):
    """A rename by links, killed between its two steps: there one name goes, in one folder as well."""
    library = library_in(tmp_path / "old", films=1)
    plan = plan_in(library).filter(kind="video").with_columns(target=pl.lit("Release.0/Harbour.mkv"))
    library.apply(plan, journal, progress=False).raise_for_errors()
    os.link(tmp_path / "old/Release.0/Harbour.mkv", tmp_path / "old/Release.0/Film.0.mkv")
    library.apply(plan, journal, progress=False).raise_for_errors()
    names = {path.name for path in (tmp_path / "old/Release.0").glob("*.mkv")}
    assert names == {"Harbour.mkv"}


def test_equal_files_with_one_target(tmp_path, journal):
    """A plan changed by hand: of two copies the second must not be taken for a rest of the first, ever."""
    library = library_in(tmp_path / "old", films=1)
    shutil.copy2(tmp_path / "old/Release.0/Film.0.mkv", tmp_path / "old/Release.0/Copy.mkv")
    before = tree_of(tmp_path / "old")
    plan = plan_in(library).with_columns(
        target=pl.when(kind="video").then(pl.lit("Movies/Film.mkv")).otherwise("target")
    )
    for _ in range(2):
        run = library.apply(plan, journal, progress=False)
        assert outcomes(run)["Release.0/Film.0.mkv"] == "failed"
        assert run.errors()["message"][0].startswith("another file goes there")
        assert len(contents_of(tmp_path / "old")) == 4
    library.undo(journal, progress=False).raise_for_errors()
    assert tree_of(tmp_path / "old") == before


def test_a_copy_that_the_user_put_back(tmp_path, journal):
    """A further apply, whose plan does not name it, must not tidy it away."""
    library = library_in(tmp_path / "old", films=1, to=tmp_path / "new")
    plan = plan_in(library)
    library.apply(plan, journal, progress=False).raise_for_errors()
    target = plan.filter(source="Release.0/Film.0.mkv")["target"].item()
    shutil.copy2(tmp_path / "new" / target, tmp_path / "old/Release.0/Film.0.mkv")
    library.apply(plan.clear(), journal, progress=False).raise_for_errors()
    assert (tmp_path / "old/Release.0/Film.0.mkv").exists()


@pytest.mark.skipif(os.name == "nt", reason="there it parts folders")
def test_a_backslash_in_a_name(tmp_path, journal):
    """One odd name must not keep a whole library from being moved."""
    library = library_in(tmp_path / "old", films=2)
    Path(tmp_path / "old/Release.0/Film.0.mkv").rename(tmp_path / "old/Release.0/AC\\DC.mkv")
    before = tree_of(tmp_path / "old")
    told = outcomes(library.apply(plan_in(library), journal, progress=False))
    assert told["Release.0/AC\\DC.mkv"] == "moved"
    library.undo(journal, progress=False).raise_for_errors()
    assert tree_of(tmp_path / "old") == before


@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder) / "new"


def test_two_who_copy_one_file(tmp_path, journal, elsewhere, monkeypatch):
    """With two journals nobody keeps them apart: the half copy of one must not count as the other's whole."""
    library = library_in(tmp_path / "old", films=1, to=elsewhere)
    plan = plan_in(library).filter(kind="video")
    before = tree_of(tmp_path / "old")
    rename = copying.rename_new

    def overtaken(part, target):
        part.unlink()
        part.write_bytes(b"ha")  # what the other one has so far
        rename(part, target)

    monkeypatch.setattr(copying, "rename_new", overtaken)
    run = library.apply(plan, journal, progress=False)
    run.wait()
    assert "another process copies it too" in run.errors()["message"][0]
    assert tree_of(tmp_path / "old") == before


def test_a_file_that_grows_when_its_copy_is_done(tmp_path, journal, elsewhere, monkeypatch):
    """A download that goes on: what came last must not go with the source."""
    library = library_in(tmp_path / "old", films=1, to=elsewhere)
    plan = plan_in(library).filter(kind="video")
    source = tmp_path / "old/Release.0/Film.0.mkv"
    rename = copying.rename_new

    def growing(part, target):
        rename(part, target)
        with source.open("ab") as file:
            file.write(b"the end")

    monkeypatch.setattr(copying, "rename_new", growing)
    run = library.apply(plan, journal, progress=False)
    run.wait()
    assert "it changed while it was copied" in run.errors()["message"][0]
    assert source.read_bytes().endswith(b"the end")
    assert contents_of(elsewhere) == []


def test_the_way_to_a_copy_is_on_the_disk_before_its_source_goes(tmp_path, journal, elsewhere, monkeypatch):
    """Without power a moment later, a file in a folder whose name was never written is lost."""
    library = library_in(tmp_path / "old", films=1, to=elsewhere)
    plan = plan_in(library).filter(kind="video")
    source = tmp_path / "old/Release.0/Film.0.mkv"
    fsync, synced = os.fsync, []

    def noted(handle):
        fsync(handle)
        seen = os.fstat(handle)
        synced.append((seen.st_ino, seen.st_mtime_ns, source.exists()))

    monkeypatch.setattr(copying.os, "fsync", noted)
    library.apply(plan, journal, progress=False).raise_for_errors()
    target = elsewhere / plan["target"].item()
    safe = {number for number, _, before in synced if before}
    way = [folder for folder in target.parents if folder.is_relative_to(elsewhere.parent)]
    assert {folder.stat().st_ino for folder in way} <= safe
    seen = target.stat()
    assert (seen.st_ino, seen.st_mtime_ns, True) in synced


def test_a_disk_that_keeps_no_times(tmp_path, journal, elsewhere, monkeypatch):
    """There a file that has moved is not known again, by an apply that goes on or by an undo: it stays."""
    library = library_in(tmp_path / "old", films=1, to=elsewhere)
    before = tree_of(tmp_path / "old")

    def refused(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(copying.shutil, "copystat", refused)
    run = library.apply(plan_in(library), journal, progress=False).wait()
    assert "its time cannot be set there" in run.errors()["message"][0]
    assert tree_of(tmp_path / "old") == before
    assert contents_of(elsewhere) == []


def test_no_room_is_seen_before_a_copy(tmp_path, journal, elsewhere, monkeypatch):
    """Found out by writing, a full disk would be filled anew with each of a thousand films, for hours."""
    library = library_in(tmp_path / "old", films=2, to=elsewhere)
    plan = plan_in(library).filter(kind="video")
    usage, copied = shutil.disk_usage, []
    copy = copying._copy
    monkeypatch.setattr(copying.shutil, "disk_usage", lambda folder: usage(folder)._replace(free=5))
    monkeypatch.setattr(copying, "_copy", lambda *paths: (copied.append(paths), copy(*paths)))
    run = library.apply(plan, journal, progress=False).wait()
    assert set(run.errors()["message"]) == {"no space is left on the disk it goes to"}
    assert not copied
    monkeypatch.setattr(copying.shutil, "disk_usage", lambda folder: usage(folder)._replace(free=12))
    library.apply(plan, journal, progress=False).raise_for_errors()


def test_a_source_that_somebody_removes_meanwhile(tmp_path, journal, elsewhere, monkeypatch):
    """What was copied, or linked, is the last there is then: it must not be cleared away as a failed try."""
    library = library_in(tmp_path / "old", films=1, to=elsewhere)
    plan = plan_in(library).filter(kind="video")
    source = tmp_path / "old/Release.0/Film.0.mkv"
    before = contents_of(tmp_path / "old")
    rename = copying.rename_new

    def removed(part, target):
        rename(part, target)
        source.unlink()

    monkeypatch.setattr(copying, "rename_new", removed)
    assert outcomes(library.apply(plan, journal, progress=False)) == {"Release.0/Film.0.mkv": "moved"}
    assert contents_of(tmp_path / "old", elsewhere) == before

    link = os.link

    def linked(one, other, **knobs):
        link(one, other, **knobs)
        Path(one).unlink()

    monkeypatch.setattr(renaming.os, "link", linked)
    renaming.by_links(tmp_path / "old/Release.0/Film.0.nfo", tmp_path / "old/new.nfo")
    assert contents_of(tmp_path / "old", elsewhere) == before


@pytest.mark.parametrize("way", ["apply", "undo"])
def test_a_copy_is_given_up_when_its_run_is_cancelled(tmp_path, journal, elsewhere, monkeypatch, way):
    """Else it goes on behind a run that is over, and meets the undo that somebody begins then."""
    library = library_in(tmp_path / "old", films=1, to=elsewhere)
    plan = plan_in(library).filter(kind="video")
    if way == "undo":
        library.apply(plan, journal, progress=False).raise_for_errors()
    copy, begun, cancelled, over = copying._copy, threading.Event(), threading.Event(), threading.Event()

    def waiting(*paths):
        begun.set()
        cancelled.wait(30)
        try:
            copy(*paths)
        finally:
            over.set()

    monkeypatch.setattr(copying, "_copy", waiting)

    def start():
        if way == "apply":
            return library.apply(plan, journal, progress=False)
        return library.undo(journal, progress=False)

    run = start()
    assert begun.wait(30)
    run.cancel().wait()
    cancelled.set()
    assert over.wait(30)
    assert set(run.result()["outcome"]) == {"pending"}
    monkeypatch.undo()
    assert set(start().result()["outcome"]) == {"moved" if way == "apply" else "restored"}
