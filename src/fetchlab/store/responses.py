"""A response as bytes: a JSON head, secret headers masked, beside the body as it is."""

from __future__ import annotations

import struct
from typing import NamedTuple

import msgspec
from pyreqwest.http import HeaderMap

from fetchlab.model import Response
from fetchlab.redaction import redact_header, redact_url

__all__ = ["Head", "head_of", "pack", "read_head", "response_of", "unpack"]

_LENGTH = struct.Struct("<I")
_LEFT_OUT = frozenset({"connection", "transfer-encoding", "keep-alive"})
"""What speaks of the connection and not of the answer (RFC 9110, section 7.6.1)."""


class Head(NamedTuple):
    """All of a response but its body; header names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    url: str
    http_version: str


read_head = msgspec.json.Decoder(Head).decode
"""Return the head that :func:`head_of` made bytes of."""


def head_of(response: Response) -> bytes:
    """Return a response's head as bytes."""
    headers = [
        (name.lower(), redact_header(name, value))
        for name, value in response.headers.items()
        if name.lower() not in _LEFT_OUT
    ]
    return msgspec.json.encode(
        Head(response.status, headers, redact_url(response.url), response.http_version)
    )


def response_of(head: Head, body: bytes) -> Response:
    """Return a response."""
    return Response(head.status, HeaderMap(head.headers), body, head.url, head.http_version)


def pack(response: Response) -> bytes:
    """Return head and body as one: the head's length, the head, the body."""
    head = head_of(response)
    return _LENGTH.pack(len(head)) + head + response.content


def unpack(data: bytes) -> Response:
    """Return the response that :func:`pack` made bytes of.

    Raises:
        struct.error: the bytes are no such thing.
        msgspec.MsgspecError: likewise.
    """
    (length,) = _LENGTH.unpack_from(data)
    begin = _LENGTH.size + length
    return response_of(read_head(data[_LENGTH.size : begin]), bytes(data[begin:]))
