"""The fast path: well-formed names, read in tens of microseconds; all others it leaves alone.

It knows three forms. ``Title (2014) …`` and ``Title.2014.1080p…`` are films. ``Title … S01E02 …`` and
``1x02`` are episodes; so is ``Title/Season 1/S01E02 …``, where the title is its folder's. Anything that could
be read in two ways makes it unsure, and it says why: two years, a word that may be of the title or of the
file, brackets, mixed separators, folders that contradict. A folder that is named by the title alone settles
some of that. Names of the layout that a plan makes are read in ``placed.py``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from fetchlab.studies.library.parsed import Parsed, Unsure
from fetchlab.studies.library.placed import read_placed
from fetchlab.studies.library.tokens import AMBIGUOUS, PLAIN, SHELVES, TAG, edition_of, screen_of

__all__ = ["LATEST", "read"]

LATEST = 2032
"""The latest year a film is believed to be of."""

_MARK = re.compile(
    r"(?<![a-z0-9])(?:s(\d{1,2})[ ._]?e(\d{1,3})((?:-?e\d{1,3})*)|(\d{1,2})x(\d{2,3}))(?![a-z0-9])",
    re.IGNORECASE,
)
_JOINED = re.compile(r"[ ._]*[-+&~,][ ._]*(?:e|ep)?\d{1,3}(?![\dpix])|[ ._]+e\d", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_YEAR = re.compile(r"(?<!\d)(?:19[0-9]{2}|20[0-3][0-9])(?!\d|[pi](?![a-z]))", re.IGNORECASE)
_DATE = re.compile(
    r"(?<![a-z0-9])(?:\d{4}([-._ ])\d{1,2}\1\d{1,2}|\d{1,2}([-._ ])\d{1,2}\2(?:\d{2}|\d{4}))(?![a-z0-9])",
    re.IGNORECASE,
)
_EPISODIC = re.compile(
    r"(?<![a-z0-9])(?:s\d{1,2}|e\d{1,4}|ep\d{1,4}|season|saison|episode|cd\d|disc\d|part|pt\d?)(?![a-z])",
    re.IGNORECASE,
)
_TITLE = re.compile(r"[^\W_](?:[\w '’&.-]*[\w.])?")
_ACRONYM = re.compile(r"(?:^|[ .])\w\.\w(?:\.|$)")
_SEASON = re.compile(r"(?:season|s)[ ._]?(\d{1,2})", re.IGNORECASE)
_WITH_YEAR = re.compile(r"(.+?)[ ._]+\(((?:19|20)\d\d)\)")
_WORDS = re.compile(r"[ ._]+")
_PART = re.compile(r"-?(?:cd|dis[ck]|dvd|pt|(part))([1-9])", re.IGNORECASE)


@lru_cache(maxsize=16_384)
def read(folders: tuple[str, ...], stem: str) -> Parsed | Unsure:
    """Read a name, or say why it is not certain what it means.

    Args:
        folders: the names of the folders that the file is in, from the library's root on.
        stem: the file's name without its extension.
    """
    placed = read_placed(folders, stem)
    if placed is not None:
        return placed
    mark = _MARK.search(stem)
    return _film(folders, stem) if mark is None else _episode(folders, stem, mark)


def _film(folders: tuple[str, ...], stem: str) -> Parsed | Unsure:
    years = list(_YEAR.finditer(stem))
    if len(years) != 1:
        return Unsure("no year" if not years else "two years")
    (year,) = years
    before, after = stem[: year.start()], stem[year.end() :]
    bracketed = before[-1:] == "("
    if bracketed != (after[:1] == ")"):
        return Unsure("brackets")
    if bracketed:
        before, after = before[:-1], after[1:]
    if before[-1:] not in (" ", ".", "_"):
        return Unsure("the year does not stand apart")
    if after and after[0] not in " ._":
        return Unsure("the year does not stand apart")
    rest = after.strip(" ._-[(")
    if rest and TAG.match(rest) is None:
        return Unsure("what follows the year is unknown")
    vouched = _vouched(folders, before)
    if _EPISODIC.search(rest if vouched else stem) or _DATE.search(stem):
        return Unsure("may be part of something")
    title = _title(before, numbers=True, vouched=vouched)
    if isinstance(title, Unsure):
        return title
    value = int(year[0])
    if value > LATEST:
        return Unsure("a year to come")
    for folder in folders[-2:]:
        about = _folder(folder)
        if about.season is not None:
            return Unsure("a film in a season's folder")
        if about.years and about.years != (value,):
            return Unsure("its folder states another year")
    if folders and folders[-1].lower() not in SHELVES and not _agrees(folders[-1], title):
        return Unsure("its folder has another name")
    if _written_otherwise(folders, title):
        return Unsure("its folder writes it otherwise")
    tier = "title (year)" if bracketed else "title, year"
    why = "one year, a plain title before it"
    return Parsed("movie", title, value, screen=screen_of(rest), edition=edition_of(rest), tier=tier, why=why)


def _episode(folders: tuple[str, ...], stem: str, mark: re.Match[str]) -> Parsed | Unsure:
    before, after = stem[: mark.start()], stem[mark.end() :]
    if _MARK.search(after) or _JOINED.match(after):
        return Unsure("more than one episode mark")
    if mark[1] is not None:
        season, tier = int(mark[1]), "SxxEyy"
        numbers = tuple(int(number) for number in (mark[2], *_NUMBER.findall(mark[3])))
        if "-" in mark[3] and len(numbers) == 2:
            numbers = (
                tuple(range(numbers[0], numbers[1] + 1)) if numbers[0] < numbers[1] < numbers[0] + 9 else ()
            )
        if not numbers or list(numbers) != sorted(set(numbers)):
            return Unsure("episodes out of order")
    else:
        season, numbers, tier = int(mark[4]), (int(mark[5]),), "1x02"
    if _DATE.search(stem):
        return Unsure("a date")
    for folder in folders[-2:]:
        about = _folder(folder)
        if about.season not in (None, season):
            return Unsure("its folder states another season")
    before = before.rstrip(" ._-")
    year = None
    if not before:
        named = _series_of(folders)
        if isinstance(named, Unsure):
            return named
        title, year = named
        tier = "season folder"
    else:
        years = list(_YEAR.finditer(before))
        if years:
            match = _WITH_YEAR.fullmatch(before)
            if match is None or len(years) > 1:
                return Unsure("a year in a show's title")
            before, year = match[1], int(match[2])
        read_title = _title(before, numbers=False, vouched=_vouched(folders, before))
        if isinstance(read_title, Unsure):
            return read_title
        title = read_title
        if _written_otherwise(folders, title):
            return Unsure("its folder writes it otherwise")
    name, part = _episode_title(after)
    return Parsed(
        "episode", title, year, season, numbers, name, screen=screen_of(after), part=part,
        tier=tier, why="one episode mark, a plain title before it",
    )  # fmt: skip


def _title(text: str, *, numbers: bool, vouched: bool) -> str | Unsure:
    """The title that stands in a name, if it is one in any reading.

    Args:
        text: what stands before the year or the mark.
        numbers: a digit at its end is a part of it.
        vouched: a folder has this name alone.
    """
    text = text.rstrip(" ._")
    dotted = "." in text or "_" in text
    if " " in text and dotted:
        return Unsure("mixed separators")
    if "." in text and "_" in text:
        return Unsure("mixed separators")
    if not text or _TITLE.fullmatch(text) is None:
        return Unsure("signs in the title")
    if " -" in text or "- " in text or ".-" in text or "-." in text or "_-" in text or "-_" in text:
        return Unsure("a dash in the title")
    if dotted and _ACRONYM.search(text):
        return Unsure("an acronym")
    words = _WORDS.split(text)
    if dotted and "-" in words[0]:
        return Unsure("a dash in the title")
    shouted = text.isupper()
    for place, word in enumerate(words):
        lower = word.lower()
        if lower in AMBIGUOUS and not (vouched and lower in PLAIN):
            return Unsure(f"the word {lower}")
        if any(char.isdigit() for char in word) and not (
            (numbers or vouched) and place and place == len(words) - 1 and word.isdigit() and len(word) == 1
        ):
            return Unsure("a number in the title")
        if not (shouted or vouched) and 1 < len(word) < 5 and word.isupper():
            return Unsure("a word in capitals")
        if not lower.isascii() and not _latin(lower):
            return Unsure("another script")
    if any(TAG.fullmatch(word) for word in words):
        return Unsure("a release's word in the title")
    return " ".join(words)


@lru_cache(maxsize=65_536)
def _latin(word: str) -> bool:
    return all(char < "ɐ" or char == "’" for char in word)


class _About(NamedTuple):
    """What a folder's name says."""

    season: int | None
    years: tuple[int, ...]


