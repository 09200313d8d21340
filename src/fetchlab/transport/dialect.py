"""What pyreqwest is told and what it tells, alike for its async and its blocking client.

It calls every timeout before the headers a connect timeout; :func:`_which` tells them apart.
"""

from __future__ import annotations

import copyreg
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from pyreqwest import exceptions as wire
from pyreqwest.client import BaseClientBuilder
from pyreqwest.http import HeaderMap
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.request import BaseRequestBuilder

from fetchlab import errors
from fetchlab.redaction import redact_text
from fetchlab.transport.base import head_too_large, promised_too_much, timed_out, too_large, unusable
from fetchlab.transport.redirects import REDIRECTS, redirected

if TYPE_CHECKING:
    from pyreqwest.bytes import Bytes

    from fetchlab.model import Request
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.options import Options
    from fetchlab.transport.redirects import Redirected

__all__ = ["IDLE_SECONDS", "bounded", "configured", "filled", "hop_of", "judged", "translated"]

C = TypeVar("C", bound=BaseClientBuilder)
R = TypeVar("R", bound=BaseRequestBuilder)

IDLE_SECONDS = 90.0


def configured(builder: C, options: Options, timeout: Timeout, idle_seconds: float = IDLE_SECONDS) -> C:
    """Return a fresh builder of an async or a blocking client with these settings and timeouts."""
    builder = builder.default_headers(options.headers).http2(options.http2)
    builder = builder.follow_redirects(False).referer(enable=False)
    builder = builder.pool_max_idle_per_host(options.idle)
    builder = builder.pool_idle_timeout(timedelta(seconds=idle_seconds))
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
            builder = builder.proxy(ProxyBuilder.http(url) if scheme == "http" else ProxyBuilder.https(url))
    if timeout.connect is not None:
        builder = builder.connect_timeout(timedelta(seconds=timeout.connect))
    if timeout.read is not None:
        builder = builder.read_timeout(timedelta(seconds=timeout.read))
    if timeout.total is not None:
        builder = builder.timeout(timedelta(seconds=timeout.total))
    return builder


def filled(builder: R, request: Request) -> R:
    """Return a fresh builder of a request with its headers and body."""
    if request.headers:
        builder = builder.headers(request.headers)
    if request.content is not None:
        builder = builder.body_bytes(request.content)
    return builder


def hop_of(request: Request, status: int, headers: HeaderMap, limit: int) -> Redirected | None:
    """Return where an answer leads, None if it is one to keep."""
    if status not in REDIRECTS:
        return None
    try:
        location = headers.get("location") if limit else None
    except ValueError:
        raise errors.TransportError(
            "the redirect's Location is not ASCII, which this wire cannot read; fl.Client('httpx') can"
        ) from None
    return redirected(request, status, location, limit) if location else None


def judged(
    request: Request, status: int, headers: HeaderMap, limit: int, max_bytes: int
) -> Redirected | None:
    """Return where an answer leads, None if its body is to be read; refuse one that promises too much."""
    hop = hop_of(request, status, headers, limit)
    if hop is None:
        promised = headers.get("content-length")
        if promised is not None and promised_too_much(promised, max_bytes, request.method):
            raise too_large(max_bytes, promised)
    return hop


def bounded(body: Bytes | None, max_bytes: int) -> bytes:
    """Return a body of which one byte more than allowed was asked for; refuse one that has it."""
    content = b"" if body is None else body.to_bytes()
    if len(content) > max_bytes:
        raise too_large(max_bytes)
    return content


def translated(error: Exception, timeout: Timeout, elapsed: float) -> errors.TransportError:
    """Say in our own tree what the wire said, with the innermost cause, secrets masked."""
    text = _why(error)
    if isinstance(error, wire.RequestTimeoutError):
        return timed_out(_which(error, timeout, elapsed), timeout)
    if isinstance(error, ValueError):
        return unusable(text)
    if _is_connecting(error):
        return errors.ConnectFailed(text)
    if "message head is too large" in text:
        return head_too_large()
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
