"""Which pages to read, and which to read again, until no movie is missing.

The list changes while it is being read. A movie that is uploaded, for the first time or again, goes to the
front and moves others down: they are seen on two pages, or on none if they came from a page not yet read
to one already read. A movie that is taken away moves others up, and some slip past the reader.

Without removals the service's own count tells when all are found, because whatever was seen is still there.
A shortage is mended by reading again, cheapest first: the front where moved movies go and the pages around
every irregularity, in widening circles, then everything. Once the count has fallen it proves nothing any
more, and only a *sweep* does: all pages read anew while the count stays and no movie shows on two of them.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PageRead", "Paging"]

REACH = (1, 5, 25)
"""How far around an irregular page the first rounds read again; later ones are sweeps."""


class PageRead(NamedTuple):
    """One reading of one page: ``reading`` counts from 1."""

    page: int
    reading: int

    @property
    def key(self) -> str:
        """The item's key: ``page/17``, and ``page/17#2`` when it is read again."""
        return f"page/{self.page}" if self.reading == 1 else f"page/{self.page}#{self.reading}"


class Sweep:
    """All pages read anew; ``complete`` once they can only be one state of the list."""

    def __init__(self, pages: Iterable[int]) -> None:
        self.ids: set[int] = set()
        self._awaited = set(pages)
        self._counts: set[int] = set()
        self._shown = 0
        self._news = 0

    def saw(self, page: int, movie_count: int, ids: list[int], news: int) -> None:
        """Take in a page, and how many of its movies nobody had seen."""
        self._awaited.discard(page)
        self._counts.add(movie_count)
        self._shown += len(ids)
        self._news += news
        self.ids.update(ids)

    def settles(self, expected: int) -> bool:
        """Say whether another sweep could show nothing else, given how many movies there should be.

        A service may count movies that it never lists: then a sweep that brings nothing new settles it too.
        """
        still = not self._awaited and len(self._counts) == 1 and self._shown == len(self.ids)
        return still and (len(self.ids) >= expected or not self._news)


