"""A notebook as a page: the form of each output that needs no program."""

from __future__ import annotations

import base64
import re

import nbformat

from fetchlab.notebook.offline_html import page, title_of

STATES = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
PIXEL = base64.b64encode(b"png").decode()


def book(*cells, **metadata):
    made = nbformat.v4.new_notebook(metadata=metadata)
    made.cells = list(cells)
    return made


def code(*outputs, source="x"):
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    cell.outputs = [
        nbformat.v4.new_output("display_data", output) if "output_type" not in output else output
        for output in outputs
    ]
    return cell


def body(made):
    return re.sub(r"<style>.*?</style>", "", made.html, flags=re.DOTALL)


def test_every_kind_of_cell_and_output_is_there(tmp_path):
    """What is left out in silence is missed by nobody but the reader."""
    (tmp_path / "plan.png").write_bytes(b"png")
    attached = nbformat.v4.new_markdown_cell("![a](attachment:a.png) ![b](plan.png) ![c](https://h/c.png)")
    attached.attachments = {"a.png": {"image/png": PIXEL}}
    made = page(
        book(
            nbformat.v4.new_markdown_cell("# The *title*\n\n| a | b |\n|---|---|\n| 1 | 2 |"),
            attached,
            nbformat.v4.new_raw_cell("raw <text>"),
            code(
                nbformat.v4.new_output("stream", text="\x1b[31mred\x1b[0m <plain>"),
                {"text/html": "<table><tr><td>cell</td></tr></table>", "text/plain": "no"},
                {"image/png": PIXEL, "text/plain": "no"},
                {"text/markdown": "**bold**", "text/plain": "no"},
                {"text/latex": "$x^2$"},
                {"application/json": {"a": 1}},
                {"text/plain": "<Plain object>"},
                nbformat.v4.new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: v"]),
                source="for x in y:\n    print(x)",
            ),
        ),
        tmp_path,
        "name",
    )
    text = body(made)
    for words in (
        "<title>The title</title>",
        "<td>1</td>",
        "raw &lt;text&gt;",
        '<span class="ansi-red-fg">red</span> &lt;plain&gt;',
        "<td>cell</td>",
        "<strong>bold</strong>",
        "$x^2$",
        "&quot;a&quot;: 1",
        "&lt;Plain object&gt;",
        '<pre class="error">',
        '<span class="k">for</span>',
        "[c: not in this file]",
    ):
        assert words in text, words
    assert text.count(f"data:image/png;base64,{PIXEL}") == 3
    assert "no</pre>" not in text
    assert made.notes == []


def test_figures_do_not_take_each_others_names():
    """Charts call their clips by the same names: the second one would be cut to the first one's frame."""
    svg = '<svg><clipPath id="clip0"></clipPath><g clip-path="url(#clip0)"/><use href="#clip0"/></svg>'
    text = body(page(book(code({"image/svg+xml": svg}, {"image/svg+xml": svg})), None, "n"))
    names = re.findall(r'id="(.*?)"', text)
    assert len(set(names)) == len(names) == 2
    for name in names:
        assert text.count(f"url(#{name})") == text.count(f'href="#{name}"') == 1


def test_a_figure_with_a_style_sheet_keeps_it_to_itself():
    """Matplotlib's rules are for *every* element: in the page they would be for the text as well."""
    svg = '<?xml version="1.0"?><svg><style>*{stroke-linejoin: round}</style></svg>'
    made = page(book(code({"image/svg+xml": svg})), None, "n")
    assert "stroke-linejoin" not in made.html
    assert "data:image/svg+xml;base64," in made.html


def test_widgets_are_drawn_as_they_were_saved():
    """Without a kernel a widget is an empty box; a bar at its end and its text say what became of the run."""
    states = {
        "line": {"model_name": "HTMLModel", "state": {"value": "done <b>12/12</b><script>x</script>"}},
        "bar": {"model_name": "FloatProgressModel", "state": {"value": 2.0, "min": 1.0, "max": 5.0}},
        "box": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_line", "IPY_MODEL_bar"]}},
        "slider": {"model_name": "IntSliderModel", "state": {"value": 7, "description": "workers"}},
        "odd": {"model_name": "CanvasModel", "state": {}},
    }
    views = [
        {VIEW: {"model_id": name}, "text/plain": f"<{name}>"} for name in ("box", "slider", "odd", "gone")
    ]
    text = body(page(book(code(*views), widgets={STATES: {"state": states}}), None, "n"))
    assert "done <b>12/12</b>" in text
    assert 'value="1.0" max="4.0"' in text
    assert "workers 7" in text
    assert "&lt;odd&gt;" in text
    assert "&lt;gone&gt;" in text
    assert "&lt;box&gt;" not in text


def test_what_only_a_program_draws_is_shown_as_text_and_said():
    """A blank where the author sees a chart is worse than the chart's name."""
    vega = {"application/vnd.vegalite.v6+json": {"mark": "bar"}, "text/plain": "alt.Chart(...)"}
    html = {"text/html": "<div id=x></div><script>draw()</script>", "text/plain": "Figure()"}
    made = page(book(code(vega, html)), None, "n")
    assert "alt.Chart(...)" in made.html
    assert "Figure()" in made.html
    assert made.notes == ["cell 1: an output that only a program can draw is shown as text"] * 2


def test_without_a_heading_the_files_name_is_the_title():
    """A tab must be called something."""
    assert title_of(book(code()), "x") == "x"
