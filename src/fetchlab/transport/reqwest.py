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

from fetchlab import errors
from fetchlab.model import Response
from fetchlab.redaction import redact_text
from fetchlab.transport.base import (
    MAX_REDIRECTS,
    Incoming,
    promised_too_much,
    timed_out,
    too_large,
    unusable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from pyreqwest.response import ResponseBodyReader

    from fetchlab.model import Request
    from fetchlab.policy.timeout import Timeout

__all__ = ["ReqwestTransport", "translated"]

B = TypeVar("B", bound=BaseClientBuilder)

_now = time.perf_counter


class ReqwestTransport:
    """Connections kept alive in one pool per :class:`Timeout`, because the wire fixes timeouts per pool.

    Args:
        user_agent: the ``User-Agent`` header.
        headers: sent with every request.
        http2: offer HTTP/2 over TLS.
        verify: check TLS certificates.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        headers: Mapping[str, str] | None = None,
        http2: bool = False,
        verify: bool = True,
    ) -> None:
        self._settings = (user_agent, dict(headers or {}), http2, verify)
        self._pools: dict[Timeout, Client] = {}
        self._raw_pools: dict[Timeout, Client] = {}

    async def send(self, request: Request, timeout: Timeout, max_bytes: int) -> Response:
        """Send a request; see :class:`~fetchlab.transport.base.Transport`."""
        pool = self._pools.get(timeout) or self._open(timeout)
        first_byte: float | None = None
        began = _now()
        try:
            building = pool.request(request.method, request.url)
            if request.headers:
                building = building.headers(request.headers)
            if request.content is not None:
                building = building.body_bytes(request.content)
            async with building.build_streamed() as answer:
                first_byte = _now()
                headers = answer.headers
                promised = headers.get("content-length")
                if promised is not None and promised_too_much(promised, max_bytes, request.method):
                    raise too_large(max_bytes, promised)
                body = await answer.body_reader.read(max_bytes + 1)
                content = b"" if body is None else body.to_bytes()
                if len(content) > max_bytes:
                    raise too_large(max_bytes)
                return Response(answer.status, headers, content, request.url, answer.version, first_byte)
        except (wire.PyreqwestError, ValueError) as error:
            raise translated(error, timeout, _now() - began) from error

    @asynccontextmanager
    async def stream(self, request: Request, timeout: Timeout) -> AsyncIterator[Incoming]:
        """Send a request, its body to come; see :class:`~fetchlab.transport.base.Transport`."""
        pool = self._raw_pools.get(timeout) or self._open_raw(timeout)
        began = _now()
        try:
            building = pool.request(request.method, request.url)
            if request.headers:
                building = building.headers(request.headers)
            if request.content is not None:
                building = building.body_bytes(request.content)
            # Without a buffer the head comes at once, and what came before a break is not lost with it.
            sending = building.streamed_read_buffer_limit(0).build_streamed()
            answer = await sending.__aenter__()  # not async with: what the caller raises is not the wire's
        except (wire.PyreqwestError, ValueError) as error:
            raise translated(error, timeout, _now() - began) from error
        try:
            chunks = _chunks(answer.body_reader, timeout, began)
            yield Incoming(answer.status, answer.headers, request.url, answer.version, _now(), chunks)
        finally:
            await sending.__aexit__(None, None, None)

    async def aclose(self) -> None:
        """Close every pool."""
        pools, self._pools = self._pools, {}
        raw, self._raw_pools = self._raw_pools, {}
        for pool in (*pools.values(), *raw.values()):
            await pool.close()

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

    def builder(self, timeout: Timeout, fresh: B) -> B:
        """Return a fresh builder, of an async or a blocking client, with these settings and timeouts."""
        user_agent, headers, http2, verify = self._settings
        builder = fresh.user_agent(user_agent).default_headers(headers).http2(http2)
        builder = builder.referer(enable=False).max_redirects(MAX_REDIRECTS)
        if not verify:
            builder = builder.danger_accept_invalid_certs(True)
        if timeout.connect is not None:
            builder = builder.connect_timeout(timedelta(seconds=timeout.connect))
        if timeout.read is not None:
            builder = builder.read_timeout(timedelta(seconds=timeout.read))
        if timeout.total is not None:
            builder = builder.timeout(timedelta(seconds=timeout.total))
        return builder


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
    if isinstance(error, wire.RedirectError):
        return errors.TooManyRedirects(text)
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
