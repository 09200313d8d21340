"""From a response to a value."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple, TypedDict

import msgspec
import pydantic
import pytest

import fetchlab as fl
from fetchlab.engine.parse import parser
from fetchlab.errors import ParseError, Retriable


@dataclasses.dataclass
class Data:
    id: int
    name: str = ""


class Struct(msgspec.Struct):
    id: int
    name: str = ""


class Model(pydantic.BaseModel):
    id: int
    name: str = ""


class Named(NamedTuple):
    id: int


class Typed(TypedDict):
    id: int


def response(content, kind="application/json", status=200, **headers):
    return fl.Response(status, {"content-type": kind, **headers}, content, "http://h/")


@pytest.mark.parametrize("cls", [Data, Struct, Model])
def test_typed(cls):
    """A value of the type, and on failure the field's name."""
    value = parser(cls)(response(b'{"id": 1, "name": "a", "more": 2}'))
    assert (type(value), value.id, value.name) == (cls, 1, "a")
    with pytest.raises(ParseError, match="id") as caught:
        parser(cls)(response(b'{"id": "seven-secret"}'))
    assert "seven-secret" not in str(caught.value)
    assert not caught.value.retriable
    with pytest.raises(ParseError) as caught:
        parser(cls)(response(b"<html>", "text/html; charset=utf-8"))
    assert caught.value.retriable


def test_further_types():
    """What msgspec understands."""
    assert parser(Named)(response(b"[1]")) == Named(1)
    assert parser(Typed)(response(b'{"id": 1}')) == {"id": 1}
    assert parser(list[Data])(response(b'[{"id": 1}]')) == [Data(1)]
    assert parser(dict[str, int])(response(b'{"a": 1}')) == {"a": 1}
    with pytest.raises(ParseError):
        parser(dict[str, int])(response(b'{"a": "b"}'))


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        (b"\xef\xbb\xbf[1]", [1]),
        (b"[Infinity]", [float("inf")]),
        ("[1]".encode("utf-16"), [1]),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_json_is_lenient_where_python_is(content, value):
    """A BOM or an Infinity is what real services send."""
    assert parser("json")(response(content)) == value


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (response(b"<html></html>", "text/html"), True),
        (response(b""), True),
        (response(b'{"a":', **{"content-length": "100"}), True),
        (response(b'{"a":', **{"content-length": "5"}), False),
        (response(b'{"a":', **{"content-length": "100", "content-encoding": "gzip"}), False),
        (response(b"", status=204), False),
        (response(b"oops"), False),
    ],
)
def test_what_contradicts_the_headers_is_tried_again(answer, again):
    """A body that was cut off or swapped may be whole next time; a wrong one stays wrong."""
    with pytest.raises(ParseError) as caught:
        parser("json")(answer)
    assert caught.value.retriable is again


def test_a_callable_may_ask_for_another_attempt():
    """``Retriable`` from a parser passes through as it is."""

    def parse(_):
        raise Retriable("not ready")

    with pytest.raises(Retriable):
        parser(parse)(response(b""))


def test_the_simple_ones():
    """Bytes, text, the response itself."""
    answer = response("ä".encode(), "text/plain")
    assert [parser(kind)(answer) for kind in ("bytes", "text", "response")] == [b"\xc3\xa4", "ä", answer]
