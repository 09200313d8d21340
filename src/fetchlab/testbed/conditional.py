"""Conditional and partial answers over a body that is known: 304 and 206 (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from fetchlab.testbed.wire import Reply, Request

__all__ = ["conditional"]

_RANGE = re.compile(rb"bytes=(\d*)-(\d*)")


def conditional(request: Request, whole: Reply, etag: str, modified: str) -> Reply:
    """`whole`, or as much of it as the request's conditions and ranges ask for.

    Args:
        request: what was asked.
        whole: the full answer, which names `etag` and `modified` in its headers.
        etag: the entity tag, with its quotes.
        modified: the HTTP date of the last modification.
    """
    tags = request.header(b"if-none-match")
    since = request.header(b"if-modified-since")
    fresh = _matches(tags, etag) if tags is not None else since is not None and not _newer(modified, since)
    validators = [("etag", etag), ("last-modified", modified)]
    if fresh:
        return Reply(b"", 304, headers=validators)
    wanted = request.header(b"range")
    if wanted is None or request.header(b"if-range") not in (None, etag.encode(), modified.encode()):
        return whole
    return _part(whole, wanted, validators)


def _part(whole: Reply, wanted: bytes, validators: list[tuple[str, str]]) -> Reply:
    size = len(whole.body)
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or match.group(1) == match.group(2) == b"":
        return whole
    first, last = match.groups()
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if begin >= end:
        return Reply(b"", 416, whole.kind, [("content-range", f"bytes */{size}")])
    place = ("content-range", f"bytes {begin}-{end - 1}/{size}")
    return Reply(whole.body[begin:end], 206, whole.kind, [*validators, ("accept-ranges", "bytes"), place])


def _matches(tags: bytes, etag: str) -> bool:
    asked = {tag.strip().removeprefix("W/") for tag in tags.decode("latin-1").split(",")}
    return "*" in asked or etag in asked


def _newer(modified: str, since: bytes) -> bool:
    try:
        return parsedate_to_datetime(modified) > parsedate_to_datetime(since.decode("latin-1"))
    except (TypeError, ValueError):
        return True
