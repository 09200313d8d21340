"""Requests built lazily, for charts, apps, searches and reviews."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fetchlab.errors import ConfigError
from fetchlab.studies.charts.names import (
    categories_of,
    collection_of,
    countries_of,
    language_of,
    results_of,
    sort_of,
    texts_of,
)
from fetchlab.studies.charts.requests import AppRequest, ListRequest, ReviewRequest, SearchRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MOST_HITS", "MOST_REVIEWS", "BatchRequestBuilder", "BuilderStats"]

R = TypeVar("R", AppRequest, SearchRequest, ReviewRequest)

MOST_HITS = 30
MOST_REVIEWS = 100_000


@dataclass(frozen=True, slots=True)
class BuilderStats:
    """What a builder has built.

    Attributes:
        requests: so many.
        strings: countries, categories, ids and queries in them.
        reused: so many of those that were at hand already, so that no copy of theirs is held.
    """

    requests: int
    strings: int
    reused: int


class BatchRequestBuilder:
    """Builds requests, one when it is asked for; countries, categories and knobs are checked at the call.

    Args:
        collection: of charts, ``topselling_free``, ``topselling_paid`` or ``topgrossing``.
        lang: language of titles and texts.
        intern_strings: hold ids and queries that are read from a file once, however often they occur there
            (``sys.intern``). Countries and categories are held once in any case.

    Raises:
        ConfigError: a value is none that the service knows.
    """

    def __init__(
        self, collection: str = "topselling_free", lang: str = "en", intern_strings: bool = True
    ) -> None:
        self.collection = collection_of(collection)
        self.lang = language_of(lang)
        self.intern_strings = bool(intern_strings)
        self._requests = self._strings = self._reused = 0

    def build_list_requests(
        self,
        countries: Iterable[str],
        categories: Iterable[str],
        num_results: int = 100,
        collection: str | None = None,
    ) -> Iterator[ListRequest]:
        """Yield a request for each category of each country, country by country.

        Raises:
            ConfigError: a country, a category, the collection or the number is none that the service knows.
        """
        chosen = self.collection if collection is None else collection_of(collection)
        return self._lists(
            countries_of(countries), categories_of(categories), chosen, results_of(num_results)
        )

    def build_app_requests(
        self, app_ids: Iterable[str], countries: Iterable[str] = ("us",)
    ) -> Iterator[AppRequest]:
        """Yield a request for each app's details in each country; ids are read lazily.

        Raises:
            ConfigError: a country is none that the service knows.
        """
        where, lang = countries_of(countries), self.lang
        ids = texts_of("app_ids", app_ids)
        return (self._built(AppRequest(self._same(one), code, lang)) for one in ids for code in where)

    def build_search_requests(
        self, queries: Iterable[str], countries: Iterable[str] = ("us",), num_results: int = MOST_HITS
    ) -> Iterator[SearchRequest]:
        """Yield a request for each query in each country.

        Raises:
            ConfigError: a country or the number is none that the service knows.
        """
        where, lang = countries_of(countries), self.lang
        most = results_of(num_results, most=MOST_HITS)
        asked = texts_of("queries", queries)
        return (
            self._built(SearchRequest(self._same(one), code, lang, most)) for one in asked for code in where
        )

    def build_review_requests(
        self,
        app_ids: Iterable[str],
        countries: Iterable[str] = ("us",),
        num_reviews: int = 100,
        sort: str = "newest",
        score: int | None = None,
    ) -> Iterator[ReviewRequest]:
        """Yield a request for the first page of each app's reviews in each country.

        Args:
            app_ids: read lazily.
            countries: in which.
            num_reviews: of each app at most.
            sort: ``relevance``, ``newest`` or ``rating``.
            score: only those with so many stars, 1 to 5; None for all.

        Raises:
            ConfigError: a value is none that the service knows.
        """
        if score is not None and (score not in (1, 2, 3, 4, 5) or isinstance(score, bool)):
            raise ConfigError("score", f"is 1 to 5 stars, or None for all, not {score!r}")
        where, lang, order = countries_of(countries), self.lang, sort_of(sort)
        most = results_of(num_reviews, knob="num_reviews", most=MOST_REVIEWS)
        ids = texts_of("app_ids", app_ids)
        return (
            self._built(ReviewRequest(self._same(one), code, lang, order, most, score))
            for one in ids
            for code in where
        )

    def stats(self) -> BuilderStats:
        """Return what has been built so far."""
        return BuilderStats(self._requests, self._strings, self._reused)

    def _lists(
        self, countries: tuple[str, ...], categories: tuple[str, ...], collection: str, num_results: int
    ) -> Iterator[ListRequest]:
        lang = self.lang
        for country in countries:
            for category in categories:
                self._requests += 1
                self._strings += 2
                self._reused += 2
                yield ListRequest(country, category, collection, lang, num_results)

    def _built(self, request: R) -> R:
        self._requests += 1
        return request

    def _same(self, text: str) -> str:
        self._strings += 1
        if not self.intern_strings:
            return text
        one = sys.intern(text)
        self._reused += one is not text
        return one
