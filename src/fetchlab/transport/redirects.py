"""Where a redirect leads, and what goes along (RFC 9110 section 15.4).

Both wires follow redirects through this module, because neither library keeps every credential from
another host: they drop ``Authorization`` and hand an ``X-Api-Key`` on.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from fetchlab.errors import TooManyRedirects, TransportError
from fetchlab.model import Request
from fetchlab.policy.keys import host_of
from fetchlab.redaction import is_credential, redact_url
from fetchlab.transport.base import timed_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fetchlab.model import Response
    from fetchlab.policy.timeout import Timeout

__all__ = ["REDIRECTS", "Redirected", "follow", "redirected"]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OF_THE_BODY = re.compile(r"content-|transfer-encoding$|digest$", re.IGNORECASE)
_INVISIBLE = "".join(map(chr, range(0x21)))
_NOT_IN_A_URL = str.maketrans("", "", "\t\r\n")


class Redirected(Request):
    """A request that a redirect asked for.

    Attributes:
        first: the request at the head of the chain.
        hops: how many redirects led here.
        foreign: True once one of them led to another host. It stays True on a way back: the other host
            chose the URL, and the credentials are not its to use.
    """

    __slots__ = ("first", "foreign", "hops")

    first: Request
    hops: int
    foreign: bool


def redirected(request: Request, status: int, location: str, limit: int) -> Redirected:
    """Return the request that a redirect asks for.

    Args:
        request: what was asked, before the client added anything of its own to it.
        status: one of :data:`REDIRECTS`.
        location: the ``Location`` header.
        limit: how many redirects may follow one another.

    Raises:
        TooManyRedirects: this one would be one too many.
        TransportError: it leads to no http or https URL.
    """
    before = request if isinstance(request, Redirected) else None
    hops = before.hops if before else 0
    if hops >= limit:
        raise TooManyRedirects(
            f"more than {limit} redirects (redirects=… of fl.Client), the next to {redact_url(location)};"
            " a site that sets a cookie first needs keep_cookies=True"
        )
    url, elsewhere = _target(_cleaned(request.url), _cleaned(location))
    foreign = elsewhere or (before is not None and before.foreign)
    method, content, headers = request.method, request.content, dict(request.headers or {})
    if (status == 303 and method not in ("GET", "HEAD")) or (status in (301, 302) and method == "POST"):
        method, content = "GET", None
        headers = {name: value for name, value in headers.items() if not _OF_THE_BODY.match(name)}
    if elsewhere:
        headers = {name: value for name, value in headers.items() if name.lower() != "host"}
    if foreign:
        headers = {name: value for name, value in headers.items() if not is_credential(name, value)}
    made = Redirected(url, method, headers=headers, content=content)
    made.first = before.first if before else request
    made.hops = hops + 1
    made.foreign = foreign
    return made


async def follow(
    send: Callable[[Request, Timeout, int], Awaitable[Response]],
    hop: Redirected,
    timeout: Timeout,
    max_bytes: int,
    elapsed: float,
) -> Response:
    """Send what a redirect asks for, within what the attempt has left of its ``total``.

    Args:
        send: the wire's.
        hop: where the redirect leads.
        timeout: the attempt's.
        max_bytes: the attempt's.
        elapsed: seconds since the attempt began.
    """
    if timeout.total is None or hop.hops > 1:  # the first redirect has set the limit for those after it
        return await send(hop, timeout, max_bytes)
    try:
        async with asyncio.timeout(timeout.total - elapsed):
            return await send(hop, timeout, max_bytes)
    except TimeoutError as error:
        raise timed_out("total", timeout) from error


def _target(base: str, location: str) -> tuple[str, bool]:
    """Return the absolute URL, and whether it is on another host: scheme, name or port differ."""
    try:
        parts = urlsplit(urljoin(base, location))
        origin = urlsplit(base)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise TransportError(f"the redirect leads to no http or https URL: {redact_url(location)}")
    elsewhere = host_of(urlunsplit(parts)) != host_of(base)
    if not elsewhere and "@" not in parts.netloc:
        userinfo, at, _ = origin.netloc.rpartition("@")
        parts = parts._replace(netloc=userinfo + at + parts.netloc)
    return urlunsplit(parts._replace(fragment=parts.fragment or origin.fragment)), elsewhere


def _cleaned(url: str) -> str:
    r"""As the wires' parsers read it (WHATWG URL): ``http://a\@b/`` is on host a, where Python says b."""
    head, mark, tail = re.split(r"([?#]|$)", url.strip(_INVISIBLE).translate(_NOT_IN_A_URL), maxsplit=1)
    return head.replace("\\", "/") + mark + tail
