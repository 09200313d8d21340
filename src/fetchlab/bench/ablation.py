"""What each policy costs: switched on alone, beside the plain run, in the same rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench import served
from fetchlab.bench.arms import fetching
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import measure
from fetchlab.bench.summary import summarise
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.rate import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.bench.measuring import Measuring
    from fetchlab.bench.rounds import Measurement
    from fetchlab.bench.served import Target

__all__ = ["AGAIN", "PLAIN", "READ", "collect", "table"]

PLAIN = "plain"
AGAIN = "plain, again"
"""The plain run a second time: how far two equal arms can be apart by chance."""
READ = "results read as they come"
_READERS = ('order="input"', "keep=False")


def collect(
    target: Target,
    *,
    items: int = 20_000,
    workers: int = 20,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure the plain run, and each policy switched on alone.

    No policy gets in the way: the rate is far above what can be reached, priorities and keys differ for no
    two items in a way that matters, the adaptive limit is held where the plain run's workers are.

    Args:
        target: what is asked for; ``parse="json"`` is left out where that is no JSON.
        items: requests of each arm.
        workers: at a time.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; :func:`table` makes the table of them.
    """
    urls = target.urls(items)
    policies: dict[str, dict[str, Any]] = {
        PLAIN: {},
        AGAIN: {},
        "rate": {"rate": RateLimit(1e6, burst=1000)},
        "priority": {"priority": lambda _: 0},
        "dedup": {"dedup": True},
        "follow": {"follow": lambda _: ()},
        "deadline, max_error_rate": {"deadline": 3600.0, "max_error_rate": 0.5},
        "Adaptive, held": {"workers": Adaptive(min=workers, max=workers)},
        READ: {"read": True},
        'order="input"': {"read": True, "order": "input"},
        "keep=False": {"read": True, "keep": False},
    }
    if target.json:
        policies['parse="json"'] = {"parse": "json"}
    arms: dict[str, Callable[[], Measurement]] = {
        name: fetching(urls, **{"workers": workers, **knobs}) for name, knobs in policies.items()
    }
    return measure(arms, warmup=1, **how)


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return what each policy costs, dearest first.

    Returns:
        Columns ``arm, against, us_per_item`` (the plain run's, or the arm's it is held against), ``cost_us``
        (the median of the rounds' differences per item), ``ratio, low, high`` (of times), ``efficiency``
        (the ideal is what it is held against, and would be 1) and ``verdict``.
    """
    readers = pl.col("arm").is_in(_READERS)
    parts = [
        _against(rounds.filter(~readers), PLAIN),
        _against(rounds.filter(readers | (pl.col("arm") == READ)), READ),
    ]
    return pl.concat(parts).sort("ratio", "arm", descending=[True, False])


def _against(rounds: pl.DataFrame, baseline: str) -> pl.DataFrame:
    measured = rounds.filter(~pl.col("warmup")).with_columns(us=pl.col("seconds") / pl.col("items") * 1e6)
    base = measured.filter(arm=baseline).select("round", base="us")
    costs = (
        measured.join(base, on="round")
        .group_by("arm")
        .agg(us_per_item=pl.col("base").median(), cost_us=(pl.col("us") - pl.col("base")).median())
    )
    return (
        summarise(rounds, baseline=baseline)
        .filter(pl.col("arm") != baseline)
        .join(costs, on="arm", how="left", maintain_order="left")
        .select(
            "arm",
            pl.lit(baseline).alias("against"),
            *("us_per_item", "cost_us", "ratio", "low", "high"),
            (1 / pl.col("ratio")).alias("efficiency"),
            "verdict",
        )
    )


def _collect(*, items: int = 20_000, **how: Unpack[Measuring]) -> pl.DataFrame:
    with served.target() as target:
        return collect(target, items=items, **how)


BENCH = Bench(
    name="ablation",
    collect=_collect,
    tables=lambda rows, **_: [
        Table("What each policy costs, alone; ratios of times, 20 workers", table(rows))
    ],
    notes=lambda **_: served.notes("11 KB on 127.0.0.1"),
    facts=served.facts,
    yardsticks=lambda arm: (READ,) if arm in _READERS else (PLAIN,),
)
