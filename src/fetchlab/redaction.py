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

from fetchlab.patterns import (
    ASSIGNED,
    ASSIGNED_KEY,
    DOUBTFUL,
    ENCODED,
    HEADER_LINE,
    HEADER_LINE_KEY,
    HEADERS,
    HINTS,
    JUMBLED,
    JUMPS,
    LOOSE,
    LOOSE_HINTS,
    NESTED,
    OPAQUE,
    PAIR,
    PATHS,
    PLACE,
    QUERY,
    SCHEME,
    SCHEME_KEY,
    SHAPE_HINTS,
    SHAPES,
    SHORTEST_SHAPE,
    SIGNED,
    USERINFO,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "MASK",
    "fingerprint",
    "is_credential",
    "is_loose",
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
    text = SCHEME.sub(rf"\1 {MASK}", redact_url(text))
    text = HEADER_LINE.sub(_masked, ASSIGNED.sub(_masked, text))
    if any([word in text for word in LOOSE_HINTS]):  # noqa: C419  # faster
        text = LOOSE.sub(_masked_if_loose, text)
    return SHAPES.sub(MASK, text)


def is_loose(match: re.Match[str]) -> bool:
    """Tell ``token: a8Z…`` and ``token a8Z… was refused`` from a page's token, a model's name and prose.

    Args:
        match: one of :data:`fetchlab.patterns.LOOSE`.
    """
    if PLACE.search(match["name"]):
        return False
    value = match["value"]
    return OPAQUE.search(value) is not None or (
        SIGNED.search(match["name"]) is not None and len(JUMBLED.findall(value)) >= JUMPS
    )


def key_text(text: str) -> str:
    """Return any text with its secrets masked by fingerprints, as it stands in a key.

    More is taken for a secret than in a message, ``token=…`` without a URL for one: nothing is lost by it.
    """
    if "=" in text or ":" in text or "@" in text or "%" in text:
        words = HINTS
    elif len(text) < SHORTEST_SHAPE:
        return text
    else:
        words = SHAPE_HINTS
    lowered = text.lower()
    if not any([word in lowered for word in words]):  # noqa: C419  # faster
        return text
    text = key_url(f"?{text}")[1:]  # a query by itself is one, too
    for pattern in (HEADER_LINE_KEY, ASSIGNED_KEY, SCHEME_KEY):
        text = pattern.sub(_marked, text)
    return SHAPES.sub(lambda match: fingerprint(match[0]), text)


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
    return value if len(value) < SHORTEST_SHAPE else SHAPES.sub(MASK, value)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Say whether a header of this name carries a credential."""
    return HEADERS.search(name) is not None


def is_credential(name: str, value: str) -> bool:
    """Say whether a header is one that only its own host may see."""
    return is_secret_name(name) or (
        len(value) >= SHORTEST_SHAPE and bool(SHAPES.search(value) or SCHEME.search(value))
    )


def _url(url: str, mask: Callable[[str], str]) -> str:
    if "@" in url:
        url = USERINFO.sub(lambda match: mask(match[0][:-1]) + "@", url)
    if "=" in url:
        url = QUERY.sub(lambda match: match[1] + mask(match[2]), url)
        url = DOUBTFUL.sub(_marked, url)
    if "/bot" in url or "hook" in url:
        url = PATHS.sub(lambda match: mask(match[0]), url)
    if "%" in url and ENCODED.search(url):
        for secret, doubtful in NESTED:
            url = secret.sub(lambda match: match[1] + mask(match[2]), url)
            url = doubtful.sub(_marked, url)
    return url


def _hidden(_: str) -> str:
    return MASK


def _masked(match: re.Match[str]) -> str:
    return match["name"] + MASK


def _masked_if_loose(match: re.Match[str]) -> str:
    return _masked(match) if is_loose(match) else match[0]


def _marked(match: re.Match[str]) -> str:
    return match[1] + fingerprint(match[2])


_SECRET_WORDS = frozenset(
    """
    key keys apikey token tokens secret secrets pass passwd password passwords passphrase pwd pin auth
    authorization credential credentials creds cookie cookies session sid jwt signature sig hmac
    """.split()  # noqa: SIM905
)
_WORDS = re.compile(r"[A-Za-z][a-z]*|[A-Z]+")


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
    return PAIR.sub(_masked, redact_text(text))


@lru_cache(maxsize=1024)
def _is_secret_word(name: str) -> bool:
    return is_secret_name(name) or any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))
