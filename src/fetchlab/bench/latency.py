"""Many requests in flight at a server that takes 50 ms for each: does the client keep up?

The ideal is workers / latency (Little's law): no client that keeps so many requests in flight can be faster.
wrk shows how near to it this machine and the testbed come at all.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench import loops, wrk
from fetchlab.bench.arms import fetching
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import measure
from fetchlab.bench.speed import Budget, budgets, speeds
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.bench.measuring import Measuring
    from fetchlab.bench.rounds import Measurement

__all__ = ["BUDGETED", "WORKERS", "collect", "table"]

WORKERS = (200, 1000)
BUDGETED = {200: (0.95, 0.98), 1000: (0.75, 0.9)}
"""Workers to what is asked of the ratio to wrk, and what is aimed at."""


def collect(
    url: str,
    *,
    workers: Sequence[int] = WORKERS,
    items: int | None = None,
    latency: float = 0.05,
    seconds: int = 4,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure the engine, wrk where it is installed, and pyreqwest in a bare loop.

    Args:
        url: what to ask for, the same for every query string.
        workers: numbers of requests in flight.
        items: requests of each arm; as many as take so many seconds at best unless told.
        latency: seconds the server takes.
        seconds: for how long wrk goes on.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; :func:`table` makes the table of them.
    """
    arms: dict[str, Callable[[], Measurement]] = {}
    for count in workers:
        urls = [f"{url}?n={number}" for number in range(items or round(count / latency * seconds))]
        if wrk.find():
            arms[f"wrk, {count}"] = partial(wrk.press, url, count, seconds)
        arms[f"pyreqwest, {count}"] = partial(loops.pyreqwest, urls, count)
        arms[f"fetchlab, {count}"] = fetching(urls, workers=count)
    return measure(arms, warmup=1, **how)


def table(rounds: pl.DataFrame, *, latency: float) -> pl.DataFrame:
    """Return a row per client and number of workers.

    Args:
        rounds: what :func:`collect` returned.
        latency: seconds the server takes, for the ideal.

    Returns:
        Requests per second, the ideal and the share of it that was reached, and for the engine the ratio to
        wrk at as many connections with its budget.
    """
    counts = sorted({_workers(arm) for arm in rounds["arm"]})
    ours = {count: f"fetchlab, {count}" for count in counts}
    wanted = [
        Budget(arm, f"wrk, {count}", *BUDGETED.get(count, (None, None)))
        for count, arm in ours.items()
        if f"wrk, {count}" in set(rounds["arm"])
    ]
    held = budgets(rounds, wanted).drop("against")
    found = speeds(rounds, baseline=next(iter(ours.values()))).select(
        "arm", "per_s", "error", workers=pl.col("arm").map_elements(_workers, return_dtype=pl.Int64)
    )
    return (
        found.with_columns(ideal=pl.col("workers") / latency)
        .with_columns(efficiency=pl.col("per_s") / pl.col("ideal"))
        .join(held, on="arm", how="left", maintain_order="left")
        .sort("workers", "per_s", descending=[False, True])
        .select(
            pl.col("arm").alias("client, workers"),
            pl.col("per_s").alias("requests/s"),
            "ideal",
            "efficiency",
            pl.col("ratio").alias("ratio to wrk"),
            *("low", "high", "budget", "aim", "met", "error"),
        )
    )


def _workers(arm: str) -> int:
    return int(arm.rpartition(" ")[2])


def _collect(
    *,
    workers: Sequence[int] = WORKERS,
    items: int | None = None,
    latency: float = 0.05,
    seconds: int = 4,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    with serve(port=0, latency=latency) as bed:
        url = f"{bed.urls['echo']}/json"
        return collect(url, workers=workers, items=items, latency=latency, seconds=seconds, **how)


def _notes(**_: Any) -> list[str]:
    missing = wrk.find() is None
    return ["There is no wrk (apt-get install wrk): its rows and the budgets are missing."] * missing


def _tables(rows: pl.DataFrame, *, latency: float = 0.05, **_: Any) -> list[Table]:
    title = (
        f"Requests per second from the testbed at {latency * 1000:g} ms an answer; ideal: workers / latency"
    )
    return [Table(title, table(rows, latency=latency))]


def _yardsticks(arm: str) -> tuple[str, ...]:
    """Another client with as many workers."""
    count = arm.rpartition(" ")[2]
    return () if arm.startswith("wrk") else (f"wrk, {count}", f"pyreqwest, {count}")


BENCH = Bench(name="latency", collect=_collect, tables=_tables, notes=_notes, yardsticks=_yardsticks)
