"""Which app stands where: the charts of each country, category and collection, day by day."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

from fetchlab.testbed import play_words as words
from fetchlab.testbed.hashing import pool

if TYPE_CHECKING:
    from fetchlab.testbed.play_data import Apps

__all__ = ["LONGEST", "Charts"]

LONGEST = 500
"""Apps that a chart holds at most."""
_KEPT = 4096
_COUNTRY, _DAY = 3.0, 0.25
"""How much a country's taste and a day's mood weigh, beside the logarithm of an app's place."""


class Charts:
    """Charts as places of apps, best first.

    Args:
        apps: what is ranked.
        seed: what tastes and moods are made from.
    """

    def __init__(self, apps: Apps, seed: int) -> None:
        self._apps = apps
        self._seed = seed
        self._kept: dict[tuple[str, str, str, int], list[int]] = {}
        self._words: dict[str, list[int]] | None = None

    def chart(self, country: str, category: str, collection: str, day: int = 0) -> list[int]:
        """A chart of at most :data:`LONGEST` apps; empty for a category or collection that is none."""
        key = country, category, collection, day
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            kept = self._kept[key] = self._ranked(*key)
        return kept

    def hits(self, query: str, most: int) -> list[int]:
        """The apps whose title or developer has all words of a query, the most installed ones first."""
        asked = query.lower().split()
        known = self._known()
        if not asked or any(word not in known for word in asked):
            return []
        found = set(known[asked[0]]).intersection(*(known[word] for word in asked[1:]))
        return sorted(found, key=lambda place: (-self._apps.app(place).real_installs, place))[:most]

    def _ranked(self, country: str, category: str, collection: str, day: int) -> list[int]:
        if category not in words.CATEGORIES or collection not in words.COLLECTIONS:
            return []
        places = self._apps.places(category)
        taste = self._noise(f"{country}/{category}/{collection}", len(places))
        mood = self._noise(f"{country}/{category}/{collection}/{day}", len(places))
        paid = self._apps.is_paid
        scored = [
            (math.log(rank + 2) + _COUNTRY * taste[rank] / 65_536 + _DAY * mood[rank] / 65_536, place)
            for rank, place in enumerate(places)
            if collection == "topgrossing" or paid(place) == (collection == "topselling_paid")
        ]
        return [place for _, place in sorted(scored)[:LONGEST]]

    def _noise(self, name: str, count: int) -> array[int]:
        found = array("H")
        found.frombytes(pool(f"chart/{name}", self._seed, 2 * count))
        return found

    def _known(self) -> dict[str, list[int]]:
        """Words to places, made once somebody searches."""
        if self._words is None:
            self._words = {}
            for place in range(len(self._apps)):
                for word in set(self._apps.told(place).lower().replace(":", "").split()):
                    self._words.setdefault(word, []).append(place)
        return self._words
