"""What a notebook must not hold is found wherever it stands, and the list itself gives nothing away."""

from __future__ import annotations

from pathlib import Path

import nbformat
import polars as pl
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
PROJECT = Path(__file__).resolve().parents[2]
NAMES = frozenset({"anna", "annas-machine"})


def code(source="", *outputs, **metadata):
    cell = nbformat.v4.new_code_cell(source, execution_count=3, metadata=metadata)
    cell.outputs = list(outputs)
    return cell


def stream(text, name="stdout"):
    return nbformat.v4.new_output("stream", text=text, name=name)


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
    "a URL in a URL": code("", stream(f"https://h/?u=https%3A%2F%2Fi%2F%3Ftoken%3D{TOKEN}")),
    "a bot's path": code("", stream(f"https://h/bot123456789:{TOKEN}/getMe")),
    "an environment": code("", stream(f"SERVICE_TOKEN={TOKEN}")),
    "a header's line": code("", stream(f"x-auth: {TOKEN}")),
    "an exception's sentence": code("", error(f"token {TOKEN} was refused")),
    "an exception's quotation": code("", error(f"invalid token '{TOKEN}'")),
    "a stream in two pieces": code("", stream("https://h/?token="), stream(TOKEN)),
    "a stream with another between": code("", stream("token="), stream("!", name="stderr"), stream(TOKEN)),
    "two streams": code("", stream("api_key="), stream(TOKEN, name="stderr")),
    "a column": code(
        "",
        shown(
            text_html="<table><thead><tr><th>n</th><th>token</th></tr></thead>"
            f"<tbody><tr><td>1</td><td>&quot;{TOKEN}&quot;</td></tr></tbody></table>"
        ),
    ),
    "a Markdown table": nbformat.v4.new_markdown_cell(f"| n | token |\n|---|---|\n| 1 | {TOKEN} |"),
    "a word in two colours": code("", shown(text_html=f"token: {TOKEN[:9]}<b>{TOKEN[9:]}</b>")),
    "a list in JSON": code(
        "", nbformat.v4.new_output("display_data", {"application/json": {"token": [TOKEN]}})
    ),
    "a printed column": code("", stream(str(pl.DataFrame({"n": [1, 2], "token": ["-", TOKEN]})))),
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


def test_a_label_and_the_value_beside_it_are_read_together():
    """On the page they are one line; in the state they are two fields, or two widgets."""
    field = {"m": {"model_name": "TextModel", "state": {"description": "API token", "value": TOKEN}}}
    label = {"model_name": "LabelModel", "state": {"value": "token:"}}
    value = {"model_name": "LabelModel", "state": {"value": TOKEN}}
    box = {"model_name": "HBoxModel", "state": {"children": ["IPY_MODEL_l", "IPY_MODEL_v"]}}
    for state in (field, {"l": label, "v": value, "b": box}):
        findings = found(widgets={"application/vnd.jupyter.widget-state+json": {"state": state}})
        assert any(finding.secret for finding in findings)
        assert not any(TOKEN in str(finding) for finding in findings)


def test_a_value_that_is_said_to_be_secret_is_found_wherever_it_stands():
    """A password has no shape, and was typed to be seen by nobody."""
    book = nbformat.v4.new_notebook(cells=[code("", stream("it is: hunter"))])
    assert inspect(book, NAMES) == []
    [finding] = inspect(book, NAMES, {"hunter"})
    assert (finding.secret, finding.excerpt) == (True, "it is: ***")
    assert inspect(book, NAMES, {"hunt"}) == []


def test_an_excerpt_hides_what_nobody_has_recognised():
    """The list of an error and a path is printed in spite of a secret that stands beside them."""
    findings = found(code("", error(f"no access with {TOKEN}"), stream(f"{HOME}/x.csv {TOKEN}")))
    assert {finding.what for finding in findings} == {"an error", "a path in a home folder"}
    for finding in findings:
        assert "***" in finding.excerpt
        assert TOKEN not in str(finding)


@pytest.mark.parametrize("path", sorted((PROJECT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_projects_own_notebooks_may_be_shared(path):
    """Real pages with tables, digests, revisions and frames of keys: the measure of a false alarm."""
    assert inspect(nbformat.read(path, as_version=4), NAMES) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"saved to {HOME}/data/x.parquet", "a path in a home folder"),
        (f"File {MAC}/lab/x.py:3", "a path in a home folder"),
        (f"file://{ROOT}/x.csv", "a path in a home folder"),
        (f"PATH=bin:{HOME}/bin", "a path in a home folder"),
        (WINDOWS.replace("/", "\\") + r"\lab\x.py", "a path in a home folder"),
        ("'" + WINDOWS.replace("/", r"\\") + "'", "a path in a home folder"),
        ("https://h/?to=" + HOME.replace("/", "%2F") + "%2Fx", "a path in a home folder"),
        ("https://h/?to=" + HOME.replace("/", "%252F") + "%252Fx", "a path in a home folder"),
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
        "tokens  key\n   512  a1b2c3d4e5f6a7b8c9d0",
        "key,sha256\npage/17,9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "| token | count |\n|---|---|\n| some-model-4o-mini | 2 |",
        "100%2C000 of 50%",
    ],
)
def test_what_tells_nothing_is_left_alone(text):
    """Every false alarm teaches people to type --force."""
    assert found(code("", stream(text)), code(f"# {text}"), nbformat.v4.new_markdown_cell(text)) == []


def test_a_head_and_the_row_below_are_two_lines():
    """A table of digests whose last column is called token holds none."""
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    frame = pl.DataFrame({"sha256": [digest, digest], "token": ["how", "many"]})
    with pl.Config(fmt_str_lengths=99):
        texts = [
            frame._repr_html_(),
            frame.write_csv(),
            str(frame),
            f"<ul><li>token</li><li>{digest}</li></ul>",
        ]
    for text in texts:
        assert found(code("", shown(text_html=text))) == []
        assert found(code("", stream(text))) == []


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
    inside = f'<image href="data:image/png;base64,/tmp/{"A" * 300}/AKIAIOSFODNN7EXAMPLE/etc/x=="/>'
    assert found(code("", shown(**{"image_svg+xml": f"<svg>{inside}</svg>"}))) == []
    beside = f"<svg>{inside}<text>AKIAIOSFODNN7EXAMPLE</text></svg>"
    assert {one.secret for one in found(code("", shown(**{"image_svg+xml": beside})))} == {True}
