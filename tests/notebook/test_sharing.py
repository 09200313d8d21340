"""Sharing, in a real kernel: what is written, what is refused, what is overridden."""

from __future__ import annotations

import hashlib
import re

import nbformat
import pytest

from fetchlab.errors import ConfigError, NotShareable
from fetchlab.notebook import share

TOKEN = "s3cr3tT0ken0123456789"


@pytest.fixture
def write(tmp_path):
    """``write(*cells)`` makes a project with a notebook whose parameters are ``count`` and ``out``."""

    def make(*cells):
        book = nbformat.v4.new_notebook()
        parameters = nbformat.v4.new_code_cell(
            "count = 1\nout = 'data/runs/x'", metadata={"tags": ["parameters"]}
        )
        book.cells = [nbformat.v4.new_markdown_cell("# A page"), parameters]
        book.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
        (tmp_path / "data").mkdir()
        path = tmp_path / "notebooks" / "x.ipynb"
        path.parent.mkdir()
        nbformat.write(book, path)
        return path

    return make


RUN = "import fetchlab as fl\nrun = fl.map(str, range(count))\nrun.wait()"
SAVE = "from fetchlab.notebook import here\nkept = run.save(here(out))"


def written(folder):
    return sorted(file.name for file in folder.rglob("*")) if folder.exists() else []


def test_it_writes_a_notebook_and_a_page_and_says_what_went_in(write, tmp_path):
    """Both must hold what was computed with these parameters, and from what; the author's file stays."""
    source = write(RUN, SAVE)
    before, said = source.read_bytes(), []
    done = share(source, tmp_path / "out", {"count": 7}, say=said.append)
    assert source.read_bytes() == before
    assert written(tmp_path / "out") == ["x.html", "x.ipynb"]
    assert said == [f"  cell {n} of 5" for n in range(1, 6)]
    book = nbformat.read(done.notebook, as_version=4)
    nbformat.validate(book)
    assert not [cell for cell in book.cells if "fetchlab.notebook.closing" in cell.source]
    [state] = [
        one.state.value
        for one in book.metadata.widgets["application/vnd.jupyter.widget-state+json"].state.values()
        if one.model_name == "HTMLModel"
    ]
    assert "done 7/7 100%" in state
    page = done.html.read_text(encoding="utf-8")
    assert "done 7/7 100%" in page
    assert "<script" not in page
    assert "count=7" in page
    stamp = book.metadata.fetchlab
    assert stamp.environment.parameters == {"count": 7}
    assert stamp.environment.packages.fetchlab
    assert stamp.source_sha256 == hashlib.sha256(before).hexdigest()
    paths = [one.path for one in done.artefacts]
    assert "data/runs/x/timings.parquet" in paths
    assert [one.path for one in stamp.artefacts] == paths
    for one in done.artefacts:
        assert one.written
        assert hashlib.sha256((tmp_path / one.path).read_bytes()).hexdigest() == one.sha256
        assert one.sha256 in page
    assert done.sha256 == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (done.notebook, done.html)
    }
    assert done.sha256["x.ipynb"] in page
    assert (done.notes, done.findings, done.pdf) == ([], [], None)


def test_secrets_are_refused_whatever_is_said(write, tmp_path):
    """--force is typed by habit; a key that was sent cannot be called back."""
    url = f"url = 'https://h/?api_key=' + '{TOKEN[:8]}' + '{TOKEN[8:]}'"
    source = write(
        url + "\nprint('GET', url)", "print({'Authorization': url[-21:]})", "raise ValueError(url)"
    )
    for force in (False, True):
        with pytest.raises(NotShareable) as refused:
            share(source, tmp_path / "out", force=force)
        told = str(refused.value)
        assert TOKEN not in told
        assert "cell 3, In [2] output: a credential in a URL: GET https://h/?api_key=***" in told
        assert re.search(r"cell 4, In \[3\] output: an? .*'Authorization': '\*\*\*'", told)
        assert re.search(r"cell 5, In \[4\] output: a credential in a URL: .*api_key=\*\*\*", told)
        assert "cannot be overridden" in told
        assert ("an error" in told) is not force
        assert written(tmp_path / "out") == []


