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

In a *key* every mask carries a fingerprint: two accounts that ask for one thing are two items, and the data
of one must not be given to the other. So whoever has a key can tell whether a guess at its secret is right,
which is of use with a secret of a few digits only.

What stands percent-encoded in a query, a URL in a URL, is looked through as well.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "MASK",
    "PATTERNS",
    "fingerprint",
    "is_credential",
    "is_secret_name",
    "key_text",
    "key_url",
    "redact_data",
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
_MASKED = r"\*{3}(?:[0-9a-f]{16})?"
_QUERY = re.compile(
    rf"(?<=[?&;#])(?!(?:[\w.-]*[_.-])?{_PLACES}[_-]?token=)((?:[\w.-]*[_.-])?(?:{_SECRETS})=)"
    rf"(?!{_MASKED}(?:[&;#\s\"'<>]|$))([^&;#\s\"'<>]+)",
    re.IGNORECASE,
)
_DOUBTFUL = re.compile(
    r"(?<=[?&;#])((?:[\w.-]*[_.-])?(?:key|code|session|hash)=)(?=[\w-]*\d)([\w-]{16,})(?![^&;#\s\"'<>])",
    re.IGNORECASE,
)


def _nested(level: str, ends: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The same two where ``?``, ``&``, ``;``, ``#`` and ``=`` are percent-encoded.

    Args:
        level: what stands between the percent sign and the digits: ``25`` for each further encoding.
        ends: how the separators of this level and the outer ones begin.
    """
    before = f"%{level}" if "+" not in level else "25"  # of a fixed length, as it must be
    begin = rf"(?:(?<={before}(?:3F|26|3B|23))|(?<=[=?&;#]))"
    stop = rf"(?:[&;#\s\"'<>]|%{ends}(?:26|23|3B)|$)"
    value = rf"(?:(?!{stop}).)+"
    secret = rf"{begin}(?!(?:[\w.-]*[_.-])?{_PLACES}[_-]?token%)((?:[\w.-]*[_.-])?(?:{_SECRETS})%{level}3D)"
    doubtful = rf"{begin}((?:[\w.-]*[_.-])?(?:key|code|session|hash)%{level}3D)"
    return (
        re.compile(rf"{secret}(?!{_MASKED}{stop})({value})", re.IGNORECASE),
        re.compile(rf"{doubtful}(?=[\w-]*\d)([\w-]{{16,}})(?={stop})", re.IGNORECASE),
    )


_NESTED = (_nested("", ""), _nested("25", "(?:25)?"), _nested("(?:25){2,}+", "(?!)"))
_ENCODED = re.compile(r"%(?:25)*3D", re.IGNORECASE)
_USERINFO = re.compile(rf"(?<=//)(?!{_MASKED}@)[^/\s?#\"'<>]+@")
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
_NO_MASK = rf"(?!{_MASKED}(?![\w.~+/=-]))"
_HEADER_LINE_KEY = re.compile(
    r"(\b(?:proxy-authorization|authorization|set-cookie|cookie)[\"']?\s*[:=]\s*+)"
    rf"{_NO_MASK}(\"[^\"]*\"|'[^']*'|[^\r\n]+)",
    re.IGNORECASE,
)
_ASSIGNED_KEY = re.compile(
    rf"(?<![\w.%-])(?!(?:[\w.-]*[_.-])?{_PLACES}[_-]?token\b)"
    rf"((?:[\w.-]*[_.-])?(?:{_SECRETS})[\"']?\s*[:=]\s*+)"
    rf"{_NO_MASK}(\"[^\"]*\"|'[^']*'|[^\s\"',;&}}\])][^\s,;&}}\])]*)",
    re.IGNORECASE,
)
_BEARER_KEY = re.compile(
    r"(\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC|[Dd]igest|DIGEST)\s+)(?=\S*(?:\d|[a-z][A-Z]))([\w.~+/=-]{6,})"
)
"""``Basic dXNlcjpw``, and not ``basic research``: an item's name must stay what it is."""
_SHAPE_HINTS: tuple[str, ...] = ("bearer", "basic", "digest", "sk-", "gh", "aiza", "xox", "akia", "eyj")
_HINTS: tuple[str, ...] = (
    "key", "token", "secret", "sig", "hmac", "pin", "pass", "pwd", "appid", "auth", "credential", "sid",
    "session", "jwt", "code", "hash", "cookie", "@", *_SHAPE_HINTS,
)  # fmt: skip
"""One of these is in every text that holds what is taken for a secret; without ``=:@%`` one of the former."""
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
    return _url(url, _hidden)


def key_url(url: str) -> str:
    """Return the URL with its secrets masked by fingerprints, as it stands in a key."""
    return _url(url, fingerprint)


def redact_text(text: str) -> str:
    """Return free text, an exception's message say, with secrets in URLs and headers masked."""
    text = _BEARER.sub(rf"\1 {MASK}", redact_url(text))
    text = _HEADER_LINE.sub(_masked, _ASSIGNED.sub(_masked, text))
    return _SHAPES.sub(MASK, text)


def key_text(text: str) -> str:
    """Return any text with its secrets masked by fingerprints, as it stands in a key.

    More is taken for a secret than in a message, ``token=…`` without a URL for one: nothing is lost by it.
    """
    if "=" in text or ":" in text or "@" in text or "%" in text:
        words = _HINTS
    elif len(text) < SHORTEST_SHAPE:
        return text
    else:
        words = _SHAPE_HINTS
    lowered = text.lower()
    if not any([word in lowered for word in words]):  # noqa: C419  # faster
        return text
    text = key_url(f"?{text}")[1:]  # a query by itself is one, too
    for pattern in (_HEADER_LINE_KEY, _ASSIGNED_KEY, _BEARER_KEY):
        text = pattern.sub(_marked, text)
    return _SHAPES.sub(lambda match: fingerprint(match[0]), text)


def fingerprint(secret: str) -> str:
    """Return what tells a secret from another one: the mask, and the first 16 hex digits of its SHA-256."""
    return MASK + hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:16]


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
    return is_secret_name(name) or (
        len(value) >= SHORTEST_SHAPE and bool(_SHAPES.search(value) or _BEARER.search(value))
    )


def _url(url: str, mask: Callable[[str], str]) -> str:
    if "@" in url:
        url = _USERINFO.sub(lambda match: mask(match[0][:-1]) + "@", url)
    if "=" in url:
        url = _QUERY.sub(lambda match: match[1] + mask(match[2]), url)
        url = _DOUBTFUL.sub(_marked, url)
    if "%" in url and _ENCODED.search(url):
        for secret, doubtful in _NESTED:
            url = secret.sub(lambda match: match[1] + mask(match[2]), url)
            url = doubtful.sub(_marked, url)
    return url


def _hidden(_: str) -> str:
    return MASK


def _masked(match: re.Match[str]) -> str:
    return match["name"] + MASK


def _marked(match: re.Match[str]) -> str:
    return match[1] + fingerprint(match[2])


_SECRET_WORDS = frozenset(
    """
    key keys apikey token tokens secret secrets pass passwd password passwords passphrase pwd pin auth
    authorization credential credentials creds cookie cookies session sid jwt signature sig hmac
    """.split()  # noqa: SIM905
)
_WORDS = re.compile(r"[A-Za-z][a-z]*|[A-Z]+")
_PAIR = re.compile(rf"(?P<name>(?<![\w-])(?:[\w.-]*[_.-])?(?:{_SECRETS})\s*[=:]\s*)" + _VALUE, re.IGNORECASE)


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
    return is_secret_name(name) or any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))
