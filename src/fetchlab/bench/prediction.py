"""How long a run of so many items will take, from a sweep.

``overhead + items / throughput``, and the last round trip: between ``items / N`` and ``ceil(items / N)``
round trips of ``N`` workers. The interval covers what the curve's parameters leave open, the noise of one
run, and 5 % for what rounds within a minute cannot show: how a long run differs from short ones, and later
from now.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fetchlab.bench.ratios import MARGIN
from fetchlab.bench.region import student
from fetchlab.bench.scaling import trusted
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from fetchlab.bench.scaling import Fit, Points

__all__ = ["BEYOND", "Prediction", "predict"]

BEYOND = 1.5
"""Times the largest number of workers measured: nothing is said about more."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted makespan.

    Attributes:
        items: how many.
        workers: with how many workers.
        seconds: from start to end.
        low: the lower end of its 95 % interval, in seconds.
        high: the upper end.
        model: whose curve was asked: ``usl``, ``roofline``, ``linear`` or ``measured``.
    """

    items: int
    workers: int
    seconds: float
    low: float
    high: float
    model: str

    @property
    def half_width(self) -> float:
        """Half of the interval as a share of the prediction."""
        return (self.high - self.low) / 2 / self.seconds


def predict(
    fits: dict[str, Fit],
    points: Points,
    overheads: dict[int, list[float]],
    *,
    items: int,
    workers: int,
    ok_share: float = 1.0,
) -> Prediction:
    """Return how long the items will take.

    Args:
        fits: what :func:`~fetchlab.bench.scaling.fit_all` returned.
        points: what they were fitted to.
        overheads: seconds that runs took beside their throughput, by number of workers.
        items: how many; may be far more than were measured.
        workers: how many; at most 1.5 times the largest number measured.
        ok_share: the share of items that have a value, since throughput counts these.

    Raises:
        ConfigError: fewer than one item, or a number of workers that nothing is known about.
    """
    if isinstance(items, bool) or not isinstance(items, int) or items < 1:
        raise ConfigError("items", f"give a whole number of 1 or more, not {items!r}")
    most = math.floor(BEYOND * float(points.counts[-1]))
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= most:
        raise ConfigError(
            "workers",
            f"give a whole number from 1 to {most}, 1.5 × the largest measured, not {workers!r}; what "
            "happens beyond can only be measured: sweep further",
        )
    fit = trusted(fits, points)
    log, half, noise, freedom = _by_curve(fit, workers) if fit else _by_measurement(points, workers)
    half = math.hypot(half, student(freedom) * noise, math.log(MARGIN)) if freedom else math.inf
    per_s = math.exp(log) / ok_share
    tried = sorted(overheads)
    middles = [float(np.median(overheads[count])) for count in tried]
    overhead = float(np.interp(workers, tried, middles))
    unsure = max((max(values) - min(values) for values in overheads.values()), default=0.0)
    fewest, most_trips = items / per_s, math.ceil(items / workers) * workers / per_s
    body, edge = (fewest + most_trips) / 2, (most_trips - fewest) / 2
    return Prediction(
        items,
        workers,
        overhead + body,
        max(0.0, overhead - unsure) + (body - edge) * math.exp(-half),
        overhead + unsure + (body + edge) * math.exp(half),
        fit.model.name if fit else "measured",
    )


def _by_curve(fit: Fit, workers: int) -> tuple[float, float, float, int]:
    """The logarithm of the throughput, half of its interval, a measurement's noise, degrees of freedom."""
    logs = np.log(fit.throughput(np.array([workers], np.float64))[:, 0])
    half = float(max(logs.max() - logs[0], logs[0] - logs.min()))
    return float(logs[0]), half, fit.noise, fit.freedom


def _by_measurement(points: Points, workers: int) -> tuple[float, float, float, int]:
    log = float(np.interp(math.log(workers), np.log(points.counts), points.logs))
    if workers < points.counts[0]:  # fewer than any measured: in proportion
        log += math.log(workers / points.counts[0])
    freedom = points.measurements - len(points.counts)
    half = student(freedom) * points.noise / math.sqrt(float(points.rounds.min())) if freedom else 0.0
    return log, half, points.noise, freedom