FIELD = f"""import ipywidgets
field = ipywidgets.Password(value='{TOKEN[:8]}' + '{TOKEN[8:]}', description='Key')
field"""
CHART = """import altair
altair.Chart({'values': [{'x': 1}]}).mark_bar().encode(x='x:Q').properties(title='Mine')"""


def test_a_password_field_is_shared_empty(write, tmp_path):
    """The screen shows dots, the saved state clear text; the field without it may be sent."""
    done = share(write(FIELD), tmp_path / "out")
    for file in (done.notebook, done.html):
        text = file.read_text(encoding="utf-8")
        assert TOKEN not in text
        assert "Key" in text
    assert "PasswordModel" in done.notebook.read_text(encoding="utf-8")


def test_what_was_typed_into_a_password_field_is_refused_elsewhere(write, tmp_path):
    """Printed, it has neither name nor shape; and the list must not hold it either."""
    source = write(FIELD, "print('it is', field.value)", "raise RuntimeError('token ' + field.value + ' no')")
    with pytest.raises(NotShareable) as refused:
        share(source, tmp_path / "out", force=True)
    told = str(refused.value)
    assert "cell 4, In [3] output: a secret known from elsewhere: it is ***" in told
    assert re.search(r"cell 5, In \[4\] output: .*token \*\*\* no", told)
    assert TOKEN not in told + "".join(map(str, refused.value.findings))
    assert written(tmp_path / "out") == []


def test_figures_are_drawn_without_being_asked_for(write, tmp_path):
    """A notebook whose first cell sets no renderer showed the words `alt.VConcatChart(...)`."""
    done = share(write(RUN, "run.plot()", CHART), tmp_path / "out", {"count": 5})
    page = done.html.read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert ">Mine</text>" in page
    assert "Chart(...)" not in page
    outputs = [cell.outputs for cell in nbformat.read(done.notebook, as_version=4).cells[4:]]
    assert [set(output.data) for [output] in outputs] == [{"image/svg+xml", "text/plain"}] * 2
    assert done.notes == []


def test_paths_and_errors_are_refused_unless_forced(write, tmp_path):
    """They tell whose machine it was; whether that matters is the author's to say."""
    source = write("print('/home/' + 'somebody/x.csv')", "1 / 0", "print('never')")
    with pytest.raises(NotShareable, match=r"cell 3, In \[2\] output: a path in a home folder") as refused:
        share(source, tmp_path / "out")
    assert [one.what for one in refused.value.findings][:1] == ["a path in a home folder"]
    assert "--force" in str(refused.value)
    assert written(tmp_path / "out") == []
    done = share(source, tmp_path / "out", force=True)
    assert {one.what for one in done.findings} >= {"a path in a home folder", "an error"}
    page = done.html.read_text(encoding="utf-8")
    assert "ZeroDivisionError" in page
    assert "papermill-error" not in page
    nbformat.validate(nbformat.read(done.notebook, as_version=4))


@pytest.mark.browser
def test_a_pdf_is_printed_on_request(write, tmp_path):
    """Some are only ever sent paper; links on it must not lead into the author's folders."""
    done = share(write(RUN, "print('x' * 1_100_000)"), tmp_path / "out", pdf=True)
    content = done.pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert str(tmp_path).encode() not in content
    assert done.sha256["x.pdf"] == hashlib.sha256(content).hexdigest()
    [note, *_] = done.notes
    assert "x.ipynb is 1.1 MB; its largest outputs: cell 4 (text) 1.1 MB" in note


def test_bad_calls_are_told_before_anything_is_executed(write, tmp_path, monkeypatch):
    """A notebook of an hour must not end with the news that the folder was wrong."""
    source = write("raise SystemExit('it was executed')")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match=r"^out: .*file is a file"):
        share(source, tmp_path / "file")
    with pytest.raises(ConfigError, match=r"^out: .* holds the notebook itself"):
        share(source, source.parent)
    with pytest.raises(ConfigError, match=r"^notebook: .* is not a file"):
        share(tmp_path / "absent.ipynb", tmp_path / "out")
    with pytest.raises(ConfigError, match=r"^parameters: x\.ipynb has count, out, not cuont"):
        share(source, tmp_path / "out", {"cuont": 1})
    monkeypatch.setenv("FETCHLAB_BROWSER", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="FETCHLAB_BROWSER"):
        share(source, tmp_path / "out", pdf=True)
    assert written(tmp_path / "out") == []
