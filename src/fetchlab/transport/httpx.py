"""The second wire: httpx, or any client object that has its interface."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from fetchlab import errors, httpx_bridge
from fetchlab.model import Response
from fetchlab.redaction import is_credential, redact_text
from fetchlab.transport.base import Incoming, promised_too_much, timed_out, too_large, unusable
from fetchlab.transport.redirects import REDIRECTS, Redirected, follow, redirected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fetchlab.model import Request
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.hooks import Hooks
    from fetchlab.transport.options import Options

__all__ = ["HttpxTransport", "built", "client_of", "hop_of", "no_auth", "translated"]

IDLE_SECONDS = 90.0
_now = time.perf_counter


class HttpxTransport:
    """Sends through an ``httpx.AsyncClient``.

    The client's own pool limit is lifted: the engine admits no more requests than it has workers, so
    nobody waits in a pool, and httpx's pool timeout cannot strike.

    Args:
        options: what to do on the wire; of a client given, only the redirects.
        hooks: what happens around each request, None for nothing.
        client: a client to use, left open at the end; None makes one.
    """

    def __init__(self, options: Options, hooks: Hooks | None = None, client: Any = None) -> None:
        self._httpx = httpx_bridge.library()
        self._limit = options.redirects
        self._hooks = hooks
        self._owned = client is None
        self._client = client or client_of(self._httpx, options)

    async def send(self, request: Request, timeout: Timeout, max_bytes: int) -> Response:
        """Send a request; see :class:`~fetchlab.transport.base.Transport`."""
        hooks = self._hooks
        sent = request if hooks is None else await hooks.before(request, self, timeout)
        began = _now()
        try:
            async with asyncio.timeout(timeout.total):
                answer = await self._client.send(
                    self._built(sent, timeout), stream=True, follow_redirects=False, **no_auth(sent)
                )
                try:
                    if hooks is not None:
                        hooks.after(request, answer.headers.get_list("set-cookie"))
                    hop = self._hop(request, answer)
                    if hop is None:
                        return await self._read(answer, request.method, max_bytes)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise timed_out("total", timeout) from error
        except errors.TransportError:
            raise
        except Exception as error:
            raise translated(error, timeout) from error
        return await follow(self.send, hop, timeout, max_bytes, _now() - began)

    def _built(self, request: Request, timeout: Timeout) -> Any:
        limits = self._httpx.Timeout(timeout.read, connect=timeout.connect, pool=None)
        return built(self._client, request, limits)

    def _hop(self, request: Request, answer: Any) -> Redirected | None:
        return hop_of(request, answer, self._limit)

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
        """The answer that is no redirect, its body unread."""
        hooks = self._hooks
        while True:
            sent = request if hooks is None else await hooks.before(request, self, timeout)
            try:
                answer = await self._client.send(
                    self._built(sent, timeout), stream=True, follow_redirects=False, **no_auth(sent)
                )
            except Exception as error:
                raise translated(error, timeout) from error
            if hooks is not None:
                hooks.after(request, answer.headers.get_list("set-cookie"))
            try:
                hop = self._hop(request, answer)
            except errors.TransportError:
                await answer.aclose()
                raise
            if hop is None:
                return answer
            await answer.aclose()
            request = hop

    async def aclose(self) -> None:
        """Close the client if it was made here."""
        if self._owned:
            await self._client.aclose()


def client_of(httpx: Any, options: Options, *, blocking: bool = False) -> Any:
    """Return a client that keeps no cookies and looks for proxies in the environment only if told nothing."""
    client, transport = (
        (httpx.Client, httpx.HTTPTransport) if blocking else (httpx.AsyncClient, httpx.AsyncHTTPTransport)
    )
    context = httpx.create_ssl_context(verify=options.verify)
    if options.roots is not None:
        context.load_verify_locations(cadata=options.roots.decode())
    if options.cert is not None:
        context.load_cert_chain(*options.cert)
    settings = {
        "http2": options.http2,
        "verify": context,
        "limits": httpx.Limits(
            max_connections=None, max_keepalive_connections=options.idle, keepalive_expiry=IDLE_SECONDS
        ),
    }
    return client(
        headers=encoded(options.headers),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        trust_env=options.proxies is None,
        mounts={
            f"{scheme}://": transport(proxy=url, **settings)
            for scheme, url in (options.proxies or {}).items()
        },
        **settings,
    )


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


def built(client: Any, request: Request, timeout: Any) -> Any:
    """Return the request with the client's own headers; without secret ones where a redirect led abroad."""
    outgoing = client.build_request(
        request.method,
        request.url,
        headers=encoded(request.headers),
        content=request.content,
        timeout=timeout,
    )
    if isinstance(request, Redirected) and request.foreign:
        own = {name.lower() for name in request.headers or ()}  # kept cookies of that very host
        for name, value in list(outgoing.headers.items()):
            if name.lower() not in own and is_credential(name, value):
                del outgoing.headers[name]
    return outgoing


def hop_of(request: Request, answer: Any, limit: int) -> Redirected | None:
    """Return where an answer leads, None if it is one to keep."""
    location = answer.headers.get("location") if limit and answer.status_code in REDIRECTS else None
    return redirected(request, answer.status_code, location, limit) if location else None


def no_auth(request: Request) -> dict[str, None]:
    """Return what keeps the client's own ``auth`` from a host that a redirect led to."""
    return {"auth": None} if isinstance(request, Redirected) and request.foreign else {}


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
    if names & {"ConnectError", "ProxyError"}:
        return errors.ConnectFailed(text)
    if names & {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "ValueError", "TypeError"}:
        return unusable(text)
    if names & {"ReadError", "RemoteProtocolError", "DecodingError", "CloseError", "WriteError"}:
        return errors.BodyTruncated(text)
    return errors.TransportError(text)