@lru_cache(maxsize=65_536)
def _folder(name: str) -> _About:
    mark = _MARK.search(name)
    match = _SEASON.fullmatch(name) or re.search(r"(?<![a-z0-9])s(\d{2})(?![a-z0-9])", name, re.IGNORECASE)
    season = int(match[1]) if match else int(mark[1] or mark[4]) if mark else None
    return _About(season, tuple(int(year[0]) for year in _YEAR.finditer(name)))


@lru_cache(maxsize=65_536)
def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _agrees(folder: str, title: str) -> bool:
    """Whether a folder is named after this title, as far as it is named after any."""
    return _folded(folder).startswith(_folded(title))


def _vouched(folders: tuple[str, ...], text: str) -> bool:
    """Whether one of the two folders above bears this name, with its year or without, and nothing else."""
    wanted = _folded(text)
    return any(_folded(_bare(folder)) == wanted for folder in folders[-2:])


@lru_cache(maxsize=65_536)
def _bare(folder: str) -> str:
    match = _WITH_YEAR.fullmatch(folder)
    return folder if match is None else match[1]


def _written_otherwise(folders: tuple[str, ...], title: str) -> bool:
    """Whether a title in small letters is a folder's with capitals."""
    if not title.islower():
        return False
    return any(_agrees(folder, title) and not folder.startswith(title) for folder in folders[-2:])


def _series_of(folders: tuple[str, ...]) -> tuple[str, int | None] | Unsure:
    if len(folders) < 2 or _SEASON.fullmatch(folders[-1]) is None:
        return Unsure("no title")
    name, year = folders[-2], None
    match = _WITH_YEAR.fullmatch(name)
    if match is not None:
        name, year = match[1], int(match[2])
    if name.lower() in SHELVES:
        return Unsure("no title")
    title = _title(name, numbers=False, vouched=True)
    return title if isinstance(title, Unsure) else (title, year)


def _episode_title(after: str) -> tuple[str | None, int | None]:
    """What stands between the episode's number and the first word about the file; which part of it it is.

    ``pt1`` and its like are Plex's marks of parts; ``part1`` may be a title's end.
    """
    words = []
    for word in _WORDS.split(after.lstrip(" ._-")):
        if TAG.match(word.lstrip("[(")):
            break
        words.append(word)
    last = _PART.fullmatch(words[-1]) if words else None
    part = None
    if last is not None and (last[1] is None or all(word in ("", "-") for word in words[:-1])):
        part = int(last[2])
        words.pop()
    return " ".join(words).strip(" -[(") or None, part
