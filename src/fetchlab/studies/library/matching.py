"""A library's files beside the films and episodes that they are."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.studies.library.asking import Asking, Want
from fetchlab.studies.library.columns import shared_series
from fetchlab.studies.library.scanning import SCANNED
from fetchlab.studies.library.titles import folded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetchlab.engine.run import Run
    from fetchlab.model import Result
    from fetchlab.studies.library.asking import Asked
    from fetchlab.studies.library.scoring import Scored

__all__ = ["MATCHED", "Matching"]

_ALTERNATIVE = pl.Struct(
    {"tmdb": pl.Int64(), "title": pl.String(), "year": pl.Int32(), "confidence": pl.Float64()}
)
_NONE: list[dict[str, Any]] = []
FOUND = pl.Schema(
    {
        "tmdb": pl.Int64(),
        "matched_title": pl.String(),
        "original_title": pl.String(),
        "matched_year": pl.Int32(),
        "matched_episode": pl.String(),
        "confidence": pl.Float64(),
        "reason": pl.Categorical(),
        "alternatives": pl.List(_ALTERNATIVE),
    }
)
_PLAIN = pl.Schema({name: kind for name, kind in FOUND.items() if name != "alternatives"})
_TOGETHER = 1024
MATCHED = pl.Schema({**SCANNED, **FOUND})
"""Videos and what they are. ``confidence`` is from 0 to 1, 0 where nothing was found; ``reason`` says why;
titles of several episodes in a file are joined by ``&``."""


class Matching:
    """Asks about scanned files, and puts the answers beside them; one for each run.

    Args:
        scanned: a table of the SCANNED schema.
        ahead: seasons to ask for beyond those that are there.
    """

    def __init__(self, scanned: pl.DataFrame, ahead: int) -> None:
        self.asking = Asking(ahead)
        videos = scanned["kind"] == "video"
        self._videos = pl.DataFrame([column.filter(videos) for column in scanned.get_columns()])
        read = self._read("type", "title", "year", "season", "episodes", "alternative")
        self._wants = [self._want(*row) for row in read]
        self._shared: dict[int, list[dict[str, Any]]] = {}

    def _want(
        self,
        kind: str | None,
        title: str | None,
        year: int | None,
        season: int | None,
        episodes: list[int] | None,
        alternative: str | None,
    ) -> Want | None:
        if not title:
            return None
        if kind != "episode":
            return self.asking.want("movie", title, year, None, alternative)
        return self.asking.want("tv", title, year, _season(season, episodes), alternative)

    def further(self, result: Result) -> list[Asked]:
        """What an answer leads to."""
        further = self.asking.saw(result.item, result.value, cached=result.cached)
        if isinstance(result.value, list):
            result.value.clear()  # the run holds it to its end, and nobody reads it again
        return further

    def frame_of(self, run: Run) -> pl.DataFrame:
        """Every video with what it is, once the run has ended."""
        for result in run:
            if not result.ok:
                self.asking.failed(result.item)
        return self.frame()

    def frame(self) -> pl.DataFrame:
        """Every video with what it is, MATCHED, sorted by path."""
        rows = zip(self._wants, self._read("season", "episodes"), strict=True)
        made = [self._part(some) for some in iter(lambda: list(islice(rows, _TOGETHER)), [])]
        found = pl.concat([part for part, _ in made], rechunk=False) if made else pl.DataFrame(schema=_PLAIN)
        others = [one for _, part in made for one in part]
        shared = shared_series("alternatives", others, FOUND["alternatives"], key=id)
        return pl.DataFrame([*self._videos.get_columns(), *found.get_columns(), shared])

    def _part(self, rows: list[tuple[Want | None, tuple[Any, ...]]]) -> tuple[pl.DataFrame, list[Any]]:
        """Some rows as columns, and their alternatives; so that few are values of Python at a time."""
        *plain, others = zip(*(self._row(want, *read) for want, read in rows), strict=True)
        series = [
            pl.Series(name, values, kind) for (name, kind), values in zip(_PLAIN.items(), plain, strict=True)
        ]
        return pl.DataFrame(series), list(others)

    def notes(self) -> dict[str, object]:
        """What was asked and why, and the share of what files needed that another file had asked for."""
        counts = self.asking.counts
        needed = counts["title"] + counts["season"] + counts["fallback"] + counts["cached"] - counts["ahead"]
        lookups = self.asking.lookups
        return {
            "videos": len(self._videos),
            "titles": self.asking.titles,
            "lookups": lookups,
            "searches": counts["title"],
            "seasons": counts["season"],
            "fallbacks": counts["fallback"],
            "ahead": counts["ahead"],
            "from_cache": counts["cached"],
            "precached_share": 1 - min(lookups, needed) / lookups if lookups else 0.0,
        }

    def _read(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """Rows of some columns, without polars' lazy engine, which takes 6 MB the first time."""
        return pl.DataFrame([self._videos[name] for name in names]).iter_rows()

    def _row(self, want: Want | None, season: int | None, episodes: list[int] | None) -> tuple[Any, ...]:
        if want is None:
            return None, None, None, None, None, 0.0, "no title could be read", _NONE
        best = want.best
        if best is None:
            reason = "no answer" if want.failed or not want.settled else "nothing found"
            return None, None, None, None, None, 0.0, reason, _NONE
        confidence, reason = best.confidence, _reason(want, best)
        titles: str | None = None
        if want.kind == "tv":
            titles, part, said = self._episodes(best.candidate.id, _season(season, episodes), episodes or [])
            confidence *= part
            reason += said
        one = best.candidate
        others = self._others(want)
        return one.id, one.title, one.original, one.year, titles, round(confidence, 4), reason, others

    def _others(self, want: Want) -> list[dict[str, Any]]:
        """What else could be meant, for all files of a title the same list."""
        others = self._shared.get(id(want))
        if others is None:
            others = [_alternative(other) for other in want.found[1:]] or _NONE
            self._shared[id(want)] = others
        return others

    def _episodes(self, show: int, season: int | None, numbers: list[int]) -> tuple[str | None, float, str]:
        """Titles of the episodes as one, what that is worth, and what to say of it."""
        if season is None or not numbers:
            return None, 0.5, "; no episode number"
        told = self.asking.episodes(show, season)
        if told is None:
            return None, 0.9, "; no answer about its season"
        if told.titles is None:
            return None, 0.5, f"; there is no season {season}"
        titles = [told.titles[number] for number in numbers if number in told.titles]
        if len(titles) < len(numbers):
            return " & ".join(titles) or None, 0.5, "; there is no such episode"
        return " & ".join(titles) or None, 1.0, ""


def _season(season: int | None, episodes: list[int] | None) -> int | None:
    """The season; names that count episodes alone are of shows that have one."""
    return 1 if season is None and episodes else season


def _reason(want: Want, best: Scored) -> str:
    one = best.candidate
    if want.year is None:
        year = "no year in the name"
    elif one.year == want.year:
        year = "same year"
    else:
        year = f"{one.year or 'no year'} instead of {want.year}"
    title = "same title" if _exact(want, best) else "similar title"
    rival = "" if best.confidence >= best.score else f"; {len(want.found) - 1} others, less known"
    return f"{title}, {year}{rival}"


def _exact(want: Want, best: Scored) -> bool:
    return want.title in (folded(best.candidate.title), folded(best.candidate.original))


def _alternative(scored: Scored) -> dict[str, Any]:
    one = scored.candidate
    return {"tmdb": one.id, "title": one.title, "year": one.year, "confidence": round(scored.confidence, 4)}
