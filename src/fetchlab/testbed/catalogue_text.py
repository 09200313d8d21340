"""The catalogue's titles, plots and dates: as many texts as give variety, each made once."""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from functools import cache
from time import gmtime, strftime
from typing import TYPE_CHECKING

from fetchlab.testbed import catalogue_words as words
from fetchlab.testbed.hashing import pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Texts", "date_text", "escaped", "person"]

_TITLES = 2048
_VARIANTS = 64  # of each kind of sentence
_FILLED = 6  # random numbers that a template takes
_WRONG_ARTICLE = re.compile(r"\b([Aa]) (?=[AEIO])", re.IGNORECASE)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_CET = 3_600
_DAY = 86_400
_SECONDS = tuple(f"{second:02d}" for second in range(60))
_MINUTES = tuple(f"{hour:02d}:{minute}" for hour in range(24) for minute in _SECONDS)

Title = tuple[str, str, str, str]


class Texts:
    """What is written about movies, from one seed."""

    def __init__(self, seed: int) -> None:
        chance = array("H")
        chance.frombytes(pool("texts", seed, 2 * _FILLED * (_TITLES + _VARIANTS * len(words.PLOTS))))
        drawn = iter(chance)
        made = [_fill(words.TITLES[n % len(words.TITLES)], drawn) for n in range(_TITLES)]
        self._titles = [(title, _slug(title)) for title in made]
        self._endings = [(ending, f"-{_slug(ending)}" if ending else "") for ending in words.ENDINGS]
        self._foreign: list[Title] = [
            (title + part, english + part, _slug(english + part), language)
            for title, english, language in words.FOREIGN
            for part in ("", "", "", "", "", " 2", " 3", " 4")
        ]
        # Sixteen kinds in turn, so that any odd number of steps leads to another kind.
        self._sentences = [
            escaped(_fill(kind, drawn, lower=True)) for _ in range(_VARIANTS) for kind in words.PLOTS
        ]

    def title(self, one: int, two: int, three: int) -> Title:
        """A title as written, in English and as part of a URL, and its language."""
        if three % 29 == 0:
            return self._foreign[one % len(self._foreign)]
        title, slug = self._titles[one % _TITLES]
        ending, more = self._endings[two % len(self._endings)]
        title += ending
        return title, title, slug + more, words.LANGUAGES[three % len(words.LANGUAGES)]

    def plot(self, one: int, two: int) -> tuple[str, str]:
        """A plot's first sentence, and the whole of it: three or four sentences of different kinds.

        Both as they stand in JSON.
        """
        sentences, odd = self._sentences, two | 1
        size = len(sentences)
        opening = sentences[one % size]
        plot = f"{opening} {sentences[(one + odd) % size]} {sentences[(one + 2 * odd) % size]}"
        return opening, f"{plot} {sentences[(one + 3 * odd) % size]}" if two & 1 else plot


def person(one: int, two: int) -> str:
    """A person's name, as it stands in JSON."""
    return escaped(f"{_pick(words.FIRST_NAMES, one)} {_pick(words.LAST_NAMES, two)}")


def escaped(text: str) -> str:
    """`text` as the service writes it into JSON: in ASCII, which is also what Python encodes fastest."""
    return text if text.isascii() else json.dumps(text)[1:-1]


def date_text(seconds: int) -> str:
    """The time as the service writes it: its clock shows Central European Time."""
    day, rest = divmod(seconds + _CET, _DAY)
    minute, second = divmod(rest, 60)
    return f"{_day(day)} {_MINUTES[minute]}:{_SECONDS[second]}"


@cache
def _day(day: int) -> str:
    return strftime("%Y-%m-%d", gmtime(day * _DAY))


def _fill(template: str, drawn: Iterator[int], *, lower: bool = False) -> str:
    adjective, noun, other = (
        _pick(options, next(drawn)) for options in (words.ADJECTIVES, words.NOUNS, words.NOUNS)
    )
    text = template.format(
        adjective=adjective.lower() if lower else adjective,
        noun=noun.lower() if lower else noun,
        other=other,
        place=_pick(words.PLACES, next(drawn)),
        name=_pick(words.FIRST_NAMES, next(drawn)),
        family=_pick(words.LAST_NAMES, next(drawn)),
    )
    return _WRONG_ARTICLE.sub(r"\1n ", text)


def _pick(options: Sequence[str], drawn: int) -> str:
    return options[drawn % len(options)]


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return _NOT_WORD.sub("-", plain).strip("-")
