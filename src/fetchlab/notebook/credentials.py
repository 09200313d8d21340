"""Where in a text a credential stands: by the names of :mod:`fetchlab.redaction`, and with a second look.

Redaction may mask a harmless word; whoever refuses to share a notebook for one must be right. So a value
counts only if it could be a credential: no mask, no placeholder, no name of a variable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from fetchlab.redaction import MASK, PATTERNS, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Secret", "find", "masked"]

LONG = 16
SHORT = 4

_PLACEHOLDER = re.compile(
    r"\*{3}.*|\[\w+\]|<[^<>]*>|\$?\{[^{}]*\}|%\(?\w+\)?s?|\$\w+|[.…*x•-]+"
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
    r"(?P<quote>[\"'])(?P<name>[\w-]{3,40})(?P=quote)\]?\s*[:,=]\s*[bru]{0,2}(?P<value>\"[^\"\n]*\"|'[^'\n]*')",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    r"\b(?P<name>(?:\w*_)?(?:token|key|auth|pwd|passphrase|credentials?|cookie|session(?:_?id)?))[\"']?\]?\s*=\s*"
    r"[bru]{0,2}(?P<value>\"[^\"\n]*\"|'[^'\n]*')",
    re.IGNORECASE,
)
_SURE = re.compile(
    r"authorization|cookie|(?:api|access|secret|private)[_-]?key|password|passwd|secret", re.IGNORECASE
)
_PLACES = re.compile(
    r"(?:next|prev|previous|page|continuation|sync|resume|start|sort|primary|foreign)_", re.IGNORECASE
)
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
    found = sorted(_all(text, code=code), key=lambda secret: (secret.start, -secret.end))
    kept: list[Secret] = []
    for secret in found:
        if kept and secret.start < kept[-1].end:
            if secret.end > kept[-1].end:
                kept[-1] = kept[-1]._replace(end=secret.end)
        else:
            kept.append(secret)
    return kept


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
    yield from _spans(PATTERNS["shape"], text, 0, "a token", _shaped)
    yield from _spans(PATTERNS["query"], text, 2, "a credential in a URL", _given)
    yield from _spans(PATTERNS["doubtful"], text, 2, "a credential in a URL", _given)
    for match in PATTERNS["userinfo"].finditer(text):
        if _user_and_password(match[0]):
            yield Secret("a password in a URL", match.start(), match.end() - 1)
    for match in PATTERNS["scheme"].finditer(text):
        value = match[0].split(None, 1)[1]
        if _random(value):
            yield Secret(f"a {match[1].lower()} credential", match.end() - len(value), match.end())
    for match in PATTERNS["header"].finditer(text):
        what = "a cookie" if "cookie" in match["name"].lower() else "an authorization header"
        yield from _valued(match, what, _told, _credential if code else _header_like)
    for match in PATTERNS["assigned"].finditer(text):
        yield from _valued(match, "a password or key", _told, _credential if code else _assigned_like)
    for match in _NAMED.finditer(text):
        name = match["name"]
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
    if not _given(value):
        return False
    words = [word for word in re.split(r"[\s;,=]+", value) if len(word) >= 6]
    return any(_random(word) for word in words) or re.search(r"\w=[^\s;,]{8,}", value) is not None


def _assigned_like(value: str) -> bool:
    return len(value) >= 6 and _random(value) and _CODE_NAME.fullmatch(value) is None
