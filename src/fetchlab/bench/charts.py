"""The charts' three tables: the published strategies and ours on the same lists, with the ideal of each.

A list's service time is what it takes alone and uncontended, parsing included, and so is that of a call with
several; the testbed gives the same request the same latency each time (``steady``), so that all arms meet the
same draws.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab import reference
from fetchlab.bench.bounds import Ideal, ideal
from fetchlab.bench.charts_arms import (
    AT_ONCE,
    BASELINE,
    CASES,
    EXECUTOR,
    JITTER,
    LATENCY,
    LAWS,
    OURS,
    SEEDS,
    apps,
    arms,
    law,
    requests_of,
    run,
)
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.summary import summarise
from fetchlab.engine.calls import fetch
from fetchlab.engine.strategies import Async, Batch, Sequential, Threads
from fetchlab.errors import ConfigError
from fetchlab.studies.charts.wire import LISTS
from fetchlab.testbed import serve
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fetchlab.bench.measuring import Measuring
    from fetchlab.engine.run import Run
    from fetchlab.engine.strategies import Strategy
    from fetchlab.studies.charts import ListRequest
    from fetchlab.testbed import Testbed

__all__ = ["BENCH", "beside", "ideals", "ideals_of", "parsing", "riding", "traffic", "versus"]


def ideals(base_url: str, requests: Sequence[ListRequest], passes: int = 2) -> dict[str, Ideal]:
    """Measure each list and each call of several lists alone, and return the least seconds of each arm.

    No arm is faster than its slowest chain of calls, nor than all parsing one after the other behind the
    first answer: parsing holds the interpreter's lock. Where latencies differ an arm with several lists in a
    call has another ideal, because it draws fewer of them.

    Args:
        base_url: the service's root.
        requests: the lists.
        passes: how often each is measured, after a first time that does not count; the least counts.
    """
    run(base_url, requests, strategy=Batch(), batch_size=1)
    taken: dict[int, float] = {}
    for _ in range(passes):
        frame = run(base_url, requests, strategy=Sequential(), batch_size=1).frame()
        for index, began, finished in frame.select("index", "started", "finished").iter_rows():
            taken[index] = min(taken.get(index, finished - began), finished - began)
    parsing_s = parsing(base_url, requests)
    alone = [taken[index] for index in sorted(taken)]
    return ideals_of(alone, riding(base_url, requests, parsing_s), parsing_s)


def ideals_of(times: list[float], together: list[float], parsing_s: float) -> dict[str, Ideal]:
    """Return the least seconds of each arm.

    Args:
        times: seconds of each list alone.
        together: seconds of each call alone, where all lists of a country ride in one.
        parsing_s: seconds that parsing all of them takes.
    """
    ways: dict[str, Strategy] = {**SEEDS, EXECUTOR: Batch()}
    found = {name: _least(times, parsing_s, way) for name, way in ways.items()}
    return found | {name: _least(together, parsing_s, Batch()) for name in OURS}


def riding(base_url: str, requests: Sequence[ListRequest], parsing_s: float) -> list[float]:
    """Return seconds of each call alone if all lists of a country ride in one, parsing them included."""
    groups = _by_country(requests)
    calls = [LISTS.call(base_url, group) for group in ([requests[0]], *groups)]  # the first one connects
    with Client() as client:
        done = fetch(calls, strategy=Sequential(), client=client, progress=False).raise_for_errors()
        frame = done.frame()
    taken = (frame["finished"] - frame["started"]).to_list()[1:]
    share = parsing_s / len(requests)
    return [seconds + share * len(group) for seconds, group in zip(taken, groups, strict=True)]


def _least(times: list[float], parsing: float, way: Strategy) -> Ideal:
    by_turns = ideal(len(times), times, Async(way.n) if isinstance(way, Threads) else way)
    behind_first = min(times) + parsing * (1 - 1 / len(times))
    if behind_first <= by_turns:
        return by_turns
    return Ideal(behind_first, f"the first answer, then {parsing:.3g} s of parsing")


def parsing(base_url: str, requests: Sequence[ListRequest], tries: int = 3) -> float:
    """Return the least seconds that parsing the lists takes, one after the other."""
    calls = [LISTS.call(base_url, [request]) for request in requests]
    with Client() as client:
        found = fetch(calls, parse="response", client=client, workers=len(calls), progress=False).result()
    taken = []
    for response in found:
        each = []
        for _ in range(tries):
            begun = time.perf_counter()
            LISTS.parse(response)
            each.append(time.perf_counter() - begun)
        taken.append(min(each))
    return sum(taken)


def beside(rounds: pl.DataFrame, count: int, least: Mapping[str, float]) -> pl.DataFrame:
    """Return the table: published and measured, with the ideal and the share of it that was reached.

    Args:
        rounds: of ``fl.compare(…).frame()`` or of :data:`BENCH`, with the arms of :func:`arms`; ``units`` are
            apps.
        count: requests of the published table.
        least: ideal seconds by arm.

    Returns:
        Columns ``arm str, published_s f64?, published_speedup f64?, median_s, requests_per_s f64, apps_per_s
        f64?, speedup, low, high f64`` (over *Sequential*, or *Batch-ALL* where that was not measured, with
        its 95 % interval)``, ideal_s f64?, efficiency f64?``.
    """
    base = BASELINE if BASELINE in set(rounds["arm"]) else AT_ONCE
    table = summarise(rounds, baseline=base, ideals=least).drop_nulls("ratio")
    units = rounds.filter(~pl.col("warmup")).group_by("arm").agg(pl.col("units").median())
    known = dict(units.iter_rows())
    rows = [
        {
            "arm": row["arm"],
            "published_s": _published(count, row["arm"], "time"),
            "published_speedup": _published(count, row["arm"], "speedup"),
            "median_s": row["median_s"],
            "requests_per_s": count / row["median_s"],
            "apps_per_s": None if known[row["arm"]] is None else known[row["arm"]] / row["median_s"],
            "speedup": 1 / row["ratio"],
            "low": 1 / row["high"] if row["high"] else math.inf,
            "high": 1 / row["low"] if row["low"] else math.inf,
            "ideal_s": row["ideal_s"],
            "efficiency": row["efficiency"],
        }
        for row in table.iter_rows(named=True)
    ]
    order = {name: place for place, name in enumerate([*SEEDS, EXECUTOR, *OURS])}
    rows.sort(key=lambda row: order.get(row["arm"], len(order)))
    return pl.DataFrame(rows, infer_schema_length=None)


def versus(rounds: pl.DataFrame, ours: Sequence[str] = OURS) -> pl.DataFrame:
    """Return our arms held against every published one of the same rounds.

    Returns:
        Columns ``arm, against str, ratio, low, high f64`` (of times, paired by round, with its 95 %
        interval)``, verdict str`` about ``arm``.
    """
    there = set(rounds["arm"])
    parts = [
        summarise(rounds.filter(pl.col("arm").is_in([*ours, other])), baseline=other)
        .filter(pl.col("arm").is_in(ours))
        .select("arm", pl.lit(other).alias("against"), "ratio", "low", "high", "verdict")
        for other in (*SEEDS, EXECUTOR)
        if other in there
    ]
    return pl.concat(parts).sort("arm", maintain_order=True)


def traffic(base_url: str, requests: Sequence[ListRequest]) -> pl.DataFrame:
    """Return what riding together saves: HTTP calls, bytes of requests and of answers, bodies and URLs alone.

    Returns:
        Columns ``arm str, calls u32, sent, received u64``: one list in each call, then those of a country in
        one.
    """
    ways: dict[str, list[list[ListRequest]]] = {
        "one in each call": [[one] for one in requests],
        "rpc-multiplexed": _by_country(requests),
    }
    rows = []
    for name, groups in ways.items():
        calls = [LISTS.call(base_url, group) for group in groups]
        sent = sum(len(call.url) + len(call.content or b"") for call in calls)
        with Client() as client:
            done = fetch(calls, client=client, workers=len(calls), progress=False).raise_for_errors()
            rows.append((name, len(calls), sent, done.stats().bytes))
    schema = {"arm": pl.String, "calls": pl.UInt32, "sent": pl.UInt64, "received": pl.UInt64}
    return pl.DataFrame(rows, schema, orient="row")


def _by_country(requests: Sequence[ListRequest]) -> list[list[ListRequest]]:
    found: dict[str, list[ListRequest]] = {}
    for request in requests:
        found.setdefault(request.country, []).append(request)
    return list(found.values())


def _published(count: int, arm: str, quantity: str) -> float | None:
    try:
        found = reference.load("003").filter(table=f"comparison-{count}-requests", row=arm, quantity=quantity)
    except ConfigError:  # an installed wheel outside a checkout: the figures are not at hand
        return None
    return float(found["high"][0]) if found.height else None


def _collect(
    *,
    requests: Sequence[int] = tuple(CASES),
    laws: Sequence[str] = LAWS,
    latency: float = LATENCY,
    jitter: float = JITTER,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    work: dict[str, Callable[[], Measurement]] = {}
    with serve(port=0) as bed:
        url = bed.urls["play"]
        for name in laws:
            bed.configure("play", **law(name, latency, jitter))
            for count in requests:
                wanted = requests_of(count)
                least = ideals(url, wanted)
                for arm, start in arms(url, wanted).items():
                    settings = law(name, latency, jitter)
                    work[f"{count} {name}: {arm}"] = partial(_measured, bed, settings, start, least[arm])
        return measure(work, warmup=1, **how)


def _measured(bed: Testbed, settings: dict[str, Any], start: Callable[[], Run], least: float) -> Measurement:
    bed.configure("play", **settings)
    done = start()
    return Measurement.of(done, units=float(apps(done.result())), ideal=float(least))


def _tables(rows: pl.DataFrame, **_: Any) -> list[Table]:
    made = []
    head = pl.col("arm").str.split(": ").list.first()
    for case in rows.select(head)["arm"].unique(maintain_order=True).sort():
        part = rows.filter(head == case).with_columns(pl.col("arm").str.split(": ").list.last())
        count, name = case.split(" ")
        least = dict(part.drop_nulls("ideal").select("arm", "ideal").iter_rows())
        made += [
            Table(f"{count} lists, {name} latency", beside(part, int(count), least)),
            Table(f"Ours against each published strategy, {count} lists, {name} latency", versus(part)),
        ]
    return made


def _notes(*, latency: float = LATENCY, jitter: float = JITTER, **_: Any) -> list[str]:
    laws = f"constant, lognormal with a CV of {jitter:g}, or that of the slowest list in a call"
    return [f"The local testbed serves, {latency * 1000:g} ms a call: {laws}."]


BENCH = Bench(name="charts", collect=_collect, tables=_tables, notes=_notes)
