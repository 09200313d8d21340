"""Requests to runs: which wire, how many at a time, how many in a call, what comes out."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.engine.calls import MAX_BYTES, start
from fetchlab.engine.places import fetching_task, valued_task
from fetchlab.errors import Cancelled, ConfigError
from fetchlab.policy.keys import own_key
from fetchlab.policy.retry import Retry
from fetchlab.policy.timeout import Timeout
from fetchlab.store.cache import Cache
from fetchlab.studies.charts.apps import Listing
from fetchlab.studies.charts.knobs import PAGES, RPCS, How, known, service_of, size_of, strategy_of
from fetchlab.studies.charts.reading import details_of, hits_of
from fetchlab.studies.charts.requests import AppRequest, ListRequest, ReviewRequest, SearchRequest
from fetchlab.studies.charts.riding import Riding
from fetchlab.studies.charts.wire import LISTS, REVIEWS, app_page, search_page
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.engine.run import Run
    from fetchlab.engine.strategies import Strategy
    from fetchlab.model import Result
    from fetchlab.studies.charts.wire import Rpc

__all__ = ["app_run", "finished", "list_run", "review_run", "search_run"]

log = logging.getLogger("fetchlab.charts")


def list_run(
    requests: Iterable[ListRequest], how: How, shape: Callable[[list[Any]], Any] = lambda lists: lists
) -> Run:
    """Start a run over charts; its ``result()`` is a :class:`Listing` for each, shaped."""
    wanted = _checked(requests, ListRequest)
    return _rpc_run("lists", wanted, LISTS, how, product=lambda run: shape(_listings(run, wanted)))


def review_run(requests: Iterable[ReviewRequest], how: How) -> Run:
    """Start a run over pages of reviews; its ``result()`` is a :class:`Listing` for each app.

    An app that is asked for twice is read once: pages are told apart by whose they are.
    """
    wanted = _checked(requests, ReviewRequest)
    once = list(dict.fromkeys(wanted))
    return _rpc_run(
        "reviews", once, REVIEWS, how, product=lambda run: _reviews(run, wanted), follow=_next_page
    )


def app_run(requests: Iterable[AppRequest], how: How) -> Run:
    """Start a run over details; its ``result()`` has None for each app that did not come."""
    wanted = _checked(requests, AppRequest)
    return _page_run("apps", wanted, app_page, details_of, how, product=lambda run: _values(run, len(wanted)))


def search_run(requests: Iterable[SearchRequest], how: How) -> Run:
    """Start a run over searches; its ``result()`` is a :class:`Listing` for each."""
    wanted = _checked(requests, SearchRequest)
    return _page_run("search", wanted, search_page, hits_of, how, product=lambda run: _listings(run, wanted))


def finished(run: Run, *, wait: bool) -> Any:
    """Return what the run is after, or the run itself; whoever interrupts the waiting ends it."""
    if not wait:
        return run
    try:
        product = run.result()
    except KeyboardInterrupt:
        run.cancel()
        raise
    stats = run.stats()
    if stats.failed:
        log.warning("%d of %d requests failed; wait=False returns the run, which knows why",
                    stats.failed, stats.done)  # fmt: skip
    return product


def _rpc_run(name: str, requests: list[Any], rpc: Rpc, how: How, **more: Any) -> Run:
    base_url, strategy = service_of(known(how)), strategy_of(how, RPCS)
    client, timeout = Client.of(how.get("client")), Timeout.of(how.get("timeout", Timeout()))
    size = size_of(how, strategy)
    if size is None:
        task: Any = fetching_task(
            strategy,
            client,
            lambda request: rpc.call(base_url, [request]),
            rpc.parse,
            accept=(),
            timeout=timeout,
            max_bytes=MAX_BYTES,
        )
    else:
        task = Riding(
            client,
            partial(rpc.call, base_url),
            rpc.sort_out,
            place=lambda request: (request.country, request.lang),
            size=size,
            host=base_url,
            timeout=timeout,
            max_bytes=MAX_BYTES,
        )
    kept = valued_task(
        task,
        client,
        lambda request: rpc.call(base_url, [request]),
        cache=Cache.of(how.get("cache")),
        tells=lambda request: f" {request.key}",
    )
    run = _started(name, kept, requests, base_url, strategy, how, **more)
    if isinstance(task, Riding):
        run.notes_from(task.notes)
    return run


def _page_run(
    name: str, requests: list[Any], build: Callable[[str, Any], Any], parse: Any, how: How, **more: Any
) -> Run:
    base_url, strategy = service_of(known(how)), strategy_of(how, PAGES)
    task = fetching_task(
        strategy,
        Client.of(how.get("client")),
        partial(build, base_url),
        parse,
        accept=(),
        timeout=Timeout.of(how.get("timeout", Timeout())),
        max_bytes=MAX_BYTES,
        cache=Cache.of(how.get("cache")),
    )
    return _started(name, task, requests, base_url, strategy, how, **more)


def _started(
    name: str, task: Any, requests: list[Any], base_url: str, strategy: Strategy, how: How, **more: Any
) -> Run:
    retry = how.get("retry") or Retry()
    if not isinstance(retry, Retry):
        raise ConfigError("retry", f"give fl.Retry(attempts=…), not {retry!r}")
    return start(
        task,
        requests,
        knob="requests",
        strategy=strategy,
        key=own_key(lambda request: request.key),
        retry=replace(retry, methods=retry.methods | {"POST"}),
        rate=how.get("rate"),
        priority=how.get("priority"),
        journal=how.get("journal"),
        call=(f"charts.{name}", base_url),
        origin=base_url,
        progress=how.get("progress"),
        **more,
    )


def _checked(requests: Iterable[Any], kind: type) -> list[Any]:
    if not isinstance(requests, Iterable):
        raise ConfigError("requests", f"are those of a BatchRequestBuilder, not {requests!r}")
    found = list(requests)
    for request in found:
        if not isinstance(request, kind):
            raise ConfigError("requests", f"are {kind.__name__}s of a BatchRequestBuilder, not {request!r}")
    return found


def _outcomes(run: Run) -> dict[int, Result]:
    return {result.index: result for result in run.results()}


def _values(run: Run, count: int) -> list[Any]:
    found = _outcomes(run)
    return [found[place].value if place in found else None for place in range(count)]


def _listings(run: Run, requests: Sequence[Any]) -> list[Listing[Any]]:
    found = _outcomes(run)
    made: list[Listing[Any]] = []
    for place, request in enumerate(requests):
        result = found.get(place)
        if result is None:
            made.append(Listing([], request, Cancelled("the run ended before it began")))
        else:
            # A search's page holds what it holds; of a chart exactly as many were asked for.
            made.append(Listing((result.value or [])[: request.num_results], request, result.error))
    return made


def _next_page(result: Result) -> list[ReviewRequest]:
    page, request = result.value, result.item
    left = request.num_reviews - len(page.reviews)
    if page.token is None or left <= 0 or not page.reviews:
        return []
    return [msgspec.structs.replace(request, page=request.page + 1, num_reviews=left, token=page.token)]


def _reviews(run: Run, requests: Sequence[ReviewRequest]) -> list[Listing[Any]]:
    pages: dict[tuple[Any, ...], list[Result]] = {}
    for result in run.results():
        pages.setdefault(_whose(result.item), []).append(result)
    made = []
    for request in requests:
        mine = sorted(pages.get(_whose(request), ()), key=lambda result: result.item.page)
        reviews = [review for result in mine if result.ok for review in result.value.reviews]
        error = next((result.error for result in mine if not result.ok), None)
        if not mine:
            error = Cancelled("the run ended before it began")
        made.append(Listing(reviews[: request.num_reviews], request, error))
    return made


def _whose(request: ReviewRequest) -> tuple[Any, ...]:
    return request.start, request.score
