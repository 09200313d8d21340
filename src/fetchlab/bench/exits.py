"""Short-lived processes: does every one of them end well, and how long does it take?

A client written in another language that outlives its event loop can abort the interpreter at exit, in one
process of a dozen. One good exit therefore proves nothing.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench import child
from fetchlab.bench.costs import Cost, per_item
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from fetchlab.bench.measuring import Measuring

__all__ = ["WAYS", "collect", "table"]

IDEAL = "imports only (ideal)"
WAYS = {
    IDEAL: child.IMPORTS,
    "waits for its run": child.WAITS,
    "leaves while it runs": child.LEAVES,
}
WORKERS = 20
ROUNDS = 200
LATENCY = 0.005


def collect(
    url: str,
    *,
    items: int = 20,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Start processes that fetch a little and end, one of each way per round.

    Args:
        url: what to ask for.
        items: requests of each process.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; ``code`` is the exit code, minus the signal's number where one ended the process.
    """
    arms = {name: partial(_arm, way, url, items) for name, way in WAYS.items()}
    how.setdefault("rounds", ROUNDS)
    return measure(arms, warmup=0, **how)


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per way to end: how many, how many well, other exit codes, wall times."""
    rows = []
    least = _median(rounds, IDEAL)
    for name in WAYS:
        part = rounds.filter(arm=name)
        middle = _median(rounds, name)
        bad = part.filter(pl.col("code").is_null() | (pl.col("code") != 0))
        codes = bad.group_by("code").len().sort("code").rows()
        rows.append(
            {
                "the process": name,
                "processes": part.height,
                "exit code 0": part.height - bad.height,
                "others": ", ".join(f"{'none' if code is None else int(code)}: {n}" for code, n in codes),
                "median, s": middle,
                "p95, s": part["seconds"].quantile(0.95),
                "slowest, s": part["seconds"].max(),
                "ideal, s": least,
                "efficiency": least and middle and least / middle,
                "met": "no" if bad.height else "yes",
            }
        )
    return pl.DataFrame(rows)


def _median(rounds: pl.DataFrame, arm: str) -> float | None:
    middle: float | None = rounds.filter(arm=arm)["seconds"].median()  # type: ignore[assignment]  # of floats
    return middle


def _arm(way: str, url: str, items: int) -> Measurement:
    begun = time.perf_counter()
    done = child.start(way, url, items, WORKERS)
    seconds = time.perf_counter() - begun
    good = done.returncode == 0
    return Measurement(seconds, items, items * good, items, more={"code": float(done.returncode)})


def _collect(*, items: int = 20, **how: Unpack[Measuring]) -> pl.DataFrame:
    how.pop("on_round", None)  # hundreds of lines would say nothing
    with serve(port=0, latency=LATENCY) as bed:
        return collect(f"{bed.urls['echo']}/json", items=items, **how)


def _notes(*, items: int = 20, rounds: int = ROUNDS, **_: Any) -> list[str]:
    return [f"{rounds} processes of each way to end, {items} requests each …"]


def _costs(rows: pl.DataFrame) -> pl.DataFrame:
    return per_item(rows.with_columns(items=1)).with_columns(cost=pl.col("cost") / 1000)


BENCH = Bench(
    name="exits",
    collect=_collect,
    tables=lambda rows, **_: [
        Table("Exit codes and wall time, start of the interpreter included", table(rows))
    ],
    notes=_notes,
    cost=Cost("ms a process", _costs),
    yardsticks=lambda _arm: (IDEAL,),
)
