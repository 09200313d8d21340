"""The ``batchexecute`` call: several remote procedure calls (rpcs) in one request, framed in two ways."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from fetchlab.testbed.wire import BadRequest, Reply

__all__ = ["GATEWAY_ERROR", "Rpc", "answered", "rpcs_of", "softly_refused"]

GATEWAY_ERROR = "com.google.play.gateway.proto.PlayGatewayError"
MOST = 256
"""Rpcs in one call at most."""
_KIND = "application/json; charset=utf-8"
_GUARD = b")]}'\n\n"


class Rpc(NamedTuple):
    """One remote procedure call: which, its arguments, and the tag that its answer carries."""

    name: str
    arguments: Any
    tag: str


def rpcs_of(body: bytes) -> list[Rpc]:
    """The rpcs of a form body, by its field ``f.req``.

    Raises:
        BadRequest: it has none, or what it has cannot be read.
    """
    try:
        fields = dict(parse_qsl(body.decode("ascii")))
        calls = msgspec.json.decode(fields["f.req"])[0]
        found = [
            Rpc(call[0], msgspec.json.decode(call[1]), call[3] if len(call) > 3 else "generic")
            for call in calls
        ]
    except (ValueError, KeyError, IndexError, TypeError):
        raise BadRequest("f.req is no list of calls") from None
    if not 0 < len(found) <= MOST:
        raise BadRequest(f"f.req holds {len(found)} calls, 1 to {MOST} are allowed")
    return found


def answered(rows: list[tuple[Rpc, bytes | None]], *, chunked: bool) -> Reply:
    """The answer to a call: a row for each rpc.

    Args:
        rows: each rpc with its payload as JSON, None for an empty one.
        chunked: framed in chunks with their lengths (``rt=c``), each row its own; else one document.
    """
    made = [
        ["wrb.fr", rpc.name, None if payload is None else payload.decode(), None, None, None, rpc.tag]
        for rpc, payload in rows
    ]
    return _framed(made, chunked=chunked)


def softly_refused(rows: list[tuple[Rpc, bytes | None]], *, chunked: bool) -> Reply:
    """The same answer, but every other rpc is refused, beginning with the first."""
    error = [8, None, [[f"type.googleapis.com/{GATEWAY_ERROR}", [8]]]]
    made = [
        ["wrb.fr", rpc.name, None, None, None, error, rpc.tag]
        if number % 2 == 0
        else ["wrb.fr", rpc.name, None if payload is None else payload.decode(), None, None, None, rpc.tag]
        for number, (rpc, payload) in enumerate(rows)
    ]
    return _framed(made, chunked=chunked)


def _framed(rows: list[list[Any]], *, chunked: bool) -> Reply:
    encode = msgspec.json.encode
    if not chunked:
        return Reply(_GUARD + encode([*rows, ["di", 51], ["af.httprm", 50, "-3187", 4]]), kind=_KIND)
    documents = [encode([row]) for row in rows]
    documents += [encode([["di", 51], ["af.httprm", 50, "-3187", 4]]), encode([["e", 4, None, None, 99]])]
    # A length counts characters, the line's two ends among them.
    chunks = [b"%d\n%b\n" % (len(document.decode()) + 2, document) for document in documents]
    return Reply(_GUARD + b"".join(chunks), kind=_KIND)
