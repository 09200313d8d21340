"""Under which name a request is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from fetchlab.policy.keys import request_key, url_key
from fetchlab.redaction import fingerprint, is_credential

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetchlab.model import Request
    from fetchlab.policy.freshness import Rules

__all__ = ["CacheKeys", "without"]


class CacheKeys:
    """Makes the names of requests, as ``vary`` and ``ignore`` say.

    Args:
        rules: the cache's.
    """

    def __init__(self, rules: Rules) -> None:
        self._vary = rules.vary
        self._ignore = frozenset(rules.ignore)

    def of_request(self, request: Request, sent: Mapping[str, str] | None = None) -> str:
        """Return a request's name.

        Args:
            request: the request.
            sent: headers that the client adds to every request.
        """
        url = without(request.url, self._ignore) if self._ignore else request.url
        if request.content is None and not request.headers:
            name = url_key(request.method, url)
        else:
            name = request_key(request) if url is request.url else request_key(_copy(request, url))
        return name + self._varied(request, sent) if self._vary else name

    def _varied(self, request: Request, sent: Mapping[str, str] | None) -> str:
        given = {name.lower(): value for name, value in (sent or {}).items()}
        own = {name.lower(): value for name, value in (request.headers or {}).items()}
        # a credential of the request's own is in its key in any case
        given = {name: value for name, value in given.items() if name not in own}
        given |= {name: value for name, value in own.items() if not is_credential(name, value)}
        return "".join(f" {name}={_shown(name, given[name])}" for name in self._vary if name in given)


def without(url: str, names: frozenset[str]) -> str:
    """Return a URL without the query parameters of these names."""
    base, mark, query = url.partition("?")
    if not mark:
        return url
    query, hashmark, fragment = query.partition("#")
    parts = query.split("&")
    kept = [part for part in parts if unquote_plus(part.partition("=")[0]) not in names]
    if len(kept) == len(parts):
        return url
    return base + ("?" + "&".join(kept) if kept else "") + hashmark + fragment


def _shown(name: str, value: str) -> str:
    """A secret by its fingerprint: it tells two accounts apart and nobody what they are."""
    return fingerprint(value) if is_credential(name, value) else value


def _copy(request: Request, url: str) -> Request:
    from fetchlab.model import Request as Made

    return Made(url, request.method, headers=request.headers, content=request.content)
