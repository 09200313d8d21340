"""Names of the layout that a plan makes: read from their folders, with nothing to be guessed.

Else a library would be slower to look through once it is in order, since its titles stand with dashes and
marks that the fast path is rightly unsure of.
"""

from __future__ import annotations

import re

from fetchlab.studies.library.parsed import Parsed

__all__ = ["read_placed"]

_NAMED = re.compile(r"(?P<title>.+?)(?: \((?P<year>(?:18|19|20)\d\d)\))?")
_FILM = re.compile(
    r" \{tmdb-\d+\}(?: \{edition-(?P<edition>[^{}]+)\})?"
    r"(?: - (?:pt(?P<part>\d{1,3})|(?P<screen>\d{3,4}[pi])))?"
)
_EPISODE = re.compile(
    r" - s(?P<season>\d\d)(?P<span>e\d\d+(?:-?e\d\d+)*)(?: - (?P<title>.+?))?(?: - pt(?P<part>\d{1,3}))?"
)
_WHY = "its folders say the same"


def read_placed(folders: tuple[str, ...], stem: str) -> Parsed | None:
    """Return what a name in that layout says, None if it is none.

    Args:
        folders: the names of the folders that the file is in, from the library's root on.
        stem: the file's name without its extension.
    """
    if "{tmdb-" in stem:
        return _film(folders[-1], stem) if folders and stem.startswith(f"{folders[-1]} {{tmdb-") else None
    if len(folders) > 1 and folders[-1].startswith("Season ") and stem.startswith(f"{folders[-2]} - s"):
        return _episode(folders[-2], folders[-1], stem)
    return None


def _film(folder: str, stem: str) -> Parsed | None:
    named, marks = _NAMED.fullmatch(folder), _FILM.fullmatch(stem, len(folder))
    if named is None or marks is None:
        return None
    return Parsed(
        "movie",
        named["title"],
        _number(named["year"]),
        screen=marks["screen"],
        edition=marks["edition"],
        part=_number(marks["part"]),
        tier="layout",
        why=_WHY,
    )


def _episode(folder: str, season: str, stem: str) -> Parsed | None:
    named, marks = _NAMED.fullmatch(folder), _EPISODE.fullmatch(stem, len(folder))
    if named is None or marks is None or season != f"Season {marks['season']}":
        return None
    numbers = [int(number) for number in re.findall(r"\d+", marks["span"])]
    if "-" in marks["span"]:
        if len(numbers) != 2 or not numbers[0] < numbers[1] < numbers[0] + 100:
            return None
        numbers = list(range(numbers[0], numbers[1] + 1))
    return Parsed(
        "episode",
        named["title"],
        _number(named["year"]),
        int(marks["season"]),
        tuple(numbers),
        marks["title"],
        part=_number(marks["part"]),
        tier="layout",
        why=_WHY,
    )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
