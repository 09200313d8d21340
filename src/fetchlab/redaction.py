"""What is secret, and how it is shown.

A secret never reaches a key, a frame, a log, an error or a repr. It is recognised by the *name* it
travels under, a header such as ``Authorization``, a query parameter such as ``api_key``, the user part
of a URL, or by a *shape* that only credentials have (``sk-…``, ``ghp_…``, a JWT). The value is replaced
by ``***``; the name stays, so that a reader sees what was there.

Two kinds of name need more care than that:

* ``key``, ``sort_key``, ``code``, ``session`` name a credential at one service and an ordinary value at
  another. They are masked only if the value could be a credential: 16 characters or more, with a digit.
  Such a value may still tell two items apart (``?key=<uuid>``), so its mask carries a fingerprint:
  ``***`` and the first 16 hex digits of its SHA-256.
* ``page_token``, ``next_token``, ``sync_token`` and their like say where a list goes on. They are no
  secrets, and masking them would give all pages of the list one key.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MASK",
    "PATTERNS",
    "is_credential",
    "is_secret_name",
    "redact_header",
    "redact_headers",
    "redact_text",
    "redact_url",
]

MASK = "***"

_PLACES = r"(?:next|prev|previous|page|paging|pagination|continuation|continue|sync|resume|start|skip|cursor)"
_SECRETS = (
    r"api[_-]?key|apikey|access[_-]?key|secret[_-]?key|private[_-]?key|subscription[_-]?key"
    r"|(?:access|auth|refresh|id|bearer|session)?token|(?:client)?secret"
    r"|signature|sig|hmac|pin|pass|password|passwd|passphrase|pwd|appid|accesskeyid|awsaccesskeyid|auth|authorization|credentials?"
    r"|session[_-]?id|sid|phpsessid|jsessionid|jwt|(?:auth|authorization)[_-]?code"
)
_QUERY = re.compile(
    rf"(?<=[?&;#])(?!(?:[\w.-]*[_.-])?{_PLACES}[_-]?token=)((?:[\w.-]*[_.-])?(?:{_SECRETS}))=([^&;#\s\"'<>]+)",
    re.IGNORECASE,
)
_DOUBTFUL = re.compile(
    r"(?<=[?&;#])((?:[\w.-]*[_.-])?(?:key|code|session|hash))=(?=[\w-]*\d)([\w-]{16,})(?![^&;#\s\"'<>])",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=//)[^/\s?#\"'<>]+@")
_BEARER = re.compile(r"\b(bearer|basic|digest)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
_SHAPES = re.compile(
    r"\b(?:sk-[\w-]{16,}|[sr]k_(?:live|test)_\w{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|hf_\w{30,}"
    r"|npm_\w{36}|pypi-[\w-]{40,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|xox[abeprs]-[\w-]{10,}|xapp-[\w-]{20,}|gsk_\w{40,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
SHORTEST_SHAPE = 12
"""Characters; nothing shorter is known as a credential by its shape."""
_VALUE = r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"',;}\])][^\s,;}\])]*)"
_ASSIGNED = re.compile(
    r"(?P<name>\b(?:[\w-]*[_-])?(?:api[_-]?key|access[_-]?key|secret[_-]?key|password|passwd|(?:client[_-]?)?secret"
    r"|(?:access|auth|refresh|id|bearer)[_-]?token|(?<=[\"'])token(?=[\"']))[\"']?\s*[:=]\s*)" + _VALUE,
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"(?P<name>\b(?:proxy-authorization|authorization|set-cookie|cookie)[\"']?\s*[:=]\s*)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\r\n]+)",
    re.IGNORECASE,
)
_HEADERS = re.compile(
    r"authorization|(?:^|-)auth$|cookie|(?:^|-)(?:api-?)?key$|token|secret|password|signature|credential|session",
    re.IGNORECASE,
)

PATTERNS = {
    "userinfo": _USERINFO,
    "query": _QUERY,
    "doubtful": _DOUBTFUL,
    "scheme": _BEARER,
    "header": _HEADER_LINE,
    "assigned": _ASSIGNED,
    "shape": _SHAPES,
}
"""For those who must say where a secret stands rather than hide it: see ``notebook/credentials.py``."""


def redact_url(url: str) -> str:
    """Return the URL with secret query values and its user part masked.

    Args:
        url: any URL, also a relative one, or text that holds some.
    """
    if "@" in url:
        url = _USERINFO.sub(MASK + "@", url)
    if "=" in url:
        url = _DOUBTFUL.sub(_fingerprint, _QUERY.sub(rf"\1={MASK}", url))
    return url


def redact_text(text: str) -> str:
    """Return free text, an exception's message say, with secrets in URLs and headers masked."""
    text = _BEARER.sub(rf"\1 {MASK}", redact_url(text))
    text = _HEADER_LINE.sub(_masked, _ASSIGNED.sub(_masked, text))
    return _SHAPES.sub(MASK, text)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with the values of secret ones masked."""
    return {name: redact_header(name, value) for name, value in headers.items()}


def redact_header(name: str, value: str) -> str:
    """Return a header's value, masked if it is secret."""
    if is_secret_name(name):
        return MASK
    return value if len(value) < SHORTEST_SHAPE else _SHAPES.sub(MASK, value)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Say whether a header of this name carries a credential."""
    return _HEADERS.search(name) is not None


def is_credential(name: str, value: str) -> bool:
    """Say whether a header is one that only its own host may see."""
    return bool(_HEADERS.search(name) or _SHAPES.search(value) or _BEARER.search(value))


def _masked(match: re.Match[str]) -> str:
    return match["name"] + MASK


def _fingerprint(match: re.Match[str]) -> str:
    return f"{match[1]}={MASK}{hashlib.sha256(match[2].encode('utf-8', 'replace')).hexdigest()[:16]}"
