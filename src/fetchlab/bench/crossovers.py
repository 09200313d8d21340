"""Which strategy when: where one of two becomes the faster one, measured.

A question varies one thing and compares two strategies at each of its values, in paired rounds. Where the
ratio of their times crosses 1 between two values, the crossing is interpolated on logarithms.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from itertools import pairwise
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from fetchlab.bench.compare import compare
from fetchlab.bench.heap import settled
from fetchlab.engine.strategies import Async, Chunked, Processes, Sequential, Strategy, Threads
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fetchlab.testbed import Testbed

__all__ = ["QUESTIONS", "ask", "busy", "crossing", "questions"]

Pair: TypeAlias = Callable[[float], tuple[Strategy, Strategy]]

LATENCY = 0.02
WIDTH = 20
QUESTIONS = pl.Schema(
    {
        "varied": pl.String,
        "value": pl.Float64,
        "first": pl.String,
        "second": pl.String,
        "ratio": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "verdict": pl.String,
    }
)
"""``ratio`` is of the second strategy's time to the first one's; ``verdict`` is about the second."""


def questions(
    bed: Testbed,
    *,
    items: int = 200,
    rounds: int = 5,
    only: Collection[str] | None = None,
    progress: bool | None = None,
) -> pl.DataFrame:
    """Ask four questions of a testbed and this machine; QUESTIONS schema, a row per value.

    * *requests*: one after the other, or 20 at a time, from one request on.
    * *spread of the service times* (standard deviation of their logarithm): chunks of 20, or 20 workers.
    * *workers* at a server that answers at once: threads, or the event loop.
    * *milliseconds of computing per item*: two threads, or two processes.

    Args:
        bed: a testbed; its settings are changed.
        items: requests of an arm where their number is not what is varied.
        rounds: measured rounds.
        only: the questions to ask, by what they vary; all unless told.
        progress: tell how far it is.
    """
    echo = bed.urls["echo"]

    def few(count: float) -> list[str]:
        return [f"{echo}/delay/{LATENCY}?n={number}" for number in range(int(count))]

    def spread(sigma: float) -> list[str]:
        return [f"{echo}/delay/{seconds:.5f}" for seconds in _lognormal(items, LATENCY, sigma)]

    def at_once(_: float) -> list[str]:
        return [f"{echo}/json?n={number}" for number in range(5 * items)]

    def computing(milliseconds: float) -> tuple[Callable[[int], str], list[int]]:
        return busy, [int(milliseconds * PER_MILLISECOND)] * (items // 2)

    bed.configure(profile="flat")
    ask_each: dict[str, tuple[Callable[[float], Any], Sequence[float], Pair]] = {
        "requests": (few, (1, 2, 4, 8), lambda _: (Sequential(), Async(WIDTH))),
        "spread of service times": (spread, (0.05, 0.2, 0.5, 1.0), lambda _: (Chunked(WIDTH), Async(WIDTH))),
        "workers, no latency": (at_once, (2, 8, 32, 128), lambda n: (Threads(int(n)), Async(int(n)))),
        "computing, ms per item": (computing, (2, 10, 50), lambda _: (Threads(2), Processes(2))),
    }
    parts = [
        ask(varied, work, values, pair, rounds=rounds, progress=progress)
        for varied, (work, values, pair) in ask_each.items()
        if only is None or varied in only
    ]
    return pl.concat(parts)


@settled()
def ask(
    varied: str,
    work: Callable[[float], Any],
    values: Sequence[float],
    pair: Pair,
    *,
    rounds: int = 5,
    progress: bool | None = None,
) -> pl.DataFrame:
    """Compare two strategies at each of some values; QUESTIONS schema.

    Args:
        varied: what the values are.
        work: makes the work of a value, as for ``fl.compare``.
        values: ascending.
        pair: the strategies at a value.
        rounds: measured rounds.
        progress: tell how far it is.
    """
    rows = []
    for value in values:
        first, second = pair(value)
        names = {type(first).__name__: first, type(second).__name__: second}
        found = compare(work(value), names, rounds, check=len, progress=progress)
        row = found.summary().filter(arm=type(second).__name__).row(0, named=True)
        told = [row[name] for name in ("ratio", "low", "high", "verdict")]
        rows.append((varied, float(value), *names, *told))
    return pl.DataFrame(rows, QUESTIONS, orient="row")


def crossing(rows: pl.DataFrame) -> float | None:
    """Return the value from which the second strategy is the faster one, None if that is always or never so.

    Args:
        rows: of one question, by value.

    Raises:
        ConfigError: they are of several questions.
    """
    if rows["varied"].n_unique() != 1:
        raise ConfigError("rows", "give those of one question")
    points = rows.drop_nulls("ratio").sort("value").select("value", "ratio").rows()
    for (left, above), (right, below) in pairwise(points):
        if above > 1 >= below:
            share = math.log(above) / (math.log(above) - math.log(below)) if above > below else 0.0
            return math.exp(math.log(left) + share * (math.log(right) - math.log(left)))
    return None


PER_MILLISECOND = 1200
"""Hashes of :func:`busy` in about a millisecond."""


def busy(count: int) -> str:
    """Keep a core busy with so many hashes of a few bytes, in Python and without giving the lock away."""
    digest = b""
    for _ in range(count):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


def _lognormal(count: int, middle: float, sigma: float) -> list[float]:
    """Quantiles of a log-normal distribution with this mean, in a seeded order."""
    inverse = NormalDist().inv_cdf
    found = [
        middle * math.exp(sigma * inverse((number + 0.5) / count) - sigma * sigma / 2)
        for number in range(count)
    ]
    Random(0).shuffle(found)  # noqa: S311  # an order
    return found
