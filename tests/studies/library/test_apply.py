"""Applying and undoing: every file arrives once and comes back, nothing is overwritten."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError, JournalError
from fetchlab.studies.library import Library, copying, moving, renaming
from fetchlab.studies.library.applying import MOVED
from fetchlab.testbed import media_tree
from unprivileged import nobody

from .trees import contents_of, library_in, plan_in, tree_of

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "old"


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "moves.db"


@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder) / "new"


def applied(library, plan, journal):
    run = library.apply(plan, journal, progress=False)
    frame = run.result()
    assert frame.schema == MOVED
    return {row["source"]: row for row in frame.iter_rows(named=True)}


def undone(library, journal):
    return library.undo(journal, progress=False).result()


def there_and_back(files, bed, tmp_path):
    truth = media_tree(tmp_path / "old", files)
    library = Library(tmp_path / "old", bed.urls["tmdb"], KEY, threshold=1_000)
    before = tree_of(tmp_path / "old")
    plan = library.plan(progress=False)
    rows = applied(library, plan, tmp_path / "j.db")
    moving = plan.filter("move")
    assert len(moving) > 0.9 * sum(one["kind"] in ("movie", "episode", "sidecar") for one in truth)
    assert {row["outcome"] for row in rows.values()} == {"moved"}
    after = tree_of(tmp_path / "old")
    moved = dict(moving.select("source", "target").iter_rows())
    for path, seen in before.items():
        assert after[moved.get(path, path)] == seen
    assert not after.keys() & moved.keys() - set(moved.values())
    back = undone(library, tmp_path / "j.db")
    assert set(back["outcome"]) == {"restored"}
    assert tree_of(tmp_path / "old") == before


def test_a_library_there_and_back(bed, tmp_path):
    """Whoever does not like the result gets exactly what was there: paths, sizes, times, no new folder."""
    there_and_back(150, bed, tmp_path)


@pytest.mark.slow
def test_ten_thousand_files_there_and_back(bed, tmp_path):
    """The same at the size of a real library."""
    there_and_back(10_000, bed, tmp_path)


def test_another_folder_on_the_same_disk(root, tmp_path, journal):
    """It is made, with those around it, and gone after the undo."""
    library = library_in(root, to=tmp_path / "deep" / "new")
    before = tree_of(root)
    rows = applied(library, plan_in(library), journal)
    assert {row["how"] for row in rows.values()} == {"rename"}
    assert contents_of(root) == []
    assert "Movies/Harbour 0 (2014)/Harbour 0 (2014) {tmdb-7}.en.srt" in tree_of(library.to)
    undone(library, journal)
    assert tree_of(root) == before
    assert not (tmp_path / "deep").exists()


def test_another_disk(root, elsewhere, journal):
    """Files are copied with their times and modes, and only then removed; and the same way back."""
    library = library_in(root, to=elsewhere)
    before, contents = tree_of(root), contents_of(root)
    plan = plan_in(library)
    rows = applied(library, plan, journal)
    assert {(row["outcome"], row["how"]) for row in rows.values()} == {("moved", "copy")}
    assert contents_of(root) == []
    assert contents_of(elsewhere) == contents
    after = tree_of(elsewhere)
    assert [after[row["target"]] for row in rows.values()] == [before[source] for source in rows]
    assert {row["outcome"] for row in applied(library, plan, journal).values()} == {"already"}
    assert set(undone(library, journal)["how"]) == {"copy"}
    assert tree_of(root) == before
    assert not elsewhere.exists()


def test_holes_stay_holes(root, elsewhere, journal):
    """A sparse file of a gigabyte would else fill the disk that it goes to."""
    library = library_in(root, films=1, to=elsewhere)
    film = root / "Release.0" / "Film.0.mkv"
    with film.open("r+b") as file:
        file.seek(500_000_000)
        file.write(b"middle")
        file.truncate(1_000_000_000)
    (row,) = (row for row in applied(library, plan_in(library), journal).values() if row["kind"] == "video")
    copied = elsewhere / row["target"]
    assert copied.stat().st_size == 1_000_000_000
    assert copied.stat().st_blocks * 512 < 1_000_000
    with copied.open("rb") as file:
        file.seek(500_000_000)
        assert file.read(6) == b"middle"


def test_again_does_nothing(root, journal):
    """The same cell run twice must not fail, nor move anything on."""
    library = library_in(root)
    plan = plan_in(library)
    applied(library, plan, journal)
    after = tree_of(root)
    assert {row["outcome"] for row in applied(library, plan, journal).values()} == {"already"}
    assert tree_of(root) == after
    assert not plan_in_place(library)["move"].any()
    undone(library, journal)
    assert undone(library, journal).is_empty()


def plan_in_place(library):
    from .trees import matches

    scanned = library.scan(progress=False).result()
    told = {}
    for path in scanned.filter(kind="video")["path"]:
        stem = path.rpartition("/")[2].rpartition(".")[0]
        number = int(stem.split()[1])
        told[stem] = {"matched_title": f"Harbour {number}", "tmdb": 7 + number}
    return library.plan(scanned=scanned, matched=matches(scanned, **told))


def test_after_an_undo_it_can_be_applied_again(root, journal):
    """An undo is not the journal's end."""
    library = library_in(root)
    before, plan = tree_of(root), plan_in(library)
    for _ in range(2):
        assert {row["outcome"] for row in applied(library, plan, journal).values()} == {"moved"}
        assert set(undone(library, journal)["outcome"]) == {"restored"}
        assert tree_of(root) == before


