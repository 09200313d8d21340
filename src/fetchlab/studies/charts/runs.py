"""Requests to runs: which wire, how many at a time, how many in a call, what comes out."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import msgspec

from fetchlab.engine.calls import MAX_BYTES, start
from fetchlab.engine.knobs import whole
from fetchlab.engine.places import fetching_task, valued_task
from fetchlab.engine.strategies import Async, Processes, Sequential, Threads, choose
from fetchlab.errors import Cancelled, ConfigError
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.keys import own_key
from fetchlab.policy.retry import Retry
from fetchlab.policy.timeout import Timeout
from fetchlab.store.cache import Cache
from fetchlab.studies.charts.apps import Listing
from fetchlab.studies.charts.reading import details_of, hits_of
from fetchlab.studies.charts.requests import AppRequest, ListRequest, ReviewRequest, SearchRequest
from fetchlab.studies.charts.riding import Riding
from fetchlab.studies.charts.sizing import BatchSize
from fetchlab.studies.charts.wire import LISTS, REVIEWS, app_page, search_page
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike
    from pathlib import Path

    from fetchlab.engine.journal import Journal
    from fetchlab.engine.run import Run
    from fetchlab.engine.strategies import Strategy
    from fetchlab.model import Result
    from fetchlab.policy.rate import RateKnob
    from fetchlab.studies.charts.wire import Rpc

__all__ = ["URL", "How", "app_run", "finished", "list_run", "review_run", "search_run"]

URL = "FETCHLAB_PLAY_URL"
"""The environment variable that names the service's root where no ``base_url`` is given."""
RPCS = Adaptive(max=200, start=100)
PAGES = Adaptive(max=64, start=20)

log = logging.getLogger("fetchlab.charts")


class How(TypedDict, total=False):
    """The knobs that all calls share.

    Attributes:
        base_url: the service's root; ``$FETCHLAB_PLAY_URL`` unless told.
        workers: requests at a time; as many as the service serves well unless told.
        strategy: instead, any strategy of the engine.
        batch_size: rpcs that ride in one HTTP call at most; ``"auto"`` finds out. One alone in threads,
            processes and one after the other. Pages of details and searches always go alone.
        priority: a request's priority, lower goes first, also into a call.
        retry: what is tried again; all that is asked for only reads, so POST is, too.
        rate: requests per second.
        timeout: seconds per attempt.
        client: an ``fl.Client``; a shared one unless told.
        cache: an ``fl.Cache`` or a file's path: what it holds is not asked for again. Lists and reviews are
            kept one by one, whatever call they rode in; details and searches as the pages they came in.
        journal: remembers every request, so that the same call goes on where an earlier one was stopped.
        progress: whether to show progress.
    """

    base_url: str | None
    workers: int | Adaptive | None
    strategy: Strategy | None
    batch_size: int | Literal["auto"]
    priority: Callable[[Any], int] | None
    retry: Retry | None
    rate: RateKnob
    timeout: Timeout | float | None
    client: Any
    cache: Cache | str | PathLike[str] | None
    journal: Journal | str | Path | None
    progress: bool | None


def list_run(
    requests: Iterable[ListRequest], how: How, shape: Callable[[list[Any]], Any] = lambda lists: lists
) -> Run:
    """Start a run over charts; its ``result()`` is a :class:`Listing` for each, shaped."""
    wanted = _checked(requests, ListRequest)
    return _rpc_run("lists", wanted, LISTS, how, product=lambda run: shape(_listings(run, wanted)))


def review_run(requests: Iterable[ReviewRequest], how: How) -> Run:
    """Start a run over pages of reviews; its ``result()`` is a :class:`Listing` for each app."""
    wanted = _checked(requests, ReviewRequest)
    return _rpc_run(
        "reviews", wanted, REVIEWS, how, product=lambda run: _reviews(run, wanted), follow=_next_page
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
    base_url, strategy = _root(how), _strategy(how, RPCS)
    client, timeout = Client.of(how.get("client")), Timeout.of(how.get("timeout", Timeout()))
    size = _size(how, strategy)
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
    base_url, strategy = _root(how), _strategy(how, PAGES)
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
    unknown = set(how) - set(How.__annotations__)
    if unknown:
        raise ConfigError(min(unknown), f"is no knob; there are {', '.join(How.__annotations__)}")
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


def _root(how: How) -> str:
    given = how.get("base_url")
    knob, url = ("base_url", given) if given is not None else (URL, os.environ.get(URL))
    if url is None:
        raise ConfigError("base_url", f"give the service's root, or set {URL}")
    if not str(url).startswith(("http://", "https://")):
        raise ConfigError(knob, f"give the service's root such as https://example.org, not {url!r}")
    return str(url).rstrip("/")


def _strategy(how: How, usual: Adaptive) -> Strategy:
    workers, strategy = how.get("workers"), how.get("strategy")
    if workers is None and strategy is None:
        return Async(usual)
    return choose(workers, strategy, plain=False)


def _size(how: How, strategy: Strategy) -> BatchSize | None:
    """How many rpcs ride together; None where each goes alone."""
    given = how.get("batch_size", "auto")
    if given != "auto":
        whole("batch_size", given, instead=" or 'auto'")
    alone = isinstance(strategy, Threads | Processes | Sequential)
    if given == 1 or (given == "auto" and alone):
        return None
    if alone:
        raise ConfigError(
            "batch_size",
            f"{type(strategy).__name__} has one request at a time in hand; give 1, or another strategy",
        )
    return BatchSize(None if given == "auto" else given)


def _checked(requests: Iterable[Any], kind: type) -> list[Any]:
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
