"""The outline of nested values."""

from __future__ import annotations

import pytest

from fetchlab.shape import MOST_FIELDS, Shape


def shape_of(*values):
    shape = Shape()
    for value in values:
        shape.add(value)
    return shape


def test_the_outline_names_every_place():
    """It is read instead of a page of JSON: types, lists, and what may be missing."""
    shape = shape_of(
        {"id": 1, "tags": ["a"], "by": {"name": "x", "age": None}},
        {"id": "2", "tags": [], "by": None, "films": [{"year": 1999}, {"year": 2000, "rank": 0.5}]},
    )
    assert repr(shape).splitlines() == [
        "dict",
        "id: int | str",
        "tags: list of str",
        "by?: dict",
        "    name: str",
        "    age?: None",
        "films?: list of dict",
        "    year: int",
        "    rank?: float",
    ]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ((1,), "int"),
        ((b"x",), "bytes"),
        ((), "None"),
        (([],), "list"),
        (([1, "a"], None), "list of int | str"),
    ],
)
def test_a_word_for_what_has_no_fields(values, word):
    """Bytes and text have a shape, too."""
    assert shape_of(*values).word() == word


@pytest.mark.parametrize(
    ("values", "mixed"),
    [
        ((1, "a", None), False),
        ((1, [1]), True),
        ((None, [1]), False),
        (({"a": [1]}, {"a": [[1]]}), True),
        (({"a": {"b": 1}}, {"a": {"b": {}}}), True),
        (([{"a": 1}], [{"a": 2.5}], []), False),
    ],
)
def test_mixed_places_are_found_at_any_depth(values, mixed):
    """One that is overlooked becomes null in a table."""
    assert shape_of(*values).mixed is mixed


def test_a_dict_by_id_stays_small():
    """Ten thousand ids as names are data; their outline would be longer than the data."""
    shape = shape_of({str(number): {"a": number} for number in range(10_000)})
    assert len(shape.fields) == MOST_FIELDS + 1
    assert shape.fields["…"].seen == 10_000 - MOST_FIELDS