def test_two_applies_are_taken_back_one_after_the_other(root, journal):
    """A file that moved twice must not be looked for where it is no more."""
    library = library_in(root, films=2)
    before, plan = tree_of(root), plan_in(library)
    applied(library, plan, journal)
    on = plan.with_columns(source="target", target=pl.format("Later/{}", "target"))
    assert {row["outcome"] for row in applied(library, on, journal).values()} == {"moved"}
    assert set(undone(library, journal)["outcome"]) == {"restored"}
    assert tree_of(root) == before


# --- what stands in the way


def test_a_target_that_came_since_the_plan(root, journal):
    """Somebody's file must not be lost for one of the same name; the sidecars stay with their video."""
    library = library_in(root, films=2)
    plan = plan_in(library)
    targets = dict(plan.select("source", "target").iter_rows())
    taken = root / targets["Release.0/Film.0.mkv"]
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"somebody's")
    contents = contents_of(root)
    rows = applied(library, plan, journal)
    assert contents_of(root) == contents
    assert taken.read_bytes() == b"somebody's"
    failed = {source: row["message"] for source, row in rows.items() if row["outcome"] == "failed"}
    assert failed == {
        "Release.0/Film.0.mkv": "the target exists",
        "Release.0/Film.0.en.srt": "its video is not moved",
        "Release.0/Film.0.nfo": "its video is not moved",
    }
    undone(library, journal)
    assert contents_of(root) == contents
    assert taken.read_bytes() == b"somebody's"


def test_files_that_are_gone_or_changed_since_the_plan(root, journal):
    """What was looked at is what is moved, or nothing."""
    library = library_in(root, films=4)
    plan = plan_in(library)
    (root / "Release.0/Film.0.mkv").unlink()
    (root / "Release.1/Film.1.mkv").write_bytes(b"longer than it was before, by far")
    os.utime(root / "Release.2/Film.2.mkv", (5, 5))
    (root / "Release.3/Film.3.nfo").unlink()
    (root / "Release.3/Film.3.nfo").symlink_to("Film.3.mkv")
    run = library.apply(plan, journal, progress=False).wait()
    rows = {
        row["source"]: row["message"] for row in run.result().filter(outcome="failed").iter_rows(named=True)
    }
    assert "gone" in rows["Release.0/Film.0.mkv"]
    assert "bytes now" in rows["Release.1/Film.1.mkv"]
    assert "changed" in rows["Release.2/Film.2.mkv"]
    assert "link" in rows["Release.3/Film.3.nfo"]
    assert run.stats().failed == 4
    assert run.notes["moved"] == 2
    assert (run.errors()["error"] == "WriteFailed").all()


def test_what_was_in_the_way_is_gone_and_the_file_another(root, journal):
    """A new plan counts, not what an earlier one knew of the file."""
    library = library_in(root, films=1)
    plan = plan_in(library)
    (root / "Release.0/Film.0.mkv").write_bytes(b"edited after the plan was made")
    assert applied(library, plan, journal)["Release.0/Film.0.mkv"]["outcome"] == "failed"
    before = tree_of(root)
    assert {row["outcome"] for row in applied(library, plan_in(library), journal).values()} == {"moved"}
    undone(library, journal)
    assert tree_of(root) == before


