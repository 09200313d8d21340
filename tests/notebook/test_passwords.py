"""What is in a password field is in no file."""

from __future__ import annotations

import nbformat

from fetchlab.notebook import execute, passwords

STATE = "application/vnd.jupyter.widget-state+json"


def test_the_fields_are_emptied_and_what_was_in_them_is_given(tmp_path):
    """The screen shows dots: nobody thinks of the clear text in the file."""
    states = {
        "a": {"model_name": "PasswordModel", "state": {"value": "hunter", "description": "Key"}},
        "b": {"model_name": "PasswordModel", "state": {"description": "empty"}},
        "c": {"model_name": "TextModel", "state": {"value": "shown"}},
    }
    book = nbformat.v4.new_notebook(metadata={"widgets": {STATE: {"state": states}}})
    assert passwords.take(book) == {"hunter"}
    assert passwords.take(book) == frozenset()
    assert [one["state"].get("value") for one in states.values()] == ["hunter", None, "shown"]
    saved = book.metadata["widgets"][STATE]["state"]
    assert [one["state"].get("value") for one in saved.values()] == ["", None, "shown"]
    assert saved["a"]["state"]["description"] == "Key"
    assert passwords.take(nbformat.v4.new_notebook()) == frozenset()


def test_executing_writes_none(tmp_path):
    """A notebook that is executed each night is committed each night."""
    source = "import ipywidgets\nipywidgets.Password(value='hun' + 'ter', description='Key')"
    path = tmp_path / "x.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    execute(path)
    text = path.read_text(encoding="utf-8")
    assert "PasswordModel" in text
    assert "hunter" not in text
