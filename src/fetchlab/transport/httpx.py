"""The second wire: httpx, or any client object that has its interface."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fetchlab import errors, httpx_bridge
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

    from fetchlab.model import Request
    from fetchlab.policy.timeout import Timeout

__all__ = ["HttpxTransport", "encoded", "settings_of", "translated"]

_now = time.perf_counter


class HttpxTransport:
    """Sends through an ``httpx.AsyncClient``.

    The client's own pool limit is lifted: the engine admits no more requests than it has workers, so
    nobody waits in a pool, and httpx's pool timeout cannot strike.

    Args:
        client: a client to use, left open at the end; None makes one.
        user_agent: the ``User-Agent`` header of the client made here.
        headers: sent with every request of the client made here.
        http2: offer HTTP/2 (needs ``pip install 'httpx[http2]'``).
        verify: check TLS certificates.
    """

    def __init__(
        self,
        client: Any = None,
        *,
        user_agent: str = "",
        headers: Mapping[str, str] | None = None,
        http2: bool = False,
        verify: bool = True,
    ) -> None:
        self._httpx = httpx_bridge.library()
        self._owned = client is None
        self._client = client or self._httpx.AsyncClient(
            **settings_of(user_agent=user_agent, headers=headers, http2=http2, verify=verify)
        )

    async def send(self, request: Request, timeout: Timeout, max_bytes: int) -> Response:
        """Send a request; see :class:`~fetchlab.transport.base.Transport`."""
        try:
            outgoing = self._client.build_request(
                request.method,
                request.url,
                headers=encoded(request.headers),
                content=request.content,
                timeout=self._httpx.Timeout(timeout.read, connect=timeout.connect, pool=None),
            )
            async with asyncio.timeout(timeout.total):
                answer = await self._client.send(outgoing, stream=True, follow_redirects=True)
                try:
                    return await self._read(answer, request.method, max_bytes)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise timed_out("total", timeout) from error
        except errors.TransportError:
            raise
        except Exception as error:
            raise translated(error, timeout) from error

    async def _read(self, answer: Any, method: str, max_bytes: int) -> Response:
        first_byte = _now()
        promised = answer.headers.get("content-length")
        if promised_too_much(promised, max_bytes, method):
            raise too_large(max_bytes, promised)
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise too_large(max_bytes)
        return Response(
            answer.status_code, answer.headers, bytes(body), str(answer.url), answer.http_version, first_byte
        )

    @asynccontextmanager
    async def stream(self, request: Request, timeout: Timeout) -> AsyncIterator[Incoming]:
        """Send a request, its body to come; see :class:`~fetchlab.transport.base.Transport`."""
        limit = asyncio.timeout(timeout.total)
        try:
            async with limit:
                answer = await self._begin(request, timeout)
                try:
                    yield Incoming(
                        answer.status_code,
                        answer.headers,
                        str(answer.url),
                        answer.http_version,
                        _now(),
                        _chunks(answer, timeout),
                    )
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            if limit.expired():
                raise timed_out("total", timeout) from error
            raise

    async def _begin(self, request: Request, timeout: Timeout) -> Any:
        try:
            outgoing = self._client.build_request(
                request.method,
                request.url,
                headers=encoded(request.headers),
                content=request.content,
                timeout=self._httpx.Timeout(timeout.read, connect=timeout.connect, pool=None),
            )
            return await self._client.send(outgoing, stream=True, follow_redirects=True)
        except Exception as error:
            raise translated(error, timeout) from error

    async def aclose(self) -> None:
        """Close the client if it was made here."""
        if self._owned:
            await self._client.aclose()


def settings_of(
    *,
    user_agent: str = "",
    headers: Mapping[str, str] | None = None,
    http2: bool = False,
    verify: bool = True,
) -> dict[str, Any]:
    """Return what an ``httpx.AsyncClient`` or ``httpx.Client`` with these settings is made with."""
    return {
        "headers": {"User-Agent": user_agent} | dict(headers or {}),
        "http2": http2,
        "verify": verify,
        "max_redirects": MAX_REDIRECTS,
        "limits": httpx_bridge.library().Limits(max_connections=None, max_keepalive_connections=None),
    }


async def _chunks(answer: Any, timeout: Timeout) -> AsyncIterator[bytes | memoryview]:
    """The body in the wire's own pieces, content encoding left as it is."""
    body = answer.aiter_raw()
    try:
        async for chunk in body:
            yield chunk
    except Exception as error:
        raise translated(error, timeout) from error
    finally:
        await body.aclose()


def encoded(headers: Mapping[str, str] | None) -> list[tuple[bytes, bytes]] | None:
    """As UTF-8, like the other wire; httpx by itself refuses what is not ASCII."""
    return [(name.encode(), value.encode()) for name, value in headers.items()] if headers else None


def translated(error: Exception, timeout: Timeout) -> errors.TransportError:
    """By class name, so that forks of httpx with the same names are understood too."""
    names = {cls.__name__ for cls in type(error).__mro__}
    text = redact_text(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    if "ConnectTimeout" in names:
        return timed_out("connect", timeout)
    if "TimeoutException" in names:
        return timed_out("read", timeout)
    if "TooManyRedirects" in names:
        return errors.TooManyRedirects(text)
    if names & {"ConnectError", "ProxyError"}:
        return errors.ConnectFailed(text)
    if names & {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "ValueError", "TypeError"}:
        return unusable(text)
    if names & {"ReadError", "RemoteProtocolError", "DecodingError", "CloseError", "WriteError"}:
        return errors.BodyTruncated(text)
    return errors.TransportError(text)
