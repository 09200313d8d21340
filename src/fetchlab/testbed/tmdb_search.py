"""Search as the service does it: every word of the query must stand in a title, best known first."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Generic, TypeVar

from fetchlab.testbed.tmdb_data import Film, Show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["LETTERS", "Index", "folded"]

T = TypeVar("T", Film, Show)

LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "\u0131": "i", "þ": "th"}
)
"""Letters that Unicode does not take apart, as search engines fold them."""
_WORD = re.compile(r"\w+")
_APOSTROPHES = re.compile(r"['’`]")


def folded(text: str) -> str:
    """The words of a title without case, accents and punctuation, a blank between two."""
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text.replace("&", " and ")))
    kept = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(_WORD.findall(kept.lower().translate(LETTERS)))


class Index(Generic[T]):
    """Things by the words of their titles, in English and as they were made."""

    def __init__(self, things: Sequence[T]) -> None:
        self._things: Sequence[T] = things
        self._names = [(folded(thing.title), folded(thing.original)) for thing in things]
        self._places: dict[str, set[int]] = {}
        for place, names in enumerate(self._names):
            for word in {word for name in names for word in name.split()}:
                self._places.setdefault(word, set()).add(place)

    def find(self, query: str, fits: Callable[[T], bool]) -> list[T]:
        """What fits and has all words of `query`: titles that are the query itself, then by popularity."""
        wanted = folded(query)
        sets = sorted((self._places.get(word, set()) for word in wanted.split()), key=len)
        if not sets:
            return []
        found = [place for place in set.intersection(*sets) if fits(self._things[place])]

        def rank(place: int) -> tuple[bool, float]:
            return wanted not in self._names[place], -self._things[place].popularity

        return [self._things[place] for place in sorted(found, key=rank)]
