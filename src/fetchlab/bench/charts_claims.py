"""What the published document says of its strategies, tested.

What makes them fast, what each improvement is worth, what requests weigh, and which call is best when.
"""

from __future__ import annotations

import math
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
from pyreqwest.runtime import runtime_multithreaded_default

from fetchlab.bench.charts_arms import alone, ids, run
from fetchlab.bench.compare import compare
from fetchlab.bench.crossovers import QUESTIONS
from fetchlab.bench.work import ended
from fetchlab.engine.calls import map as map_items
from fetchlab.engine.strategies import Batch, Chunked, Sequential, Threads
from fetchlab.studies.charts import CATEGORIES, COUNTRIES, BatchRequestBuilder, fetch_and_parse_list_batch
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from fetchlab.bench.comparison import Comparison
    from fetchlab.engine.run import Run
    from fetchlab.studies.charts import ListRequest
    from fetchlab.testbed import Testbed

__all__ = ["Blocking", "ablation", "beside_model", "blocking", "crossovers", "memory", "weights"]


class Blocking(NamedTuple):
    """A way to fetch lists.

    Attributes:
        calls: blocking calls that it makes.
        at_a_time: requests in flight at most.
        start: does it once.
    """

    calls: int
    at_a_time: int
    start: Callable[[], Run]


