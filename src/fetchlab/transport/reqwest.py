"""The default wire: pyreqwest (Rust's reqwest on its own thread).

Responses are streamed, which costs nothing against the buffered call and bounds the decoded body. Three
things of this wire to know:

* It hands a response over once the headers and up to 64 kB of the body are there, so ``first_byte`` of a
  small body is when all of it was there. Without that buffer every request would cost a quarter more.
* It calls every timeout before the headers a connect timeout; :func:`_which` tells them apart.
* A cancelled request ends for us at once, but its connection stays open until the answer comes or its
  timeout passes.
"""

from __future__ import annotations

import copyreg
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from pyreqwest import exceptions as wire
from pyreqwest.client import BaseClientBuilder, Client, ClientBuilder
from pyreqwest.http import HeaderMap
from pyreqwest.proxy import ProxyBuilder

from fetchlab import errors
from fetchlab.model import Response
from fetchlab.redaction import redact_text
from fetchlab.transport.base import Incoming, promised_too_much, timed_out, too_large, unusable
from fetchlab.transport.limits import too_many_open
from fetchlab.transport.redirects import REDIRECTS, follow, redirected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pyreqwest.response import ResponseBodyReader

    from fetchlab.model import Request
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.hooks import Hooks
    from fetchlab.transport.options import Options
    from fetchlab.transport.redirects import Redirected

__all__ = ["ReqwestTransport", "hop_of", "translated"]

B = TypeVar("B", bound=BaseClientBuilder)

IDLE_SECONDS = 90.0
IDLE_SECONDS_OF_MANY = 0.1
_now = time.perf_counter


class ReqwestTransport:
    """Connections kept alive in one pool per :class:`Timeout`, because the wire fixes timeouts per pool.

    Args:
        options: what to do on the wire.
        hooks: what happens around each request, None for nothing.
    """

    def __init__(self, options: Options, hooks: Hooks | None = None) -> None:
        self._options = options
        self._hooks = hooks
        self._pools: dict[Timeout, Client] = {}
        self._raw_pools: dict[Timeout, Client] = {}
        self._abroad: ReqwestTransport | None = None
        self._sweep_every = self._until_sweep = options.idle
        self._idle_seconds = IDLE_SECONDS

    async def send(self, request: Request, timeout: Timeout, max_bytes: int) -> Response:
        """Send a request; see :class:`~fetchlab.transport.base.Transport`."""
        hooks = self._hooks
        sent = request if hooks is None else await hooks.before(request, self, timeout)
        self._until_sweep -= 1
        if not self._until_sweep:
            self._sweep()
        pool = self._pools.get(timeout) or self._open(timeout)
        first_byte: float | None = None
        began = _now()
        try:
            building = pool.request(sent.method, sent.url)
            if sent.headers:
                building = building.headers(sent.headers)
            if sent.content is not None:
                building = building.body_bytes(sent.content)
            async with building.build_streamed() as answer:
                first_byte = _now()
                headers = answer.headers
                if hooks is not None:
                    hooks.after(request, _set_cookies(headers))
                status = answer.status
                hop = (
                    hop_of(request, status, headers, self._options.redirects) if status in REDIRECTS else None
                )
                if hop is None:
                    promised = headers.get("content-length")
                    if promised is not None and promised_too_much(promised, max_bytes, request.method):
                        raise too_large(max_bytes, promised)
                    body = await answer.body_reader.read(max_bytes + 1)
                    content = b"" if body is None else body.to_bytes()
                    if len(content) > max_bytes:
                        raise too_large(max_bytes)
                    return Response(status, headers, content, request.url, answer.version, first_byte)
        except (wire.PyreqwestError, ValueError) as error:
            raise translated(error, timeout, _now() - began) from error
        return await follow(self._wire_for(hop).send, hop, timeout, max_bytes, _now() - began)

    @asynccontextmanager
    async def stream(self, request: Request, timeout: Timeout) -> AsyncIterator[Incoming]:
        """Send a request, its body to come; see :class:`~fetchlab.transport.base.Transport`."""
        began = _now()
        hooks = self._hooks
        sent = request if hooks is None else await hooks.before(request, self, timeout)
        pool = self._raw_pools.get(timeout) or self._open_raw(timeout)
        try:
            building = pool.request(sent.method, sent.url)
            if sent.headers:
                building = building.headers(sent.headers)
            if sent.content is not None:
                building = building.body_bytes(sent.content)
            # Without a buffer the head comes at once, and what came before a break is not lost with it.
            sending = building.streamed_read_buffer_limit(0).build_streamed()
            answer = await sending.__aenter__()  # not async with: what the caller raises is not the wire's
        except (wire.PyreqwestError, ValueError) as error:
            raise translated(error, timeout, _now() - began) from error
        try:
            if hooks is not None:
                hooks.after(request, _set_cookies(answer.headers))
            status = answer.status
            limit = self._options.redirects
            hop = hop_of(request, status, answer.headers, limit) if status in REDIRECTS else None
            if hop is None:
                chunks = _chunks(answer.body_reader, timeout, began)
                yield Incoming(status, answer.headers, request.url, answer.version, _now(), chunks)
        finally:
            await sending.__aexit__(None, None, None)
        if hop is not None:
            async with self._wire_for(hop).stream(hop, timeout) as incoming:
                yield incoming

    async def aclose(self) -> None:
        """Close every pool."""
        pools, self._pools = self._pools, {}
        raw, self._raw_pools = self._raw_pools, {}
        for pool in (*pools.values(), *raw.values()):
            await pool.close()
        if self._abroad is not None:
            await self._abroad.aclose()

    def _wire_for(self, hop: Redirected) -> ReqwestTransport:
        """Default headers belong to a pool, so a host that must not see them is asked through another."""
        if not hop.foreign or self._options.without_credentials() is self._options:
            return self
        if self._abroad is None:
            self._abroad = ReqwestTransport(self._options.without_credentials(), self._hooks)
        return self._abroad

    def _open(self, timeout: Timeout) -> Client:
        try:
            pool = self.builder(timeout, ClientBuilder()).build()
        except RuntimeError:  # a forked child may not use the parent's runtime, but start the other one
            pool = self.builder(timeout, ClientBuilder()).runtime_multithreaded(True).build()
        self._pools[timeout] = pool
        return pool

    def _open_raw(self, timeout: Timeout) -> Client:
        """A pool that leaves content encoding alone: decoded bytes have other offsets than the server's."""

        def builder() -> ClientBuilder:
            return self.builder(timeout, ClientBuilder()).gzip(False).brotli(False).zstd(False).deflate(False)

        try:
            pool = builder().build()
        except RuntimeError:  # as in _open
            pool = builder().runtime_multithreaded(True).build()
        self._raw_pools[timeout] = pool
        return pool

    def _sweep(self) -> None:
        """Let go of idle connections before they use up the files this process may open.

        The wire keeps one for each of many hosts, with no limit on their sum. So its pools are exchanged
        for some that hardly wait; the old ones go with the last request that uses them. Where that did
        not help, the open files are no idle connections: look less often.
        """
        if too_many_open():
            self._pools = {}
            self._idle_seconds = IDLE_SECONDS_OF_MANY
            self._sweep_every *= 2
        else:
            self._sweep_every = self._options.idle
        self._until_sweep = self._sweep_every

    def builder(self, timeout: Timeout, fresh: B) -> B:
        """Return a fresh builder, of an async or a blocking client, with these settings and timeouts."""
        options = self._options
        builder = fresh.default_headers(options.headers).http2(options.http2)
        builder = builder.follow_redirects(False).referer(enable=False)
        builder = builder.pool_max_idle_per_host(options.idle)
        builder = builder.pool_idle_timeout(timedelta(seconds=self._idle_seconds))
        if not options.verify:
            builder = builder.danger_accept_invalid_certs(True)
        if options.roots is not None:
            builder = builder.add_root_certificate_pem(options.roots)
        if options.cert is not None:
            files = [file for file in options.cert if file is not None]
            builder = builder.identity_pem(b"\n".join(file.read_bytes() for file in files))
        if options.proxies is not None:
            builder = builder.no_proxy()
            for scheme, url in options.proxies.items():
                builder = builder.proxy(
                    ProxyBuilder.http(url) if scheme == "http" else ProxyBuilder.https(url)
                )
        if timeout.connect is not None:
            builder = builder.connect_timeout(timedelta(seconds=timeout.connect))
        if timeout.read is not None:
            builder = builder.read_timeout(timedelta(seconds=timeout.read))
        if timeout.total is not None:
            builder = builder.timeout(timedelta(seconds=timeout.total))
        return builder