def test_two_sources_for_one_target(root, journal):
    """A plan may be changed by hand; the second must not overwrite the first."""
    library = library_in(root, films=2)
    plan = plan_in(library).filter(kind="video").with_columns(target=pl.lit("Movies/one.mkv"))
    contents = contents_of(root)
    outcomes = sorted(row["outcome"] for row in applied(library, plan, journal).values())
    assert outcomes == ["failed", "moved"]
    assert contents_of(root) == contents


def test_a_target_where_nothing_may_be_written(root, tmp_path):
    """Every row says so, and everything is where it was."""
    new = tmp_path / "new"
    new.mkdir(mode=0o555)
    for path in (tmp_path, root):
        path.mkdir(exist_ok=True)
        path.chmod(0o777)
    library = library_in(root, films=2, to=new)
    before, plan = tree_of(root), plan_in(library)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        for above in (tmp_path, *tmp_path.parents):
            if above.stat().st_uid == os.geteuid() and above.name.startswith("pytest"):
                above.chmod(0o755)
        with nobody():
            rows = applied(library, plan, Path(folder) / "j.db")
    assert {row["outcome"] for row in rows.values()} == {"failed"}
    assert "Permission denied" in rows["Release.0/Film.0.mkv"]["message"]
    assert tree_of(root) == before


def test_no_space(root, tmp_path, journal):
    """The disk that files go to fills up: what fits is moved, the rest stays, and no half file is left."""
    if shutil.which("mount") is None:
        pytest.skip("no file system can be mounted here")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        library = library_in(root, films=3, to=small / "new")
        for number in range(3):
            (root / f"Release.{number}" / f"Film.{number}.mkv").write_bytes(os.urandom(150_000))
        contents = contents_of(root)
        rows = applied(library, plan_in(library), journal)
        outcomes = {row["source"]: row["outcome"] for row in rows.values() if row["kind"] == "video"}
        assert sorted(outcomes.values()) == ["failed", "moved", "moved"]
        (failed,) = (row for row in rows.values() if row["outcome"] == "failed" and row["kind"] == "video")
        assert failed["message"] == "no space is left on the disk it goes to"
        assert contents_of(root, small) == contents
        undone(library, journal)
        assert contents_of(root) == contents
        assert not (small / "new").exists()
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_copy_that_is_not_what_was_read(root, elsewhere, journal, monkeypatch):
    """A disk that lies must not cost the file."""
    library = library_in(root, films=1, to=elsewhere)
    before = tree_of(root)
    forget = copying._forget

    def spoiled(path):
        forget(path)
        path.write_bytes(b"?" * path.stat().st_size)

    monkeypatch.setattr(copying, "_forget", spoiled)
    rows = applied(library, plan_in(library), journal)
    assert "not what was read" in rows["Release.0/Film.0.mkv"]["message"]
    assert tree_of(root) == before
    assert contents_of(elsewhere) == []


def test_a_file_system_without_the_call(root, journal, monkeypatch):
    """NFS knows hard links alone: still nothing is overwritten."""
    monkeypatch.setattr(renaming, "_call", lambda: lambda source, target: errno.EINVAL)
    library = library_in(root, films=2)
    plan = plan_in(library)
    taken = root / plan.filter(source="Release.0/Film.0.mkv")["target"].item()
    before = tree_of(root)
    assert {row["outcome"] for row in applied(library, plan, journal).values()} == {"moved"}
    undone(library, journal)
    assert tree_of(root) == before
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        renaming.rename_new(root / "Release.0" / "Film.0.mkv", taken)
    assert taken.read_bytes() == b"somebody's"


# --- undo


def test_undo_leaves_what_is_not_its_own(root, journal):
    """New files in made folders, files that were moved on, old places that are taken."""
    library = library_in(root, films=3)
    rows = applied(library, plan_in(library), journal)
    target = {source: root / row["target"] for source, row in rows.items()}
    new = target["Release.0/Film.0.mkv"].with_name("new.mkv")
    new.write_bytes(b"new")
    target["Release.1/Film.1.mkv"].rename(root / "elsewhere.mkv")
    (root / "Release.2/Film.2.mkv").write_bytes(b"another")
    contents = contents_of(root)
    back = undone(library, journal)
    failed = dict(back.filter(outcome="failed").select("source", "message").iter_rows())
    assert failed == {
        "Release.1/Film.1.mkv": "it is neither where it was nor where it went",
        "Release.2/Film.2.mkv": "another file is where it was",
    }
    assert contents_of(root) == contents
    assert new.read_bytes() == b"new"
    (root / "Release.2/Film.2.mkv").unlink()
    assert dict(undone(library, journal).select("source", "outcome").iter_rows()) == {
        "Release.1/Film.1.mkv": "failed",
        "Release.2/Film.2.mkv": "restored",
    }