def blocking(base_url: str, requests: Sequence[ListRequest]) -> dict[str, Blocking]:
    """Return ways that differ in how often they block and in how many requests are in flight.

    The document says that fewer ``block_on`` calls make it fast. If so, one call that fetches one by one
    would be as fast as one call that fetches all at once, and a call for each list, all of them at the same
    time, as slow as one after the other.
    """
    count = len(requests)
    fifth = -(-count // 5)
    one = partial(run, base_url, requests, batch_size=1)
    return {
        f"{count} calls, 1 at a time": Blocking(count, 1, partial(_calls, base_url, requests, 1)),
        "1 call, 1 at a time": Blocking(1, 1, partial(one, strategy=Sequential())),
        f"{count} calls, 5 at a time": Blocking(count, 5, partial(_calls, base_url, requests, 5)),
        f"{fifth} calls, 5 at a time": Blocking(fifth, 5, partial(one, strategy=Chunked(5))),
        f"{count} calls, {count} at a time": Blocking(
            count, count, partial(_calls, base_url, requests, count)
        ),
        f"1 call, {count} at a time": Blocking(1, count, partial(one, strategy=Batch())),
    }


def beside_model(
    comparison: Comparison, ways: dict[str, Blocking], requests: int, latency: float
) -> pl.DataFrame:
    """Return measured times beside the model *latency × ⌈requests / at a time⌉*, which knows no calls.

    Columns: ``arm str, calls u32, at_a_time u32, median_s, model_s, measured_to_model f64``.
    """
    times = dict(comparison.summary().select("arm", "median_s").iter_rows())
    rows = [
        {
            "arm": name,
            "calls": way.calls,
            "at_a_time": way.at_a_time,
            "median_s": times[name],
            "model_s": latency * math.ceil(requests / way.at_a_time),
        }
        for name, way in ways.items()
    ]
    return pl.DataFrame(rows).with_columns(measured_to_model=pl.col("median_s") / pl.col("model_s"))


def ablation(
    base_url: str,
    requests: Sequence[ListRequest],
    *,
    rounds: int = 5,
    only: Collection[str] | None = None,
    progress: bool | None = None,
) -> pl.DataFrame:
    """Switch each published improvement on and off, all else equal.

    Args:
        base_url: the service's root.
        requests: the lists.
        rounds: measured rounds.
        only: the improvements to switch; all unless told.
        progress: tell how far it is.

    Returns:
        Columns ``improvement str, published str, ratio, low, high f64`` (of times, on to off, with its 95 %
        interval)``, verdict str``.
    """
    one_each = partial(run, base_url, requests, batch_size=1)
    at_once = partial(one_each, strategy=Batch())
    built = partial(_built, base_url, requests)
    pairs: dict[str, tuple[str, Callable[[], Run], Callable[[], Run]]] = {
        "batching": ("+700 %", partial(one_each, strategy=Sequential()), at_once),
        "one client": ("+10 %", partial(_calls, base_url, requests, 5, fresh=True),
                       partial(_calls, base_url, requests, 5)),
        "runtime threads": ("+5 %", at_once, partial(_with_threads, at_once)),
        "interning": ("< 5 %", partial(built, intern=False), partial(built, intern=True)),
        "generators": ("0 %", partial(built, intern=True), partial(_lazily, base_url, requests)),
    }  # fmt: skip
    rows = []
    for name, (published, off, on) in pairs.items():
        if only is not None and name not in only:
            continue
        found = compare({"off": off, "on": on}, rounds=rounds, check=ids, progress=progress)
        row = found.summary().filter(arm="on").row(0, named=True)
        rows.append((name, published, *(row[column] for column in ("ratio", "low", "high", "verdict"))))
    schema = ["improvement", "published", "ratio", "low", "high", "verdict"]
    return pl.DataFrame(rows, schema, orient="row")


def memory(count: int = 10_000) -> pl.DataFrame:
    """Measure what so many built requests weigh, by ``tracemalloc``.

    Returns:
        Columns ``requests str, peak u64, each f64`` (bytes): iterated, held in a list as the document holds
        them, and apps' ids read from a file with and without interning.
    """
    where, what = COUNTRIES[:20], (CATEGORIES * -(-count // (20 * len(CATEGORIES))))[: -(-count // 20)]

    def built() -> Iterable[Any]:
        return BatchRequestBuilder().build_list_requests(where, what)

    def read(*, intern: bool) -> Iterable[Any]:
        texts = ("".join(("com.example.app", str(number % 100))) for number in range(count))
        return BatchRequestBuilder(intern_strings=intern).build_app_requests(texts)

    ways: dict[str, Callable[[], Any]] = {
        "lists, iterated": lambda: sum(1 for _ in built()),
        "lists, held": lambda: list(built()),
        "ids of a file, held, interned": lambda: list(read(intern=True)),
        "ids of a file, held, not interned": lambda: list(read(intern=False)),
    }
    # The lesser of two: what other threads allocate in between is counted, too.
    rows = [(name, peak := min(_peak(take), _peak(take)), peak / count) for name, take in ways.items()]
    return pl.DataFrame(rows, {"requests": pl.String, "peak": pl.UInt64, "each": pl.Float64}, orient="row")


def crossovers(
    bed: Testbed,
    *,
    counts: Sequence[int] = (1, 2, 4, 8, 16),
    costs: Sequence[float] = (0.001, 0.01, 0.05, 0.2),
    categories: int = 16,
    latency: float = 0.1,
    rounds: int = 5,
    progress: bool | None = None,
) -> pl.DataFrame:
    """Ask which call is best when; QUESTIONS schema, for :func:`~fetchlab.bench.crossovers.crossing`.

    * *lists*: one blocking call after the other, or one call for all, from one list on.
    * *rpcs per country*: a call for each list, or one for all of a country.
    * *seconds that an rpc adds*: all lists of a country in one call, or as many as turn out to cost little.

    Args:
        bed: a testbed; its settings are changed.
        counts: lists, ascending.
        costs: seconds, ascending.
        categories: lists of each of four countries, where seconds vary.
        latency: seconds of a call.
        rounds: measured rounds.
        progress: tell how far it is.
    """
    url = bed.urls["play"]
    build = BatchRequestBuilder().build_list_requests
    rows: list[tuple[Any, ...]] = []

    def ask(varied: str, value: float, pair: dict[str, Callable[[], Run]]) -> None:
        found = compare(pair, rounds=rounds, check=ids, progress=progress)
        first, second = pair
        row = found.summary().filter(arm=second).row(0, named=True)
        told = [row[name] for name in ("ratio", "low", "high", "verdict")]
        rows.append((varied, float(value), first, second, *told))

    bed.configure("play", profile="flat", latency=latency)
    for count in counts:
        few = list(build(["us"], CATEGORIES[:count], 20))
        at_once = partial(run, url, few, strategy=Batch(), batch_size=1)
        ask("lists", count, {"one by one": partial(_calls, url, few, 1), "all at once": at_once})
        together = partial(run, url, few, strategy=Batch(), batch_size=50)
        ask("rpcs per country", count, {"all at once": at_once, "in one call": together})
    many = list(build(["us", "kr", "jp", "de"], CATEGORIES[:categories], 20))
    for cost in costs:
        bed.configure("play", rpc_cost=cost)
        ask("seconds that an rpc adds", cost, {
            "in one call": partial(run, url, many, strategy=Batch(), batch_size=50),
            "adaptive": partial(run, url, many),
        })  # fmt: skip
    return pl.DataFrame(rows, QUESTIONS, orient="row")


def weights(table: pl.DataFrame) -> dict[str, int]:
    """Return the peaks of :func:`memory` by what was built."""
    return dict(table.select("requests", "peak").iter_rows())


def _calls(base_url: str, requests: Sequence[ListRequest], workers: int, *, fresh: bool = False) -> Run:
    """A blocking call for each list, in threads; each with a client of its own if they are to be fresh."""
    with Client() as shared:

        def one(request: ListRequest) -> Any:
            if not fresh:
                return alone(request, base_url=base_url, client=shared)
            with Client() as own:
                return alone(request, base_url=base_url, client=own)

        by_key: Callable[[Any], str] = lambda request: request.key  # noqa: E731
        return ended(map_items(one, requests, strategy=Threads(workers), key=by_key, progress=False))


def _with_threads(start: Callable[[], Run]) -> Run:
    """On a runtime that has a thread for each core, instead of one."""
    runtime_multithreaded_default(True)
    try:
        return start()
    finally:
        runtime_multithreaded_default(None)


def _built(base_url: str, requests: Sequence[ListRequest], *, intern: bool) -> Run:
    """Build the requests, too."""
    builder = BatchRequestBuilder(intern_strings=intern)
    return _fetched(base_url, [one for request in requests for one in _again(builder, request)])


def _lazily(base_url: str, requests: Sequence[ListRequest]) -> Run:
    builder = BatchRequestBuilder()
    return _fetched(base_url, (one for request in requests for one in _again(builder, request)))


def _again(builder: BatchRequestBuilder, request: ListRequest) -> Iterable[ListRequest]:
    return builder.build_list_requests([request.country], [request.category], request.num_results)


def _fetched(base_url: str, requests: Iterable[ListRequest]) -> Run:
    with Client() as client:
        made: Run = fetch_and_parse_list_batch(
            requests,
            wait=False,
            base_url=base_url,
            client=client,
            strategy=Batch(),
            batch_size=1,
            progress=False,
        )
        return ended(made)


def _peak(take: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        kept = take()
        peak = tracemalloc.get_traced_memory()[1]
        del kept
        return peak
    finally:
        tracemalloc.stop()
