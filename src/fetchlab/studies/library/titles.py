"""Titles made comparable: the same whatever their case, accents, punctuation and separators."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from functools import lru_cache

__all__ = ["alike", "folded"]

_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "\u0131": "i", "þ": "th"}
)
_APOSTROPHES = re.compile("['’`\\u00b4]")


@lru_cache(maxsize=4_096)
def folded(title: str) -> str:
    """Return a title's words without case, accents and punctuation, a blank between two.

    Letters of other scripts stay as they are: an accent there is a letter of its own.
    """
    if title.isascii():
        kept = [char if char.isalnum() else " " for char in _APOSTROPHES.sub("", title).replace("&", " and ")]
        return " ".join("".join(kept).lower().split())
    text = (
        unicodedata.normalize("NFC", _APOSTROPHES.sub("", title).replace("&", " and "))
        .lower()
        .translate(_LETTERS)
    )
    return " ".join("".join(map(_plain, text)).split())


def _plain(char: str) -> str:
    if char.isascii():
        return char if char.isalnum() else " "
    base = unicodedata.normalize("NFKD", char)[0]
    if base.isascii() and base.isalnum():
        return base.lower()
    return char if unicodedata.category(char)[0] in "LMN" else " "


@lru_cache(maxsize=4_096)
def alike(one: str, other: str) -> float:
    """Return how alike two folded titles are, from 0 to 1.

    One that only goes on where the other ends, as with a subtitle, counts 0.85; else it is the share of
    characters that stand in both in the same order (Ratcliff and Obershelp), which never reaches that.
    """
    if one == other:
        return 1.0 if one else 0.0
    if not one or not other:
        return 0.0
    if one.startswith(f"{other} ") or other.startswith(f"{one} "):
        return 0.85
    return 0.84 * SequenceMatcher(None, one, other, autojunk=False).ratio()