def test_an_emptied_folder_that_was_removed_is_made_again(root, journal):
    """Somebody may have tidied up after the apply."""
    library = library_in(root, films=1)
    before = tree_of(root)
    applied(library, plan_in(library), journal)
    assert list((root / "Release.0").iterdir()) == []
    (root / "Release.0").rmdir()
    undone(library, journal)
    assert tree_of(root) == before


def test_a_file_edited_in_its_new_place_comes_back(root, journal):
    """It is the same file, and the edit is the user's."""
    library = library_in(root, films=1)
    rows = applied(library, plan_in(library), journal)
    with (root / rows["Release.0/Film.0.nfo"]["target"]).open("ab") as file:
        file.write(b"edited")
    undone(library, journal)
    assert (root / "Release.0/Film.0.nfo").read_bytes().endswith(b"edited")


# --- knobs and journals


def test_a_journal_of_another_library_is_refused(root, tmp_path, journal):
    """Its paths would be taken for those of this one."""
    library = library_in(root, films=1)
    applied(library, plan_in(library), journal)
    other = library_in(tmp_path / "other", films=1)
    before = tree_of(tmp_path)
    with pytest.raises(JournalError, match="this journal is of"):
        other.undo(journal, progress=False)
    with pytest.raises(JournalError, match="this journal is of"):
        other.apply(plan_in(other), journal, progress=False)
    assert tree_of(tmp_path / "other") == {
        path.removeprefix("other/"): seen for path, seen in before.items() if path.startswith("other/")
    }
    with pytest.raises(JournalError, match="no such journal"):
        library.undo(tmp_path / "none.db")


def test_each_library_has_a_journal_of_its_own(root, tmp_path, monkeypatch):
    """Without a knob two libraries must not meet in one file."""
    monkeypatch.chdir(tmp_path)
    one, other = library_in(root, films=1), library_in(tmp_path / "other", films=1)
    assert one.journal != other.journal
    assert one.journal == Library(root).journal
    one.apply(plan_in(one), progress=False).wait()
    assert one.journal.exists()
    assert set(one.undo(progress=False).result()["outcome"]) == {"restored"}


def test_plans_that_are_none(root, journal):
    """A plan made by hand must not lead out of the folder."""
    library = library_in(root, films=1)
    plan = plan_in(library)
    wrong = [
        "plan.parquet",
        plan.drop("target"),
        plan.with_columns(target=pl.lit("../x")),
        plan.with_columns(target=pl.lit("/x")),
        plan.with_columns(source=pl.lit("a//b")),
        plan.with_columns(target=pl.lit(None, pl.String)),
        plan.with_columns(size=pl.lit(None, pl.UInt64)),
        pl.concat([plan, plan]),
    ]
    for given in wrong:
        with pytest.raises(ConfigError, match=r"^plan: "):
            library.apply(given, journal)
    with pytest.raises(ConfigError, match=r"^workers: "):
        library.apply(plan, journal, workers=0)
    assert not journal.exists()


def test_an_empty_plan_is_done_at_once(root, journal):
    """Nothing to do is no error."""
    library = library_in(root, films=1)
    plan = plan_in(library).with_columns(move=False)
    run = library.apply(plan, journal, progress=False)
    assert run.result().is_empty()
    assert run.state == "done"


def test_the_journal_tells_of_every_move(root, journal):
    """It is the engine's own: monitor and tables work on it."""
    library = library_in(root)
    applied(library, plan_in(library), journal)
    with fl.Journal.open(journal) as view:
        keys = view.frame()["key"].to_list()
    assert sorted(keys) == ["intent/1", *(f"move/Release.{n}/Film.{n}.mkv" for n in range(6))]


def test_what_moved_is_the_file_that_was_meant(root):
    """A file's number may be given again to another one: only with the old one gone can that be."""
    library = library_in(root, films=1)
    source, target = root / "Release.0/Film.0.mkv", root / "new.mkv"
    seen = source.stat()
    intent = moving.Intent("Release.0/Film.0.mkv", "new.mkv", "video", None, seen.st_size, seen.st_mtime_ns)
    assert moving.move(library.path, root, intent, again=False).outcome == "moved"
    source.write_bytes(b"another one, of another size")
    reused = intent._replace(device=source.stat().st_dev, inode=source.stat().st_ino)
    with pytest.raises(fl.errors.WriteFailed, match="another file"):
        moving.move_back(root, root, reused)
    assert target.exists()
