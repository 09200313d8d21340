"""Where two results differ first, shown so that a reader finds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.bench.differences import first_difference


@dataclass
class Movie:
    title: str
    tags: list[str]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_a_value_equals_itself(value):
    """Two right arms must not be told apart, not-a-number included."""
    assert first_difference(value, value) is None


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (1, 2, "the result: 1 ≠ 2"),
        ([1, 2], [1, 3], "[1]: 2 ≠ 3"),
        ([1, 2], [1], "[1]: 2 ≠ nothing"),
        ([{"a": {"b": 1}}], [{"a": {"b": 2}}], "[0]['a']['b']: 1 ≠ 2"),
        ({"a": 1}, {"a": 1, "c": 0}, "['c']: nothing ≠ 0"),
        (Movie("x", ["a"]), Movie("x", ["b"]), ".tags[0]: 'a' ≠ 'b'"),
        ("x" * 200, "y", "…"),
        ([None], [float("nan")], "[0]: None ≠ nan"),
        ((1, 2), [1, 2], None),
    ],
)
def test_the_first_difference_is_named(one, other, said):
    """A referee asks where; "they differ" would send the user searching in 70,000 items."""
    found = first_difference(one, other)
    assert found is None if said is None else said in found


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (pl.DataFrame({"id": [1, 2], "t": ["a", None]}), None),
        (pl.DataFrame({"id": [1, 3], "t": ["a", None]}), "[1, 'id']: 2 ≠ 3"),
        (pl.DataFrame({"id": [1, 2], "t": ["a", "b"]}), "[1, 't']: None ≠ 'b'"),
        (pl.DataFrame({"id": [1], "t": ["a"]}), "2 ≠ 1 rows"),
        (pl.DataFrame({"id": [1, 2]}), "['t']"),
    ],
)
def test_tables_are_compared_cell_by_cell(other, said):
    """Products of studies are tables."""
    found = first_difference(pl.DataFrame({"id": [1, 2], "t": ["a", None]}), other)
    assert found is None if said is None else said in found


class Plain:
    """A result of somebody's own class, which says nothing of equality."""

    def __init__(self, value):
        self.value = value


def test_arrays_and_plain_objects_are_looked_into():
    """What is equal in all that can be seen is no reason to refuse a comparison."""
    assert first_difference(np.arange(3), np.arange(3)) is None
    assert first_difference(np.array([1.0, np.nan]), np.array([1.0, np.nan])) is None
    assert first_difference([np.arange(3)], [np.arange(4)]) is not None
    assert first_difference(np.arange(3), np.arange(3.0)) is not None
    assert first_difference(Plain([1, 2]), Plain([1, 2])) is None
    assert first_difference([Plain(1)], [Plain(2)]) == "[0].['value']: 1 ≠ 2"
    assert first_difference(object(), object()) is not None, "of these nothing can be seen"
