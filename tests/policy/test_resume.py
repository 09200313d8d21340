"""What to ask for and what an answer means: bytes of two versions must never meet in one file."""

from __future__ import annotations

import pytest

from fetchlab.policy.resume import Partial, Step, Version, conditions, step

DATE = "Sun, 01 Nov 2026 00:00:00 GMT"
LATER = "Sun, 01 Nov 2026 00:00:01 GMT"
TAGGED = Version.of({"etag": '"1"', "last-modified": DATE, "date": LATER})


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({}, None),
        ({"etag": '"1"'}, '"1"'),
        ({"etag": 'W/"1"'}, None),
        ({"etag": 'W/"1"', "last-modified": DATE, "date": LATER}, None),
        ({"last-modified": DATE, "date": LATER}, DATE),
        ({"last-modified": DATE, "date": DATE}, None),
        ({"last-modified": DATE}, None),
        ({"last-modified": "yesterday", "date": LATER}, None),
    ],
)
def test_only_a_strong_validator_lets_a_download_go_on(headers, validator):
    """A weak one says "about the same", which is no promise about bytes (RFC 9110 section 13.1.5)."""
    assert Version.of(headers).validator == validator


def test_what_is_asked_for():
    """A missing If-Range would mix versions; a Range without bytes would ask for nothing sensible."""
    assert conditions(None, None) == {}
    assert conditions(Partial(5, 10, TAGGED), None) == {"Range": "bytes=5-", "If-Range": '"1"'}
    assert conditions(Partial(0, 10, TAGGED), None) == {}
    assert conditions(Partial(5, 10, Version('W/"1"')), None) == {}
    assert conditions(None, TAGGED) == {"If-None-Match": '"1"', "If-Modified-Since": DATE}
    assert conditions(None, Version()) == {}


@pytest.mark.parametrize(
    ("status", "headers", "what"),
    [
        (206, {"content-range": "bytes 5-9/10"}, Step.APPEND),
        (206, {"content-range": "bytes 5-9/10", "etag": '"1"'}, Step.APPEND),
        (206, {"content-range": "bytes 5-9/*"}, Step.APPEND),
        (206, {"content-range": "bytes 5-9/10", "etag": '"2"'}, Step.AGAIN),
        (206, {"content-range": "bytes 5-9/10", "last-modified": LATER}, Step.AGAIN),
        (206, {"content-range": "bytes 5-9/11"}, Step.AGAIN),
        (206, {"content-range": "bytes 5-10/11"}, Step.AGAIN),
        (206, {"content-range": "bytes 4-9/10"}, Step.AGAIN),
        (206, {"content-range": "bytes 0-9/10"}, Step.AGAIN),
        (206, {"content-range": "nonsense"}, Step.AGAIN),
        (206, {}, Step.AGAIN),
        (200, {}, Step.ANEW),
        (416, {"content-range": "bytes */5"}, Step.AGAIN),
        (416, {"content-range": "bytes */10"}, Step.AGAIN),
        (416, {}, Step.AGAIN),
        (304, {}, Step.AGAIN),
        (503, {}, Step.ANEW),
    ],
)
def test_answers_to_a_range(status, headers, what):
    """Appending to any answer but exactly the asked one gives a file that nobody published."""
    partial = Partial(5, 10, TAGGED)
    assert step(status, headers, conditions(partial, None), partial) is what


@pytest.mark.parametrize(
    ("total", "headers", "what"),
    [
        (10, {"content-range": "bytes */10"}, Step.COMPLETE),
        (None, {"content-range": "bytes */10"}, Step.COMPLETE),
        (10, {"content-range": "bytes */10", "etag": '"2"'}, Step.AGAIN),
        (12, {"content-range": "bytes */10"}, Step.AGAIN),
        (10, {"content-range": "bytes */9"}, Step.AGAIN),
    ],
)
def test_a_416_where_all_bytes_are_there(total, headers, what):
    """A process killed after the last byte has nothing left to ask for, unless the file has changed."""
    partial = Partial(10, total, TAGGED)
    assert step(416, headers, conditions(partial, None), partial) is what


def test_answers_to_other_requests():
    """304 means something only to who asked for it."""
    asked = conditions(None, TAGGED)
    assert step(304, {}, asked, None) is Step.UNCHANGED
    assert step(200, {}, asked, None) is Step.ANEW
    assert step(304, {}, {}, None) is Step.ANEW
    assert step(206, {"content-range": "bytes 5-9/10"}, {}, Partial(5, 10, Version())) is Step.ANEW
