"""Rounds made up for the tables' arithmetic."""

from __future__ import annotations

import polars as pl

from fetchlab.bench.rounds import Measurement, measure


def rounds(arms, *, warmup=0, **columns):
    """Measured rounds without measuring; every item went well.

    ``arms``: name → (seconds, items), of five rounds alike, or a list of them, one per round.
    """
    kept = {name: figures if isinstance(figures, list) else [figures] for name, figures in arms.items()}
    count = max(map(len, kept.values()))
    count = 5 if count == 1 else count
    queues = {name: iter(figures * (count + warmup)) for name, figures in kept.items()}

    def once(name):
        seconds, items = next(queues[name])
        return Measurement(seconds, items, items, items)

    made = measure({name: lambda name=name: once(name) for name in arms}, rounds=count, warmup=warmup)
    return made.with_columns(**{name: pl.lit(value) for name, value in columns.items()})
