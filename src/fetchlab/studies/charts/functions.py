"""The study's calls: charts by country and category, and the low-level ones below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from fetchlab.studies.charts.builder import BatchRequestBuilder
from fetchlab.studies.charts.runs import finished, list_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetchlab.engine.run import Run
    from fetchlab.studies.charts.apps import App, Listing
    from fetchlab.studies.charts.knobs import How
    from fetchlab.studies.charts.requests import ListRequest

__all__ = ["fetch_and_parse_list", "fetch_and_parse_list_batch", "fetch_category_lists", "fetch_top_apps"]


@overload
def fetch_category_lists(
    countries: Iterable[str],
    categories: Iterable[str],
    num_results: int = ...,
    collection: str = ...,
    lang: str = ...,
    *,
    wait: Literal[True] = ...,
    **how: Unpack[How],
) -> list[Listing[App]]: ...
@overload
def fetch_category_lists(
    countries: Iterable[str],
    categories: Iterable[str],
    num_results: int = ...,
    collection: str = ...,
    lang: str = ...,
    *,
    wait: Literal[False],
    **how: Unpack[How],
) -> Run: ...
def fetch_category_lists(
    countries: Iterable[str],
    categories: Iterable[str],
    num_results: int = 100,
    collection: str = "topselling_free",
    lang: str = "en",
    *,
    wait: bool = True,
    **how: Unpack[How],
) -> Any:
    """Fetch the chart of each category in each country; block, and return the finished lists.

    Args:
        countries: codes such as ``us``; see :data:`~fetchlab.studies.charts.COUNTRIES`.
        categories: such as ``GAME_ACTION``; see :data:`~fetchlab.studies.charts.CATEGORIES`.
        num_results: apps of each chart, 1 to 500.
        collection: ``topselling_free``, ``topselling_paid`` or ``topgrossing``.
        lang: language of titles and texts.
        wait: False returns the :class:`Run` at once, for results as they come.
        how: see :class:`~fetchlab.studies.charts.How`.

    Returns:
        A :class:`Listing` of apps for each, country by country. One that could not be had is empty and
        carries its ``error``; the others are not touched by it.

    Raises:
        ConfigError: a knob has a value that cannot work; the message lists what is allowed.
        JournalError: the journal is in use, of another service, or cannot be read and written.
    """
    builder = BatchRequestBuilder(collection, lang)
    return finished(list_run(builder.build_list_requests(countries, categories, num_results), how), wait=wait)


@overload
def fetch_top_apps(
    countries: Iterable[str],
    categories: Iterable[str],
    num_results: int = ...,
    collection: str = ...,
    lang: str = ...,
    *,
    wait: Literal[True] = ...,
    **how: Unpack[How],
) -> dict[str, dict[str, Listing[App]]]: ...
@overload
def fetch_top_apps(
    countries: Iterable[str],
    categories: Iterable[str],
    num_results: int = ...,
    collection: str = ...,
    lang: str = ...,
    *,
    wait: Literal[False],
    **how: Unpack[How],
) -> Run: ...
def fetch_top_apps(
    countries: Iterable[str],
    categories: Iterable[str],
    num_results: int = 100,
    collection: str = "topselling_free",
    lang: str = "en",
    *,
    wait: bool = True,
    **how: Unpack[How],
) -> Any:
    """Do as :func:`fetch_category_lists`, and return ``organized[country][category]``.

    Keys are spelled as in :data:`~fetchlab.studies.charts.COUNTRIES` and
    :data:`~fetchlab.studies.charts.CATEGORIES`, however they were asked for.
    """
    builder = BatchRequestBuilder(collection, lang)
    requests = builder.build_list_requests(countries, categories, num_results)
    return finished(list_run(requests, how, organized), wait=wait)


def fetch_and_parse_list(
    category: str,
    collection: str = "topselling_free",
    lang: str = "en",
    country: str = "us",
    num_results: int = 100,
    **how: Unpack[How],
) -> Listing[App]:
    """Fetch one chart by itself; block.

    Raises:
        ConfigError: a knob has a value that cannot work.
        FetchlabError: it could not be had; whatever the last attempt ended with.
    """
    how.setdefault("progress", False)
    requests = BatchRequestBuilder(collection, lang).build_list_requests([country], [category], num_results)
    found: list[Listing[App]] = list_run(requests, how).raise_for_errors().result()
    return found[0]


@overload
def fetch_and_parse_list_batch(
    requests: Iterable[ListRequest], *, wait: Literal[True] = ..., **how: Unpack[How]
) -> list[Listing[App]]: ...
@overload
def fetch_and_parse_list_batch(
    requests: Iterable[ListRequest], *, wait: Literal[False], **how: Unpack[How]
) -> Run: ...
def fetch_and_parse_list_batch(
    requests: Iterable[ListRequest], *, wait: bool = True, **how: Unpack[How]
) -> Any:
    """Fetch the charts that requests ask for; block, and return a :class:`Listing` for each, in their order.

    Args:
        requests: those of :meth:`BatchRequestBuilder.build_list_requests`.
        wait: False returns the :class:`Run` at once.
        how: see :class:`~fetchlab.studies.charts.How`.

    Raises:
        ConfigError: a knob has a value that cannot work.
    """
    return finished(list_run(requests, how), wait=wait)


def organized(lists: list[Listing[App]]) -> dict[str, dict[str, Listing[App]]]:
    """Return lists by country and category."""
    found: dict[str, dict[str, Listing[App]]] = {}
    for one in lists:
        found.setdefault(one.country, {})[one.request.category] = one  # type: ignore[union-attr]
    return found
