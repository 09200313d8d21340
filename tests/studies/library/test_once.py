"""What an apply or an undo removes: only what it knows to be there a second time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl
import pytest

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
