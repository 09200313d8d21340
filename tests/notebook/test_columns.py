"""A value is read with its column's name, in every form in which tables are shown."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.notebook.columns import pairs

FRAME = pl.DataFrame({"n": [1, 2], "api token": ["first", "second"]})


@pytest.mark.parametrize(
    "text",
    [
        str(FRAME),
        FRAME._repr_html_(),
        FRAME.write_csv(),
        FRAME.write_csv(separator="\t"),
        FRAME.write_csv(separator=";"),
        "before\n\n| n | api token |\n|---|---|\n| 1 | first |\n| 2 | second |\nafter",
        '"n","api token"\n1,"first"\n2,"second"',
        (
            "<table><tr><th>n<th>api token</th></tr><tr><td>1</td><td><b>first</b></td></tr>"
            "<tr><td>2<td>second</table><p>token</p>"
        ),
    ],
)
def test_a_tables_values_stand_with_their_columns_name(text):
    """The page shows a table, and only its head says what is in it."""
    told = [pair.replace('"', "") for pair in pairs(text)]
    assert "api token: first" in told
    assert "api token: second" in told
    assert not any(pair.startswith("n:") for pair in told)


def test_columns_set_with_spaces_are_read():
    """That is how a frame is printed that knows no lines."""
    text = "   n    token\n0  1    first\n1  2   second\n\n        third"
    assert list(pairs(text)) == ["token: first", "token: second"]


def test_a_title_in_many_rows_is_no_columns_name():
    """There are films that are called Secret; a page about them is refused for nothing."""
    text = '   "Anime/Secret Raven"  6\n   "Anime/Secret Raven"  8\n   Secret  Raven\n   Secret  Raven\n'
    assert list(pairs(text)) == []


@pytest.mark.parametrize(
    "text", ["", "token", "a token, and more", "n,m\n1,2", "<table></table> token", "<td>token</td>"]
)
def test_what_is_no_table_of_such_a_column_gives_nothing(text):
    """Prose with a comma is no table."""
    assert list(pairs(text)) == []


@given(st.text(alphabet="token,;|│\t \n<>/tdhr\"'1a-"))
def test_no_text_breaks_it(text):
    """Outputs are whatever a program has printed."""
    assert all(": " in pair for pair in pairs(text))
