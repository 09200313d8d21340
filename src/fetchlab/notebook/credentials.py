"""Where in a text a credential stands: by the list of :mod:`fetchlab.patterns`, and with a second look.

Redaction may mask a harmless word; whoever refuses to share a notebook for one must be right. So a value
counts only if it could be a credential: no mask, no placeholder, no name of a variable.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from fetchlab import patterns
from fetchlab.redaction import MASK, is_loose, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Secret", "find", "known", "masked", "merged"]

LONG = 16
TELLING = 12
SHORT = 4

_PLACEHOLDER = re.compile(
    r"\*{3}.*|0x[0-9a-f]{40}|\[\w+\]|<[^<>]*>|\$?\{[^{}]*\}|%\(?\w+\)?s?|\$\w+|[.…*x•-]+"
    r"|(?:your|my)[-_ ](?:\w+[-_ ])?(?:key|token|secret|password)(?:[-_ ]here)?"
    r"|bearer|basic|digest|token|api-?key"  # a scheme, and its credential is to come
    r"|demo|test|testing|testbed|example|changeme|placeholder|none|null|true|false|redacted|hidden|masked",
    re.IGNORECASE | re.DOTALL,
)
_BRACES = re.compile(r"\{[^{}]*\}")
_CODE_NAME = re.compile(
    r"[A-Za-z_][\w.]*(?:key|token|secret|pass(?:word|wd)?|credentials?|auth)\w*", re.IGNORECASE
)
_LITERAL = re.compile(r"[bru]{0,2}(?P<quote>[\"'])(?P<inside>.*?)(?:(?P=quote)|$)", re.IGNORECASE | re.DOTALL)
_FORMATTED = re.compile(r"[br]?f[br]?[\"']", re.IGNORECASE)
_CREDENTIAL = re.compile(rf"(?=[\w.~+/=-]*\d)[\w.~+/=-]{{{LONG},}}")
_NAMED = re.compile(
    r"(?P<quote>[\"'])(?P<name>[\w-]{3,40})(?P=quote)\]?\s*(?P<sign>[:=]\s*\[|[:,=])\s*[bru]{0,2}(?P<value>\"[^\"\n]*\"|'[^'\n]*')",
    re.IGNORECASE,
)
_PAIR = re.compile(r"(?:(?<!\w)|(?:set|env|default|header|add)\w*)\([bru]{0,2}$", re.IGNORECASE)
_PLAIN = re.compile(
    r"\b(?P<name>(?:\w*_)?(?:token|key|auth|pwd|passphrase|credentials?|cookie|session(?:_?id)?))[\"']?\]?\s*=\s*"
    r"[bru]{0,2}(?P<value>\"[^\"\n]*\"|'[^'\n]*')",
    re.IGNORECASE,
)
_SURE = re.compile(
    r"authorization|cookie|(?:api|access|secret|private)[_-]?key|password|passwd|secret", re.IGNORECASE
)
_PLACES = re.compile(
    r"(?i:next|prev|previous|page|continuation|sync|resume|start|sort|primary|foreign)(?:[_-]|(?=[A-Z]))"
)
_PAGING = re.compile(r"\b(?:next|prev|previous|page|continuation|sync|resume|start)[ ]$", re.IGNORECASE)
_PARTS = re.compile(r"[\s;,=&\"']+")
_PRIVATE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----|.*)", re.DOTALL
)


class Secret(NamedTuple):
    """One credential in a text.

    Attributes:
        what: what kind it is, as a reader would say.
        start: where its value begins; its name stands before that.
        end: where its value ends.
    """

    what: str
    start: int
    end: int


def find(text: str, *, code: bool = False) -> list[Secret]:
    """Return the credentials in a text, in order, none within another.

    Args:
        text: free text, a repr, a traceback, a notebook's cell.
        code: True for source code, where only a literal can be a credential, not the name of a variable.
    """
    return merged(_all(text, code=code))


def merged(secrets: Iterable[Secret]) -> list[Secret]:
    """Return secrets in order, those that overlap as one."""
    found = sorted(secrets, key=lambda secret: (secret.start, -secret.end))
    kept: list[Secret] = []
    for secret in found:
        if kept and secret.start < kept[-1].end:
            if secret.end > kept[-1].end:
                kept[-1] = kept[-1]._replace(end=secret.end)
        else:
            kept.append(secret)
    return kept


def known(values: Iterable[str], given: Iterable[str] = ()) -> Callable[[str], list[Secret]]:
    """Return what finds the same secrets again, where neither name nor shape tells them.

    Args:
        values: secrets found in other texts, with what stands around them: ``Bearer a8Z…``.
        given: secrets known from elsewhere, of whatever shape.
    """
    words = {word for value in values for word in [value, *_PARTS.split(value)] if _telling(word)}
    words |= {value for value in given if _given(value)}
    words |= {form for word in words for form in (quote(word, safe=""), html.escape(word))}
    if not words:
        return lambda _: []
    ordered = sorted(words, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(word) if _telling(word) else _alone(word) for word in ordered))
    return lambda text: list(_spans(pattern, text, 0, "a secret known from elsewhere", lambda _: True))


def masked(text: str, secrets: list[Secret]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text with its secrets masked, and where the masks stand in it."""
    parts, places, end, length = [], [], 0, 0
    for secret in secrets:
        parts += [text[end : secret.start], MASK]
        length += secret.start - end + len(MASK)
        places.append((length - len(MASK), length))
        end = secret.end
    return "".join([*parts, text[end:]]), places


