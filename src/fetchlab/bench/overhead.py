"""What the engine costs: requests per second over connections that stay open, beside other clients.

Every client asks the same server for the same 11 KB. The server answers at once, so all that is measured is
what a client does for a request. Two cores, one of them the server's: a client that needs two gets less.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Unpack

import polars as pl

from fetchlab.bench import loops, served, wrk
from fetchlab.bench.arms import fetching
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import measure
from fetchlab.bench.speed import Budget, budgets, speeds
from fetchlab.policy.rate import RateLimit
from fetchlab.policy.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fetchlab.bench.measuring import Measuring
    from fetchlab.bench.rounds import Measurement
    from fetchlab.bench.served import Target

__all__ = ["ARMED", "BUDGETED", "WORKERS", "budget_table", "collect", "httpx_arms", "table"]

WORKERS = (20, 200)
SLOW = 10
"""httpx is given so many times fewer requests; more would only take longer."""
FEWEST = 200
ARMED: dict[str, Any] = {
    "rate": RateLimit(1e6, burst=1000),
    "retry": Retry(attempts=4, budget=0.1),
    "deadline": 3600.0,
    "max_error_rate": 0.5,
}
"""Every policy that can be on without changing what is asked for, none of them in the way."""


def _armed(workers: int) -> str:
    return f"fetchlab, all policies, {workers}"


BUDGETED = tuple(
    Budget(_armed(workers), against, at_least, aim)
    for workers in WORKERS
    for against, at_least, aim in (
        (f"wrk, {workers}", 0.25, 0.4),
        (f"aiohttp, {workers}", 1.3, None),
        ("httpx, 200", 40.0, None),
    )
)


def collect(
    target: Target,
    *,
    items: int = 20_000,
    seconds: int = 2,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure the engine beside wrk, pyreqwest, aiohttp and httpx; what is not installed is left out.

    Args:
        target: what is asked for.
        items: requests of each client; httpx makes a tenth.
        seconds: for how long wrk goes on.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; :func:`table` and :func:`budget_table` make tables of them.
    """
    urls = target.urls(items)
    arms: dict[str, Callable[[], Measurement]] = {}
    for workers in WORKERS:
        if wrk.find():
            arms[f"wrk, {workers}"] = partial(wrk.press, target.url, workers, seconds)
        arms[f"pyreqwest, {workers}"] = partial(loops.pyreqwest, urls, workers)
        if loops.has_aiohttp():
            arms[f"aiohttp, {workers}"] = partial(loops.aiohttp, urls, workers)
        arms[f"fetchlab, {workers}"] = fetching(urls, workers=workers)
        arms[f"fetchlab, keep=False, {workers}"] = fetching(urls, workers=workers, keep=False, read=True)
        arms[_armed(workers)] = fetching(urls, workers=workers, **ARMED)
    arms |= httpx_arms(target, max(FEWEST, items // SLOW), (200,))
    return measure(arms, warmup=1, **how)


def httpx_arms(target: Target, items: int, workers: tuple[int, ...]) -> dict[str, Callable[[], Measurement]]:
    """Return an arm of httpx in a bare loop for each number of workers."""
    urls = target.urls(items)
    return {f"httpx, {count}": partial(loops.httpx, urls, count) for count in workers}


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per client: requests per second, µs each, and the ratio to wrk (else to pyreqwest).

    Returns:
        ``ideal`` is what wrk, else pyreqwest, makes of this server over as many connections.
    """
    known = set(rounds["arm"])
    baseline = next(arm for arm in ("wrk, 20", "pyreqwest, 20") if arm in known)
    found = speeds(rounds, baseline=baseline)
    client = baseline.partition(",")[0]
    limits = dict(found.filter(pl.col("arm").str.starts_with(client)).select("arm", "per_s").iter_rows())
    beside = pl.concat_str(pl.lit(f"{client}, "), pl.col("arm").str.split(", ").list.last())
    ideal = beside.replace_strict(limits, default=None, return_dtype=pl.Float64)
    found = found.with_columns(ideal=ideal, efficiency=pl.col("per_s") / ideal)
    return found.rename(
        {
            "arm": "client, workers",
            "per_s": "requests/s",
            "us_per_item": "µs each",
            "ratio": f"ratio to {baseline}",
        }
    ).drop("rounds")


def budget_table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per budget: the ratio of speeds, its interval, what it must be, and whether it is."""
    return budgets(rounds, BUDGETED)


def _collect(*, items: int = 20_000, seconds: int = 2, **how: Unpack[Measuring]) -> pl.DataFrame:
    with served.target() as target:
        return collect(target, items=items, seconds=seconds, **how)


def _notes(**_: Any) -> list[str]:
    said = served.notes("11 KB on 127.0.0.1")
    if wrk.find() is None:
        said.append("There is no wrk (apt-get install wrk): its rows are missing.")
    if not loops.has_aiohttp():
        said.append("There is no aiohttp (pip install 'fetchlab[bench]'): its rows are missing.")
    return said


def _tables(rows: pl.DataFrame, **_: Any) -> list[Table]:
    return [
        Table(
            "Requests per second, 11 KB, connections kept; ideal: wrk over as many connections", table(rows)
        ),
        Table("Budgets: ratios of speeds", budget_table(rows)),
    ]


def _yardsticks(arm: str) -> tuple[str, ...]:
    """Another client with as many workers."""
    count = arm.rpartition(" ")[2]
    return () if arm.startswith("wrk") else (f"wrk, {count}", f"pyreqwest, {count}")


BENCH = Bench(
    name="overhead",
    collect=_collect,
    tables=_tables,
    notes=_notes,
    facts=served.facts,
    yardsticks=_yardsticks,
)
