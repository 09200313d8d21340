"""Values survive the way to a file and back, or are refused in words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math

import msgspec
import polars as pl
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pyreqwest.http import HeaderMap

from fetchlab.errors import StoreError
from fetchlab.model import Response
from fetchlab.store.values import decode, encode


@dataclasses.dataclass
class Movie:
    name: str
    tags: tuple[str, ...] = ()


class Show(msgspec.Struct):
    name: str
    seasons: int = 0


class App(pydantic.BaseModel):
    name: str
    since: dt.date


def back(value):
    return decode(*encode(value))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.dates()
    | st.times()
)
KEYS = st.text() | st.integers() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(KEYS, inner)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers())
    ),
    max_leaves=20,
)


@given(VALUES)
def test_what_comes_back_equals_what_went_in(value):
    """A resumed run would hold other values than the one that was killed."""
    found = back(value)
    assert found == value
    assert type(found) is type(value)


@given(st.dictionaries(st.sampled_from(["$tuple", "$type", "$dict", "name"]), st.integers()))
def test_a_users_own_dollar_names_are_no_tags(value):
    """A service's JSON with a field called ``$type`` would come back as something else."""
    assert back(value) == value


@pytest.mark.parametrize(
    "value", [Movie("A", ("x", "y")), Show("B", 3), App(name="C", since=dt.date(2020, 1, 2))]
)
def test_models_come_back_as_what_they_were(value):
    """``parse=Model`` would give models at first and dicts after a restart."""
    assert back(value) == value
    assert back([value]) == [value]


def test_a_model_whose_class_is_gone_comes_back_as_a_dict():
    """A journal read without the notebook that made it could not be read at all."""
    kind, data = encode(Movie("A"))
    gone = data.replace(b":Movie", b":Nobody")
    assert decode(kind, gone) == {"name": "A", "tags": ()}


def test_no_class_but_plain_ones_is_made():
    """A foreign file could have anything called that happens to be imported."""
    data = json.dumps({"$type": "subprocess:Popen", "fields": {"args": "true"}}).encode()
    assert decode("tagged", data) == {"args": "true"}


def test_frames_cross_as_arrow():
    """A table would lose its types."""
    frame = pl.DataFrame({"a": [1, None], "b": [["x"], []], "c": [dt.date(2020, 1, 1), None]})
    kind, data = encode(frame)
    assert kind == "arrow"
    assert_frame_equal(decode(kind, data), frame)


def test_a_response_keeps_its_body_and_loses_its_cookies():
    """``parse="response"`` would not survive a restart, or a session cookie would lie in the file."""
    headers = HeaderMap(
        [("Content-Type", "text/plain"), ("X-A", "1"), ("X-A", "2"), ("Set-Cookie", "sid=s3cret")]
    )
    response = Response(201, headers, b"\x00\xff body", "http://h/x?api_key=s3cret", "HTTP/2.0")
    kind, data = encode(response)
    assert b"s3cret" not in data
    found = decode(kind, data)
    assert (found.status, found.content, found.http_version) == (201, b"\x00\xff body", "HTTP/2.0")
    assert found.headers["content-type"] == "text/plain"
    assert [value for name, value in found.headers.items() if name.lower() == "x-a"] == ["1", "2"]


def test_nan_and_half_characters_survive():
    """JSON encoders turn the one into null and fail at the other."""
    assert math.isnan(back({"a": math.nan})["a"])
    assert back("\ud800") == "\ud800"
    assert back(2**80) == 2**80


@pytest.mark.parametrize("value", [object(), lambda: 0, {"a": object()}, pl.DataFrame({"a": [object()]})])
def test_what_cannot_be_stored_says_what_can(value):
    """The user would read of an encoder's internals."""
    with pytest.raises(StoreError, match="cannot be stored"):
        encode(value)


@pytest.mark.parametrize(
    ("kind", "data"),
    [("json", b"{"), ("tagged", b'{"$tuple": 3}'), ("arrow", b"x"), ("response", b"ab"), ("pickle", b"")],
)
def test_damaged_bytes_are_our_own_error(kind, data):
    """A flipped bit would end the run with somebody else's exception."""
    with pytest.raises(StoreError, match="stored value"):
        decode(kind, data)
