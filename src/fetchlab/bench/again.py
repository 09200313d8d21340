"""What a cache, a journal and both save when work is asked for again, and what they cost the first time.

Each arm makes four calls: a job; the same job again; the same URLs with another parser; and another job half
of whose URLs are the same, which has a journal of its own and shares the cache.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from fetchlab.engine.calls import fetch
from fetchlab.errors import JournalError, StudyError
from fetchlab.store.cache import Cache
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

__all__ = ["ARMS", "CALLS", "collect", "costs", "table"]

ARMS = ("neither", "cache", "journal", "both")
CALLS = ("first", "again", "another parser", "another job")


def collect(
    base: str,
    counted: Callable[[], int],
    *,
    items: int = 1000,
    workers: int = 100,
    rounds: int = 3,
    seed: int = 0,
) -> pl.DataFrame:
    """Measure all four calls of all arms, the arms in an order shuffled anew each round.

    Args:
        base: the testbed's echo wire.
        counted: returns how many requests the server has seen.
        items: of each call.
        workers: requests in flight.
        rounds: measured rounds, after a warm-up that is left out.
        seed: of the order.

    Returns:
        ``round, arm, call, requests, seconds, parsed``: ``parsed`` says whether the values are those of the
        parser that the call named. It is false where a journal refuses it, with the seconds that took.

    Raises:
        StudyError: an item has no value.
    """
    import polars as pl

    random = Random(seed)  # noqa: S311  # an order
    rows: list[dict[str, Any]] = []
    for number in range(rounds + 1):
        for arm in random.sample(ARMS, len(ARMS)):
            with tempfile.TemporaryDirectory(prefix="fetchlab-bench-") as folder:
                calls = _calls(arm, Path(folder), base, counted, items, workers)
            rows += [{"round": number, "arm": arm} | call for call in calls]
    return pl.DataFrame(rows).filter(pl.col("round") > 0)


def table(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a row per arm and a column per call: ``500 in 0.31 s`` is requests and median seconds."""
    import polars as pl

    medians = rows.group_by("arm", "call").agg(pl.median("requests", "seconds"))
    told = {
        (arm, call): f"{requests:,.0f} in {seconds:.2g} s" for arm, call, requests, seconds in medians.rows()
    }
    return pl.DataFrame([{"arm": arm} | {call: told[arm, call] for call in CALLS} for arm in ARMS])


def costs(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what the first call takes against neither: ``arm, ratio, low, high``, paired by round.

    ``ratio`` is the median of the rounds, ``low`` and ``high`` are the least and the most of them.
    """
    import polars as pl

    first = rows.filter(call="first")
    paired = first.join(first.filter(arm="neither"), on="round", suffix=" neither")
    ratio = pl.col("seconds") / pl.col("seconds neither")
    return (
        paired.filter(pl.col("arm") != "neither")
        .group_by("arm")
        .agg(ratio=ratio.median(), low=ratio.min(), high=ratio.max())
        .sort(pl.col("arm").cast(pl.Enum(ARMS)))
    )


def _calls(
    arm: str, folder: Path, base: str, counted: Callable[[], int], items: int, workers: int
) -> list[dict[str, Any]]:
    job, other = ([f"{base}/json?n={n}" for n in range(first, first + items)] for first in (0, items // 2))
    made = []
    with ExitStack() as stack:
        client = stack.enter_context(Client())
        cached = arm in ("cache", "both")
        cache = stack.enter_context(Cache(folder / "cache.db")) if cached else None
        fetch(
            [f"{base}/html"] * workers, workers=workers, client=client, progress=False
        ).wait()  # connections
        for call, urls, parse in zip(
            CALLS, (job, job, job, other), ("json", "json", "text", "json"), strict=True
        ):
            journal = (
                folder / f"{'other' if urls is other else 'job'}.db" if arm in ("journal", "both") else None
            )
            before, begun = counted(), time.perf_counter()
            try:
                run = fetch(
                    urls,
                    workers=workers,
                    parse=parse,
                    cache=cache,
                    journal=journal,
                    client=client,
                    progress=False,
                ).wait()
            except JournalError:  # it holds values of the other parser
                seconds = time.perf_counter() - begun
                made.append({"call": call, "requests": 0, "seconds": seconds, "parsed": False})
                continue
            if run.stats().ok != items:
                raise StudyError(f"{items - run.stats().ok:,} of {items:,} items have no value")
            parsed = isinstance(run.result()[0], str if parse == "text" else dict)
            seconds = run.stats().elapsed
            made.append({"call": call, "requests": counted() - before, "seconds": seconds, "parsed": parsed})
    return made
