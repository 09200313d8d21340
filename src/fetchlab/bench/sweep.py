"""``sweep``: the same work with more and more workers, to see how many are worth having."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench.announcing import Announcer, Wanted
from fetchlab.bench.heap import settled
from fetchlab.bench.machine import environment
from fetchlab.bench.pilot import arm, pilot
from fetchlab.bench.rounds import measured, table_of, until_interrupted
from fetchlab.bench.swept import Sweep
from fetchlab.bench.work import Work, named
from fetchlab.errors import ConfigError
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COUNTS", "sweep"]

COUNTS = (1, 2, 4, 8, 16, 32, 64)
OURS = {
    "strategy": "workers are what a sweep varies; leave it out",
    "journal": "a journal would answer every round after the first; leave it out",
    "cache": "a cache would answer every round after the first; leave it out",
}


@settled()
def sweep(
    work: Any,
    workers: Sequence[int] = COUNTS,
    *,
    rounds: int = 3,
    warmup: int = 1,
    seconds: float = 2.0,
    seed: int = 0,
    progress: Wanted = None,
    **knobs: Any,
) -> Sweep:
    """Measure throughput over numbers of workers, fit how it grows, and recommend a number.

    First once up through the numbers (the warm-up): it finds how many of the items each needs, and ends where
    throughput has clearly fallen, or the host has refused requests, at two numbers in a row. Then shuffled
    rounds, a fresh client in each measurement. Throughput is what completes while every worker is busy, so
    that start and end of a run do not bias it. What an interrupt leaves is returned if a round is whole.

    Args:
        work: a list of URLs or requests, ``(task, items)``, or a ``fetchlab.bench.work.Work``. Each
            measurement takes the first of the items, at least three and where possible eight times as many as
            workers; numbers of workers with too few are left out, and it is said.
        workers: numbers of workers; four different ones or more for all models.
        rounds: measured rounds.
        warmup: passes up through the numbers before, 1 or more; kept, marked, not fitted.
        seconds: about how long one measurement takes; five times that where the host refuses requests, since
            the rate that it takes must be found first.
        seed: of the order in each round.
        progress: True tells which measurement is made, False does not, None does where a person looks; a
            function is told each line.
        **knobs: of ``fl.fetch`` or ``fl.map``, for every run.

    Returns:
        The rows, fits, recommendation, predictions, table and plot.

    Raises:
        ConfigError: a knob has a value that cannot work, or the items are too few for any number of workers.
    """
    counts = _counts(workers)
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise ConfigError("rounds", f"give a whole number of 1 or more, not {rounds!r}")
    if isinstance(warmup, bool) or not isinstance(warmup, int) or warmup < 1:
        raise ConfigError(
            "warmup", f"give a whole number of 1 or more, not {warmup!r}: it finds how many items"
        )
    if not seconds > 0:
        raise ConfigError("seconds", f"give a number above 0, not {seconds!r}")
    done = _work(work, knobs)
    machine = environment()
    told = Announcer("sweep", len(counts) * (warmup + rounds), wanted=progress)
    found = pilot(
        done,
        counts,
        seconds=seconds,
        passes=warmup,
        on_round=lambda _, count: told.measuring(named(int(count)), f"warm-up: {named(int(count))}"),
    )
    if found.rows.is_empty():
        raise ConfigError(
            "work",
            f"{len(done):,} items are too few to sweep {counts[0]} workers; give {3 * counts[0]:,} or more",
        )
    arms = {str(count): arm(done, count, items) for count, items in found.items.items() if items}
    rows, interrupted = [found.rows], False
    if arms:
        made = measured(
            arms,
            rounds=rounds,
            warmup=0,
            seed=seed,
            on_round=lambda number, count: told.measuring(
                named(int(count)), f"round {number}/{rounds}: {named(int(count))}"
            ),
        )
        kept, interrupted = until_interrupted(made, len(arms), 1)
        rows.append(table_of(kept))
    told.end(f"{len(arms)} numbers of workers" + (", interrupted" if interrupted else ""))
    settings = {
        "work": f"{len(done):,} items" if done.task is None else f"{_name(done.task)} × {len(done):,} items",
        "hosts": done.hosts,
        "workers": counts,
        "rounds": rounds,
        "warmup": warmup,
        "seconds": seconds,
        "seed": seed,
        "knobs": {name: redact_text(repr(value))[:60] for name, value in done.knobs.items() if _plain(value)},
        "skipped": found.skipped,
        "beyond": found.beyond,
        "stopped": found.stopped,
        "interrupted": interrupted,
    }
    return Sweep(_framed(pl.concat(rows, how="diagonal")), settings, machine)


def _counts(workers: Sequence[int]) -> list[int]:
    """The numbers of workers, ascending."""
    if isinstance(workers, int | str) or not hasattr(workers, "__iter__"):
        raise ConfigError("workers", f"give several numbers such as (1, 2, 4, 8), not {workers!r}")
    counts = list(workers)
    if not counts:
        raise ConfigError("workers", "give at least one number of workers")
    for count in counts:
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ConfigError("workers", f"give whole numbers of 1 or more, not {count!r}")
        if counts.count(count) > 1:
            raise ConfigError(
                "workers", f"{count} stands there {counts.count(count)} times; give rounds= for more"
            )
    return sorted(counts)


def _work(work: Any, knobs: dict[str, Any]) -> Work:
    done = Work.of(work, **knobs)
    for knob, why in OURS.items():
        if done.knobs.get(knob) is not None:
            raise ConfigError(knob, why)
    if "workers" in done.knobs:
        raise ConfigError("workers", "give the numbers to the sweep, not to the work")
    return done


def _framed(rows: pl.DataFrame) -> pl.DataFrame:
    """Raw rows with the columns and types of ``Sweep.frame()``."""
    from fetchlab.bench.swept import ROWS

    workers = pl.col("arm").cast(pl.UInt32).alias("workers")
    known = rows.with_columns(workers)
    return known.select(
        (pl.col(name) if name in known.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in ROWS.items()
    )


def _plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _name(task: object) -> str:
    return str(getattr(task, "__name__", type(task).__name__))