class Paging:
    """Decides which pages to read. Sans I/O: told what pages held, asked what to read next.

    A page that cannot be read is asked for once more at the end, then given up and reported.

    Args:
        limit: movies per page.
        max_pages: read only so many pages; None for all.
    """

    ROUNDS = 6

    def __init__(self, limit: int, max_pages: int | None = None) -> None:
        self._limit = limit
        self._max_pages = max_pages
        self.movie_count = 0
        self.ids: dict[int, int] = {}
        self.readings: Counter[int] = Counter()
        self.duplicates = 0
        self.mended = 0
        self._asked: Counter[int] = Counter()
        self._reached = 1
        self._reread = 0
        self._irregular: set[int] = set()
        self._failed: list[int] = []
        self._fell = False
        self._round = 0
        self._sweep: Sweep | None = None
        self._settled = False

    def first(self) -> list[PageRead]:
        """Return the first page, which tells how many there are."""
        return self._ask([1])

    def saw(self, read: PageRead, movie_count: int, ids: list[int]) -> list[PageRead]:
        """Take in what a page held; return the pages that are known of only now."""
        page = read.page
        self._fell |= movie_count < self.movie_count
        self.movie_count = movie_count
        self._reread += page in self.readings
        self.readings[page] += 1
        news = 0
        for movie in ids:
            home = self.ids.get(movie)
            if home is None:
                self.ids[movie] = page
                news += 1
            elif home != page and self._round == 0:  # later on, whatever has moved is elsewhere
                self.duplicates += 1
                self._irregular.add(page)
        self.mended += news if read.reading > 1 else 0
        if self._sweep is not None:
            self._sweep.saw(page, movie_count, ids, news)
        if len(ids) < self._limit and page < self.pages:
            self._irregular.add(page)
        if not ids:  # past the end, whatever the count says
            return []
        fresh = range(self._reached + 1, self.pages + 1)
        self._reached = max(self._reached, self.pages)
        return self._ask(fresh)

    def next_round(self) -> list[PageRead]:
        """Everything asked for has been read: return what to read again.

        Nothing when all is well, or when enough was tried.
        """
        if self._sweep is not None:
            self._settled = self._sweep.settles(self._expected - self._on_unread)
            self._fell &= not self._settled
        self._failed = self.unread
        once = [page for page in self._failed if self._asked[page] == 1]
        doubt = self._doubtful
        if self._round >= self.ROUNDS or not (once or doubt):
            return []
        self._round += 1
        again = set(once)
        whole_again = self._fell or self._surplus or self._round > len(REACH)
        if doubt and whole_again:
            again.update(page for page in self._range if self._asked[page] < 2 or self.readings[page])
        elif doubt:
            again |= self._suspects()
        self._sweep = Sweep(again) if doubt and whole_again else None
        self._settled = False
        return self._ask(sorted(again))

    @property
    def pages(self) -> int:
        """How many pages there are to read, by the count last heard of."""
        pages = max(1, math.ceil(self.movie_count / self._limit))
        return pages if self._max_pages is None else min(pages, self._max_pages)

    @property
    def unread(self) -> list[int]:
        """Pages that were asked for and have not come."""
        return [page for page in self._range if self._asked[page] and not self.readings[page]]

    @property
    def missing(self) -> int:
        """How many movies the pages should hold beyond those seen."""
        seen = len(self._sweep.ids) if self._settled and self._sweep is not None else len(self.ids)
        return max(0, self._expected - seen)

    def notes(self) -> dict[str, object]:
        """Return what was found.

        ``movies`` and ``pages`` are the service's count; ``seen_twice`` movies showed on two pages because
        the list changed, ``mended`` ones were found only by reading again, ``gone`` ones have left the list
        since they were seen, and are among the ids. ``unsettled`` is True when the list never stood still
        for long enough to be sure of ``missing``.
        """
        return {
            "movies": self.movie_count,
            "pages": self.pages,
            "ids": len(self.ids),
            "seen_twice": self.duplicates,
            "mended": self.mended,
            "reread": self._reread,
            "gone": self._surplus,
            "missing": self.missing,
            "failed_pages": [page for page in self._failed if not self.readings[page]],
            "unsettled": self._doubtful and self._round >= self.ROUNDS,
        }

    def _ask(self, pages: Iterable[int]) -> list[PageRead]:
        reads = []
        for page in pages:
            self._asked[page] += 1
            reads.append(PageRead(page, self._asked[page]))
        return reads

    def _suspects(self) -> set[int]:
        """Pages where a missing movie is likely to be.

        In front, where moved movies go; and near irregular pages, because pages that were in flight
        together may have been answered in any order. The circles widen from round to round.
        """
        reach = REACH[self._round - 1]
        near = {page + step for page in self._irregular for step in range(-reach, reach + 1)}
        near.update(range(1, 1 + self.missing // self._limit + self._round))
        return {page for page in near if page in self._range and self.readings[page]}

    @property
    def _range(self) -> range:
        return range(1, self.pages + 1)

    @property
    def _whole(self) -> bool:
        return self.pages * self._limit >= self.movie_count

    @property
    def _expected(self) -> int:
        return min(self.movie_count, self.pages * self._limit)

    @property
    def _surplus(self) -> int:
        """Movies seen beyond those there are: so many have left the list."""
        if not self._whole:
            return 0
        there = len(self._sweep.ids) if self._settled and self._sweep is not None else self.movie_count
        return max(0, len(self.ids) - there)

    @property
    def _on_unread(self) -> int:
        """How many movies are on pages that did not come."""
        return sum(min(self._limit, self.movie_count - (page - 1) * self._limit) for page in self.unread)

    @property
    def _doubtful(self) -> bool:
        """Whether pages that can be read may hold movies that were not seen."""
        if self._settled:
            return False
        return self._fell or bool(self._surplus) or self.missing > self._on_unread
