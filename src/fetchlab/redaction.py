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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MASK",
    "is_credential",
    "redact_data",
    "redact_header",
    "redact_headers",
    "redact_plain",
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
    r"\b(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|AIza[\w-]{30,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
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
    if _is_secret_name(name):
        return MASK
    return value if len(value) < SHORTEST_SHAPE else _SHAPES.sub(MASK, value)


@lru_cache(maxsize=1024)
def _is_secret_name(name: str) -> bool:
    return _HEADERS.search(name) is not None


def is_credential(name: str, value: str) -> bool:
    """Say whether a header is one that only its own host may see."""
    return bool(_HEADERS.search(name) or _SHAPES.search(value) or _BEARER.search(value))


def _masked(match: re.Match[str]) -> str:
    return match["name"] + MASK


def _fingerprint(match: re.Match[str]) -> str:
    return f"{match[1]}={MASK}{hashlib.sha256(match[2].encode('utf-8', 'replace')).hexdigest()[:16]}"


_SECRET_WORDS = frozenset(
    """
    key keys apikey token tokens secret secrets pass passwd password passwords passphrase pwd pin auth
    authorization credential credentials creds cookie cookies session sid jwt signature sig hmac
    """.split()  # noqa: SIM905
)
_WORDS = re.compile(r"[A-Za-z][a-z]*|[A-Z]+")
_SUSPECT = re.compile(r"[=:]|\b(?:bearer|basic|digest) |" + _SHAPES.pattern, re.IGNORECASE)
_PAIR = re.compile(rf"(?P<name>(?<![\w-])(?:[\w.-]*[_.-])?(?:{_SECRETS})\s*[=:]\s*)" + _VALUE, re.IGNORECASE)


def redact_plain(text: str) -> str:
    """Return an item that is no request, a line of a list say, with what is secret in it masked.

    Where it is no URL its fingerprint follows the mask, so that two secrets are two items.
    """
    shown = redact_url(text)
    if text[:8].lower().startswith(("http://", "https://")) or not _SUSPECT.search(shown):
        return shown
    masked = _without_secrets(shown)
    return shown if masked == shown else f"{masked} #{_digest(text)}"


def redact_data(value: Any, *, secret: bool = False) -> Any:
    """Return JSON data with the values of secret names masked, whatever they are, and secrets in text.

    Args:
        value: the data; a list of two whose first is a name counts as a name and its value.
        secret: it stands under a secret name.
    """
    if isinstance(value, dict):
        return {name: redact_data(one, secret=secret or _is_secret_word(name)) for name, one in value.items()}
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and _is_secret_word(value[0]):
            return [value[0], redact_data(value[1], secret=True)]
        return [redact_data(one, secret=secret) for one in value]
    if value is None or isinstance(value, bool):
        return value
    if secret:
        return MASK
    return _without_secrets(redact_url(value)) if isinstance(value, str) else value


def _without_secrets(text: str) -> str:
    return _PAIR.sub(_masked, redact_text(text))


@lru_cache(maxsize=1024)
def _is_secret_word(name: str) -> bool:
    return _is_secret_name(name) or any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
