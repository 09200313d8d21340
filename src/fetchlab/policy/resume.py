"""How a download goes on where another attempt left it (RFC 9110, sections 13 and 14).

Decisions without I/O: what to ask a server for, and what its answer means for the bytes that are there
already. Bytes of two versions of a file are never put together: without a strong validator, or with any
doubt about an answer, a download begins anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Partial", "Step", "Version", "conditions", "field", "length_of", "step", "total_of"]

_CONTENT_RANGE = re.compile(r"bytes\s+(?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?P<total>\d+|\*)", re.IGNORECASE)


class Step(Enum):
    """What an answer means for the bytes that are there."""

    ANEW = "the body is the whole file"
    APPEND = "the body goes on where the bytes end"
    COMPLETE = "the bytes are the whole file"
    UNCHANGED = "the file of an earlier download is still the current one"
    AGAIN = "the answer fits nothing: ask for the whole file"


@dataclass(frozen=True, slots=True)
class Version:
    """What a server said of a file's version: its ``ETag`` and ``Last-Modified``, as they came.

    Attributes:
        etag: the entity tag.
        modified: the date of the last modification.
        validator: the one of both that may stand in ``If-Range``, None if neither is strong.
    """

    etag: str | None = None
    modified: str | None = None
    validator: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Version:
        """Return the version that a response's headers name."""
        etag, modified = field(headers, "etag"), field(headers, "last-modified")
        if etag is not None:
            strong = None if etag.startswith("W/") else etag
        else:
            strong = modified if _is_strong(modified, field(headers, "date")) else None
        return cls(etag, modified, strong)


@dataclass(frozen=True, slots=True)
class Partial:
    """Bytes that an earlier attempt left.

    Attributes:
        size: how many.
        total: the size of the whole file, None if it was not told.
        version: the version they are of.
    """

    size: int
    total: int | None
    version: Version


def conditions(partial: Partial | None, complete: Version | None) -> dict[str, str]:
    """Return the request headers that ask for no more than is missing.

    Args:
        partial: what an earlier attempt left.
        complete: the version of the finished file that is there.
    """
    if partial is not None and partial.size and partial.version.validator:
        return {"Range": f"bytes={partial.size}-", "If-Range": partial.version.validator}
    if complete is None:
        return {}
    asked = {"If-None-Match": complete.etag, "If-Modified-Since": complete.modified}
    return {name: value for name, value in asked.items() if value}


def step(status: int, headers: Mapping[str, str], asked: Mapping[str, str], partial: Partial | None) -> Step:
    """Return what an answer means.

    Args:
        status: its status.
        headers: its headers.
        asked: what :func:`conditions` returned for the request.
        partial: what was given to it.
    """
    if "Range" not in asked or partial is None:
        return Step.UNCHANGED if status == 304 and asked else Step.ANEW
    if status == 206:
        return Step.APPEND if _goes_on(headers, partial) else Step.AGAIN
    if status == 416:
        here = total_of(headers) == partial.size and partial.total in (None, partial.size)
        return Step.COMPLETE if here and _same_tag(headers, partial) else Step.AGAIN
    return Step.AGAIN if status == 304 else Step.ANEW


def total_of(headers: Mapping[str, str]) -> int | None:
    """Return the size of the whole file that ``Content-Range`` tells, None if it does not."""
    match = _CONTENT_RANGE.fullmatch((field(headers, "content-range") or "").strip())
    return int(match["total"]) if match and match["total"] != "*" else None


def length_of(headers: Mapping[str, str]) -> int | None:
    """Return ``Content-Length``, None if there is none to rely on."""
    length = (field(headers, "content-length") or "").strip()
    return int(length) if length.isdecimal() and length.isascii() else None


def field(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header's value, None also where the wire cannot read it."""
    try:
        return headers.get(name)
    except ValueError:  # bytes that are not ASCII
        return None


def _goes_on(headers: Mapping[str, str], partial: Partial) -> bool:
    match = _CONTENT_RANGE.fullmatch((field(headers, "content-range") or "").strip())
    if match is None or match["first"] is None or int(match["first"]) != partial.size:
        return False
    total = None if match["total"] == "*" else int(match["total"])
    if total is not None and int(match["last"]) != total - 1:
        return False
    agree = total is None or partial.total is None or total == partial.total
    return agree and _same_tag(headers, partial)


def _same_tag(headers: Mapping[str, str], partial: Partial) -> bool:
    """A server that ignores ``If-Range`` may still tell that the version is another one."""
    now, then = Version.of(headers), partial.version
    if now.etag is not None and then.etag is not None:
        return now.etag == then.etag
    return now.modified is None or then.modified is None or now.modified == then.modified


def _is_strong(modified: str | None, date: str | None) -> bool:
    """A second has passed since the modification, so that none can have followed unseen (section 8.8.2.2)."""
    if modified is None or date is None:
        return False
    try:
        return (parsedate_to_datetime(date) - parsedate_to_datetime(modified)).total_seconds() >= 1
    except (TypeError, ValueError):
        return False
