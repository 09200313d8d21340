"""The map of a folder's notebooks: read from what they measured, never written by hand."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fetchlab.notebook import contents

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><rect width="9" height="9"/></svg>'


@pytest.fixture
def written(tmp_path):
    """``written(name, cells)`` puts a notebook there; the folder is ``written.folder``."""

    def write(name, *cells):
        nbformat.write(new_notebook(cells=list(cells)), tmp_path / name)

    write.folder = tmp_path
    return write


def shown(tag, kind, text):
    cell = new_code_cell("…", metadata={"tags": [tag]})
    cell.outputs = [new_output("display_data", {kind: text})]
    return cell


def test_title_line_and_figure_are_those_of_the_notebook(written):
    """A line typed by hand is out of date after the next execution."""
    line = shown("headline", "text/markdown", "**7 times** as fast as `x`, *n* < 3")
    figure = shown("thumbnail", "image/svg+xml", SVG)
    written("01-a.ipynb", new_markdown_cell("# Fast & far\n\nText"), line, figure)
    [entry] = contents(written.folder)
    assert (entry.title, entry.line) == ("Fast & far", "**7 times** as fast as `x`, *n* < 3")
    assert entry.figure.startswith(b"\x89PNG")
    page = contents(written.folder)._repr_html_()
    assert '<a href="01-a.ipynb">Fast &amp; far</a>' in page
    assert "<b>7 times</b> as fast as <code>x</code>, <i>n</i> &lt; 3" in page
    assert 'src="data:image/png;base64,' in page


def test_they_stand_in_their_order_without_the_map_itself(written):
    """A map that lists itself, or the sixth notebook before the first, helps nobody."""
    for name in ("02-second.ipynb", "00-start-here.ipynb", "01-first-one.ipynb"):
        written(name)
    found = contents(written.folder)
    assert [one.title for one in found] == ["First one", "Second"]
    assert "02-second.ipynb: Second." in repr(found)
    assert found._repr_html_().count("<img") == 0


def test_an_empty_folder_says_so(tmp_path):
    """An empty table looks like a mistake."""
    assert contents(tmp_path)._repr_html_() == "<p>No other notebooks here.</p>"
    assert repr(contents(tmp_path)) == "no notebooks"


def test_each_committed_notebook_has_both():
    """A notebook without its line and its figure is a dead end on the first page."""
    found = contents(Path(__file__).parents[2] / "notebooks")
    assert [one.path.name for one in found if not one.line or one.figure is None] == []
