"""The echo wires: what is asked comes back, as at httpbin. Two of them, to have two hosts."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.testbed.conditional import conditional
from fetchlab.testbed.hashing import pool
from fetchlab.testbed.store import Shelf
from fetchlab.testbed.wire import BadRequest, Reply, Request, Route, Wire, number, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings

__all__ = ["EchoWire"]

_MODIFIED = "Sun, 01 Nov 2026 00:00:00 GMT"
_BINARY = "application/octet-stream"
_LARGEST = 2**28
_PATTERN = 65_521
_PAGE = (
    "<!DOCTYPE html><html><head><title>fetchlab testbed</title></head><body><h1>Echo</h1><p>A page of HTML, "
    'with a <a href="/json">link</a> and an &amp;.</p></body></html>'
)


class EchoWire(Wire):
    """Bytes, JSON, delays, statuses, redirects and streams on demand."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._pattern = pool("bytes", world.seed, _PATTERN)
        self._bytes: Shelf[int, Reply] = Shelf(64 * 2**20)
        self._gzip: Shelf[int, Reply] = Shelf(16 * 2**20)
        self._html = Reply.html(_PAGE)
        self._plain = Reply.json({"wire": name, "args": {}})
        self._refused: Counter[bytes] = Counter()

    def configure(self, settings: Settings) -> None:
        """Begin anew: `/refuse` has refused nobody."""
        del settings
        self._refused.clear()

    def routes(self) -> list[Route]:
        """Everything in the module's docstring."""
        return [
            Route("GET", "/bytes/{n}", self._send_bytes),
            Route("GET", "/download/{n}", self._download),
            Route("GET", "/json", self._json),
            Route("GET", "/delay/{s}", self._delay),
            Route("*", "/status/{n}", self._status),
            Route("*", "/refuse/{n}", self._refuse),
            Route("GET", "/headers", lambda request: Reply.json({"headers": _headers(request)})),
            Route("*", "/anything", self._anything),
            Route("*", "/redirect/{n}", self._redirect),
            Route("*", "/redirect-to", self._redirect_to),
            Route("GET", "/gzip/{n}", self._zipped),
            Route("GET", "/html", lambda _: self._html),
            Route("GET", "/drip", self._drip),
            Route("GET", "/stream/{n}", self._stream),
        ]

    def body(self, size: int) -> bytes:
        """The first `size` bytes of an endless, seeded sequence."""
        return (self._pattern * (size // _PATTERN + 1))[:size]

    def _send_bytes(self, request: Request) -> Reply:
        size = whole(request.params["n"], most=_LARGEST)
        etag = f'"{self.world.seed}-{size}"'
        reply = self._bytes.get(size)
        if reply is None:
            headers = [("etag", etag), ("last-modified", _MODIFIED), ("accept-ranges", "bytes")]
            reply = self._bytes.put(size, Reply(self.body(size), kind=_BINARY, headers=headers))
        return conditional(request, reply, etag, _MODIFIED)

    def _download(self, request: Request) -> Reply:
        """A file: `etag` makes it another version, `seconds` slow, `disposition` is the header's value."""
        size = whole(request.params["n"], most=_LARGEST)
        etag = f'"{request.args.get("etag", self.world.seed)}"'
        version = zlib.crc32(etag.encode()) % _PATTERN
        headers = [("etag", etag), ("last-modified", _MODIFIED), ("accept-ranges", "bytes")]
        named = request.args.get("disposition")
        if named is not None:
            headers.append(("content-disposition", named.encode().decode("latin-1")))
        if any(not text.isprintable() for text in (etag, named or "")):
            raise BadRequest("not a header's value")
        full = Reply(self.body(version + size)[version:], kind=_BINARY, headers=headers)
        reply = conditional(request, full, etag, _MODIFIED)
        seconds = number(request.args.get("seconds", "0"))
        return _slowly(reply, seconds * len(reply.body) / size) if seconds and size else reply

    def _json(self, request: Request) -> Reply:
        return Reply.json({"wire": self.name, "args": request.args}) if request.query else self._plain

    def _delay(self, request: Request) -> Reply:
        seconds = number(request.params["s"])
        reply = Reply.json({"wire": self.name, "args": request.args, "delay": seconds})
        reply.delay = seconds
        return reply

    def _status(self, request: Request) -> Reply:
        status = whole(request.params["n"], least=200, most=599)
        after = request.args.get("retry_after")
        return Reply.json({"status": status}, status, [("retry-after", after)] if after is not None else [])

    def _refuse(self, request: Request) -> Reply:
        """Refuse the first n requests of each query, then answer; all args but two become headers."""
        times = whole(request.params["n"])
        args = dict(request.args)
        status = whole(args.pop("status", "429"), least=200, most=599)
        args.pop("id", None)
        if any(not name or "\r" in name + value or "\n" in name + value for name, value in args.items()):
            raise BadRequest("a header has a name, and no line breaks")
        self._refused[request.query] += 1
        left = times - self._refused[request.query] + 1
        try:
            return Reply.json({"left": max(0, left)}, status if left > 0 else 200, list(args.items()))
        except UnicodeEncodeError:
            raise BadRequest("a header is Latin-1") from None

    def _anything(self, request: Request) -> Reply:
        text = request.body.decode("utf-8", "replace")
        try:
            sent = msgspec.json.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            sent = None
        return Reply.json(
            {
                "method": request.method,
                "path": request.path,
                "args": request.args,
                "headers": _headers(request),
                "data": text,
                "json": sent,
            }
        )

    def _redirect(self, request: Request) -> Reply:
        left = whole(request.params["n"])
        return _elsewhere(f"/redirect/{left - 1}" if left > 1 else "/anything")

    def _redirect_to(self, request: Request) -> Reply:
        status = whole(request.args.get("status_code", "302"), least=300, most=399)
        return _elsewhere(request.args.get("url", "/anything"), status)

    def _zipped(self, request: Request) -> Reply:
        size = whole(request.params["n"], most=_LARGEST)
        reply = self._gzip.get(size)
        if reply is None:
            packed = gzip.compress(b"fetchlab" * (size // 8) + b"f" * (size % 8), mtime=0)
            reply = self._gzip.put(size, Reply(packed, kind=_BINARY, headers=[("content-encoding", "gzip")]))
        return reply

    def _drip(self, request: Request) -> Reply:
        size = whole(request.args.get("bytes", "10"), most=2**20)
        return _slowly(Reply(self.body(size), kind=_BINARY), number(request.args.get("seconds", "1")))

    def _stream(self, request: Request) -> Reply:
        lines = whole(request.params["n"], most=1_000_000)

        async def written() -> AsyncIterator[bytes]:
            for line in range(lines):
                yield msgspec.json.encode({"line": line, "args": request.args}) + b"\n"

        return Reply(stream=written, kind="application/x-ndjson")


def _slowly(reply: Reply, seconds: float) -> Reply:
    """The same reply, its body evenly over `seconds`."""
    body, size = reply.body, len(reply.body)
    step = -(-size // 1000) or 1

    async def drops() -> AsyncIterator[bytes]:
        for place in range(0, size, step):
            await asyncio.sleep(seconds * min(step, size - place) / size)
            yield body[place : place + step]

    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.headers]
    more = [(name, value) for name, value in headers if name != "content-type"]
    return Reply(b"", reply.status, reply.kind, more, stream=drops, length=size)


def _headers(request: Request) -> dict[str, Any]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}


def _elsewhere(url: str, status: int = 302) -> Reply:
    return Reply(b"", status, "text/html; charset=utf-8", [("location", url)])
