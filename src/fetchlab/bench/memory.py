"""A million items from a generator, in a fresh process: how much memory, and how soon the first result?

Beside it a run of 1,000 items: what the process needs anyway. The ideal is that both need the same.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench import child, served
from fetchlab.bench.costs import Cost
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.errors import StudyError

if TYPE_CHECKING:
    from fetchlab.bench.measuring import Measuring

__all__ = ["BODY", "FIRST", "PEAK", "SMALL", "collect", "table"]

BODY = 64
"""Bytes of each answer: what is measured is what the engine keeps."""
SMALL = 1_000
PEAK, FIRST = 150.0, 1.0
"""The budget: MB at most before ``run.frame()``, and seconds until the first result."""
MB = 1e6
ROUNDS = 3


def collect(
    url: str,
    *,
    items: int = 300_000,
    workers: int = 200,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure runs with ``keep=False``, each in a process of its own.

    Args:
        url: what to ask for, the same for every query string.
        items: of the large run.
        workers: at a time.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds with columns ``first_s`` (seconds until the first result), ``before`` and ``after``
        (peak bytes before and after ``run.frame()``).
    """
    counts = sorted({SMALL, items})
    arms = {f"{count:,} items": partial(_arm, url, count, workers) for count in counts}
    how.setdefault("rounds", ROUNDS)
    return measure(arms, warmup=0, **how)


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per number of items, medians over the rounds; memory in MB, times in seconds."""
    rows = []
    ideal: float | None = None
    measured = rounds.filter(~pl.col("warmup"), pl.col("seconds").is_not_null())
    for (count,), part in sorted(measured.partition_by("items", as_dict=True).items()):
        figures = part.select(
            pl.col("seconds", "first_s", "before", "after").median(),
            rate=(pl.col("items") / pl.col("seconds")).median(),
        ).row(0, named=True)
        before = figures["before"] / MB
        ideal = before if ideal is None else ideal
        rows.append(
            {
                "items": count,
                "items/s": figures["rate"],
                "first result, s": figures["first_s"],
                "budget, s": FIRST,
                "peak, MB": before,
                "ideal, MB": ideal,
                "efficiency": ideal / before,
                "budget, MB": PEAK,
                "peak with frame(), MB": figures["after"] / MB,
                "met": "yes" if before < PEAK and figures["first_s"] < FIRST else "no",
            }
        )
    return pl.DataFrame(rows)


def _arm(url: str, items: int, workers: int) -> Measurement:
    done = child.start(child.MEMORY, url, items, workers)
    if done.returncode:
        raise StudyError(f"the process ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    figures = json.loads(done.stdout)
    if figures["ok"] != items:
        raise StudyError(f"{items - figures['ok']:,} of {items:,} items have no value or no timing")
    more = {name: figures[name] for name in ("first_s", "before", "after")}
    return Measurement(
        figures["seconds"], items, items, items, figures["bytes"], figures["cpu_s"], figures["after"], more
    )


def _collect(*, items: int = 300_000, workers: int = 200, **how: Unpack[Measuring]) -> pl.DataFrame:
    with served.target(BODY) as target:
        return collect(target.url, items=items, workers=workers, **how)


def _tables(rows: pl.DataFrame, *, workers: int = 200, **_: Any) -> list[Table]:
    return [Table(f"keep=False, {workers} workers; ideal: what the small run needs", table(rows))]


def _costs(rows: pl.DataFrame) -> pl.DataFrame:
    kept = rows.filter(~pl.col("warmup"), pl.col("seconds").is_not_null())
    return kept.select("round", "arm", cost=pl.col("before") / MB)


BENCH = Bench(
    name="memory",
    collect=_collect,
    tables=_tables,
    notes=lambda **_: served.notes(f"{BODY} bytes"),
    facts=served.facts,
    cost=Cost("MB at most", _costs, (("slower", "more"), ("faster", "less"))),
)
