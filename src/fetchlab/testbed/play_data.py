"""The store's apps: computed from the seed and a place, a thousand in each category.

Nothing is kept but what is asked for: an app's facts take some microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

from fetchlab.testbed import play_words as words
from fetchlab.testbed.hashing import draws

__all__ = ["PER_CATEGORY", "App", "Apps", "price"]

PER_CATEGORY = 1_000
_LEAVES = tuple(name for name in words.CATEGORIES if name not in words.KINDS)
_OPENED = 1_325_376_000  # 1 January 2012
_NOW = 1_793_491_200  # 1 November 2026
_DAY = 86_400
_PRICES = (0.99, 1.49, 1.99, 2.99, 3.99, 4.99, 6.99, 9.99, 19.99)
_STEPS = tuple(digit * 10**power for power in range(1, 10) for digit in (1, 5))
_ID = re.compile(r"com\.[a-z]+\.[a-z]+\.a(\d{1,6})")


class App(NamedTuple):
    """What all answers tell of an app. ``dollars`` is 0 for a free one, ``score`` None for an unrated one."""

    place: int
    app_id: str
    title: str
    developer: str
    developer_id: str
    category: str
    genre: str
    summary: str
    description: str
    score: float | None
    ratings: int
    reviews: int
    installs: int
    real_installs: int
    dollars: float
    in_app: bool
    ads: bool
    released: int
    updated: int
    version: str
    android: str
    rating: str
    screenshots: int
    video: bool

    @property
    def installs_text(self) -> str:
        """As it is shown: at least so many."""
        return f"{self.installs:,}+"

    @property
    def url(self) -> str:
        """Of its page, without the host."""
        return f"/store/apps/details?id={self.app_id}"


class Apps(Sequence[dict[str, Any]]):
    """All apps, each as a dict of :class:`App`'s names.

    Args:
        seed: what they are made from.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __len__(self) -> int:
        return len(_LEAVES) * PER_CATEGORY

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(place, slice):
            return [self.app(one)._asdict() for one in range(len(self))[place]]
        return self.app(range(len(self))[place])._asdict()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self.app(place)._asdict() for place in range(len(self)))

    def places(self, category: str) -> Sequence[int]:
        """The places of a category's apps, the most popular ones first; of a large one the best of each kind.

        Raises:
            KeyError: there is no such category.
        """
        kinds = words.KINDS.get(category)
        if kinds is not None:
            each = PER_CATEGORY // len(kinds)
            return [place for rank in range(each) for kind in kinds for place in (self.places(kind)[rank],)]
        if category not in words.CATEGORIES:
            raise KeyError(category)
        start = _LEAVES.index(category) * PER_CATEGORY
        return range(start, start + PER_CATEGORY)

    def find(self, app_id: str) -> App | None:
        """The app of that id."""
        match = _ID.fullmatch(app_id)
        if match is None or int(match.group(1)) >= len(self):
            return None
        app = self.app(int(match.group(1)))
        return app if app.app_id == app_id else None

    def is_paid(self, place: int) -> bool:
        """Whether it costs something to have it."""
        return place % 3 == 2

    def told(self, place: int) -> str:
        """The title and the developer of the app at a place, which searches want of all."""
        d = draws(b"play app", self._seed, place)
        title = _titled(d, _LEAVES[place // PER_CATEGORY])[2]
        maker, tail = _made_by(d)
        return f"{title} {maker} {tail}"

    def app(self, place: int) -> App:
        """The app at a place."""
        d = draws(b"play app", self._seed, place)
        category, rank = _LEAVES[place // PER_CATEGORY], place % PER_CATEGORY
        first, second, title = _titled(d, category)
        maker, tail = _made_by(d)
        real = int(3e9 / (rank + 3) ** 2 * (0.5 + d[5] / 65_536))
        ratings = real // (20 + d[6] % 80)
        told = {"first": first.lower(), "second": second.lower()}
        pitch = words.PITCHES[d[7] % len(words.PITCHES)].format(**told)
        more = words.PITCHES[d[8] % len(words.PITCHES)].format(**told)
        released = _OPENED + d[9] * (_NOW - _OPENED) // 65_536 // _DAY * _DAY
        return App(
            place,
            f"com.{maker.lower()}.{first.lower()}{second.lower()}.a{place}",
            title,
            f"{maker} {tail}",
            str(5_700_313_618_786_177_705 + d[2] * 24 + d[3]) if d[11] % 3 else f"{maker}+{tail.split()[-1]}",
            category,
            words.CATEGORIES[category],
            pitch,
            f"{pitch}.<br><br>• {more}<br>• {first} &amp; {second}",
            None if d[12] % 29 == 0 else round(1.5 + 3.45 * (1 - (d[13] / 65_536) ** 2), 7),
            ratings,
            ratings // 9,
            max((step for step in _STEPS if step <= real), default=1),
            real,
            _PRICES[d[14] % len(_PRICES)] if self.is_paid(place) else 0.0,
            d[15] % 5 < 3,
            d[16] % 5 < 3,
            released,
            released + (_NOW - released) * d[17] // 65_536,
            f"{1 + d[18] % 9}.{d[19] % 30}.{d[20] % 10}",
            f"{5 + d[21] % 8}.0",
            words.RATINGS[d[22] % len(words.RATINGS)],
            d[23] % 6,
            d[24] % 5 == 0,
        )


def _titled(d: Sequence[int], category: str) -> tuple[str, str, str]:
    """Two words and the title they make."""
    first, second = words.FIRST[d[0] % len(words.FIRST)], words.SECOND[d[1] % len(words.SECOND)]
    more = ("", f": {words.CATEGORIES[category]}", " 2", "")[d[10] % 4]
    return first, second, f"{first} {second}{more}"


def _made_by(d: Sequence[int]) -> tuple[str, str]:
    """A developer's name and what it is."""
    maker = words.FIRST[d[2] % len(words.FIRST)] + words.SECOND[d[3] % len(words.SECOND)].lower()
    return maker, words.DEVELOPERS[d[4] % len(words.DEVELOPERS)]


def price(dollars: float, country: words.Country) -> tuple[int, str, str]:
    """A price in a country: millionths of its currency, the currency, and as it is written ("" if free)."""
    if not dollars:
        return 0, country.currency, ""
    if country.whole:
        amount = round(dollars * country.rate, -1)
        return int(amount) * 1_000_000, country.currency, country.written.format(f"{amount:,.0f}")
    cents = round(dollars * country.rate * 100)
    return cents * 10_000, country.currency, country.written.format(f"{cents / 100:,.2f}")
