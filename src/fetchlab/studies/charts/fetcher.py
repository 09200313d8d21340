"""Defaults that several batches share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack, cast, overload

from fetchlab.studies.charts.builder import MOST_HITS, BatchRequestBuilder
from fetchlab.studies.charts.knobs import How, known
from fetchlab.studies.charts.names import results_of
from fetchlab.studies.charts.runs import app_run, finished, list_run, review_run, search_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetchlab.engine.run import Run
    from fetchlab.studies.charts.apps import App, Details, Listing, Review

__all__ = ["BatchFetcher"]


class BatchFetcher:
    """Fetches charts, apps, searches and reviews with shared defaults. All its calls block.

    Args:
        lang: language of titles and texts.
        default_num_results: apps of a chart unless told.
        default_collection: of charts unless told.
        how: knobs for every call, which may override them; see :class:`~fetchlab.studies.charts.How`.

    Raises:
        ConfigError: a value is none that the service knows, or there is no such knob.
    """

    def __init__(
        self,
        lang: str = "en",
        default_num_results: int = 100,
        default_collection: str = "topselling_free",
        **how: Unpack[How],
    ) -> None:
        self.builder = BatchRequestBuilder(default_collection, lang)
        self.default_num_results = results_of(default_num_results, knob="default_num_results")
        self._how = known(how)

    @overload
    def category_lists(
        self,
        countries: Iterable[str],
        categories: Iterable[str],
        num_results: int | None = ...,
        collection: str | None = ...,
        *,
        wait: Literal[True] = ...,
        **how: Unpack[How],
    ) -> list[Listing[App]]: ...
    @overload
    def category_lists(
        self,
        countries: Iterable[str],
        categories: Iterable[str],
        num_results: int | None = ...,
        collection: str | None = ...,
        *,
        wait: Literal[False],
        **how: Unpack[How],
    ) -> Run: ...
    def category_lists(
        self,
        countries: Iterable[str],
        categories: Iterable[str],
        num_results: int | None = None,
        collection: str | None = None,
        *,
        wait: bool = True,
        **how: Unpack[How],
    ) -> Any:
        """Fetch charts; see :func:`~fetchlab.studies.charts.fetch_category_lists`."""
        count = self.default_num_results if num_results is None else num_results
        requests = self.builder.build_list_requests(countries, categories, count, collection)
        return finished(list_run(requests, self._with(how)), wait=wait)

    @overload
    def apps(
        self,
        app_ids: Iterable[str],
        countries: Iterable[str] = ...,
        *,
        wait: Literal[True] = ...,
        **how: Unpack[How],
    ) -> list[Details | None]: ...
    @overload
    def apps(
        self,
        app_ids: Iterable[str],
        countries: Iterable[str] = ...,
        *,
        wait: Literal[False],
        **how: Unpack[How],
    ) -> Run: ...
    def apps(
        self,
        app_ids: Iterable[str],
        countries: Iterable[str] = ("us",),
        *,
        wait: bool = True,
        **how: Unpack[How],
    ) -> Any:
        """Fetch details: a :class:`Details` for each app in each country, None for what did not come."""
        requests = self.builder.build_app_requests(app_ids, countries)
        return finished(app_run(requests, self._with(how)), wait=wait)

    @overload
    def search(
        self,
        queries: Iterable[str],
        countries: Iterable[str] = ...,
        num_results: int = ...,
        *,
        wait: Literal[True] = ...,
        **how: Unpack[How],
    ) -> list[Listing[App]]: ...
    @overload
    def search(
        self,
        queries: Iterable[str],
        countries: Iterable[str] = ...,
        num_results: int = ...,
        *,
        wait: Literal[False],
        **how: Unpack[How],
    ) -> Run: ...
    def search(
        self,
        queries: Iterable[str],
        countries: Iterable[str] = ("us",),
        num_results: int = MOST_HITS,
        *,
        wait: bool = True,
        **how: Unpack[How],
    ) -> Any:
        """Search: a :class:`Listing` of apps for each query in each country."""
        requests = self.builder.build_search_requests(queries, countries, num_results)
        return finished(search_run(requests, self._with(how)), wait=wait)

    @overload
    def reviews(
        self,
        app_ids: Iterable[str],
        countries: Iterable[str] = ...,
        num_reviews: int = ...,
        sort: str = ...,
        score: int | None = ...,
        *,
        wait: Literal[True] = ...,
        **how: Unpack[How],
    ) -> list[Listing[Review]]: ...
    @overload
    def reviews(
        self,
        app_ids: Iterable[str],
        countries: Iterable[str] = ...,
        num_reviews: int = ...,
        sort: str = ...,
        score: int | None = ...,
        *,
        wait: Literal[False],
        **how: Unpack[How],
    ) -> Run: ...
    def reviews(
        self,
        app_ids: Iterable[str],
        countries: Iterable[str] = ("us",),
        num_reviews: int = 100,
        sort: str = "newest",
        score: int | None = None,
        *,
        wait: bool = True,
        **how: Unpack[How],
    ) -> Any:
        """Fetch reviews: a :class:`Listing` of them for each app in each country, page after page."""
        requests = self.builder.build_review_requests(app_ids, countries, num_reviews, sort, score)
        return finished(review_run(requests, self._with(how)), wait=wait)

    def __repr__(self) -> str:
        """Return the defaults."""
        made = self.builder
        return f"BatchFetcher({made.lang!r}, {self.default_num_results}, {made.collection!r})"

    def _with(self, how: How) -> How:
        return cast("How", {**self._how, **how})
