"""Where a shared tier is: its URL, which may hold a password, and how it is shown, which never does."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from fetchlab.errors import ConfigError
from fetchlab.redaction import is_secret_name

__all__ = ["PASSWORD", "Address", "is_address"]

PASSWORD = "FETCHLAB_CACHE_PASSWORD"  # noqa: S105  # the variable's name
"""The environment variable that is looked into where a URL has no password."""
SPOKEN = {"redis": "redis", "valkey": "redis", "rediss": "rediss", "valkeys": "rediss", "unix": "unix"}
"""Schemes, and what the client calls them; those that end in ``s`` are over TLS."""
PORT = 6379


def is_address(place: Any) -> bool:
    """Say whether something is the URL of a server, and no file's path."""
    return isinstance(place, str) and place.partition("://")[0].lower() in SPOKEN and "://" in place


class Address:
    """A server's URL, taken apart.

    Args:
        url: ``redis://host:6379/0``, ``rediss://``, ``valkey://``, ``valkeys://``, or
            ``unix:///run/redis.sock?db=0``; ``user:password@`` before the host. What stands in the query is
            handed to the client: ``?ssl_ca_certs=ca.pem``.
        knob: named in an error.

    Attributes:
        url: as the client wants it, password included.
        shown: what people may see: scheme, host, port, database.
        plain: what makes the same address where the password comes from the environment.

    Raises:
        ConfigError: it is no such URL.
    """

    __slots__ = ("_password", "plain", "shown", "url")

    def __init__(self, url: Any, knob: str = "shared") -> None:
        if not is_address(url):
            given = type(url).__name__ if not isinstance(url, str) else url.partition("://")[0][:20]
            raise ConfigError(knob, f"give a server's URL, redis://host:{PORT}/0 say, not {given!r}")
        scheme = url.partition("://")[0].lower()
        try:
            parts = urlsplit(url)
            port, host = parts.port or PORT, parts.hostname or "localhost"
            query = parse_qsl(parts.query)
            database = int(dict(query).get("db") or (0 if scheme == "unix" else parts.path.strip("/")) or 0)
            if database < 0 or parts.fragment or "@" in parts.path + parts.query:
                raise ValueError
        except ValueError:
            raise ConfigError(
                knob,
                f"this URL cannot be read; write {scheme}://host:{PORT}/0, with what is special in a password"
                " percent-encoded",
            ) from None
        place = unquote(parts.path) if scheme == "unix" else f"{_bracketed(host)}:{port}/{database}"
        self.shown = f"{scheme}://{place}"
        user = f"{quote(unquote(parts.username), safe='')}@" if parts.username else ""
        rest = urlencode([(name, value) for name, value in query if not is_secret_name(name)], safe="/:")
        self.plain = f"{scheme}://{user}{place}" + (f"?{rest}" if rest else "")
        self.url = SPOKEN[scheme] + url[len(scheme) :]
        named = parts.password or any(name == "password" for name, _ in query)
        self._password = None if named else os.environ.get(PASSWORD) or None

    @property
    def options(self) -> dict[str, Any]:
        """What the client is told beside the URL."""
        return {} if self._password is None else {"password": self._password}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Address):
            return NotImplemented
        return (self.url, self._password) == (other.url, other._password)

    def __hash__(self) -> int:
        return hash((self.url, self._password))

    def __repr__(self) -> str:
        return f"Address({self.shown})"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
