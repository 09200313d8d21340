"""A chart that a script would draw is drawn when the notebook is shared, in every form it may come in."""

from __future__ import annotations

import altair as alt
import nbformat
import polars as pl
import pytest

from fetchlab.notebook import charts
from fetchlab.notebook.offline_html import page

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


@pytest.fixture(scope="module")
def chart():
    data = pl.DataFrame({"host": ["alpha", "beta"], "seconds": [1, 2]})
    return alt.Chart(data).mark_bar().encode(x="seconds", y="host")


def book(data, states=None):
    cell = nbformat.v4.new_code_cell("chart")
    cell.outputs = [nbformat.v4.new_output("display_data")]
    made = nbformat.v4.new_notebook(cells=[cell])
    cell.outputs[0].data.update(data)  # after the checks: Altair's mimetype is not valid in a notebook
    if states:
        made.metadata["widgets"] = {STATE: {"state": states}}
    return made


def drawn(made, tmp_path):
    """Draw a notebook's one chart; give its output and the page."""
    assert charts.draw(made) == []
    nbformat.validate(made)
    return made.cells[0].outputs[0].data, page(made, tmp_path, "x")


@pytest.mark.parametrize("renderer", ["default", "html", "mimetype"])
def test_a_renderer_that_needs_a_program_leaves_a_figure(chart, tmp_path, renderer):
    """Nobody calls `use_svg` before the first chart, and a page of `alt.Chart(...)` shows nothing."""
    with alt.renderers.enable(renderer):
        bundle = chart._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    data, shown = drawn(book(dict(bundle) | {"text/plain": "alt.Chart(...)"}), tmp_path)
    assert ">beta<" in data["image/svg+xml"]
    assert set(data) == {"image/svg+xml", "text/plain"}
    assert ">beta<" in shown.html
    assert "alt.Chart(...)" not in shown.html
    assert shown.notes == []


def test_a_widget_that_is_a_chart_is_drawn(chart, tmp_path):
    """Altair's own widget keeps the chart in its state, where only JupyterLab finds it."""
    states = {"m": {"model_name": "AnyModel", "state": {"spec": chart.to_dict()}}}
    view = {"model_id": "m", "version_major": 2, "version_minor": 0}
    data, shown = drawn(book({VIEW: view, "text/plain": "JupyterChart(...)"}, states), tmp_path)
    assert set(data) == {VIEW, "text/plain", "image/svg+xml"}
    assert ">beta<" in shown.html


@pytest.mark.parametrize("version", ["v5.20.1", "v5.8.0", "v5.99.0", "v4.17.0"])
def test_a_chart_of_an_older_altair_is_drawn(chart, tmp_path, version):
    """The library that draws it is the one that is named, or the nearest there is."""
    spec = chart.to_dict() | {"$schema": f"https://vega.github.io/schema/vega-lite/{version}.json"}
    kind = f"application/vnd.vegalite.{version[:2]}+json"
    data, _ = drawn(book({kind: spec, "text/plain": "alt.Chart(...)"}), tmp_path)
    assert ">beta<" in data["image/svg+xml"]
    assert data[kind] == spec


def test_vega_is_drawn_as_well(tmp_path):
    """Some tools write Vega itself."""
    mark = {"type": "text", "encode": {"enter": {"text": {"value": "gamma"}}}}
    spec = {"$schema": "https://vega.github.io/schema/vega/v5.json", "width": 9, "height": 9, "marks": [mark]}
    data, _ = drawn(book({"application/vnd.vega.v5+json": spec}), tmp_path)
    assert ">gamma<" in data["image/svg+xml"]


def test_a_chart_of_data_elsewhere_stays_and_is_told(chart, tmp_path):
    """Sharing must ask nobody and read no file; an empty figure would be worse than none."""
    for url in ("http://127.0.0.1:9/data.json", "data/x.csv", "file:///data/x.csv"):
        spec = {"layer": [chart.to_dict() | {"data": {"url": url}}]}
        made = book({"application/vnd.vegalite.v6+json": spec, "text/plain": "alt.Chart(...)"})
        [note] = charts.draw(made)
        assert note.startswith("cell 1: a chart is not drawn: ")
        assert url in note
        assert "image/svg+xml" not in made.cells[0].outputs[0].data
        assert "alt.Chart(...)" in page(made, tmp_path, "x").html


@pytest.mark.parametrize(
    "data",
    [
        {"text/html": "<b>vega</b>", "text/plain": "x"},
        {"text/html": "<script>var spec = {not: json} // vega</script>"},
        {"text/html": '<script>var spec = {"a": 1} // vega</script>'},
        {"image/svg+xml": "<svg/>", "application/vnd.vegalite.v6+json": {"mark": "bar"}},
        {"image/png": "aGVsbG8="},
    ],
)
def test_what_is_no_chart_stays_as_it_is(data):
    """The rest of a notebook is nothing that sharing may change."""
    made = book(dict(data))
    assert charts.draw(made) == []
    assert made.cells[0].outputs[0].data == data


def test_html_with_two_charts_stays(chart):
    """Of a dashboard one figure alone would pass for all of it."""
    with alt.renderers.enable("html"):
        text = chart._repr_mimebundle_()["text/html"]
    made = book({"text/html": text + text})
    assert charts.draw(made) == []
    assert list(made.cells[0].outputs[0].data) == ["text/html"]
