"""Once up through the numbers of workers: how many items each needs, and where it is no use to go on.

Too few items and the edges of a run are most of it; too many and a sweep takes all day at one worker. So each
number of workers gets what it does in about ``seconds``, and enough round trips for every worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench.rounds import measure
from fetchlab.bench.steady import is_full, measured
from fetchlab.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.bench.rounds import Measurement
    from fetchlab.bench.work import Work

__all__ = ["Pilot", "arm", "items_for", "pilot"]

TRIPS = 8
"""Round trips of every worker in a measurement, where there are items enough."""
LEAST_TRIPS = 3
"""With fewer a measurement is all edges."""
REFUSED = 5.0
"""So much longer where the host refuses: the rate that it takes must be found first."""
FALLEN = 0.8
"""Of the best throughput: below it is clearly less."""
IN_A_ROW = 2
"""So many numbers of workers with clearly less, or refused, and further ones are not tried."""


@dataclass(slots=True)
class Pilot:
    """What the first pass found.

    Attributes:
        rows: one per number of workers, of :func:`~fetchlab.bench.rounds.measure`; rounds 0 and below.
        items: how many items a measurement takes, by number of workers.
        skipped: numbers of workers left out for want of items.
        beyond: numbers of workers not tried.
        stopped: why.
    """

    rows: pl.DataFrame
    items: dict[int, int] = field(default_factory=dict)
    skipped: list[int] = field(default_factory=list)
    beyond: list[int] = field(default_factory=list)
    stopped: str | None = None


def items_for(
    workers: int, per_s: float, in_flight: float, available: int, seconds: float, *, refused: bool = False
) -> int:
    """Return how many items a measurement takes; 0 if there are not enough for it.

    Args:
        workers: how many.
        per_s: about how many items a second they do.
        in_flight: about how many requests they have in flight.
        available: items there are.
        seconds: about how long a measurement is to take.
        refused: the host refused some.
    """
    if available < LEAST_TRIPS * workers:
        return 0
    full = is_full(workers, in_flight)
    least = TRIPS * workers if full else max(LEAST_TRIPS * workers, TRIPS * in_flight)
    wanted = min(available, max(least, per_s * seconds * (REFUSED if refused else 1.0)))
    return int(wanted) // workers * workers if full else int(wanted)


def arm(work: Work, workers: int, items: int) -> Callable[[], Measurement]:
    """Return what measures the first items with so many workers."""
    part = work.take(items)
    return lambda: measured(part.run(workers), workers)


def pilot(
    work: Work,
    workers: Sequence[int],
    *,
    seconds: float,
    passes: int = 1,
    on_round: Callable[[int, str], None] = lambda _round, _arm: None,
) -> Pilot:
    """Go up through the numbers of workers, once or several times.

    Args:
        work: what is done.
        workers: numbers of workers, ascending.
        seconds: about how long a measurement is to take.
        passes: how often each is measured.
        on_round: called before each measurement with the round and the number of workers.

    Raises:
        ConfigError: a knob of the work has a value that cannot work.
    """
    found = Pilot(pl.DataFrame())
    available = len(work)
    speed, in_flight, refused = _first_look(work, workers[0])
    rows: list[pl.DataFrame] = []
    best, last = 0.0, workers[0]
    fallen = limited = 0
    for place, count in enumerate(workers):
        growth = count / last if is_full(last, in_flight) else 1.0
        items = items_for(count, speed * growth, in_flight * growth, available, seconds, refused=refused)
        if not items:
            found.skipped = list(workers[place:])
            break
        rows.append(_measured(work, count, items, passes, on_round))
        kept = rows[-1].drop_nulls("throughput") if "throughput" in rows[-1].columns else rows[-1].clear()
        if kept.is_empty():
            continue
        news = bool(kept["refused"].sum()) and not refused
        refused = refused or news
        if news or _best(kept) < FALLEN * best:  # known too late, or disturbed perhaps: ask again
            busy = float(kept["in_flight"].to_list()[-1])
            items = max(items, items_for(count, _best(kept), busy, available, seconds, refused=refused))
            again = _measured(work, count, items, 1, on_round).with_columns(round=pl.lit(-passes, pl.Int32))
            rows.append(again)
            if "throughput" in again.columns:
                kept = pl.concat([kept.clear() if news else kept, again], how="diagonal")
        speed, in_flight, last = _best(kept), float(kept["in_flight"].to_list()[-1]), count
        found.items[count] = items_for(count, speed, in_flight, available, seconds, refused=refused)
        bounded = bool(kept["refused"].to_list()[-1]) and not is_full(count, in_flight)
        limited = limited + 1 if bounded else 0
        fallen = fallen + 1 if speed < FALLEN * best and not bounded else 0
        best = max(best, speed)
        if IN_A_ROW in (fallen, limited):
            found.beyond = list(workers[place + 1 :])
            if found.beyond:
                found.stopped = "the host refuses requests" if limited else "throughput had clearly fallen"
            break
    found.rows = pl.concat(rows, how="diagonal") if rows else found.rows
    return found


def _first_look(work: Work, workers: int) -> tuple[float, float, bool]:
    """About the items per second, the requests in flight and whether some were refused; kept nowhere."""
    try:
        seen = arm(work, workers, TRIPS * workers)()
    except StudyError:
        return 0.0, float(workers), False
    return seen.more["throughput"], seen.more["in_flight"], bool(seen.more["refused"])


def _measured(
    work: Work, count: int, items: int, passes: int, on_round: Callable[[int, str], None]
) -> pl.DataFrame:
    rows = measure(
        {str(count): arm(work, count, items)},
        rounds=passes,
        warmup=0,
        on_round=lambda number, name: on_round(number - passes, name),
    )
    return rows.with_columns(pl.col("round") - passes, warmup=pl.lit(value=True))


def _best(rows: pl.DataFrame) -> float:
    return float(max(rows["throughput"].drop_nulls().to_list()))
