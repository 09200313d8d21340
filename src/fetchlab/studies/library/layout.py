"""Where a film or an episode goes in Plex's layout, and what its file is called; without I/O.

The rules are those of Plex's documents "Naming and organizing your Movie files", "Naming and organizing your
TV Show files", "Multiple Editions" and "Multiple Version of Movies", with the service's id in a film's name,
so that remakes of one year stay apart.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from fetchlab.policy.filenames import safe_name

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Place", "episode", "film", "spelt"]

MOVIES, SHOWS = "Movies", "TV Shows"
LONGEST_STEM = 200
"""Bytes of UTF-8: a file system allows 255, and subtitles add their marks and extension."""
_LONGEST_SHOW = 100
_COLON = re.compile(r"\s*:\s+")
_SPELT = str.maketrans(
    {"/": "-", "\\": "-", "|": "-", ":": "-", '"': "'", "{": "(", "}": ")"} | dict.fromkeys("?*<>")
)


class Place(NamedTuple):
    """Where a video belongs.

    Attributes:
        title_folder: the folder of its film or show, from the library's root on, with ``/``.
        folder: its own folder: the same, or a season's in it.
        stem: its name without the extension.
    """

    title_folder: str
    folder: str
    stem: str


def film(
    title: str,
    year: int | None,
    tmdb: int,
    *,
    edition: str | None = None,
    screen: str | None = None,
    part: int | None = None,
) -> Place:
    """Return a film's place: ``Movies/Title (Year)/Title (Year) {tmdb-ID} - 1080p``.

    Args:
        title: of the film.
        year: of its first release, None if nobody knows.
        tmdb: its id.
        edition: such as ``Extended``, which becomes ``{edition-Extended}``.
        screen: ``1080p`` and its like, which tells versions apart. Of films in parts it is left out, as their
            names may differ in the part alone.
        part: of a film in several files, which becomes ``- pt1``.
    """
    told = f" ({year})" if year is not None else ""
    marks = f"{told} {{tmdb-{tmdb}}}"
    if edition and (written := spelt(edition)):
        marks += f" {{edition-{_cut(written, 40)}}}"
    if part is not None:
        marks += f" - pt{part}"
    elif screen and (written := spelt(screen)):
        marks += f" - {_cut(written, 20)}"
    name = _cut(spelt(title), LONGEST_STEM - len(marks.encode()))
    folder = f"{MOVIES}/{safe_name((name or f'tmdb-{tmdb}') + told)}"
    return Place(folder, folder, _stem(name + marks))


def episode(
    show: str,
    year: int | None,
    season: int,
    numbers: Sequence[int],
    title: str | None = None,
    *,
    tmdb: int,
    part: int | None = None,
) -> Place:
    """Return an episode's place: ``TV Shows/Show (Year)/Season 01/Show (Year) - s01e02 - Title``.

    Season 0 holds the specials. Several episodes in a file are ``s01e02-e03``.

    Args:
        show: the show's title.
        year: of its first episode, None if nobody knows.
        season: its number.
        numbers: of the episodes in the file, at least one.
        title: of the episode.
        tmdb: the show's id, for shows whose title cannot be written.
        part: of an episode in several files.
    """
    told = f" ({year})" if year is not None else ""
    name = (_cut(spelt(show), _LONGEST_SHOW) or f"tmdb-{tmdb}") + told
    marks = f" - s{season:02d}{_span(numbers)}"
    end = f" - pt{part}" if part is not None else ""
    room = LONGEST_STEM - len(f"{name}{marks}{end} - ".encode())
    written = _cut(spelt(title or ""), room)
    stem = _stem(f"{name}{marks}{f' - {written}' if written else ''}{end}")
    folder = f"{SHOWS}/{_safe(name)}"
    return Place(folder, f"{folder}/Season {season:02d}", stem)


@lru_cache(maxsize=4_096)
def spelt(title: str) -> str:
    """Return a title without what file systems refuse: ``A: B`` becomes ``A - B``, ``A/B`` becomes ``A-B``.

    Braces become brackets, since in a name they enclose marks.
    """
    text = _COLON.sub(" - ", unicodedata.normalize("NFC", title)).translate(_SPELT)
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable() or char.isspace())
    return " ".join(text.split())


def _span(numbers: Sequence[int]) -> str:
    """``e02``, ``e02-e04`` for those in a row, else each of them."""
    first, last = min(numbers), max(numbers)
    if first == last:
        return f"e{first:02d}"
    if sorted(numbers) == list(range(first, last + 1)):
        return f"e{first:02d}-e{last:02d}"
    return "".join(f"e{number:02d}" for number in numbers)


def _cut(text: str, room: int) -> str:
    kept = text.encode("utf-8", "ignore")[: max(room, 0)].decode("utf-8", "ignore")
    return kept if kept == text else kept.rstrip(" .-")


@lru_cache(maxsize=4_096)
def _safe(name: str) -> str:
    """A folder's safe name: a show's is asked for with each of its episodes."""
    return safe_name(name)


def _stem(text: str) -> str:
    """A stem that stays as it is when an extension is added."""
    return safe_name(f"{text}.x").removesuffix(".x")
