"""Where the microseconds of a request go: the same requests through one layer more each time."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Unpack

import polars as pl

from fetchlab.bench import loops, served
from fetchlab.bench.arms import fetching
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.engine.calls import map as map_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.bench.measuring import Measuring
    from fetchlab.bench.served import Target

__all__ = ["ALONE", "LAYERS", "collect", "table"]

LAYERS = (
    "pyreqwest in a bare loop",
    "the body as a bounded stream",
    "our transport",
    "the engine around it",
    "results read as they come",
    "the table of timings",
)
"""Each holds all that stand before it."""
ALONE = "the engine alone, tasks that do nothing"


def collect(
    target: Target,
    *,
    items: int = 20_000,
    workers: int = 20,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure each layer with all those below it, and the engine without any wire.

    Args:
        target: what is asked for.
        items: requests of each arm.
        workers: at a time.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; :func:`table` makes the table of them.
    """
    urls = target.urls(items)
    works: tuple[Callable[[], Measurement], ...] = (
        partial(loops.pyreqwest, urls, workers),
        partial(loops.pyreqwest_streamed, urls, workers),
        partial(loops.transport, urls, workers),
        fetching(urls, workers=workers),
        fetching(urls, workers=workers, read=True),
        fetching(urls, workers=workers, read=True, frame=True),
    )
    arms = dict(zip(LAYERS, works, strict=True)) | {ALONE: partial(_alone, urls, workers)}
    return measure(arms, warmup=1, **how)


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per layer, from the wire up.

    Returns:
        Columns ``layer``, ``us_per_item`` (median), ``added_us`` (median of the rounds' differences to the
        layer below), ``cpu_us`` (CPU time of all threads), ``per_s``, and
        ``efficiency`` beside the ideal, the bare wire's speed.
    """
    measured = rounds.filter(~pl.col("warmup"), pl.col("items") > 0).with_columns(
        us=pl.col("seconds") / pl.col("items") * 1e6, cpu=pl.col("cpu_s") / pl.col("items") * 1e6
    )
    rows = []
    below: dict[int, float] = {}
    for layer in (*LAYERS, ALONE):
        part = measured.filter(arm=layer)
        here = dict(zip(part["round"], part["us"], strict=True))
        added = pl.Series([here[n] - below[n] for n in here.keys() & below.keys()], dtype=pl.Float64).median()
        rows.append(
            {
                "layer": layer,
                "us_per_item": part["us"].median(),
                "added_us": None if layer == ALONE else added,
                "cpu_us": part["cpu"].median(),
                "per_s": (1e6 / part["us"]).median(),
            }
        )
        below = here
    floats = ("us_per_item", "added_us", "cpu_us", "per_s")
    found = pl.DataFrame(rows, {"layer": pl.String, **dict.fromkeys(floats, pl.Float64)})
    wired = pl.col("layer") != ALONE
    return found.with_columns(efficiency=pl.when(wired).then(pl.col("per_s") / pl.col("per_s").first()))


def _alone(urls: list[str], workers: int) -> Measurement:
    return Measurement.of(map_items(_nothing, urls, workers=workers, progress=False))


async def _nothing(_: str) -> None:
    await asyncio.sleep(0)


def _collect(*, items: int = 20_000, **how: Unpack[Measuring]) -> pl.DataFrame:
    with served.target() as target:
        return collect(target, items=items, **how)


BENCH = Bench(
    name="layers",
    collect=_collect,
    tables=lambda rows, **_: [Table("Where the microseconds go, 20 workers", table(rows))],
    notes=lambda **_: served.notes("11 KB on 127.0.0.1"),
    facts=served.facts,
    yardsticks=lambda _arm: (LAYERS[0],),
)
