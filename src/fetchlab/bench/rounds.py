"""Rounds over arms: shuffled, seeded, warm-up kept but marked."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench.heap import settled
from fetchlab.errors import ConfigError, ResultsDiffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fetchlab.engine.run import Run

__all__ = ["ROUNDS", "Halt", "Measurement", "measure", "measured", "table_of", "until_interrupted"]

ROUNDS = pl.Schema(
    {
        "round": pl.Int32,
        "warmup": pl.Boolean,
        "position": pl.UInt16,
        "arm": pl.String,
        "seconds": pl.Float64,
        "items": pl.UInt64,
        "ok": pl.UInt64,
        "attempts": pl.UInt64,
        "bytes": pl.UInt64,
        "cpu_s": pl.Float64,
        "rss_peak": pl.UInt64,
        "error": pl.String,
    }
)
"""A row per arm and round; warm-up rounds count down to 0, measured ones up from 1.

What arms measured beside it (``Measurement.more``) follows as further columns of floats.
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one arm did in one round.

    Attributes:
        seconds: how long it took.
        items: how many ended.
        ok: how many of them with a value.
        attempts: how many attempts that took.
        bytes: of decoded bodies.
        cpu_s: CPU seconds of the process.
        rss_peak: the process's peak so far, in bytes.
        more: what else this benchmark measures, by name.
    """

    seconds: float
    items: int = 0
    ok: int = 0
    attempts: int = 0
    bytes: int = 0
    cpu_s: float = 0.0
    rss_peak: int = 0
    more: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, **more: float) -> Measurement:
        """Measure a run: wait for it and read its statistics."""
        stats = run.wait().stats()
        return cls(
            stats.elapsed,
            stats.done,
            stats.ok,
            stats.done + stats.retries,
            stats.bytes,
            stats.cpu_s,
            stats.rss_peak,
            more,
        )


class Halt(ConfigError):
    """A function of the user's raised, so that no arm can be measured."""


def measure(
    arms: Mapping[str, Callable[[], Measurement | Run]],
    *,
    rounds: int = 5,
    warmup: int = 1,
    seed: int = 0,
    on_round: Callable[[int, str], None] = lambda _round, _arm: None,
) -> pl.DataFrame:
    """Measure every arm once per round, in an order shuffled anew each round.

    Args:
        arms: name to a function that does the arm's work once and returns its run or a measurement.
        rounds: measured rounds.
        warmup: rounds before them, kept and marked.
        seed: of the shuffling.
        on_round: called before each measurement with the round and the arm.

    Returns:
        The raw rows, ROUNDS schema and what was measured beside it. An arm that raises has its error in its
        row and no time.

    Raises:
        ConfigError: no arms, or fewer than one round.
    """
    return table_of(measured(arms, rounds=rounds, warmup=warmup, seed=seed, on_round=on_round))


def measured(
    arms: Mapping[str, Callable[[], Measurement | Run]],
    *,
    rounds: int,
    warmup: int = 1,
    seed: int = 0,
    on_round: Callable[[int, str], None] = lambda _round, _arm: None,
) -> Iterator[dict[str, object]]:
    """Measure as :func:`measure` does, and yield each row as it is made."""
    if not arms:
        raise ConfigError("arms", "give at least one arm to measure")
    if rounds < 1 or warmup < 0:
        raise ConfigError("rounds", f"give 1 round or more and 0 warm-ups or more, not {rounds} and {warmup}")
    random = Random(seed)  # noqa: S311  # an order
    with settled():
        for number in range(1 - warmup, rounds + 1):
            order = list(arms)
            random.shuffle(order)
            for position, arm in enumerate(order):
                on_round(number, arm)
                head = {"round": number, "warmup": number < 1, "position": position, "arm": arm}
                yield head | _once(arms[arm])


def until_interrupted(
    rows: Iterator[dict[str, object]], arms: int, least: int
) -> tuple[list[dict[str, object]], bool]:
    """Take rows as they are made; an interrupt ends that and leaves the rounds that are whole.

    Args:
        rows: what :func:`measured` yields.
        arms: how many rows make a round.
        least: rounds, warm-ups included, that must be whole, or the interrupt goes on.

    Returns:
        The rows, and whether there was an interrupt.
    """
    kept: list[dict[str, object]] = []
    try:
        for row in rows:
            kept.append(row)  # noqa: PERF402  # what is measured stays, whatever ends the rest
    except KeyboardInterrupt:
        whole = len(kept) // arms
        if whole < least:
            raise
        return kept[: whole * arms], True
    return kept, False


def table_of(rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Return measured rows as a table: ROUNDS schema and what was measured beside it."""
    kept = list(rows)
    more = sorted({name for row in kept for name in row} - set(ROUNDS))
    return pl.DataFrame(kept, {**ROUNDS, **dict.fromkeys(more, pl.Float64())})


def _once(work: Callable[[], Measurement | Run]) -> dict[str, object]:
    begun = time.perf_counter()
    try:
        done = work()
        measured = done if isinstance(done, Measurement) else Measurement.of(done)
    except (ResultsDiffer, Halt):
        raise
    except Exception as error:
        return {
            "seconds": None,
            "error": f"{type(error).__name__}: {error} (after {time.perf_counter() - begun:.1f} s)",
        }
    row: dict[str, object] = asdict(measured)
    del row["more"]
    return row | measured.more | {"error": None}
