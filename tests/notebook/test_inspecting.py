"""What a notebook must not hold is found wherever it stands, and the list itself gives nothing away."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from fetchlab.notebook.inspecting import inspect

TOKEN = "s3cr3tT0ken0123456789"
HOME, MAC, ROOT, WINDOWS = (
    "/home" + "/somebody",
    "/Users" + "/somebody",
    "/root",
    "C:" + "/Users" + "/Somebody",
)
"""Put together here, for the project's own files name none."""
NAMES = frozenset({"anna", "annas-machine"})


def code(source="", *outputs, **metadata):
    cell = nbformat.v4.new_code_cell(source, execution_count=3, metadata=metadata)
    cell.outputs = list(outputs)
    return cell


def stream(text):
    return nbformat.v4.new_output("stream", text=text)


def shown(**data):
    return nbformat.v4.new_output(
        "display_data", {kind.replace("_", "/"): text for kind, text in data.items()}
    )


def error(message):
    traceback = ["\x1b[31mStatusError\x1b[39m Traceback", f"\x1b[31mStatusError\x1b[39m: {message}"]
    return nbformat.v4.new_output("error", ename="StatusError", evalue=message, traceback=traceback)


def found(*cells, **metadata):
    book = nbformat.v4.new_notebook(metadata=metadata)
    book.cells = [nbformat.v4.new_markdown_cell("# Title"), *cells]
    return inspect(book, NAMES)


PLANTED = {
    "a token in a URL": code("", stream(f"GET https://h/list?page=2&token={TOKEN} took 3 s")),
    "a key in a URL, escaped": code("", shown(text_html=f"<td>https://h/?a=1&amp;api_key={TOKEN}</td>")),
    "a header's repr": code("", shown(text_plain=f"{{'Authorization': 'Bearer {TOKEN}', 'Accept': '*/*'}}")),
    "a header's repr, as pairs": code("", shown(text_plain=f"Headers([('x-api-key', '{TOKEN}')])")),
    "a header in a table": code(
        "", shown(text_html=f"<tr><td>&quot;X-Auth-Token&quot;</td><td>&quot;{TOKEN}&quot;</td></tr>")
    ),
    "exception text": code("", error(f"GET https://h/?access_token={TOKEN} gave 401")),
    "exception text in colours": code("", error(f"Authorization: \x1b[32mtoken\x1b[39m {TOKEN}")),
    "a password in a URL": code("", stream(f"https://user:{TOKEN}@h/")),
    "source": code(f"client = fl.Client(headers={{'X-Api-Key': '{TOKEN}'}})"),
    "source with escaped quotes": code(f'body = "{{\\"password\\": \\"{TOKEN}\\"}}"'),
    "JSON": code("", nbformat.v4.new_output("display_data", {"application/json": {"api_key": TOKEN}})),
    "prose": nbformat.v4.new_markdown_cell(f"Call `https://h/?api_key={TOKEN}`."),
    "an SVG's label": code("", shown(**{"image_svg+xml": f"<svg><text>https://h/?sig={TOKEN}</text></svg>"})),
    "a cell's metadata": code("", note=f"https://h/?token={TOKEN}"),
    "a token of known shape": code("", stream("ghp_" + TOKEN + "abcde")),
    "the given parameters": code(f'api_token = "{TOKEN}"', tags=["injected-parameters"]),
}


@pytest.mark.parametrize("place", PLANTED)
def test_a_planted_secret_is_found_and_the_list_does_not_show_it(place):
    """The list is printed, logged, pasted into a chat."""
    secrets = [finding for finding in found(PLANTED[place]) if finding.secret]
    assert secrets
    for finding in secrets:
        assert TOKEN not in str(finding)
        assert "***" in finding.excerpt
        assert finding.cell == (None if place == "the given parameters" else 2)


