"""The six ways of a published table, as strategies of ours, and its speedups beside the measured ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fetchlab import reference
from fetchlab.engine.strategies import Async, Batch, Chunked, Sequential, Threads
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from fetchlab.bench.comparison import Comparison
    from fetchlab.engine.strategies import Strategy

__all__ = ["LATENCY", "REQUESTS", "SIX", "beside"]

REQUESTS = 15
"""Of the published table."""
LATENCY = 5.12 / REQUESTS
"""Seconds of one of its requests: one after the other they took 5.12 s."""
SIX: dict[str, Strategy] = {
    "Sequential": Sequential(),
    "ThreadPool-5": Threads(5),
    "ThreadPool-10": Threads(10),
    "Batch-5chunk": Chunked(5),
    "Batch-ALL": Batch(),
    "Asyncio+Executor": Async(REQUESTS),
}
"""What each of them does with plain requests: how many at a time, and where it waits for all of them."""


def beside(comparison: Comparison) -> pl.DataFrame:
    """Return the measured speedups of the six beside the published ones and the most that each can have.

    Columns: ``arm str, published f64?, measured, low, high f64`` (speedup over *Sequential* with its 95 %
    interval)``, ideal f64`` (by the ideal times)``, efficiency f64``.
    """
    ideals = comparison.ideals
    rows = [
        {
            "arm": row["arm"],
            "published": _speedup(row["arm"]),
            "measured": 1 / row["ratio"],
            "low": 1 / row["high"],
            "high": 1 / row["low"],
            "ideal": ideals["Sequential"] / ideals[row["arm"]],
            "efficiency": row["efficiency"],
        }
        for row in comparison.summary().drop_nulls("ratio").iter_rows(named=True)
        if row["arm"] in SIX
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _speedup(arm: str) -> float | None:
    try:
        found = reference.load("003").filter(table="comparison-15-requests", row=arm, quantity="speedup")
    except ConfigError:  # an installed wheel outside a checkout: the figures are not at hand
        return None
    return float(found["high"][0]) if found.height else None