def _all(text: str, *, code: bool) -> Iterator[Secret]:
    yield from _spans(_PRIVATE, text, 0, "a private key", lambda _: True)
    yield from _spans(patterns.SHAPES, text, 0, "a token", _shaped)
    yield from _spans(patterns.PATHS, text, 0, "a credential in a URL", _given)
    yield from _spans(patterns.QUERY, text, 2, "a credential in a URL", _given)
    yield from _spans(patterns.DOUBTFUL, text, 2, "a credential in a URL", _given)
    for pattern in (pattern for level in patterns.NESTED for pattern in level):
        yield from _spans(pattern, text, 2, "a credential in a URL", lambda value: _given(unquote(value)))
    for match in patterns.USERINFO.finditer(text):
        if _user_and_password(match[0]):
            yield Secret("a password in a URL", match.start(), match.end() - 1)
    for match in patterns.SCHEME.finditer(text):
        value = match[0].split(None, 1)[1]
        if _random(value):
            yield Secret(f"a {match[1].lower()} credential", match.end() - len(value), match.end())
    for match in patterns.HEADER_LINE.finditer(text):
        what = "a cookie" if "cookie" in match["name"].lower() else "an authorization header"
        yield from _valued(match, what, _told, _credential if code else _header_like)
    for match in patterns.ASSIGNED.finditer(text):
        yield from _valued(match, "a password or key", _told, _credential if code else _assigned_like)
    for match in patterns.LOOSE.finditer(text):
        if (
            is_loose(match)
            and not _PAGING.search(text, max(0, match.start() - TELLING - 2), match.start())
            and _loosely(match["value"], code=code)
        ):
            yield Secret("a token or key", *match.span("value"))
    for match in _NAMED.finditer(text):
        name = match["name"]
        if match["sign"] not in (":", "=") and not _is_pair(match):
            continue
        if _SURE.search(name):
            yield from _valued(match, f"a secret under the name {name}", _told)
        elif is_secret_name(name.replace("_", "-")) and not _PLACES.match(name):
            yield from _valued(match, f"a secret under the name {name}", _credential)
    for match in _PLAIN.finditer(text):
        if not _PLACES.match(match["name"]):
            yield from _valued(match, f"a secret under the name {match['name']}", _credential)


def _spans(
    pattern: re.Pattern[str], text: str, group: int, what: str, needs: Callable[[str], bool]
) -> Iterator[Secret]:
    for match in pattern.finditer(text):
        if needs(match[group]):
            yield Secret(what, *match.span(group))


def _valued(
    match: re.Match[str], what: str, quoted: Callable[[str], bool], bare: Callable[[str], bool] | None = None
) -> Iterator[Secret]:
    """Give a name's value if it could be a secret: the inside of a literal, or the bare word there."""
    text, start = match["value"], match.start("value")
    literal = _LITERAL.match(text)
    if literal is not None:
        if quoted(literal["inside"]):
            yield Secret(what, start + literal.start("inside"), start + literal.end("inside"))
    elif bare is not None and not _FORMATTED.match(text):
        value = text.rstrip("\"'")
        if bare(value):
            yield Secret(what, start, start + len(value))


def _is_pair(match: re.Match[str]) -> bool:
    """Tell a name and its value from two names: ``["password", "user"]`` are columns."""
    if re.search(r"\d", match["value"]):
        return True
    text, start = match.string, match.start()
    return (
        _PAIR.search(text, max(0, start - 40), start) is not None
        and text[match.end() : match.end() + 1] == ")"
    )


def _given(value: str) -> bool:
    """Tell a value from a mask, a placeholder, or what an f-string is going to put there."""
    plain = _BRACES.sub("", value).strip()
    return len(plain) >= SHORT and _PLACEHOLDER.fullmatch(value.strip()) is None and MASK not in value


def _told(value: str) -> bool:
    """Tell a value from a sentence about one."""
    return _given(value) and not (value.count(" ") >= 2 and not any(letter.isdigit() for letter in value))


def _credential(value: str) -> bool:
    plain = _CREDENTIAL.fullmatch(value) is not None
    return plain and _given(value) and _CODE_NAME.fullmatch(value) is None


def _loosely(value: str, *, code: bool) -> bool:
    """Tell a credential without quotes from a name, a path and, in code, from an expression."""
    if patterns.OPAQUE.search(value):
        return _given(value)
    return not code and "/" not in value and _given(value) and _CODE_NAME.fullmatch(value) is None


def _telling(word: str) -> bool:
    """Tell a word that is a secret wherever it stands from one that may be a word."""
    return (
        len(word) >= TELLING
        and re.search(r"\d", word) is not None
        and re.search(r"[A-Za-z]", word) is not None
    )


def _alone(word: str) -> str:
    return rf"(?<!\w){re.escape(word)}(?!\w)"


def _random(value: str) -> bool:
    """Tell ``dXNlcjpw`` and ``abc123`` from a word of prose."""
    return _given(value) and re.search(r"\d|[a-z][A-Z]", value) is not None


def _shaped(value: str) -> bool:
    """CSS classes begin with ``sk-`` as well, and are words."""
    return not value.startswith("sk-") or re.search(r"\d", value) is not None


def _user_and_password(value: str) -> bool:
    user, colon, password = value[:-1].partition(":")
    return bool(colon and _given(password)) or _credential(user)


def _header_like(value: str) -> bool:
    """A header's line in free text, or prose after the word."""
    value = value.partition("`")[0]  # Markdown's end of what is quoted
    if not _given(value):
        return False
    words = [word for word in re.split(r"[\s;,=]+", value) if len(word) >= 6]
    return any(_random(word) for word in words) or re.search(r"\w=[^\s;,]{8,}", value) is not None


def _assigned_like(value: str) -> bool:
    return len(value) >= 6 and _random(value) and _CODE_NAME.fullmatch(value) is None
