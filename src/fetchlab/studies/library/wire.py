"""TMDB's answers, as far as a library reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from fetchlab.engine.parse import decode

if TYPE_CHECKING:
    from fetchlab.model import Response

__all__ = ["Candidate", "Kind", "SeasonTold", "parse_search", "parse_season"]

Kind = Literal["movie", "tv"]


class Candidate(msgspec.Struct, frozen=True):
    """A film or show that a search found.

    Attributes:
        id: the service's.
        title: in English.
        original: in its own language.
        year: of its first release, None if the service does not know it.
        popularity: the service's measure; larger is better known.
    """

    id: int
    title: str
    original: str
    year: int | None = None
    popularity: float = 0.0


class SeasonTold(msgspec.Struct, frozen=True):
    """A season's episodes: titles by number; None if there is no such season."""

    titles: dict[int, str] | None = None


class _Result(msgspec.Struct):
    id: int
    title: str = ""
    name: str = ""
    original_title: str = ""
    original_name: str = ""
    release_date: str | None = None
    first_air_date: str | None = None
    popularity: float | None = None


class _Page(msgspec.Struct):
    results: list[_Result] = []


class _Episode(msgspec.Struct):
    episode_number: int
    name: str | None = None


class _Season(msgspec.Struct):
    episodes: list[_Episode] = []


def parse_search(response: Response) -> list[Candidate]:
    """Read the first page of a search, in the order of the service."""
    return [_candidate(result) for result in decode(response, _Page).results]


def parse_season(response: Response) -> SeasonTold:
    """Read a season; 404 says that there is none."""
    if response.status == 404:
        return SeasonTold()
    told = decode(response, _Season)
    return SeasonTold({one.episode_number: one.name or "" for one in told.episodes})


def _candidate(result: _Result) -> Candidate:
    date = result.release_date or result.first_air_date or ""
    year = int(date[:4]) if date[:4].isdecimal() else None
    title, original = result.title or result.name, result.original_title or result.original_name
    return Candidate(result.id, title, original or title, year, result.popularity or 0.0)
