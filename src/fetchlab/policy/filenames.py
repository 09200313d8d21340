"""A safe local file name from what a server or a URL says.

Whatever comes in, what comes out is one path segment: no separator, not ``.`` or ``..``, not hidden, no
control or invisible characters, nothing that Windows reserves, not too long for any usual file system. Of
a path only its last segment counts, as RFC 6266 section 4.3 asks.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote, urlsplit

__all__ = ["LONGEST", "NAMELESS", "from_disposition", "from_url", "numbered", "safe_name", "same"]

NAMELESS = "download"
LONGEST = 240
"""Bytes of UTF-8: file systems allow 255, and a partial file's name is longer by ``.part.json``."""

_LONGEST_SUFFIX = 24
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # also U+202E, which shows "gpj.exe" as "exe.jpg"
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
_OURS = re.compile(r"\.(part(?:\.json)?)$", re.IGNORECASE)
_PARAMETER = re.compile(
    r";\s*(?P<name>[\w!#$&+.^`|~*-]+)\s*=\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^;]*))", re.DOTALL
)
_EXTENDED = re.compile(r"(?P<charset>[\w!#$%&+^`{}~-]+)'[^']*'(?P<text>.*)", re.DOTALL)


def safe_name(text: str) -> str:
    """Return a name that is safe as the last segment of a path, ``download`` if nothing is left.

    Args:
        text: a name or a path from anywhere.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", text))[-1]
    seen = last if last.isprintable() else "".join(filter(_is_seen, last))
    name = _FORBIDDEN.sub("_", seen).strip().rstrip(". ")
    if name.startswith("."):
        name = "_" + name[1:]
    if not name.strip("_. "):
        return NAMELESS
    if _RESERVED.match(name):
        name = "_" + name
    return _OURS.sub(r"_\1", _fitted(*_split(name)))  # else it could be another item's partial file


def from_disposition(header: str | None) -> str | None:
    """Return the safe name that a ``Content-Disposition`` header gives, None if it gives none.

    ``filename*`` goes before ``filename`` (RFC 6266 section 4.3, RFC 8187).
    """
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(f";{header or ''}"):  # some leave out the type before it
        quoted = match["quoted"]
        value = (
            match["plain"].strip(' \t"')
            if quoted is None
            else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        )
        found.setdefault(match["name"].lower(), value)
    extended = _decoded(found.get("filename*", ""))
    for text in (extended, _unpacked(found.get("filename", ""))):
        if text and (name := safe_name(text)) != NAMELESS:
            return name
    return None


def from_url(url: str) -> str:
    """Return the safe name of a URL's last path segment."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return NAMELESS
    return safe_name(unquote(path.rpartition("/")[2], errors="replace"))


def numbered(name: str, number: int) -> str:
    """Return the name that the ``number``-th file of this name gets: ``name (2).ext`` for the second."""
    stem, suffix = _split(name)
    return name if number < 2 else _fitted(stem, f" ({number}){suffix}")


def same(name: str) -> str:
    """Return the form in which two names are equal where a file system takes them for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _is_seen(char: str) -> bool:
    return unicodedata.category(char) not in _UNSEEN


def _split(name: str) -> tuple[str, str]:
    """Stem and suffix; ``.tar.gz`` and its like stay together."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len((dot + suffix).encode()) > _LONGEST_SUFFIX or " " in suffix:
        return name, ""
    if stem.lower().endswith(".tar") and len(stem) > 4:
        return stem[:-4], stem[-4:] + dot + suffix
    return stem, dot + suffix


def _fitted(stem: str, suffix: str) -> str:
    room = LONGEST - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + suffix


def _decoded(extended: str) -> str | None:
    match = _EXTENDED.fullmatch(extended)
    if match is None:
        return None
    try:
        return unquote(match["text"], encoding=match["charset"], errors="strict")
    except (LookupError, UnicodeError):
        return None


def _unpacked(text: str) -> str:
    """UTF-8 that came as Latin-1, as most servers send names that are not ASCII."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
