"""Applies that are killed: then apply again, or undo, and every file is there once."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from . import killable
from .trees import contents_of, library_in, plan_in, tree_of

FILMS = 8
KINDS = ("rename", "copy")


@pytest.fixture(scope="module")
def applying():
    """``applying(library, plan, journal, step)`` gives a child's exit code and how many steps it made."""
    program = [sys.executable, str(Path(killable.__file__))]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def apply(library, plan, journal, step=0):
            words = map(str, (library.path, library.to, plan, journal, step))
            process.stdin.write(" ".join(words) + "\n")
            process.stdin.flush()
            told = [process.stdout.readline()]
            if told[0].startswith("steps"):  # it came to its end
                told.append(process.stdout.readline())
            return int(told[-1].split()[1]), int(told[0].split()[1])

        yield apply
        process.stdin.close()


@pytest.fixture
def fresh(tmp_path):
    """``fresh("copy")`` gives a library, its plan's file and a journal; every time another one."""
    shared = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    made = iter(range(1_000))

    def make(kind):
        number = next(made)
        to = Path(shared.name) / str(number) / "new" if kind == "copy" else tmp_path / f"{number}" / "new"
        if kind == "copy" and Path(shared.name).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is no second file system here")
        library = library_in(tmp_path / f"{number}" / "old", films=FILMS, to=to)
        plan = tmp_path / f"{number}" / "plan.parquet"
        plan_in(library).write_parquet(plan)
        return library, plan, tmp_path / f"{number}.db"

    with shared:
        yield make


def _assert_none_lost(library, contents):
    """While nothing has gone on yet: each is whole at one place at least."""
    assert not Counter(contents) - Counter(contents_of(library.path, library.to))


def _assert_each_once(library, contents):
    found = contents_of(*(folder for folder in (library.path, library.to) if folder.exists()))
    assert found == contents


def kill(applying, chance, steps, prepared):
    """Kill a run at one of its steps; those of a run whose journal is written in fewer parts are fewer."""
    while True:
        library, plan, journal = prepared()
        step = chance.randrange(1, steps)
        code, made = applying(library, plan, journal, step)
        if code == -signal.SIGKILL:
            return library, plan, journal, step
        assert code == 0
        assert made < step, "it went on beyond its end"
        steps = made


def killed(applying, fresh, kind, chance):
    """Kill an apply at one moment; then go on with the same plan, with a new one, or take it back."""
    library, plan, journal = fresh(kind)
    code, steps = applying(library, plan, journal)
    assert code == 0
    assert steps > 3 * FILMS
    for way in ("again", "anew", "undo"):
        seen = []

        def prepared(seen=seen):
            made = fresh(kind)
            seen[:] = tree_of(made[0].path), contents_of(made[0].path)
            return made

        library, plan, journal, step = kill(applying, chance, steps, prepared)
        before, contents = seen
        _assert_none_lost(library, contents)
        if way == "again":
            assert applying(library, plan, journal)[0] == 0
        elif way == "anew":
            run = library.apply(plan_in(library).clear(), journal, progress=False)
            run.raise_for_errors()
        if way != "undo":
            _assert_each_once(library, contents)
            _assert_together(library)
        if journal.exists():
            library.undo(journal, progress=False).raise_for_errors()
        assert tree_of(library.path) == before, (kind, way, step)
        _assert_each_once(library, contents)
        assert not library.to.exists()


def _assert_together(library):
    """No video is parted from its sidecars."""
    for number in range(FILMS):
        old = list(library.path.glob(f"*/Film.{number}.*"))
        new = list(library.to.glob(f"Movies/Harbour {number} (2014)/*"))
        assert sorted((len(old), len(new))) == [0, 3], (old, new)


def killed_undo(applying, fresh, kind, chance):
    """Kill an undo at one moment; then undo."""
    library, plan, journal = fresh(kind)
    before, contents = tree_of(library.path), contents_of(library.path)
    assert applying(library, plan, journal)[0] == 0
    code, steps = applying(library, "undo", journal)
    assert code == 0
    assert tree_of(library.path) == before

    def prepared():
        assert applying(library, plan, journal)[0] == 0
        return library, "undo", journal

    kill(applying, chance, steps, prepared)
    _assert_none_lost(library, contents)
    assert applying(library, "undo", journal)[0] == 0
    assert tree_of(library.path) == before
    _assert_each_once(library, contents)
    assert not library.to.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_undo_goes_on(applying, fresh, kind):
    """Whoever takes back must be able to be interrupted, too."""
    killed_undo(applying, fresh, kind, Random(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_three_moments(applying, fresh, kind):
    """A library half moved, with files at both places or at none, is what nobody can mend by hand."""
    killed(applying, fresh, kind, Random(kind))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_sixty_moments(applying, fresh, kind):
    """The long version: among the moments are those within a copy and within a commit."""
    for moment in range(20):
        killed(applying, fresh, kind, Random(f"long {kind} {moment}"))
        killed_undo(applying, fresh, kind, Random(f"undo {kind} {moment}"))
