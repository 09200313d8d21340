"""The default wire: pyreqwest (Rust's reqwest on its own thread).

Responses are streamed, which costs nothing against the buffered call and bounds the decoded body. Two
things of this wire to know:

* It hands a response over once the headers and up to 64 kB of the body are there, so ``first_byte`` of a
  small body is when all of it was there. Without that buffer every request would cost a quarter more.
* A cancelled request ends for us at once, but its connection stays open until the answer comes or its
  timeout passes.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pyreqwest import exceptions as wire
from pyreqwest.client import Client, ClientBuilder

from fetchlab.model import Response
from fetchlab.transport.base import Incoming
from fetchlab.transport.dialect import (
    IDLE_SECONDS,
    bounded,
    configured,
    filled,
    hop_of,
    judged,
    translated,
)
from fetchlab.transport.limits import too_many_open
from fetchlab.transport.redirects import follow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pyreqwest.http import HeaderMap
    from pyreqwest.response import ResponseBodyReader

    from fetchlab.model import Request
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.hooks import Hooks
    from fetchlab.transport.options import Options
    from fetchlab.transport.redirects import Redirected

__all__ = ["ReqwestTransport"]

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
        self._timeout: Timeout | None = None  # the last one, and its pool
        self._pool: Any = None
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
        pool = self._pool if timeout is self._timeout else self._pool_for(timeout)
        first_byte: float | None = None
        began = _now()
        try:
            async with filled(pool.request(sent.method, sent.url), sent).build_streamed() as answer:
                first_byte = _now()
                headers = answer.headers
                if hooks is not None:
                    hooks.after(request, _set_cookies(headers))
                status = answer.status
                hop = judged(request, status, headers, self._options.redirects, max_bytes)
                if hop is None:
                    body = bounded(await answer.body_reader.read(max_bytes + 1), max_bytes)
                    return Response(status, headers, body, request.url, answer.version, first_byte)
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
            building = filled(pool.request(sent.method, sent.url), sent)
            # Without a buffer the head comes at once, and what came before a break is not lost with it.
            sending = building.streamed_read_buffer_limit(0).build_streamed()
            answer = await sending.__aenter__()  # not async with: what the caller raises is not the wire's
        except (wire.PyreqwestError, ValueError) as error:
            raise translated(error, timeout, _now() - began) from error
        try:
            if hooks is not None:
                hooks.after(request, _set_cookies(answer.headers))
            status = answer.status
            hop = hop_of(request, status, answer.headers, self._options.redirects)
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
        pools, self._pools, self._timeout, self._pool = self._pools, {}, None, None
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

    def _pool_for(self, timeout: Timeout) -> Client:
        """The pool of a timeout, remembered: most requests in a row have the same."""
        pool = self._pool = self._pools.get(timeout) or self._open(timeout)
        self._timeout = timeout
        return pool

    def _open(self, timeout: Timeout) -> Client:
        try:
            pool = self._builder(timeout).build()
        except RuntimeError:  # a forked child may not use the parent's runtime, but start the other one
            pool = self._builder(timeout).runtime_multithreaded(True).build()
        self._pools[timeout] = pool
        return pool

    def _open_raw(self, timeout: Timeout) -> Client:
        """A pool that leaves content encoding alone: decoded bytes have other offsets than the server's."""

        def builder() -> ClientBuilder:
            return self._builder(timeout).gzip(False).brotli(False).zstd(False).deflate(False)

        try:
            pool = builder().build()
        except RuntimeError:  # as in _open
            pool = builder().runtime_multithreaded(True).build()
        self._raw_pools[timeout] = pool
        return pool

    def _builder(self, timeout: Timeout) -> ClientBuilder:
        return configured(ClientBuilder(), self._options, timeout, self._idle_seconds)

    def _sweep(self) -> None:
        """Let go of idle connections before they use up the files this process may open.

        The wire keeps one for each of many hosts, with no limit on their sum. So its pools are exchanged
        for some that hardly wait; the old ones go with the last request that uses them. Where that did
        not help, the open files are no idle connections: look less often.
        """
        if too_many_open():
            self._pools, self._timeout, self._pool = {}, None, None
            self._idle_seconds = IDLE_SECONDS_OF_MANY
            self._sweep_every *= 2
        else:
            self._sweep_every = self._options.idle
        self._until_sweep = self._sweep_every


def _set_cookies(headers: HeaderMap) -> list[str]:
    try:
        return headers.getall("set-cookie")
    except ValueError:  # not ASCII, which this wire cannot read
        return []


async def _chunks(
    reader: ResponseBodyReader, timeout: Timeout, began: float
) -> AsyncIterator[bytes | memoryview]:
    """The body in the wire's own pieces, some 400 kB each on a fast line."""
    try:
        while (chunk := await reader.read_chunk()) is not None:
            yield memoryview(chunk)
    except wire.PyreqwestError as error:
        raise translated(error, timeout, _now() - began) from error