def test_a_secret_in_the_notebooks_own_metadata_is_found():
    """A widget's saved state is text that GitHub shows, and the cell's output does not hold it."""
    state = {"m": {"model_name": "HTMLModel", "state": {"value": f"<b>https://h/?token={TOKEN}</b>"}}}
    saved = {"application/vnd.jupyter.widget-state+json": {"state": state}}
    [finding] = {(one.where, one.secret) for one in found(widgets=saved)}
    assert finding == ("a widget's state", True)
    assert any(one.where == "metadata title" for one in found(title=f"x https://h/?token={TOKEN}"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"saved to {HOME}/data/x.parquet", "a path in a home folder"),
        (f"File {MAC}/lab/x.py:3", "a path in a home folder"),
        (f"file://{ROOT}/x.csv", "a path in a home folder"),
        (f"PATH=bin:{HOME}/bin", "a path in a home folder"),
        (WINDOWS.replace("/", "\\") + r"\lab\x.py", "a path in a home folder"),
        ("'" + WINDOWS.replace("/", r"\\") + "'", "a path in a home folder"),
        ("/tmp/pytest-1/x.db", "a path of this machine"),
        ("PosixPath('/mnt/share/x.csv')", "a path of this machine"),
        (f"in {Path(__file__).resolve()}", None),
        (r"D:\lab\data\x.csv", "a path of this machine"),
        ("anna@annas-machine: ~", "a name of this person or machine"),
    ],
)
def test_a_planted_path_or_name_is_found(text, what):
    """It tells who it was and is of no use to anybody else; that can be overridden, so it is no secret."""
    for cell in (
        code("", stream(text)),
        code("", error(text)),
        code(f"# {text}"),
        nbformat.v4.new_markdown_cell(text),
    ):
        findings = [finding for finding in found(cell) if finding.what != "an error"]
        assert findings
        assert not any(finding.secret for finding in findings)
        assert what is None or {finding.what for finding in findings} == {what}
        assert {finding.cell for finding in findings} == {2}


@pytest.mark.parametrize(
    "text",
    [
        "GET /json?n=1 http://127.0.0.1:8700/api/v2/list_movies.json",
        "data/runs/quickstart/movies.parquet and notebooks/01-quickstart.ipynb",
        "https://github.com/" + "home/repository/tmp/x",
        "/dev/null #!/usr/bin/env python",
        "annabelle, bananna",
        "1/2/3 a/b and/or",
        "rate 50/s, text/html",
        "</td></tr>",
    ],
)
def test_what_tells_nothing_is_left_alone(text):
    """Every false alarm teaches people to type --force."""
    assert found(code("", stream(text)), code(f"# {text}"), nbformat.v4.new_markdown_cell(text)) == []


def test_an_error_is_found_unless_it_is_meant():
    """Half a notebook must not pass for a whole one; a page about errors shows some."""
    [finding] = found(code("1 / 0", error("division by zero")))
    assert (finding.what, finding.secret, finding.where) == ("an error", False, "In [3] output")
    assert "division by zero" in finding.excerpt
    assert found(code("1 / 0", error("division by zero"), tags=["raises-exception"])) == []


def test_cells_are_counted_as_in_the_notebook_that_was_given():
    """The cell of given parameters is not in the author's copy: every number after it would be off."""
    injected = code("count = 2", tags=["injected-parameters"])
    [finding] = found(injected, code("", stream("/tmp/x/y")))
    assert finding.cell == 2


def test_one_thing_said_often_is_told_a_few_times():
    """A traceback of forty files must not hide the token below it."""
    findings = found(code("", stream("\n".join(f"/tmp/x/{n}.py" for n in range(99)) + f" ?token={TOKEN}")))
    assert sum(not finding.secret for finding in findings) == 5
    assert sum(finding.secret for finding in findings) == 1


def test_pictures_of_pixels_are_not_read():
    """In base64 every shape occurs by chance, and such a refusal could not be overridden."""
    assert found(code("", shown(image_png="AKIAIOSFODNN7EXAMPLE" + "A" * 99))) == []
