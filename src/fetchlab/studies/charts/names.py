"""What the store has charts of: countries, categories and collections, and checks that say so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = [
    "CATEGORIES",
    "COLLECTIONS",
    "COUNTRIES",
    "MOST_RESULTS",
    "SORTS",
    "categories_of",
    "collection_of",
    "countries_of",
    "language_of",
    "results_of",
    "sort_of",
    "texts_of",
]


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COUNTRIES = _split(
    "ae at au be br ca ch cz de dk es fi fr gb gr hk hu id ie il in it jp kr mx my nl no nz ph pl pt ro "
    "sa se sg th tr tw ua us vn za"
)
"""ISO 3166-1 codes in lower case."""
CATEGORIES = _split(
    "ANDROID_WEAR APPLICATION ART_AND_DESIGN AUTO_AND_VEHICLES BEAUTY BOOKS_AND_REFERENCE BUSINESS COMICS "
    "COMMUNICATION DATING EDUCATION ENTERTAINMENT EVENTS FAMILY FINANCE FOOD_AND_DRINK GAME GAME_ACTION "
    "GAME_ADVENTURE GAME_ARCADE GAME_BOARD GAME_CARD GAME_CASINO GAME_CASUAL GAME_EDUCATIONAL GAME_MUSIC "
    "GAME_PUZZLE GAME_RACING GAME_ROLE_PLAYING GAME_SIMULATION GAME_SPORTS GAME_STRATEGY GAME_TRIVIA "
    "GAME_WORD HEALTH_AND_FITNESS HOUSE_AND_HOME LIBRARIES_AND_DEMO LIFESTYLE MAPS_AND_NAVIGATION MEDICAL "
    "MUSIC_AND_AUDIO NEWS_AND_MAGAZINES PARENTING PERSONALIZATION PHOTOGRAPHY PRODUCTIVITY SHOPPING "
    "SOCIAL SPORTS TOOLS TRAVEL_AND_LOCAL VIDEO_PLAYERS WATCH_FACE WEATHER"
)
COLLECTIONS = ("topselling_free", "topselling_paid", "topgrossing")
SORTS = {"relevance": 1, "newest": 2, "rating": 3}
MOST_RESULTS = 500
"""Apps of a chart that the service gives at most; there is no paging."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{4})?([-_]([A-Za-z]{2}|[0-9]{3}))?")


def countries_of(countries: Iterable[str]) -> tuple[str, ...]:
    """Return the codes of countries in lower case, each as the one string that stands for it.

    Raises:
        ConfigError: one is unknown; the message lists all there are.
    """
    return tuple(
        _one_of("countries", code, COUNTRIES, str.lower) for code in texts_of("countries", countries)
    )


def categories_of(categories: Iterable[str]) -> tuple[str, ...]:
    """Return categories in upper case.

    Raises:
        ConfigError: one is unknown; the message lists all there are.
    """
    return tuple(
        _one_of("categories", name, CATEGORIES, str.upper) for name in texts_of("categories", categories)
    )


def collection_of(collection: str) -> str:
    """Return the collection's name.

    Raises:
        ConfigError: it is unknown; the message lists the three there are.
    """
    return _one_of("collection", collection, COLLECTIONS, str.lower)


def sort_of(sort: str) -> str:
    """Return an order of reviews.

    Raises:
        ConfigError: it is unknown; the message lists all there are.
    """
    return _one_of("sort", sort, tuple(SORTS), str.lower)


def language_of(lang: str) -> str:
    """Return a language's code, such as ``en``, ``pt-BR`` or ``es-419`` (BCP 47: language, script, region).

    Raises:
        ConfigError: it has no such form.
    """
    if not isinstance(lang, str) or not _LANGUAGE.fullmatch(lang):
        raise ConfigError("lang", f"give a language's code such as 'en' or 'pt-BR', not {lang!r}")
    return lang


def results_of(num_results: int, *, knob: str = "num_results", most: int = MOST_RESULTS) -> int:
    """Return how many are asked for.

    Raises:
        ConfigError: it is none, or more than the service gives.
    """
    if not isinstance(num_results, int) or isinstance(num_results, bool) or num_results < 1:
        raise ConfigError(knob, f"must be a whole number from 1 to {most:,}, not {num_results!r}")
    if num_results > most:
        raise ConfigError(
            knob, f"the service gives {most:,} at most; give 1 to {most:,}, not {num_results:,}"
        )
    return num_results


def texts_of(knob: str, texts: Iterable[str]) -> Iterator[str]:
    """Return texts, read lazily.

    Raises:
        ConfigError: it is one string where many are meant, or cannot be read one by one; while it is read,
            one of them is no string.
    """
    if isinstance(texts, str | bytes):
        raise ConfigError(knob, f"give a list, [{texts!r}], not one string")
    if not isinstance(texts, Iterable):
        raise ConfigError(knob, f"give a list of strings, not {texts!r}")
    return _texts(knob, texts)


def _texts(knob: str, texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if not isinstance(text, str):
            raise ConfigError(knob, f"are strings, not {text!r}")
        yield text


def _one_of(knob: str, name: object, known: Collection[str], form: Callable[[str], str]) -> str:
    plain = form(name) if isinstance(name, str) else name
    for one in known:
        if one == plain:
            return one
    near = get_close_matches(str(plain), known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(knob, f"{name!r} is none of {', '.join(known)}{hint}")
