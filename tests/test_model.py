"""Requests are built as users of httpx expect; responses read as they were sent."""

from __future__ import annotations

import json

import httpx
import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError, ParseError


@pytest.mark.parametrize(
    ("url", "params", "built"),
    [
        ("http://h/p", {"a": 1, "b": [1, 2]}, "http://h/p?a=1&b=1&b=2"),
        ("http://h/p?x=1", {"a": "ä b"}, "http://h/p?x=1&a=%C3%A4+b"),
        ("http://h/p#top", {"a": 1}, "http://h/p?a=1#top"),
        ("http://h/p?", {"a": 1}, "http://h/p?a=1"),
        ("http://h/p", {"a": True, "b": None}, "http://h/p?a=true&b="),
        ("http://h/p", [("a", 1), ("a", 2)], "http://h/p?a=1&a=2"),
        ("http://h/p", {}, "http://h/p"),
    ],
)
def test_params(url, params, built):
    """Parameters after a fragment never reach the server; True is not spelt as Python does."""
    assert fl.Request(url, params=params).url == built


def test_bodies():
    """Each kind of body brings its content type; the user's own wins."""
    assert fl.Request("http://h", "post", json={"a": 1}).content == b'{"a": 1}'
    assert fl.Request("http://h", "POST", data={"a": "b c"}).content == b"a=b+c"
    assert fl.Request("http://h", "POST", content="ä").content == "ä".encode()
    assert fl.Request("http://h", "POST", content=memoryview(b"x")).content == b"x"
    request = fl.Request("http://h", "POST", json=1, headers={"Content-Type": "application/x"})
    assert request.headers == {"Content-Type": "application/x"}


def test_two_bodies_are_refused():
    """One of them would be dropped without a word."""
    with pytest.raises(ConfigError, match="request"):
        fl.Request("http://h", content=b"a", json={})


def test_from_httpx():
    """Headers that describe the other client's connection would break ours, on a redirect say."""
    made = fl.Request.of(httpx.Request("POST", "http://h/p", json={"a": 1}, headers={"X-A": "b"}))
    assert (made.method, made.url, made.content) == ("POST", "http://h/p", b'{"a":1}')
    assert made.headers == {"x-a": "b", "content-type": "application/json"}


@pytest.mark.parametrize(
    "item", [None, 3, b"http://h", ["http://h"], object()], ids=lambda value: type(value).__name__
)
def test_from_anything_else(item):
    """The knob is named, and what is accepted."""
    with pytest.raises(ConfigError, match=r"requests: items are URLs, fl\.Request or httpx\.Request"):
        fl.Request.of(item)


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("text/plain", "ä".encode(), "ä"),
        ("text/plain; charset=latin-1", b"\xe4", "ä"),
        ('text/html; x=y; Charset="utf-16"', "ä".encode("utf-16"), "ä"),
        ("text/plain; charset=", b"a", "a"),
        (None, b"a", "a"),
    ],
)
def test_text(kind, content, text):
    """The charset may be quoted, upper-case, empty or missing."""
    assert fl.Response(200, {"content-type": kind} if kind else {}, content, "u").text == text


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=none-such", "text/plain; charset=hex"])
def test_text_that_is_none(kind):
    """A wrong or unknown charset is a ParseError, not a UnicodeError from nowhere."""
    with pytest.raises(ParseError):
        _ = fl.Response(200, {"content-type": kind}, b"\xff\xfe\xfa", "u").text


def test_to_httpx_and_json():
    """The body is decoded already: headers that say otherwise would have httpx decode it again."""
    headers = {"content-type": "application/json", "content-encoding": "gzip", "content-length": "3"}
    response = fl.Response(201, headers, b'{"a":1}', "http://h/p")
    theirs = response.to_httpx()
    assert (theirs.status_code, theirs.json(), str(theirs.url)) == (201, {"a": 1}, "http://h/p")
    assert response.json() == {"a": 1}
    with pytest.raises(ParseError, match="not JSON"):
        fl.Response(200, {}, b"<html>", "u").json()


@pytest.mark.parametrize(
    "text",
    ["NaN", "[1e400]", '"\\ud800"', "123456789012345678901234567890", '{"a": 1, "a": 2}', "-0.0"],
)
def test_json_reads_what_the_standard_library_reads(text):
    """A faster decoder that refused, or rounded, what the usual one takes would lose items."""
    value = fl.Response(200, {}, text.encode(), "http://h/").json()
    assert repr(value) == repr(json.loads(text))
