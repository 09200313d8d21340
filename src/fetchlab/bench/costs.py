"""What two runs of a bench are compared by: a cost of each arm in each round, of which less is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PER_ITEM", "Cost", "per_item"]


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost that can be read from raw rows.

    Attributes:
        unit: of the cost.
        of: raw rows to columns ``round, arm, cost``, a row for each that was measured.
        words: verdicts that are called otherwise for this cost.
    """

    unit: str
    of: Callable[[pl.DataFrame], pl.DataFrame]
    words: tuple[tuple[str, str], ...] = ()

    def call(self, verdict: str) -> str:
        """Return what a verdict on times is called for this cost."""
        return dict(self.words).get(verdict, verdict)


def per_item(rows: pl.DataFrame) -> pl.DataFrame:
    """Return microseconds per item of what was measured, warm-ups left out."""
    return (
        rows.filter(~pl.col("warmup"), pl.col("seconds") > 0, pl.col("items") > 0)
        .select("round", "arm", cost=pl.col("seconds") / pl.col("items") * 1e6)
        .sort("round", "arm")
    )


PER_ITEM = Cost("µs an item", per_item)
