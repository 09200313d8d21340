"""Executing notebooks without a person: what is written, what is refused, what is left out."""

from __future__ import annotations

import nbformat
import papermill
import pytest

from fetchlab.errors import ConfigError
from fetchlab.notebook import execute

PARAMETERS = {"tags": ["parameters"]}


@pytest.fixture
def write(tmp_path):
    """``write(parameters, *cells)`` makes a notebook and gives its path."""

    def make(parameters, *cells, metadata=None):
        book = nbformat.v4.new_notebook(metadata=metadata or {})
        book.cells = [nbformat.v4.new_code_cell(parameters, metadata=PARAMETERS)]
        book.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
        path = tmp_path / "books" / "small.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(book, path)
        return path

    return make


def printed(path):
    book = nbformat.read(path, as_version=4)
    return [out.text for cell in book.cells if cell.cell_type == "code" for out in cell.outputs]


def injected(path):
    return [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if "injected-parameters" in cell.metadata.get("tags", [])
    ]


def test_parameters_reach_the_cells_and_outputs_the_file(write, tmp_path):
    """A run with other parameters whose outputs are the old ones would be worse than none."""
    source = write("count = 1", "print(count * 2)")
    before = source.read_bytes()
    target = execute(source, tmp_path / "new" / "done.ipynb", {"count": 21})
    assert printed(target) == ["42\n"]
    assert len(injected(target)) == 1
    assert source.read_bytes() == before
    assert [file.name for file in target.parent.iterdir()] == ["done.ipynb"]


def test_it_runs_in_the_notebooks_own_folder(write, tmp_path):
    """Relative paths in a notebook mean what they mean in JupyterLab."""
    source = write("name = 'x'", "import pathlib; print(pathlib.Path.cwd().name)")
    assert printed(execute(source, tmp_path / "out.ipynb")) == ["books\n"]


def test_unknown_parameters_are_refused(write, tmp_path):
    """A misspelt parameter would leave its default in force, unnoticed for hours."""
    source = write("count = 1\nlatency = 0.5", "raise SystemExit('it was executed')")
    with pytest.raises(ConfigError, match=r"small\.ipynb has count, latency, not cuont"):
        execute(source, tmp_path / "out.ipynb", {"cuont": 2})
    assert not (tmp_path / "out.ipynb").exists()


def test_a_cell_that_raises_leaves_no_file(write, tmp_path):
    """Half a notebook must not pass for a whole one, nor replace it."""
    source = write("count = 1", "print('so far')", "1 / 0", "print('never')")
    before = source.read_bytes()
    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        execute(source, tmp_path / "out" / "done.ipynb")
    with pytest.raises(papermill.PapermillExecutionError):
        execute(source)
    assert source.read_bytes() == before
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["small.ipynb"]


def test_in_place_keeps_the_notebooks_own_parameters(write, monkeypatch):
    """The committed notebook's parameters are the author's, however it was last executed."""
    source = write("count = 1", "print(count)")
    assert execute(source, parameters={"count": 5}) == source
    assert injected(source) == []
    assert printed(source) == ["5\n"]
    monkeypatch.chdir(source.parent)
    execute("small.ipynb", source, {"count": 6})  # in place as well, by another name
    assert injected(source) == []


def test_nothing_of_this_machine_or_minute_is_written(write):
    """Paths, times and durations would make a diff of every run, and tell who ran it."""
    source = write("count = 1", "print(count)")
    execute(source)
    once = source.read_bytes()
    execute(source)
    assert source.read_bytes() == once
    assert str(source.parent).encode() not in once
    book = nbformat.read(source, as_version=4)
    assert "papermill" not in book.metadata
    assert all(set(cell.metadata) <= {"tags"} for cell in book.cells)


def test_a_notebook_that_names_no_kernel_is_executed(write, tmp_path):
    """Not every editor writes the kernel's name."""
    source = write("count = 1", "print(count)")
    assert "kernelspec" not in nbformat.read(source, as_version=4).metadata
    assert printed(execute(source, tmp_path / "out.ipynb")) == ["1\n"]


def test_what_is_no_notebook_is_refused(tmp_path):
    """A wrong path should be told as one."""
    with pytest.raises(ConfigError, match=r"notebook: .*absent.ipynb is not a file"):
        execute(tmp_path / "absent.ipynb")
    (tmp_path / "text.ipynb").write_text("no JSON")
    with pytest.raises(ConfigError, match=r"notebook: .*text.ipynb is no notebook"):
        execute(tmp_path / "text.ipynb")


def test_progress_of_a_run_that_nobody_awaited_is_saved_as_it_ended(write, echo, tmp_path):
    """The last cell may end before the line has moved: the saved page would say that nothing was done."""
    start = f"import fetchlab as fl\nrun = fl.fetch(['{echo}/json?n=' + str(n) for n in range(40)])"
    shown = "while not run.ended:\n    pass\nprint(run.state)"
    executed = execute(write("count = 1", start, shown), tmp_path / "out.ipynb")
    book = nbformat.read(executed, as_version=4)
    nbformat.validate(book)
    assert len(book.cells) == 3, "the closing cell is no cell of the notebook's"
    assert book.cells[-1].outputs[0].text == "done\n"
    view = book.cells[1].outputs[0].data["application/vnd.jupyter.widget-view+json"]
    states = book.metadata.widgets["application/vnd.jupyter.widget-state+json"].state
    assert "done 40/40 100%" in states[view.model_id].state.value


def test_an_old_notebook_format_is_executed_as_well(tmp_path):
    """Before 4.5 cells had no id, and one that has is refused."""
    book = nbformat.v4.new_notebook()
    book.nbformat_minor = 4
    cell = nbformat.v4.new_code_cell("print(1)")
    del cell["id"]
    book.cells = [cell]
    nbformat.write(book, tmp_path / "old.ipynb")
    assert printed(execute(tmp_path / "old.ipynb")) == ["1\n"]
