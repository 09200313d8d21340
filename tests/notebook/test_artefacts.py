"""The files a notebook names or has written: those that are there, below its project, with their digests."""

from __future__ import annotations

import hashlib
import os

import nbformat
import pytest

from fetchlab.notebook.artefacts import artefacts

NOW = 1_800_000_000.0


@pytest.fixture
def project(tmp_path):
    """``project(text, "data/x.csv", …)`` gives what a notebook that says so names; ``+name`` is new."""

    def make(text, *files):
        (tmp_path / "notebooks").mkdir()
        (tmp_path / "data").mkdir()
        for file in files:
            path = tmp_path / file.removeprefix("+")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.encode())
            time = NOW + 5 if file.startswith("+") else NOW - 500
            os.utime(path, (time, time))
        book = nbformat.v4.new_notebook()
        book.cells = [nbformat.v4.new_code_cell(text)]
        return artefacts(book, tmp_path / "notebooks" / "x.ipynb", NOW)

    return make


def test_files_that_are_named_are_told_with_size_and_digest(project):
    """A reader who has the file can tell whether it is the one."""
    [one] = project("pl.read_csv(here('data/x.csv'))", "data/x.csv", "data/other.csv")
    assert (one.path, one.bytes, one.written) == ("data/x.csv", 10, False)
    assert one.sha256 == hashlib.sha256(b"data/x.csv").hexdigest()


def test_of_a_folder_that_is_named_what_was_written_is_told(project):
    """``out = "data/runs/x"`` is all that a notebook says of its artefacts, and older runs lie there too."""
    told = project(
        "out = 'data/runs/x'", "+data/runs/x/a/b.parquet", "data/runs/x/old.parquet", "+data/runs/y.db"
    )
    assert [(one.path, one.written) for one in told] == [("data/runs/x/a/b.parquet", True)]


def test_a_file_beside_the_notebook_is_found(project):
    """A relative name means what it means in JupyterLab."""
    [one] = project("pl.read_csv('x.csv')", "notebooks/x.csv")
    assert one.path == "notebooks/x.csv"


def test_nothing_outside_and_no_code_is_told(project, tmp_path):
    """Hashing what lies elsewhere would tell about the machine."""
    (tmp_path.parent / "outside.csv").write_text("x")
    text = "'../outside.csv', '../../outside.csv', 'data/x.py', 'http://h/data/x.csv', 'data/absent.csv'"
    assert project(text, "data/x.py") == []
