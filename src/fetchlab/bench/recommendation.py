"""How many workers to take: the fewest that are within 5 % of the peak, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fetchlab.bench.region import student
from fetchlab.bench.scaling import chosen, trusted, weights

if TYPE_CHECKING:
    from fetchlab.bench.scaling import Fit, Floats, Points

__all__ = ["NEAR", "Recommendation", "is_linear", "recommend"]

NEAR = 0.95
"""Of the peak within the range: near enough, since more workers are less polite."""
LINEAR = 0.9
"""Of what the smallest number of workers promises: so much at the largest, and nothing is saturated yet."""
PLAUSIBLE = 0.05
"""A model with less of Akaike's weight has no say in the interval."""
GRID = 4096


@dataclass(frozen=True, slots=True)
class Recommendation:
    """How many workers to take.

    Attributes:
        workers: the smallest number within 95 % of the peak in the range measured.
        low: the lower end of its 95 % interval.
        high: the upper end; None if throughput was still growing at the largest number, so that nothing
            bounds it.
        verdict: ``not saturated in range``, ``levels off``, ``falls beyond the peak`` or ``too few``.
        model: whose curve says so: ``usl``, ``roofline``, ``linear``; ``measured`` where none of them fits.
        why: the same as a sentence.
    """

    workers: int
    low: int
    high: int | None
    verdict: str
    model: str
    why: str

    @property
    def interval(self) -> str:
        """The interval as text: ``[20, 26]``, ``[61, …]``."""
        return f"[{self.low}, {'…' if self.high is None else self.high}]"


def recommend(fits: dict[str, Fit], points: Points) -> Recommendation:
    """Return the recommended number of workers, between the smallest and the largest measured.

    The interval is what the parameters not ruled out would recommend, of every model with at least 5 % of
    Akaike's weight.

    Args:
        fits: what :func:`~fetchlab.bench.scaling.fit_all` returned.
        points: what they were fitted to; not empty.
    """
    fit = trusted(fits, points)
    if fit is None:
        return _by_measurement(fits, points)
    smallest, largest = int(points.counts[0]), int(points.counts[-1])
    grid = np.unique(np.geomspace(smallest, largest, GRID).round()).astype(np.float64)
    shares = weights(fits)
    plausible = [other for name, other in fits.items() if shares[name] >= PLAUSIBLE or other is fit]
    found = np.concatenate([_smallest_near(other.throughput(grid), grid) for other in plausible])
    low, high = int(found.min()), int(found.max())
    name = fit.model.name
    curve = fit.throughput(grid)[0]
    if is_linear(fit, points):
        share = 100 * curve[-1] / curve[0] * smallest / largest
        why = (
            f"not saturated in range: throughput at {largest} workers is still {share:.0f} % of proportional"
            f" to the workers; try more than {largest}"
        )
        return Recommendation(largest, min(low, largest), None, "not saturated in range", name, why)
    workers = int(_smallest_near(curve[None], grid)[0])
    best, at = float(curve.max()), int(grid[int(curve.argmax())])
    verdict = "falls beyond the peak" if curve[-1] < NEAR * best else "levels off"
    shape = {"usl": "the Universal Scalability Law", "roofline": "a roofline", "linear": "a straight line"}[
        name
    ]
    share = 100 * float(curve[grid == workers][0]) / best
    of_peak = f"{workers} workers reach {share:.0f} % of the peak of {best:,.3g} items/s"
    where = f"reached at {math.ceil(fit.peak_at)}" if name == "roofline" else f"at {at}"
    return Recommendation(
        workers, low, high, verdict, name, f"{verdict}, by {shape}: {of_peak}, which is {where} workers"
    )


def is_linear(fit: Fit, points: Points) -> bool:
    """Say whether throughput at the largest number of workers is still about proportional to them."""
    ends = points.counts[[0, -1]]
    if ends[0] == ends[1]:
        return False
    first, last = fit.throughput(ends)[0]
    return bool(last / first >= LINEAR * ends[1] / ends[0])


def _smallest_near(curves: Floats, grid: Floats) -> Floats:
    near = curves >= NEAR * curves.max(axis=1, keepdims=True)
    found: Floats = grid[near.argmax(axis=1)]
    return found


def _by_measurement(fits: dict[str, Fit], points: Points) -> Recommendation:
    """Where no curve can be believed: the smallest number measured that is near the best one."""
    goal = points.logs.max() + math.log(NEAR)
    half = _half(points)
    workers = int(points.counts[points.logs >= goal][0])
    place = int((points.logs + half >= goal).argmax())
    low = int(points.counts[place - 1]) + 1 if place else int(points.counts[0])  # between them nobody looked
    surely = points.counts[points.logs - half >= goal]
    high = int(max(workers, surely[0] if len(surely) else points.counts[points.logs.argmax()]))
    best, at = math.exp(points.logs.max()), int(points.counts[points.logs.argmax()])
    fit = chosen(fits)
    if fit is None:
        verdict = "too few"
        reason = f"too few measurements for a curve ({points.measurements} at {len(points.counts)} numbers)"
    else:
        verdict = "falls beyond the peak" if points.logs[-1] < goal else "levels off"
        reason = f"{verdict}; no curve fits (the best misses by {100 * fit.misfit:.0f} %), so by measurement"
    why = f"{reason}: {workers} workers are the fewest within 5 % of the best, {best:,.3g} items/s at {at}"
    return Recommendation(workers, low, high, verdict, "measured", why)


def _half(points: Points) -> Floats:
    """Half of the 95 % interval of a difference to the best, in logarithms."""
    freedom = points.measurements - len(points.counts)
    if not freedom:
        return np.zeros_like(points.logs)
    best = points.rounds[points.logs.argmax()]
    half: Floats = student(freedom) * points.noise * np.sqrt(1 / points.rounds + 1 / best)
    half[points.logs.argmax()] = 0.0
    return half
