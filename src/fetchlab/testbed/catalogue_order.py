"""Which movies a list holds, in which order, and how the list changes while it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.testbed.catalogue_data import Facts, Movies

__all__ = ["Order", "Wanted"]

_BY_DATE = "date_added"
_KEPT = 32

_KEYS: dict[str, Callable[[Facts], Any]] = {
    "title": lambda facts: facts.english.lower(),
    "year": lambda facts: facts.year,
    "rating": lambda facts: facts.rating,
    "peers": lambda facts: facts.swarm,
    "seeds": lambda facts: facts.swarm,
    "download_count": lambda facts: facts.downloads,
    "like_count": lambda facts: facts.likes,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A list's parameters, wrong ones replaced by the service's defaults."""

    sort_by: str = _BY_DATE
    ascending: bool = False
    quality: str = ""
    genre: str = ""
    rating: int = 0
    query: str = ""

    @classmethod
    def of(cls, args: dict[str, str]) -> Wanted:
        """What the query's arguments ask for."""
        sort_by = args.get("sort_by", _BY_DATE)
        quality = args.get("quality", "").lower()
        genre = args.get("genre", "").lower()
        rating = args.get("minimum_rating", "0")
        query = args.get("query_term", "").strip().lower()
        return cls(
            sort_by if sort_by in _KEYS or sort_by == "id" else _BY_DATE,
            args.get("order_by", "desc") == "asc",
            "" if quality == "all" else quality,
            "" if genre == "all" else genre,
            int(rating) if rating in tuple("0123456789") else 0,
            "" if query == "0" else query,
        )

    @property
    def filtered(self) -> bool:
        """Whether anything is left out."""
        return bool(self.quality or self.genre or self.rating or self.query)


class Order:
    """The movies' order by upload, which changes, and other orders made from it when asked."""

    def __init__(self, movies: Movies) -> None:
        self._movies = movies
        self._dated = sorted(range(len(movies)), key=movies.uploaded.__getitem__)
        self._newest = movies.uploaded[self._dated[-1]]
        self._kept: dict[tuple[Wanted, int], list[int]] = {}
        self._facts: list[Facts] | None = None
        #: Date by place, of the movies uploaded once more.
        self.again: dict[int, int] = {}
        self.uploads = 0

    def page(self, wanted: Wanted, start: int, size: int) -> tuple[int, list[int]]:
        """How many movies the list holds, and those of one page."""
        rising = self._rising(wanted)
        count = len(rising)
        if wanted.ascending:
            return count, rising[start : start + size]
        end = max(0, count - start)
        return count, rising[max(0, end - size) : end][::-1]

    def upload_again(self, drawn: tuple[int, ...]) -> int:
        """Move one movie to the front, as a better copy of it does; gives its place."""
        place = self._dated.pop((drawn[0] << 16 | drawn[1]) % len(self._dated))
        self._dated.append(place)
        self.uploads += 1
        self._newest += 60
        self.again[place] = self._newest
        return place

    def _rising(self, wanted: Wanted) -> list[int]:
        if wanted == Wanted(ascending=wanted.ascending):
            return self._dated
        # An order that does not depend on dates outlives changes.
        key = wanted, self.uploads if wanted.sort_by == _BY_DATE else 0
        kept = self._kept.get(key)
        if kept is None:
            while len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            kept = self._kept[key] = self._sorted(wanted)
        return kept

    def _sorted(self, wanted: Wanted) -> list[int]:
        places = self._dated if wanted.sort_by == _BY_DATE else range(len(self._movies))
        chosen = (
            [place for place in places if self._matches(wanted, place)] if wanted.filtered else list(places)
        )
        if wanted.sort_by in _KEYS:
            key, facts = _KEYS[wanted.sort_by], self._all_facts()
            chosen.sort(key=lambda place: key(facts[place]))
        return chosen

    def _matches(self, wanted: Wanted, place: int) -> bool:
        facts = self._all_facts()[place]
        return (
            facts.rating >= wanted.rating
            and (not wanted.genre or any(wanted.genre == genre.lower() for genre in facts.genres))
            and (not wanted.query or self._mentions(wanted.query, place, facts))
            and (not wanted.quality or wanted.quality in self._movies.qualities(place))
        )

    def _mentions(self, query: str, place: int, facts: Facts) -> bool:
        return (
            query in facts.title.lower()
            or query in facts.english.lower()
            or query == self._movies.imdb(place)
        )

    def _all_facts(self) -> list[Facts]:
        if self._facts is None:
            self._facts = [self._movies.facts(place) for place in range(len(self._movies))]
        return self._facts
