"""What identifies an item, and what host it belongs to.

A request's key is its method, its URL normalised by RFC 3986 section 6.2.2 and 6.2.3 (case, default
port, dot segments, percent-encoding; the query keeps its order) and, if it has a body, the first 16 hex
digits of the body's SHA-256. Secrets are masked. Strings are their own key; numbers and tuples are
written as JSON.

Nothing here raises: what cannot be normalised stays as it is, so that a bad item fails under its own name.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from fetchlab.errors import ConfigError
from fetchlab.redaction import redact_plain, redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.model import Request

__all__ = ["host_of", "normalise_url", "own_key", "plain_key", "request_key", "strict_key", "url_key"]

_NORMAL = re.compile(
    r"https?://[a-z0-9.-]+(?::(?!80/|443/)[1-9]\d{0,4})?/[\w/~-]*(?:\.\w[\w/~-]*)*"
    r"(?:\?[\w!$&'()*+,./:=?~-]+)?",
    re.ASCII,
)
"""URLs that are in normal form already, most of them in practice; at a tenth of the cost."""
_MAYBE_SECRET = re.compile(
    r"[?&][^=&]*(?:key|token|secret|sig|pass|pwd|auth|cred|sess|sid|jwt|code|hash)", re.IGNORECASE
)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ODD = re.compile(r"%([0-9a-fA-F]{2})?|[^\x21-\x7e]|[\"<>\\^`{|}]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_hosts: dict[str, str] = {}


def normalise_url(url: str) -> str:
    """Return the URL in the one spelling that all its equivalents share (RFC 3986 section 6.2.2)."""
    return url if _NORMAL.fullmatch(url) else _normalise(url)


def _normalise(url: str) -> str:
    try:
        parts = urlsplit(url)
        authority = _authority(parts)
    except ValueError:
        return url
    if not authority:
        return url
    path = _remove_dot_segments(_ODD.sub(_settled, parts.path)) or "/"
    query = _ODD.sub(_settled, parts.query)
    userinfo, at, _ = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme.lower(), userinfo + at + authority, path, query, ""))


def host_of(url: str) -> str:
    """Return scheme, host and port of a URL, the unit of politeness: ``https://example.org``.

    The default port is left out. An unusable URL gives what stands before its path, so that its failure
    is counted somewhere.
    """
    end = url.find("/", 8)
    head = url if end < 0 else url[:end]
    host = _hosts.get(head)
    if host is None:
        try:
            parts = urlsplit(head if end >= 0 else re.split(r"[?#]", url, maxsplit=1)[0])
            host = f"{parts.scheme.lower()}://{_authority(parts)}" if parts.netloc else redact_url(head)
        except ValueError:
            host = redact_url(head)
        if len(_hosts) < 100_000:
            _hosts[head] = host
    return host


def request_key(request: Request) -> str:
    """Return a request's key: method, normalised URL and body hash, secrets masked."""
    key = url_key(request.method, request.url)
    if not request.content:
        return key
    return f"{key} sha256:{hashlib.sha256(request.content).hexdigest()[:16]}"


def url_key(method: str, url: str) -> str:
    """Return the key of a request without a body."""
    if not _NORMAL.fullmatch(url):
        url = _normalise(url)
        if "@" in url:
            return f"{method} {redact_url(url)}"
    if "?" in url and _MAYBE_SECRET.search(url):
        url = redact_url(url)
    return f"{method} {url}"


def plain_key(item: Any) -> str | None:
    """Return the key of an item that is no request, or None where the user must name one.

    Strings are their own key; numbers, booleans and tuples of those are written as JSON.
    """
    if isinstance(item, str):
        return redact_plain(item)
    if isinstance(item, int | float) or (isinstance(item, tuple) and all(map(_is_plain, item))):
        return json.dumps(_redacted(item), ensure_ascii=False)
    return None


def own_key(key: Callable[[Any], Any]) -> Callable[[Any], str]:
    """Return a user's ``key`` function made safe: it gives a string and does not raise.

    Keys are asked for late, when an item has ended and its value must not be lost any more. One that
    raises shows as ``<key raised …>``.
    """

    def safe(item: Any) -> str:
        try:
            return redact_text(str(key(item)))
        except Exception as error:
            return redact_text(f"<key raised {type(error).__name__}: {error}>")

    return safe


def strict_key(key: Callable[[Any], str], *, by_type: bool) -> Callable[[Any], str]:
    """Return a key function for whoever finds values by key: an item without a key of its own is an error.

    Args:
        key: :func:`own_key`'s, or one that gives a type's name where an item has no key.
        by_type: whether it is one of the latter.
    """

    def strict(item: Any) -> str:
        text = key(item)
        if text.startswith("<key raised "):
            raise ConfigError("key", f"its function raised {text[12:-1]}")
        if by_type and not isinstance(item, str) and text == type(item).__name__:
            raise ConfigError(
                "key",
                f"an item of type {text} has no key of its own, by which a journal knows it again: give"
                " key=, a function that makes one of an item",
            )
        return text

    return strict


def _is_plain(item: Any) -> bool:
    return isinstance(item, str | int | float) or (isinstance(item, tuple) and all(map(_is_plain, item)))


def _redacted(item: Any) -> Any:
    if isinstance(item, str):
        return redact_plain(item)
    return tuple(map(_redacted, item)) if isinstance(item, tuple) else item


def _authority(parts: Any) -> str:
    host: str = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    port = parts.port
    return host if port is None or port == _DEFAULT_PORTS.get(parts.scheme.lower()) else f"{host}:{port}"


def _settled(match: re.Match[str]) -> str:
    """Unescape what needs no escape, escape what does, a stray percent sign included."""
    digits = match[1]
    if digits is None:
        return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))
    byte = int(digits, 16)
    return chr(byte) if byte in _UNRESERVED else f"%{digits.upper()}"


def _remove_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4, on an absolute path."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)
