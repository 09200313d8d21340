"""What happens to a client as workers are added, although the server answers at once.

httpx slows down: its connection pool walks over all of its connections whenever a request comes or goes, and
asks the system about those that are idle, all on the event loop. The time spent there is measured, with a
timer around that one function of httpcore 1.x; where there is none it stays unknown.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench import loops
from fetchlab.bench.arms import fetching
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.speed import speed_ratio, speeds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fetchlab.bench.measuring import Measuring
    from fetchlab.bench.served import Target

__all__ = ["WORKERS", "collect", "long", "table"]

WORKERS = (20, 100, 200)
_POOLING = "_assign_requests_to_connections"


def collect(
    target: Target,
    *,
    items: int = 1_000,
    workers: Sequence[int] = WORKERS,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure httpx in a bare loop and the engine, with more and more workers.

    Args:
        target: what is asked for.
        items: requests of each arm.
        workers: numbers of workers.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; ``pool_s`` is the time that httpx spent on its pool.
    """
    urls = target.urls(items)
    arms: dict[str, Callable[[], Measurement]] = {}
    for count in workers:
        arms[f"httpx, {count}"] = partial(_httpx, urls, count)
        arms[f"fetchlab, {count}"] = fetching(urls, workers=count)
    return measure(arms, warmup=1, **how)


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per number of workers.

    Returns:
        ``httpx/s`` and ``fetchlab/s``, ``httpx, µs each`` and how many of them its pool takes (``of them
        pool``), and ``ratio``, fetchlab's speed to httpx's, with its interval.
    """
    rates = _rates(rounds)
    known = rounds if "pool_s" in rounds.columns else rounds.with_columns(pool_s=pl.lit(None, pl.Float64))
    pools = (
        known.filter(~pl.col("warmup"), pl.col("items") > 0)
        .group_by("arm")
        .agg((pl.col("pool_s") / pl.col("items") * 1e6).median())
    )
    pooling: dict[str, float | None] = dict(pools.rows())
    rows = []
    for count in sorted({int(arm.split()[1]) for arm in rates}):
        theirs, ours = f"httpx, {count}", f"fetchlab, {count}"
        ratio = speed_ratio(rounds, ours, theirs)
        rows.append(
            {
                "workers": count,
                "httpx/s": rates[theirs],
                "httpx, µs each": 1e6 / rates[theirs],
                "of them pool": pooling[theirs],
                "fetchlab/s": rates[ours],
                "ratio": ratio and ratio.median,
                "low": ratio and ratio.low,
                "high": ratio and ratio.high,
            }
        )
    return pl.DataFrame(rows)


def long(table: pl.DataFrame) -> pl.DataFrame:
    """Return the same speeds as rows ``workers, client, requests/s``, for a chart."""
    return (
        table.select("workers", httpx="httpx/s", fetchlab="fetchlab/s")
        .unpivot(["httpx", "fetchlab"], index="workers", variable_name="client", value_name="requests/s")
        .sort("client", "workers")
    )


def _rates(rounds: pl.DataFrame) -> dict[str, float]:
    measured = speeds(rounds, baseline=rounds["arm"][0]).drop_nulls("per_s")
    return dict(zip(measured["arm"], measured["per_s"], strict=True))


def _httpx(urls: Sequence[str], workers: int) -> Measurement:
    with _pool_clock() as spent:
        done = loops.httpx(urls, workers)
    return replace(done, more={"pool_s": spent[0]} if spent else {})


@contextmanager
def _pool_clock() -> Iterator[list[float]]:
    """Time httpcore's pooling: a list of one sum of seconds, empty where there is no such place."""
    try:
        from httpcore import AsyncConnectionPool
    except ImportError:
        yield []
        return
    original = getattr(AsyncConnectionPool, _POOLING, None)
    if original is None:
        yield []
        return
    spent = [0.0]

    def timed(pool: Any) -> Any:
        begun = time.perf_counter()
        try:
            return original(pool)
        finally:
            spent[0] += time.perf_counter() - begun

    setattr(AsyncConnectionPool, _POOLING, timed)
    try:
        yield spent
    finally:
        setattr(AsyncConnectionPool, _POOLING, original)
