"""By which names and shapes a credential is known: one list for those who mask it and those who look for it.

:mod:`fetchlab.redaction` says what each of them is for. Where a pattern holds a name and a value, these are
its groups ``name``, with the sign behind it, and ``value``, or its first and its second.
"""

from __future__ import annotations

import re

__all__ = [
    "ASSIGNED",
    "ASSIGNED_KEY",
    "DOUBTFUL",
    "ENCODED",
    "HEADERS",
    "HEADER_LINE",
    "HEADER_LINE_KEY",
    "HINTS",
    "JUMBLED",
    "JUMPS",
    "LOOSE",
    "LOOSE_HINTS",
    "NESTED",
    "OPAQUE",
    "PAIR",
    "PATHS",
    "PLACE",
    "QUERY",
    "SCHEME",
    "SCHEME_KEY",
    "SHAPES",
    "SHAPE_HINTS",
    "SHORTEST_SHAPE",
    "SIGNED",
    "USERINFO",
]

_PLACES = r"(?:next|prev|previous|page|paging|pagination|continuation|continue|sync|resume|start|skip|cursor)"
_SECRETS = (
    r"api[_-]?key|apikey|access[_-]?key|secret[_-]?key|private[_-]?key|subscription[_-]?key"
    r"|(?:access|api|auth|refresh|id|bearer|session)?token|(?:api|client)?secret"
    r"|signature|sig|hmac|pin|pass|password|passwd|passphrase|pwd|appid|accesskeyid|awsaccesskeyid|auth|authorization|credentials?"
    r"|session[_-]?id|sid|phpsessid|jsessionid|jwt|(?:auth|authorization)[_-]?code"
)
_MASKED = r"\*{3}(?:[0-9a-f]{16})?"
QUERY = re.compile(
    rf"(?<=[?&;#])(?=(?:[\w.-]*[_.-])?(?:{_SECRETS})=)"  # first what most names are not, it is faster
    rf"(?!(?:[\w.-]*[_.-])?{_PLACES}[_-]?token=)((?:[\w.-]*[_.-])?(?:{_SECRETS})=)"
    rf"(?!{_MASKED}(?:[&;#\s\"'<>]|$))([^&;#\s\"'<>]+)",
    re.IGNORECASE,
)
DOUBTFUL = re.compile(
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


NESTED = (_nested("", ""), _nested("25", "(?:25)?"), _nested("(?:25){2,}+", "(?!)"))
ENCODED = re.compile(r"%(?:25)*3D", re.IGNORECASE)
PATHS = re.compile(
    r"(?<=/bot)\d{5,}(?::|%3A)[\w-]{16,}|(?<=/api/webhooks/)\d{5,}/[\w-]{16,}|(?<=/webhookb2/)[\w@/-]{16,}"
    r"|(?:(?<=hooks\.slack\.com/services/)|(?<=hooks\.slack\.com/workflows/))[\w/-]{16,}",
    re.IGNORECASE,
)
"""Where a service's URL carries its credential in the path: bots and webhooks."""
USERINFO = re.compile(rf"(?<=//)(?!{_MASKED}@)[^/\s?#\"'<>]+@")
SCHEME = re.compile(r"\b(bearer|basic|digest)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
SHAPES = re.compile(
    r"\b(?:sk-[\w-]{16,}|[sr]k_(?:live|test)_\w{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|hf_\w{30,}"
    r"|npm_\w{36}|pypi-[\w-]{40,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|xox[abeprs]-[\w-]{10,}|xapp-[\w-]{20,}|gsk_\w{40,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
SHORTEST_SHAPE = 12
"""Characters; nothing shorter is known as a credential by its shape."""
_VALUE = r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"',;}\])][^\s,;}\])]*)"
ASSIGNED = re.compile(
    r"(?P<name>(?<![\w-])(?:[\w-]*[_-])?(?:api[_-]?key|access[_-]?key|secret[_-]?key|password|passwd|(?:client[_-]?)?secret"
    r"|(?:access|auth|refresh|id|bearer)[_-]?token|(?<=[\"'])token(?=[\"']))[\"']?\s*[:=]\s*)" + _VALUE,
    re.IGNORECASE,
)
LOOSE = re.compile(
    r"(?P<name>(?<![\w%-])[\w-]*?(?:token|auth|credentials?|x-(?:[\w-]{0,40}-)?key|secret|password"
    r"|(?:api|access|secret|private|subscription)[ _-]?key)(?:[_-]?(?:\d{1,2}|value|prod|dev|live))?"
    r"(?:[\"'`*]{0,3}\s*(?:[:=]{1,2}>?|->|→)\s*"
    r"|[ \t]+(?:(?:provided|given|used|value|is|was)(?:\s*:\s*|[ \t]+))?)[\"'`*(<\[{]{0,3})"
    r"(?P<value>(?=[\w.~+/-]*\d)(?!\d*\.\d+(?:e[+-]?\d+)?(?![\w.]))[\w.~+/-]{15,}[\w~+/-]=*)",
    re.IGNORECASE,
)
OPAQUE = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}")
"""Letters and digits in one long run: no word, no date, no model's name."""
JUMBLED = re.compile(r"[a-z](?=[A-Z\d])|\d(?=[A-Za-z])|[A-Z](?=\d)")
JUMPS = 5
"""From letter to digit and back, from small to capital: so many are in no word and in few names of models."""
PLACE = re.compile(rf"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:{_PLACES}[_-]?token)")
SIGNED = re.compile(r"(?:[:=>]|->|→)\s*[\"'`*(<\[{]{0,3}$")
LOOSE_HINTS = (
    "oken", "key", "auth", "ecret", "assword", "redential",
    "OKEN", "KEY", "Key", "AUTH", "Auth", "ECRET", "ASSWORD",
)  # fmt: skip
HEADER_LINE = re.compile(
    r"(?P<name>\b(?:proxy-authorization|authorization|set-cookie|cookie)[\"']?\s*[:=]\s*)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\r\n]+)",
    re.IGNORECASE,
)
_NO_MASK = rf"(?!{_MASKED}(?![\w.~+/=-]))"
HEADER_LINE_KEY = re.compile(
    r"(\b(?:proxy-authorization|authorization|set-cookie|cookie)[\"']?\s*[:=]\s*+)"
    rf"{_NO_MASK}(\"[^\"]*\"|'[^']*'|[^\r\n]+)",
    re.IGNORECASE,
)
ASSIGNED_KEY = re.compile(
    rf"(?<![\w.%-])(?!(?:[\w.-]*[_.-])?{_PLACES}[_-]?token\b)"
    rf"((?:[\w.-]*[_.-])?(?:{_SECRETS})[\"']?\s*[:=]\s*+)"
    rf"{_NO_MASK}(\"[^\"]*\"|'[^']*'|[^\s\"',;&}}\])][^\s,;&}}\])]*)",
    re.IGNORECASE,
)
SCHEME_KEY = re.compile(
    r"(\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC|[Dd]igest|DIGEST)\s+)(?=\S*(?:\d|[a-z][A-Z]))([\w.~+/=-]{6,})"
)
"""``Basic dXNlcjpw``, and not ``basic research``: an item's name must stay what it is."""
SHAPE_HINTS: tuple[str, ...] = (
    "bearer", "basic", "digest", "sk-", "gh", "aiza", "xox", "akia", "eyj", "hook",
)  # fmt: skip
HINTS: tuple[str, ...] = (
    "key", "token", "secret", "sig", "hmac", "pin", "pass", "pwd", "appid", "auth", "credential", "sid",
    "session", "jwt", "code", "hash", "cookie", "@", "/bot", *SHAPE_HINTS,
)  # fmt: skip
"""One of these is in every text that holds what is taken for a secret; without ``=:@%`` one of the former."""
HEADERS = re.compile(
    r"authorization|(?:^|-)auth$|cookie|(?:^|-)(?:api-?)?key$|token|secret|password|signature|credential|session",
    re.IGNORECASE,
)
PAIR = re.compile(rf"(?P<name>(?<![\w-])(?:[\w.-]*[_.-])?(?:{_SECRETS})\s*[=:]\s*)" + _VALUE, re.IGNORECASE)
