"""A run's throughput without its edges: while every worker had something to do.

A run of ``m`` items on ``n`` workers begins with connections that must be made, and ends with workers that
find nothing more to do. Between the ``n``-th and the ``m - n``-th completion all of them are busy, and what
completes then is the closed system's throughput (E. D. Lazowska et al., "Quantitative System Performance",
1984, chapter 3). What the run took beyond that is its overhead, which does not grow with the items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.bench.rounds import Measurement
from fetchlab.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.engine.run import Run

__all__ = ["is_full", "measured", "speed"]

FULL = 0.5
"""Of the workers: with fewer requests in flight, it is not the workers that bound the throughput."""


def is_full(workers: int, in_flight: float) -> bool:
    """Say whether the workers were what bounded the throughput, and not waiting for their turn."""
    return in_flight > FULL * workers


def speed(finished: Sequence[float], seconds: float, workers: int, in_flight: float) -> float:
    """Return the items per second while all workers were busy.

    Where few of them were, because the host allows so many requests a second and no more, the first half is
    left out instead: there the rate was still being found.

    Args:
        finished: when each item ended, in seconds since the start, ascending.
        seconds: how long the run took.
        workers: how many there were.
        in_flight: requests in flight, on average.

    Raises:
        StudyError: it took no time that can be measured.
    """
    items = len(finished)
    first, last = items // 2, items
    if is_full(workers, in_flight):
        first = workers
        last = items - workers if items >= 4 * workers else items
    if 0 < first < last:
        window = finished[last - 1] - finished[first - 1]
        if window > 0:
            return (last - first) / window
    if not seconds > 0:
        raise StudyError(f"{items:,} items took no time that can be measured; give more work")
    return items / seconds


def measured(run: Run, workers: int) -> Measurement:
    """Measure a run of a sweep: beside the usual, its throughput without edges, and its overhead.

    Raises:
        StudyError: no item has a value, or it took no time that can be measured.
    """
    done = Measurement.of(run)
    if not done.ok:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in run.stats().errors.items())
        raise StudyError(f"all {done.items:,} items failed: {kinds}")
    attempts = run.attempts()
    in_flight = float((attempts["finished"] - attempts["started"]).sum()) / max(done.seconds, 1e-9)
    finished = run.frame()["finished"].drop_nulls().sort().to_list()
    rate = speed(finished, done.seconds, workers, in_flight)
    done.more.update(
        workers=float(workers),
        failed=float(done.items - done.ok),
        refused=float(run.stats().refused),
        throughput=rate * done.ok / done.items,
        overhead=max(0.0, done.seconds - done.items / rate),
        in_flight=in_flight,
    )
    return done
