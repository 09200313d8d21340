"""Values and timings as tables: nothing dropped, nothing renamed without a word."""

from __future__ import annotations

import dataclasses
import io
import json

import msgspec
import polars as pl
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab import frame


@dataclasses.dataclass
class Inner:
    x: int


@dataclasses.dataclass
class Data:
    id: int
    inner: Inner


class Struct(msgspec.Struct):
    id: int
    blob: bytes = b""


class Model(pydantic.BaseModel):
    id: int
    tags: list[str] = []


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ([{"a": 1, "b": "x"}, {"a": 2, "c": None}], {"a": [1, 2], "b": ["x", None], "c": [None, None]}),
        ([Data(1, Inner(2))], {"id": [1], "inner": [{"x": 2}]}),
        ([Struct(1, b"\xff")], {"id": [1], "blob": [b"\xff"]}),
        ([Model(id=1, tags=["a"])], {"id": [1], "tags": [["a"]]}),
        ([1, 2.5], {"value": [1.0, 2.5]}),
        ([b"x", b""], {"value": [b"x", b""]}),
        ([None, None], {"value": [None, None]}),
        ([[1], []], {"value": [[1], []]}),
        ([[Model(id=1, tags=["a"])], []], {"value": [[{"id": 1, "tags": ["a"]}], []]}),
        ([[Data(1, Inner(2)), 3]], {"value": [[{"id": 1, "inner": {"x": 2}}, 3]]}),
        ([2**70], {"value": [2**70]}),
        ([1, "a"], {"value": ["1", "a"]}),
        ([{1, 2}], {"value": [{1, 2}]}),
        ([{"a": 1}, 5], {"value": [{"a": 1}, 5]}),
        (["\udce9"], {"value": ["\udce9"]}),
        ([{}, {}], {}),
        ([{"index": 7, "value.index": 8}], {"value.value.index": [7], "value.index": [8]}),
        ([{1: "a"}], {"1": ["a"]}),
    ],
    ids=repr,
)
def test_values(values, columns):
    """Dicts, dataclasses and models unnest; what no column type holds stays as it is rather than null."""
    table = frame.values_frame(range(len(values)), values)
    assert table.to_dict(as_series=False) == {"index": list(range(len(values))), **columns}


@pytest.mark.parametrize(
    "values",
    [
        [1, [1]],
        [1, {"b": 1}],
        ["x", {"b": 1}],
        [{"b": 1}, {"b": {"c": 1}}],
        [[1], [{"b": 1}]],
        [[{"b": 1}], [{"b": [2]}], None],
        [2**200],
        ["\ud800"],
    ],
    ids=repr,
)
def test_nothing_is_lost_where_no_column_type_fits(values):
    """Polars by itself raises, makes null of a number beside dicts, or makes a dict of it."""
    table = frame.values_frame(range(len(values)), [{"a": value, "b": 1} for value in values])
    assert table["a"].to_list() == values
    assert table["b"].to_list() == [1] * len(values)
    assert frame.values_frame(range(len(values)), [[value] for value in values])["value"].to_list() == [
        [value] for value in values
    ]


def test_what_a_file_can_hold():
    """Objects become JSON text, with the columns named; what is no JSON either is named as well."""
    table = frame.values_frame(range(2), [{"a": 1, "e": {}, "n": 1}, {"a": ["\ud800"], "e": {}, "n": 2}])
    stored, texts = frame.storable(table)
    assert texts == ["a", "e"]
    assert [json.loads(text) for text in stored["a"]] == [1, ["\ud800"]]
    stored.write_parquet(io.BytesIO())
    with pytest.raises(fl.errors.StoreError, match="column 'odd'"):
        frame.storable(frame.values_frame(range(1), [{"odd": object()}]))


def test_no_values():
    """An empty run has an empty table."""
    assert fl.fetch([]).table().height == 0


def test_a_value_named_like_a_timing():
    """The value keeps its name, the timing is prefixed."""
    run = fl.map(lambda item: {"index": item, "ok": "mine", "bytes": 3, "title": "t"}, [5, 6]).wait()
    table = run.table()
    assert table["ok"].to_list() == ["mine", "mine"]
    assert table["run.ok"].to_list() == [True, True]
    assert table["value.index"].to_list() == [5, 6]
    assert table["index"].to_list() == [0, 1]
    assert table["run.bytes"].to_list() == [0, 0]
    assert set(table.columns) >= {"title", "host", "elapsed"}


def test_the_table_has_rows_for_values_only():
    """A failed item has no value, and must not shift the others."""
    run = fl.map(lambda item: 10 // item, [1, 0, 5]).wait()
    assert run.table().select("index", "value").rows() == [(0, 10), (2, 2)]


@given(st.lists(st.text()))
def test_any_text_can_be_written(texts):
    """Keys and messages come from anywhere, file names with lone surrogates included."""
    rows = [
        (n, text, text, False, None, "E", text, 1, False, 1, 0, 0.0, 0.0, None, 0.0, 0)
        for n, text in enumerate(texts)
    ]
    assert frame.timings_frame([frame.seal_rows(rows)]).height == len(texts)


def test_the_latest_row_counts():
    """An item tried again has two rows in the book and one in the frame."""

    def row(index, finished, *, ok):
        return (index, f"k{index}", "h", ok, None, None, None, 1, False, 1, 0, 0.0, 0.0, None, finished, 0)

    chunks = [
        frame.seal_rows([row(1, 1.0, ok=False), row(0, 2.0, ok=True)]),
        frame.seal_rows([row(1, 3.0, ok=True)]),
    ]
    assert frame.timings_frame(chunks).select("index", "ok", "finished").rows() == [
        (0, True, 2.0),
        (1, True, 3.0),
    ]


spans = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=30)


@given(spans, st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=4))
def test_concurrency_equals_the_brute_force_count(spans, limits):
    """At every moment where something changes, as many as overlap it."""
    attempts = pl.DataFrame(
        {
            "started": [float(start) for start, _ in spans],
            "finished": [float(start + long) for start, long in spans],
        },
        schema={"started": pl.Float64, "finished": pl.Float64},
    )
    held = sorted({float(moment): limit for moment, limit in [(0, 3), *limits]}.items())
    curve = frame.concurrency_frame(attempts, held)
    assert curve["time"].is_sorted()
    assert set(curve["time"]) == {m for s, d in spans for m in (float(s), float(s + d))} | {
        m for m, _ in held
    }
    for moment, in_flight, limit in curve.select("time", "in_flight", "limit").rows():
        assert in_flight == sum(start <= moment < start + long for start, long in spans)
        assert limit == [value for since, value in held if since <= moment][-1]
