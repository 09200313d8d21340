"""What happens around a request where a client asks for more than plain sending."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol

from fetchlab.errors import TransportError
from fetchlab.redaction import redact_text
from fetchlab.transport.redirects import Redirected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetchlab.model import Request
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.base import Transport
    from fetchlab.transport.cookies import CookieJar
    from fetchlab.transport.robots import Robots

__all__ = ["Authorise", "Hooks"]


class Authorise(Protocol):
    """Makes headers of a request; plain or async."""

    def __call__(self, request: Request, /) -> Any:
        """Return headers, or something to await that does."""


class Hooks:
    """Robots, computed credentials and kept cookies.

    Whatever is the same for every request stands in the wire's own default headers instead and costs
    nothing here.

    Args:
        robots: asked before every request.
        authorise: makes headers of a request; not asked once a redirect has led to another host.
        cookies: kept between requests.
    """

    def __init__(
        self,
        *,
        robots: Robots | None = None,
        authorise: Authorise | None = None,
        cookies: CookieJar | None = None,
    ) -> None:
        self.robots = robots
        self._authorise = authorise
        self._cookies = cookies

    async def before(self, request: Request, wire: Transport, timeout: Timeout) -> Request:
        """Return the request to send; headers that it has already are left as they are.

        Raises:
            TransportError: it may not be sent, or the ``auth`` function failed.
        """
        if self.robots is not None:
            await self.robots.check(request, wire, timeout)
        foreign = isinstance(request, Redirected) and request.foreign
        added: dict[str, str] = {}
        if self._authorise is not None and not foreign:
            added.update(await _asked(self._authorise, request))
        if self._cookies is not None:
            cookie = self._cookies.header(request.url, initial=not foreign)
            if cookie is not None:
                added["Cookie"] = cookie
        return _with(request, added) if added else request

    def after(self, request: Request, set_cookie: Iterable[str]) -> None:
        """Keep the cookies of an answer."""
        if self._cookies is not None:
            self._cookies.keep(request.url, set_cookie)

    def close(self) -> None:
        """End what is under way."""
        if self.robots is not None:
            self.robots.close()


async def _asked(authorise: Authorise, request: Request) -> Mapping[str, str]:
    try:
        headers = authorise(request)
        if inspect.isawaitable(headers):
            headers = await headers
    except Exception as error:
        raise TransportError(redact_text(f"auth raised {type(error).__name__}: {error}")) from error
    if not isinstance(headers, Mapping):
        raise TransportError(f"auth must return a dict of headers, not {type(headers).__name__}")
    return headers


def _with(request: Request, headers: Mapping[str, str]) -> Request:
    own = request.headers or {}
    names = {name.lower() for name in own}
    dressed = copy(request)
    dressed.headers = {name: value for name, value in headers.items() if name.lower() not in names} | own
    return dressed
