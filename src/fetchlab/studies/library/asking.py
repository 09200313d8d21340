"""What to ask the service about a library's names, and what next; without I/O.

One search serves all files of a title, one call all episodes of a season. A search that finds nothing that
fits is followed by fallbacks: without the year, then by what else the name could mean.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from fetchlab.studies.library.scoring import Scored, ranked
from fetchlab.studies.library.titles import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetchlab.studies.library.wire import Candidate, Kind, SeasonTold

__all__ = ["Asked", "Asking", "Want"]

ENOUGH = 0.75
"""A score from which on no fallback is asked for: the title itself, or its beginning with the year."""
_FALLBACKS = 3
_ON_A_PAGE = 20
_KEPT = 6
"""Candidates that are kept of a title: the likeliest, and what else could be meant."""
_WORTH = 0.7
"""Share of the best score from which on another one could be meant."""

_NO_SEASONS: frozenset[int] = frozenset()

Why = Literal["title", "season", "fallback", "ahead"]


class Asked(NamedTuple):
    """One request: a search by folded title and year, or a season of a show.

    Attributes:
        what: a search for films or shows, or a season.
        query: the folded title; empty for a season.
        year: to search by.
        show: the show's id.
        season: the season's number.
        why: a title's first search, its fallback, a season that files are of, or one asked for ahead.
    """

    what: Literal["movie", "tv", "season"]
    query: str = ""
    year: int | None = None
    show: int = 0
    season: int = 0
    why: Why = "title"

    @property
    def key(self) -> str:
        """The item's key: ``movie/the silent harbour/2014`` or ``season/1399/1``."""
        if self.what == "season":
            return f"season/{self.show}/{self.season}"
        return f"{self.what}/{self.query}/{self.year or ''}"


class Want:
    """One title as names have it; what was found for it.

    Attributes:
        kind: film or show.
        title: folded.
        titles: what it may be called, with what each counts.
        year: None if names do not say it.
        seasons: those that files are of.
        found: what could be meant, the likeliest first.
        failed: some request for it ended without an answer.
        settled: nothing more is asked.
    """

    __slots__ = ("failed", "found", "kind", "known", "plan", "seasons", "settled", "title", "titles", "year")

    def __init__(self, kind: Kind, title: str, year: int | None) -> None:
        self.kind = kind
        self.title = title
        self.titles: tuple[tuple[str, float], ...] = ((title, 1.0),)
        self.year = year
        self.seasons: frozenset[int] = _NO_SEASONS
        self.known: dict[int, Candidate] | None = None
        self.found: list[Scored] = []
        self.plan: list[tuple[str, int | None]] = [(title, year)]
        self.failed = False
        self.settled = False
        if year is not None:
            self.plan.append((title, None))

    @property
    def best(self) -> Scored | None:
        """The likeliest, None if nothing was found."""
        return self.found[0] if self.found else None


class Asking:
    """What is asked of the service in one run.

    Args:
        ahead: seasons to ask for beyond the last one that files are of.

    Attributes:
        counts: requests by why they were made; those answered by a cache as ``cached``.
        lookups: how many answers the files needed, had each asked for itself.
    """

    def __init__(self, ahead: int = 0) -> None:
        self.counts: Counter[str] = Counter()
        self.lookups = 0
        self._ahead = ahead
        self._wants: dict[tuple[Kind, str, int | None], Want] = {}
        self._waiting: dict[Asked, list[Want]] = {}
        self._answers: dict[Asked, list[Candidate] | None] = {}
        self._seasons: dict[tuple[int, int], SeasonTold | None] = {}

    def want(
        self, kind: Kind, title: str, year: int | None, season: int | None, alternative: str | None
    ) -> Want:
        """Note what one file needs; return what stands for its title."""
        name = folded(title)
        want = self._wants.get((kind, name, year))
        if want is None:
            want = self._wants[kind, name, year] = Want(kind, name, year)
            if alternative:
                more = folded(alternative)
                want.plan.insert(0, (f"{name} {more}", year))
                want.plan.append((more, year))
                want.titles = ((f"{name} {more}", 1.0), (name, 0.9), (more, 0.8))
            del want.plan[1 + _FALLBACKS :]
        self.lookups += 1
        if season is not None:
            if season not in want.seasons:
                want.seasons |= {season}
            self.lookups += 1
        return want

    def first(self) -> Iterator[Asked]:
        """The first search of every title."""
        for want in self._wants.values():
            yield from self._next(want, "title")

    def saw(self, asked: Asked, answer: list[Candidate] | SeasonTold, *, cached: bool) -> list[Asked]:
        """Take in an answer; return what to ask next."""
        self.counts["cached" if cached else asked.why] += 1
        if asked.what == "season":
            assert not isinstance(answer, list)  # for the type checker
            self._seasons[asked.show, asked.season] = answer
            return []
        assert isinstance(answer, list)  # for the type checker
        return self._told(asked, answer)

    def failed(self, asked: Asked) -> None:
        """Take in that there is no answer; other searches for the same title may still bring one."""
        if asked.what == "season":
            self._seasons.setdefault((asked.show, asked.season), None)
            return
        for want in self._waiting.pop(_same(asked), []):
            want.failed = want.settled = True

    def episodes(self, show: int, season: int) -> SeasonTold | None:
        """What was told of a season, None if there was no answer."""
        return self._seasons.get((show, season))

    @property
    def titles(self) -> int:
        """How many titles there are."""
        return len(self._wants)

    @property
    def wants(self) -> Iterable[Want]:
        """All titles."""
        return self._wants.values()

    def _told(self, asked: Asked, found: list[Candidate]) -> list[Asked]:
        same = _same(asked)
        if asked.year is None:  # what searches of several titles come down to
            self._answers[same] = found[:_ON_A_PAGE]
        further: list[Asked] = []
        for want in self._waiting.pop(same, []):
            further += self._consider(want, found)
        return further

    def _consider(self, want: Want, found: list[Candidate]) -> Iterator[Asked]:
        known = (want.known or {}) | {one.id: one for one in found}
        want.found = _worth(ranked(want.titles, want.year, known.values()))
        if want.plan and (want.best is None or want.best.score < ENOUGH):
            want.known = known
            yield from self._next(want, "fallback")
        else:
            yield from self._settle(want)

    def _next(self, want: Want, why: Why) -> Iterator[Asked]:
        query, year = want.plan.pop(0)
        asked = Asked(want.kind, query, year, why=why)
        same = _same(asked)
        known = self._answers.get(same)
        if known is not None:  # another title's search was the same
            yield from self._consider(want, known)
            return
        waiting = self._waiting.setdefault(same, [])
        waiting.append(want)
        if len(waiting) == 1:
            yield asked

    def _settle(self, want: Want) -> Iterator[Asked]:
        want.settled = True
        want.plan, want.titles, want.known = [], (), None  # of many thousands this is a megabyte
        if want.kind != "tv" or want.best is None:
            return
        show, seasons = want.best.candidate.id, sorted(want.seasons)
        last = max(seasons, default=0)
        wanted: list[tuple[int, Why]] = [(season, "season") for season in seasons]
        wanted += [(last + step, "ahead") for step in range(1, self._ahead + 1)]
        for season, why in wanted:
            if (show, season) not in self._seasons:
                self._seasons[show, season] = None
                yield Asked("season", show=show, season=season, why=why)


def _worth(found: list[Scored]) -> list[Scored]:
    return [one for one in found[:_KEPT] if one.score >= _WORTH * found[0].score]


def _same(asked: Asked) -> Asked:
    return asked._replace(why="title")
