"""The charts' strategies, published ones and ours, as arms of a comparison on the same lists."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab.bench.work import ended
from fetchlab.engine.calls import map as map_items
from fetchlab.engine.strategies import Batch, Chunked, Sequential, Threads
from fetchlab.errors import ConfigError
from fetchlab.studies.charts import BatchRequestBuilder, fetch_and_parse_list, fetch_and_parse_list_batch
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.engine.run import Run
    from fetchlab.engine.strategies import Strategy
    from fetchlab.studies.charts import App, Listing, ListRequest

__all__ = [
    "AT_ONCE",
    "BASELINE",
    "CASES",
    "EXECUTOR",
    "JITTER",
    "LATENCY",
    "LAWS",
    "OURS",
    "SEEDS",
    "alone",
    "apps",
    "arms",
    "ids",
    "law",
    "requests_of",
    "run",
]

LATENCY, JITTER = 0.34, 0.5
"""Mean seconds of a list, as in the published table (5.12 s for 15), and the coefficient of variation of the
lognormal law."""
LAWS = ("constant", "lognormal", "slowest")
"""Of latency: the same for every call; lognormal, drawn for each call; lognormal, drawn for each list, and a
call takes as long as its slowest one. Under the second, several lists in a call draw fewer times and are the
faster for it; a service that works on a call's lists side by side is as the third."""
CASES = {9: (3, 3), 15: (3, 5), 25: (5, 5)}
"""Requests of a published table to countries and categories."""
COUNTRIES = ("us", "kr", "jp", "de", "gb")
CATEGORIES = ("GAME_ACTION", "SOCIAL", "PRODUCTIVITY", "ENTERTAINMENT", "GAME_PUZZLE")
BASELINE, AT_ONCE = "Sequential", "Batch-ALL"
SEEDS: dict[str, Strategy] = {
    BASELINE: Sequential(),
    "ThreadPool-5": Threads(5),
    "ThreadPool-10": Threads(10),
    "Batch-3chunk": Chunked(3),
    "Batch-5chunk": Chunked(5),
    "Batch-10chunk": Chunked(10),
    AT_ONCE: Batch(),
}
"""The published strategies by their published names; *Asyncio+Executor* is one more."""
EXECUTOR = "Asyncio+Executor"
OURS = ("rpc-multiplexed", "adaptive")


def requests_of(count: int, num_results: int = 100) -> list[ListRequest]:
    """Return the requests of a published table.

    Raises:
        ConfigError: there is no table of so many.
    """
    if count not in CASES:
        raise ConfigError("requests", f"is one of {', '.join(map(str, CASES))}, not {count}")
    where, what = CASES[count]
    builder = BatchRequestBuilder()
    return list(builder.build_list_requests(COUNTRIES[:where], CATEGORIES[:what], num_results))


def law(name: str, latency: float = LATENCY, jitter: float = JITTER) -> dict[str, Any]:
    """Return a law of latency as settings of the testbed."""
    if name not in LAWS:
        raise ConfigError("law", f"is one of {', '.join(LAWS)}, not {name!r}")
    spread = 0.0 if name == "constant" else jitter
    return {"latency": latency, "jitter": spread, "steady": True, "rpc_each": name == "slowest"}


def arms(base_url: str, requests: Sequence[ListRequest]) -> dict[str, Callable[[], Run]]:
    """Return every strategy as an arm for ``fl.compare``, each with a fresh client, run to its end."""
    found: dict[str, Callable[[], Run]] = {
        name: partial(run, base_url, requests, strategy=strategy, batch_size=1)
        for name, strategy in SEEDS.items()
    }
    found[EXECUTOR] = partial(by_executor, base_url, requests)
    found["rpc-multiplexed"] = partial(run, base_url, requests, strategy=Batch(), batch_size=50)
    found["adaptive"] = partial(run, base_url, requests)
    return found


def ids(lists: Sequence[Listing[App]]) -> list[list[str]]:
    """Return what arms must agree on: the apps of every list in their order."""
    return [[app.app_id for app in one] for one in lists]


def apps(lists: Sequence[Listing[App]]) -> int:
    """Return how many apps came."""
    return sum(map(len, lists))


def run(base_url: str, requests: Sequence[ListRequest], **how: Any) -> Run:
    """Fetch the lists with a fresh client and these knobs, to the end."""
    with Client() as client:
        made: Run = fetch_and_parse_list_batch(
            requests, wait=False, base_url=base_url, client=client, progress=False, **how
        )
        return ended(made)


def by_executor(base_url: str, requests: Sequence[ListRequest]) -> Run:
    """``asyncio.to_thread`` for each request, on an executor that has a thread for each."""
    with ThreadPoolExecutor(len(requests)) as pool, Client() as client:

        async def one(request: ListRequest) -> Listing[App]:
            call = partial(alone, request, base_url=base_url, client=client)
            return await asyncio.get_running_loop().run_in_executor(pool, call)

        key = lambda request: request.key  # noqa: E731
        return ended(map_items(one, requests, workers=len(requests), key=key, progress=False))


def alone(request: ListRequest, **how: Any) -> Listing[App]:
    """Fetch one list by a blocking call of its own."""
    how = {"workers": 1, "batch_size": 1, **how}
    return fetch_and_parse_list(
        request.category, request.collection, request.lang, request.country, request.num_results, **how
    )
