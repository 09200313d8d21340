"""Ways to send a reply: whole, streamed, or broken in each of the ways that services break."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.testbed.protocol import Connection
    from fetchlab.testbed.wire import Header, Reply

__all__ = ["BROKEN", "OVERSIZE", "send_whole"]

Send = Callable[[Any], Awaitable[None]]

OVERSIZE = 64 * 2**20
_CHUNK = 2**20
_PIECES_PER_SECOND = 20


async def send_whole(reply: Reply, connection: Connection, send: Send) -> None:
    """As it should be."""
    if reply.pace:
        await _dripping(reply, connection, send, reply.pace)
        return
    await send(reply.start)
    if reply.stream is None:
        await send(reply.last)
        return
    await _more(send, reply.body)
    async for chunk in reply.stream():
        if connection.gone:
            return
        await _more(send, chunk)
    await _end(send)


async def _truncated(reply: Reply, connection: Connection, send: Send, _seconds: float) -> None:
    """Half the body, and the connection ends."""
    await send(_head(reply, reply.length or 1))
    await _more(send, reply.body[: len(reply.body) // 2])
    await connection.hang_up()


async def _oversized(reply: Reply, connection: Connection, send: Send, _seconds: float) -> None:
    """The body, then blanks without end in sight: still valid JSON, were it ever read to the end."""
    await send(_head(reply, None))
    await _more(send, reply.body)
    blanks = b" " * _CHUNK
    for _ in range(OVERSIZE // _CHUNK):
        if connection.gone:
            return
        await _more(send, blanks)
    await _end(send)


async def _dripping(reply: Reply, connection: Connection, send: Send, seconds: float) -> None:
    """The body in small pieces, twenty a second, over `seconds`."""
    body = reply.body
    pieces = max(1, min(len(body), round(seconds * _PIECES_PER_SECOND)))
    await send(_head(reply, len(body)))
    began = monotonic()
    for piece in range(pieces):
        due = began + seconds * (piece + 1) / pieces
        if not await connection.pause(max(0.0, due - monotonic())):
            return
        await _more(send, body[len(body) * piece // pieces : len(body) * (piece + 1) // pieces])
    await _end(send)


async def _reset(_reply: Reply, connection: Connection, _send: Send, _seconds: float) -> None:
    await connection.reset()


BROKEN: dict[str, Callable[[Reply, Connection, Send, float], Awaitable[None]]] = {
    "reset": _reset,
    "truncate": _truncated,
    "oversize": _oversized,
    "drip": _dripping,
}


def _head(reply: Reply, length: int | None) -> dict[str, Any]:
    sized: list[Header] = [] if length is None else [(b"content-length", str(length).encode())]
    return {"type": "http.response.start", "status": reply.status, "headers": reply.headers + sized}


async def _more(send: Send, chunk: bytes) -> None:
    if chunk:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b""})
