"""Two hosts in one run: what a slow, strict one costs the fast one.

The testbed's profile ``two-hosts``: one answers after 50 ms, the other after 200 ms, takes 20 requests a
second and refuses the rest. A worker that waits for the slow host is one less for the fast one; an item that
waits without a worker costs nothing. So the fast host is measured alone, with the slow one's items among its
own, and behind all of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench.costs import PER_ITEM, Cost, per_item
from fetchlab.bench.heap import collect_garbage
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.speed import speed_ratio
from fetchlab.engine.calls import fetch
from fetchlab.errors import StudyError
from fetchlab.testbed import serve
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from fetchlab.bench.measuring import Measuring
    from fetchlab.testbed import Testbed

__all__ = ["ARMS", "FAST", "SLOW", "collect", "jain", "table"]

FAST, SLOW = "fast host alone", "slow host alone"
MIXED, BEHIND = "both, interleaved", "both, slow host's first"
ARMS = (FAST, SLOW, MIXED, BEHIND)
SHARE = 40
"""One item of the slow host to so many of the fast one: at 20 workers both take about as long."""
LATENCY = 0.05


def collect(
    bed: Testbed,
    *,
    items: int = 2_000,
    workers: int = 20,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure the fast host alone and in company.

    Args:
        bed: a testbed; its settings are changed.
        items: of the fast host; the slow one has a fortieth of them.
        workers: at both hosts together.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds with columns by host: ``fast_s`` and ``slow_s`` (seconds from the run's start to the
        host's last item), ``fast_items``, ``slow_items``, and ``p50`` and ``p95`` of the milliseconds that
        items of the fast host waited after they had been read.
    """
    fast = [f"{bed.urls['echo']}/json?n={number}" for number in range(items)]
    slow = [f"{bed.urls['echo2']}/json?n={number}" for number in range(max(1, items // SHARE))]
    inputs = dict(zip(ARMS, (fast, slow, _mixed(fast, slow), [*slow, *fast]), strict=True))
    arms = {name: partial(_arm, bed, urls, workers) for name, urls in inputs.items()}
    return measure(arms, warmup=1, **how)


def table(rounds: pl.DataFrame, *, workers: int = 20) -> pl.DataFrame:
    """Return a row per arm: the fast host's speed, how it compares to being alone, and what was fair.

    Args:
        rounds: what :func:`collect` returned.
        workers: at both hosts together, for the ideal: the fast host alone with all of them.

    Returns:
        ``fast/s`` and ``slow/s`` are medians; ``efficiency`` is the fast host's share of the ideal; ``ratio``
        is the fast host's speed to that of it alone, with its interval; ``wait p50`` and ``wait p95`` in
        milliseconds; ``Jain`` is the index of both hosts' shares of what they reach alone, 1 if both give up
        the same.
    """
    measured = rounds.filter(~pl.col("warmup"), pl.col("seconds").is_not_null())
    alone = {host: _rate(measured.filter(arm=arm), host) for host, arm in (("fast", FAST), ("slow", SLOW))}
    rows = []
    for arm in ARMS:
        part = measured.filter(arm=arm)
        rates = {host: _rate(part, host) for host in alone}
        ratio = None if arm == SLOW else speed_ratio(_of_fast(rounds), arm, FAST)
        both = arm not in (FAST, SLOW)
        rows.append(
            {
                "arm": arm,
                "fast/s": rates["fast"],
                "ideal/s": None if arm == SLOW else workers / LATENCY,
                "efficiency": None if arm == SLOW else (rates["fast"] or 0.0) * LATENCY / workers,
                "ratio": ratio and ratio.median,
                "low": ratio and ratio.low,
                "high": ratio and ratio.high,
                "wait p50, ms": part["p50"].median(),
                "wait p95, ms": part["p95"].median(),
                "slow/s": rates["slow"],
                "Jain": jain([(rates[host] or 0.0) / (alone[host] or 1.0) for host in alone])
                if both
                else None,
            }
        )
    columns = [name for name in rows[0] if name != "arm"]
    return pl.DataFrame(rows, {"arm": pl.String, **dict.fromkeys(columns, pl.Float64)})


def jain(shares: list[float]) -> float:
    """Return Jain's fairness index of some shares: 1 if all are equal, 1/n if one has everything.

    R. Jain, D. Chiu, W. Hawe, "A Quantitative Measure of Fairness and Discrimination for Resource Allocation
    in Shared Computer Systems", DEC-TR-301, 1984.
    """
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def _mixed(fast: list[str], slow: list[str]) -> list[str]:
    """The slow host's items spread evenly among the others."""
    step = len(fast) / len(slow)
    places: list[tuple[float, str]] = [(index, url) for index, url in enumerate(fast)]
    places += [((number + 0.5) * step, url) for number, url in enumerate(slow)]
    return [url for _, url in sorted(places, key=lambda place: place[0])]


def _arm(bed: Testbed, urls: list[str], workers: int) -> Measurement:
    collect_garbage()
    bed.configure(profile="two-hosts")
    with Client() as client:
        run = fetch(urls, workers=workers, client=client, progress=False).wait()
    if run.stats().ok != len(urls):
        raise StudyError(f"{len(urls) - run.stats().ok:,} of {len(urls):,} items have no value")
    timings = run.frame().select("finished", "wait", fast=pl.col("host") == bed.urls["echo"])
    more: dict[str, float] = {}
    for host, part in (("fast", timings.filter("fast")), ("slow", timings.filter(~pl.col("fast")))):
        if part.height:
            more |= {f"{host}_items": part.height, f"{host}_s": part["finished"].max()}  # type: ignore[dict-item]
    if timings["fast"].any():
        waits = timings.filter("fast")["wait"] * 1000
        more |= {"p50": waits.quantile(0.5), "p95": waits.quantile(0.95)}  # type: ignore[dict-item]
    return Measurement.of(run, **more)


def _rate(part: pl.DataFrame, host: str) -> float | None:
    rate: float | None = (part[f"{host}_items"] / part[f"{host}_s"]).median()  # type: ignore[assignment]
    return rate


def _of_fast(rounds: pl.DataFrame) -> pl.DataFrame:
    """The rounds as if only the fast host's items had been there."""
    return rounds.with_columns(seconds="fast_s", items=pl.col("fast_items").fill_null(0))


NOTE = "Items wait after they were read; to find items of both hosts, up to 65,536 of a list are read ahead."


def _collect(*, items: int = 2_000, workers: int = 20, **how: Unpack[Measuring]) -> pl.DataFrame:
    with serve(port=0, seed=how.get("seed", 0)) as bed:
        return collect(bed, items=items, workers=workers, **how)


def _tables(rows: pl.DataFrame, *, workers: int = 20, **_: Any) -> list[Table]:
    title = f"The fast host in company, {workers} workers for both"
    return [Table(title, table(rows, workers=workers), NOTE)]


def _costs(rows: pl.DataFrame) -> pl.DataFrame:
    """The fast host's, and the slow one's where it is alone: the whole run ends with the slow one."""
    host = pl.when(pl.col("arm") == SLOW)
    seconds = host.then("slow_s").otherwise("fast_s")
    items = host.then("slow_items").otherwise("fast_items")
    return per_item(rows.with_columns(seconds=seconds, items=items))


COST = Cost(PER_ITEM.unit, _costs)

BENCH = Bench(
    name="fairness",
    collect=_collect,
    tables=_tables,
    cost=COST,
    yardsticks=lambda arm: (FAST,) if arm in (MIXED, BEHIND) else (),
)