def _set_cookies(headers: HeaderMap) -> list[str]:
    try:
        return headers.getall("set-cookie")
    except ValueError:  # not ASCII, which this wire cannot read
        return []


def hop_of(request: Request, status: int, headers: HeaderMap, limit: int) -> Redirected | None:
    """Return where an answer leads, None if it is one to keep."""
    try:
        location = headers.get("location") if limit else None
    except ValueError:
        raise errors.TransportError(
            "the redirect's Location is not ASCII, which this wire cannot read; fl.Client('httpx') can"
        ) from None
    return redirected(request, status, location, limit) if location else None


async def _chunks(
    reader: ResponseBodyReader, timeout: Timeout, began: float
) -> AsyncIterator[bytes | memoryview]:
    """The body in the wire's own pieces, some 400 kB each on a fast line."""
    try:
        while (chunk := await reader.read_chunk()) is not None:
            yield memoryview(chunk)
    except wire.PyreqwestError as error:
        raise translated(error, timeout, _now() - began) from error


def translated(error: Exception, timeout: Timeout, elapsed: float) -> errors.TransportError:
    """Say in our own tree what the wire said, with the innermost cause, secrets masked."""
    text = _why(error)
    if isinstance(error, wire.RequestTimeoutError):
        return timed_out(_which(error, timeout, elapsed), timeout)
    if isinstance(error, ValueError):
        return unusable(text)
    if _is_connecting(error):
        return errors.ConnectFailed(text)
    return errors.BodyTruncated(text)


def _which(error: Exception, timeout: Timeout, elapsed: float) -> str:
    """The wire calls all timeouts before the headers connect timeouts; causes and time know better."""
    if _is_connecting(error):
        return "connect"
    if timeout.read is None or (timeout.total is not None and elapsed >= timeout.total):
        return "total"
    return "read"


def _is_connecting(error: Exception) -> bool:
    return any("(Connect)" in cause for cause in _causes(error))


def _causes(error: Exception) -> list[str]:
    details = getattr(error, "details", None) or {}
    return [cause["message"] for cause in details.get("causes") or []]


def _why(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error)
    return redact_text(": ".join(dict.fromkeys([message, *_causes(error)[-1:]])))


def _headers(items: list[tuple[str, str]]) -> HeaderMap:
    return HeaderMap(items)


copyreg.pickle(HeaderMap, lambda headers: (_headers, (list(headers.items()),)))  # responses cross processes
