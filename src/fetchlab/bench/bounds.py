"""The least time a strategy can need, so that every measured time has something to be held against.

Bounds on the makespan of independent jobs on parallel machines (R. L. Graham, "Bounds on Multiprocessing
Timing Anomalies", SIAM J. Appl. Math. 17, 1969): no schedule beats the longest job, the mean load, or the
two of the ``m`` + 1 longest jobs that must share a machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from fetchlab.engine.remote import Remote
from fetchlab.engine.strategies import Async, Batch, Chunked, Processes, Sequential, Strategy, Threads
from fetchlab.errors import ConfigError
from fetchlab.policy.concurrency import Adaptive

if TYPE_CHECKING:
    from fetchlab.policy.rate import RateLimit

__all__ = ["Ideal", "ideal"]


class Ideal(float):
    """Seconds, and what makes them as many as they are.

    Attributes:
        why: a sentence: which bound it is, and what a barrier, a rest or a rate costs.
    """

    why: str

    def __new__(cls, seconds: float, why: str) -> Self:
        """Make a number of seconds that knows its reason."""
        made = super().__new__(cls, seconds)
        made.why = why
        return made

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]  # pickles and copies
        return float(self), self.why


def ideal(
    items: int,
    service_times: float | Sequence[float],
    strategy: Strategy | int,
    *,
    first: bool = False,
    rate: RateLimit | None = None,
) -> Ideal:
    """Return a lower bound on the seconds a strategy needs, and why it is not less.

    Args:
        items: how many items.
        service_times: seconds per item, one number for all or one per item in input order.
        strategy: how items are put onto workers; a number of workers is short for ``fl.Async(workers)``.
        first: the first item must end before the others may start, as page 1 must come before the number of
            pages is known.
        rate: so many may start per second at most, all of them at one host.

    Returns:
        Seconds, a float; its ``why`` says which bound it is.

    Raises:
        ConfigError: as many times as items are needed, none of them negative.
    """
    times = list(service_times) if isinstance(service_times, Sequence) else [float(service_times)] * items
    if len(times) != items or any(not time >= 0 for time in times):
        raise ConfigError("service_times", f"give one time ≥ 0, or one for each of the {items} items")
    if first and times:
        rest = ideal(items - 1, times[1:], strategy, rate=rate)
        return Ideal(times[0] + rest, f"the first item alone takes {_s(times[0])}; then {rest.why}")
    if not times:
        return Ideal(0.0, "there is nothing to do")
    least = _by_strategy(times, strategy)
    if rate is None:
        return least
    spaced = max(0, items - rate.burst) * rate.per / rate.rate
    if spaced + min(times) <= least:
        return least
    return Ideal(
        spaced + min(times),
        f"{rate.rate:g} in {_s(rate.per)} lets the last item start after {_s(spaced)}; the workers alone "
        f"would need {_s(least)}",
    )


def _by_strategy(times: list[float], strategy: Strategy | int) -> Ideal:
    work = sum(times)
    match strategy:
        case Sequential(delay):
            rests = delay * (len(times) - 1)
            rested = f", and rests of {_s(rests)} between them" if rests else ""
            return Ideal(work + rests, f"one after the other: {_s(work)} of work{rested}")
        case Chunked(size):
            chunks = range(0, len(times), size)
            barred = sum(max(times[start : start + size]) for start in chunks)
            free = _makespan(times, size)
            lost = barred - free
            cost = (
                f"; waiting for the slowest of each costs {_s(lost)}, since {size} workers without barriers "
                f"need {_s(free)}"
                if lost > 1e-9
                else "; the barriers cost nothing, since all items take equally long"
            )
            return Ideal(barred, f"{len(chunks):,} chunks, each as long as its slowest item{cost}")
        case Batch():
            return Ideal(max(times), "all at once: the longest item")
        case Async(workers) | Threads(workers) | Processes(workers):
            if isinstance(workers, Adaptive):
                least = _makespan(times, workers.max)
                return Ideal(least, f"as if all {workers.max} workers it may have were there: {least.why}")
            return _makespan(times, workers)
        case int():
            return _makespan(times, strategy)
        case Remote():
            raise ConfigError("strategy", "give the number of the cluster's workers, workers=…")


def _makespan(times: list[float], workers: int) -> Ideal:
    longest = sorted(times, reverse=True)
    turns = math.ceil(len(times) / workers)
    if longest[0] == longest[-1]:
        each = f"of {_s(longest[0])}" if turns > 1 else f"which takes {_s(longest[0])}"
        return Ideal(
            longest[0] * turns,
            f"{len(times):,} items on {workers:,} workers are {turns:,} turn{'s' * (turns > 1)} {each}",
        )
    mean = sum(times) / workers
    shared = longest[workers - 1] + longest[workers] if len(times) > workers else 0.0
    if mean >= max(longest[0], shared):
        return Ideal(mean, f"{_s(sum(times))} of work on {workers:,} workers that are never idle")
    if longest[0] >= shared:
        return Ideal(longest[0], f"the longest item, {_s(longest[0])}: more workers do not help")
    return Ideal(shared, f"of the {workers + 1:,} longest items two must share a worker")


def _s(seconds: float) -> str:
    """Seconds with three digits."""
    return f"{seconds:,.0f} s" if seconds >= 1000 else f"{seconds:.3g} s"
