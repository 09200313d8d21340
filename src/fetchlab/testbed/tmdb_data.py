"""Films and shows of the TMDB wire, computed from the seed: with remakes, doubles and foreign titles.

Of the films about one in twelve has an earlier film's title and another year, one in a hundred has both in
common with a better known one, and some are known under their title in another script. Shows share names,
too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Any, NamedTuple, overload

from fetchlab.testbed import catalogue_words as words
from fetchlab.testbed.hashing import draws

__all__ = ["FILMS", "SHOWS", "Computed", "Episode", "Film", "Show", "episodes_of", "films", "shows"]

FILMS = 12_000
SHOWS = 1_500

_FOREIGN_EVERY = 50
_PARTS = ("", " 2", " 3", " 4", " 5", " 6", " 7", " 8")
_EPISODE_TITLES = (
    "The {noun}",
    "{adjective} {noun}",
    "{name}",
    "The {adjective} {other}",
    "{place}",
    "{noun} and {other}",
    "A {noun} for {name}",
    "What {name} Knew",
    "{name} and the {noun}",
    "The Long {noun}",
)
_SHORT = ("{name}", "{noun}")  # so few that most films of one word would share their title
_COUNTRIES = {"en": "US", "ja": "JP", "ko": "KR", "zh": "CN", "cn": "HK", "hi": "IN", "da": "DK", "sv": "SE"}


class Film(NamedTuple):
    """What is known of a film; ``date`` is empty if nobody knows when it came out."""

    id: int
    title: str
    original: str
    language: str
    date: str
    popularity: float
    votes: int
    average: float
    genres: tuple[int, ...]
    adult: bool
    runtime: int

    @property
    def year(self) -> int | None:
        """The year it came out."""
        return int(self.date[:4]) if self.date else None


class Show(NamedTuple):
    """What is known of a show; ``seasons`` are numbers with how many episodes they have."""

    id: int
    title: str
    original: str
    language: str
    date: str
    popularity: float
    votes: int
    average: float
    genres: tuple[int, ...]
    country: str
    seasons: tuple[tuple[int, int], ...]
    adult: bool = False

    @property
    def year(self) -> int | None:
        """The year it was first shown."""
        return int(self.date[:4]) if self.date else None


class Episode(NamedTuple):
    """One episode of a season."""

    number: int
    title: str
    date: str
    runtime: int


class Computed(Sequence[dict[str, Any]]):
    """Things stated as dicts, each when it is asked for."""

    def __init__(self, things: Sequence[Any], state: Callable[[Any], dict[str, Any]]) -> None:
        self._things = things
        self._state = state

    def __len__(self) -> int:
        return len(self._things)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(place, slice):
            return [self._state(thing) for thing in self._things[place]]
        return self._state(self._things[place])


@lru_cache(maxsize=4)
def films(seed: int) -> tuple[Film, ...]:
    """Every film, in the order of its id."""
    made: list[Film] = []
    for place in range(FILMS):
        d = draws(b"tmdb-film", seed, place)
        title, original, language = _named(d, place, words.TITLES)
        day, popularity = _day(d), _popularity(d)
        kin = made[d[11] % len(made)] if place > 400 else None
        if kin is not None and kin.title == kin.original and title == original and not d[10] % 12:
            title = original = kin.title
            if kin.date and abs(int(kin.date[:4]) - day.year) < 6:
                day = day.replace(day=1, year=int(kin.date[:4]) + (17 if int(kin.date[:4]) < 2005 else -23))
        elif (
            kin is not None
            and kin.title == kin.original
            and kin.date
            and title == original
            and d[10] % 97 == 1
        ):
            title = original = kin.title
            day, popularity = date.fromisoformat(kin.date), round(kin.popularity / 5, 3)
        made.append(
            Film(
                11 + place * 37 + d[12] % 37,
                title,
                original,
                language,
                day.isoformat() if d[13] % 151 else "",
                popularity,
                d[14] % 9_000,
                (30 + d[15] % 60) / 10,
                _genres(d),
                adult=not d[16] % 211,
                runtime=70 + d[17] % 100,
            )
        )
    return tuple(made)


@lru_cache(maxsize=4)
def shows(seed: int) -> tuple[Show, ...]:
    """Every show, in the order of its id."""
    made: list[Show] = []
    for place in range(SHOWS):
        d = draws(b"tmdb-show", seed, place)
        title, original, language = _named(d, place + 7, words.TITLES[:6])
        day, popularity = _day(d), _popularity(d)
        kin = made[d[11] % len(made)] if place > 100 else None
        if kin is not None and kin.title == kin.original and title == original and not d[10] % 25:
            title = original = kin.title
            if abs(int(kin.date[:4]) - day.year) < 6:
                day = day.replace(day=1, year=int(kin.date[:4]) + (16 if int(kin.date[:4]) < 2005 else -21))
        length = 6 + d[18] % 17
        count = 1 + d[19] % 8
        seasons = tuple((number, max(4, length + d[20 + number] % 5 - 2)) for number in range(1, count + 1))
        if not d[30] % 3:
            seasons = ((0, 1 + d[31] % 5), *seasons)
        made.append(
            Show(
                1_399 + place * 23 + d[12] % 23,
                title,
                original,
                language,
                day.isoformat(),
                popularity,
                d[14] % 5_000,
                (40 + d[15] % 55) / 10,
                _genres(d),
                _COUNTRIES.get(language, language.upper()),
                seasons,
            )
        )
    return tuple(made)


def episodes_of(show: Show, season: int, seed: int) -> list[Episode]:
    """The episodes of a season, empty if there is no such season."""
    count = dict(show.seasons).get(season, 0)
    first = date.fromisoformat(show.date) + timedelta(days=364 * max(0, season - 1))
    made = []
    for number in range(1, count + 1):
        d = draws(b"tmdb-episode", seed, show.id << 16 | season << 8 | number)
        title = (
            "Pilot" if season == number == 1 and d[9] % 3 == 0 else _filled(_pick(_EPISODE_TITLES, d[0]), d)
        )
        made.append(
            Episode(number, title, (first + timedelta(days=7 * (number - 1))).isoformat(), 22 + d[8] % 40)
        )
    return made


def _named(d: tuple[int, ...], place: int, templates: Sequence[str]) -> tuple[str, str, str]:
    """Title in English, title as made, language."""
    if place % _FOREIGN_EVERY == 0:
        number = place // _FOREIGN_EVERY % (len(words.FOREIGN) * len(_PARTS))
        original, english, language = words.FOREIGN[number % len(words.FOREIGN)]
        part = _PARTS[number // len(words.FOREIGN)]
        return english + part, original + part, language
    template = _pick(templates, d[0])
    if template in _SHORT and d[24] % 8:
        template = "The {adjective} {noun}"
    title = _filled(template, d)
    title += _pick(words.ENDINGS, d[7]) if d[8] % 4 == 0 else ""
    return title, title, "en" if d[9] % 8 else _pick(words.LANGUAGES, d[9])


def _filled(template: str, d: tuple[int, ...]) -> str:
    noun = _pick(words.NOUNS, d[2])
    title = template.format(
        adjective=_pick(words.ADJECTIVES, d[1]),
        noun=noun,
        other=_pick(words.NOUNS, d[2] + 1 + d[3] % (len(words.NOUNS) - 1)),
        place=_pick(words.PLACES, d[4]),
        name=_pick(words.FIRST_NAMES, d[5]),
        family=_pick(words.LAST_NAMES, d[6]),
    )
    return (
        title.replace("A Ocean", "An Ocean")
        .replace("A Orchard", "An Orchard")
        .replace("A Empire", "An Empire")
    )


def _pick(options: Sequence[str], drawn: int) -> str:
    return options[drawn % len(options)]


@cache
def _first_day(year: int) -> date:
    return date(year, 1, 1)


def _day(d: tuple[int, ...]) -> date:
    year = 2025 - int(90 * (d[25] / 65536) ** 2.2)
    return _first_day(year) + timedelta(days=d[26] % 365)


def _popularity(d: tuple[int, ...]) -> float:
    return round(0.6 + 40 * (d[27] / 65536) ** 6 + d[28] / 65536, 3)


def _genres(d: tuple[int, ...]) -> tuple[int, ...]:
    known = (28, 12, 16, 35, 80, 99, 18, 10751, 14, 36, 27, 10402, 9648, 10749, 878, 53, 10752, 37)
    return tuple(sorted({known[d[29] % len(known)], known[d[29] // 32 % len(known)]}))
