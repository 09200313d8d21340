"""How throughput grows with the number of workers: three models, fitted, with intervals, and one chosen.

============  =============================  ==========================================================
``usl``       λN / (1 + σ(N-1) + κN(N-1))    Universal Scalability Law (N. J. Gunther, "Guerrilla Capacity
                                             Planning", 2007): contention σ, coherency κ
``roofline``  min(λN, cap)                   S. Williams, A. Waterman, D. Patterson, "Roofline", CACM 52,
                                             2009: latency bounds the throughput, then a capacity does
``linear``    λN                             nothing is saturated yet
============  =============================  ==========================================================

λ is what one worker does, in items per second. Noise is taken as a share of the throughput, so fits are least
squares of logarithms, with σ, κ ≥ 0. The model is chosen by AICc (C. M. Hurvich, C.-L. Tsai, "Regression and
time series model selection in small samples", Biometrika 76, 1989), which asks more of a model with more
parameters the fewer the measurements are. Where throughput clearly falls at the end only the first may be
chosen: the other two cannot follow, however well they fit the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from fetchlab.bench.region import edge, student

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["FITS", "MODELS", "Fit", "Points", "chosen", "fit_all", "fits_frame", "trusted", "weights"]

_PARAMETERS = ("lambda", "sigma", "kappa", "cap")
FITS = pl.Schema(
    {
        "model": pl.String,
        "chosen": pl.Boolean,
        "aicc": pl.Float64,
        "weight": pl.Float64,
        **{f"{name}{end}": pl.Float64 for name in _PARAMETERS for end in ("", "_low", "_high")},
        "peak_at": pl.Float64,
        "noise": pl.Float64,
        "misfit": pl.Float64,
        "note": pl.String,
    }
)
"""A row per model; see :func:`fits_frame`."""
FALLING = "usl"
"""The one model whose curve can fall."""
MISFIT = 0.15
"""A curve that misses a number of workers by more, and by more than noise does, is not believed."""
FALL, SURE = 0.1, 3.0
"""Throughput falls if the last number of workers has so much less than the best, and by so many standard
errors."""
LEAST_NOISE = 1e-6
"""Of the throughput: a fit that misses by less is called exact."""


@dataclass(frozen=True, slots=True)
class Points:
    """Measured throughputs, gathered by number of workers.

    Attributes:
        counts: numbers of workers, ascending.
        logs: the mean logarithm of the throughput at each.
        rounds: how many measurements that is the mean of.
        within: sum of squares of the logarithms around these means.
    """

    counts: Floats
    logs: Floats
    rounds: Floats
    within: float

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Points:
        """Gather rows with ``workers`` and a ``throughput`` above 0."""
        logs = rows.select(workers=pl.col("workers").cast(pl.Float64), log=pl.col("throughput").log())
        groups = (
            logs.group_by("workers")
            .agg(
                mean=pl.col("log").mean(),
                rounds=pl.len().cast(pl.Float64),
                within=((pl.col("log") - pl.col("log").mean()) ** 2).sum(),
            )
            .sort("workers")
        )
        counts, means, rounds = (groups[name].to_numpy() for name in ("workers", "mean", "rounds"))
        return cls(counts, means, rounds, float(groups["within"].sum()))

    @property
    def measurements(self) -> int:
        """How many measurements there are in all."""
        return int(self.rounds.sum())

    @property
    def noise(self) -> float:
        """Standard deviation of a measurement around its count's mean, as a share; 0 if none is repeated."""
        freedom = self.measurements - len(self.counts)
        return math.sqrt(self.within / freedom) if freedom else 0.0

    @property
    def falls(self) -> bool:
        """Whether throughput at the largest number of workers is clearly below the best one."""
        best = int(self.logs.argmax())
        drop = float(self.logs[best] - self.logs[-1])
        error = self.noise * math.sqrt(1 / self.rounds[best] + 1 / self.rounds[-1])
        return self.measurements > len(self.counts) and drop > max(-math.log(1 - FALL), SURE * error)


@dataclass(frozen=True, slots=True)
class Model:
    """A curve, and how it is fitted.

    Attributes:
        name: ``usl``, ``roofline`` or ``linear``.
        parameters: their names, in the order of an estimate.
        logged: which of them an estimate holds as logarithms.
        curve: the logarithm of the throughput, of points × parameters and of numbers of workers.
        estimate: the least squares estimate.
    """

    name: str
    parameters: tuple[str, ...]
    logged: tuple[bool, ...]
    curve: Callable[[Floats, Floats], Floats]
    estimate: Callable[[Points], Floats]

    @property
    def least_counts(self) -> int:
        """Different numbers of workers that a fit needs: one more than it has parameters."""
        return len(self.parameters) + 1

    def bounds(self) -> tuple[Floats, Floats]:
        """Lower and upper bounds of an estimate's parameters."""
        low = [-math.inf if log else 0.0 for log in self.logged]
        high = [1.0 if name == "sigma" else math.inf for name in self.parameters]
        return np.array(low), np.array(high)


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model.

    Attributes:
        model: which.
        region: parameters not ruled out at 95 %, of points × parameters; the first is the estimate.
        aicc: Akaike's criterion with the small-sample correction; the smallest is chosen.
        noise: residual standard deviation of a measurement, as a share of the throughput.
        misfit: the most by which the curve misses the mean of a number of workers, as a share.
        freedom: degrees of freedom of the residuals.
    """

    model: Model
    region: Floats
    aicc: float
    noise: float
    misfit: float
    freedom: int

    def throughput(self, workers: Floats) -> Floats:
        """Return items per second, of points of the region × numbers of workers; the first row is the fit."""
        with np.errstate(over="ignore"):
            found: Floats = np.exp(self.model.curve(self.region, np.asarray(workers, np.float64)))
        return found

    def values(self) -> dict[str, tuple[float, float, float]]:
        """Return every parameter with its 95 % interval: estimate, low, high."""
        found = {}
        for name, logged, column in zip(self.model.parameters, self.model.logged, self.region.T, strict=True):
            with np.errstate(over="ignore"):
                values = np.exp(column) if logged else column
            found[name] = (float(values[0]), float(values.min()), float(values.max()))
        return found

    @property
    def peak_at(self) -> float:
        """The number of workers at which the curve stops to rise; infinite if it never does."""
        found = {name: value for name, (value, _, _) in self.values().items()}
        if self.model.name == "usl":
            return math.sqrt((1 - found["sigma"]) / found["kappa"]) if found["kappa"] > 0 else math.inf
        return found["cap"] / found["lambda"] if self.model.name == "roofline" else math.inf


def fit_all(points: Points) -> dict[str, Fit]:
    """Fit every model that there are measurements enough for; one that cannot be chosen has no AICc."""
    fits = {model.name: _fit(model, points) for model in MODELS if len(points.counts) >= model.least_counts}
    if fits and points.falls:
        return {name: fit if name == FALLING else replace(fit, aicc=math.inf) for name, fit in fits.items()}
    return fits


def chosen(fits: dict[str, Fit]) -> Fit | None:
    """Return the fit with the smallest AICc, None if none of them has one."""
    able = [fit for fit in fits.values() if math.isfinite(fit.aicc)]
    return min(able, key=lambda fit: fit.aicc, default=None)


def trusted(fits: dict[str, Fit], points: Points) -> Fit | None:
    """Return the chosen fit, None if even that one misses what was measured."""
    best = chosen(fits)
    by_noise = 3 * points.noise / math.sqrt(float(points.rounds.min()))
    return None if best is None or best.misfit > max(MISFIT, by_noise) else best


def weights(fits: dict[str, Fit]) -> dict[str, float]:
    """Return Akaike's weight of each fit: how likely it is the best of them."""
    best = min((fit.aicc for fit in fits.values()), default=math.inf)
    if not math.isfinite(best):
        return dict.fromkeys(fits, 0.0)
    shares = {name: math.exp(-(fit.aicc - best) / 2) for name, fit in fits.items()}
    return {name: share / sum(shares.values()) for name, share in shares.items()}


def fits_frame(fits: dict[str, Fit], points: Points) -> pl.DataFrame:
    """Return a row per model, FITS schema.

    Columns: ``model``; ``chosen`` by ``aicc``, of which ``weight`` is Akaike's weight; ``lambda`` (items/s of
    one worker)``, sigma, kappa, cap`` (items/s), each with the ends of its 95 % interval (``…_low``,
    ``…_high``) and null where the model has none; ``peak_at`` (workers); ``noise`` (residual, as a share);
    ``misfit`` (the most by which the curve misses a number of workers, as a share); ``note``: why there is no
    fit.
    """
    best, shares = chosen(fits), weights(fits)
    rows: list[dict[str, object]] = []
    for model in MODELS:
        fit = fits.get(model.name)
        row: dict[str, object] = {"model": model.name, "chosen": fit is not None and fit is best}
        if fit is None:
            row["note"] = (
                f"too few: needs {model.least_counts} numbers of workers, measured {len(points.counts)}"
            )
        else:
            for name, (value, low, high) in fit.values().items():
                row |= {name: value, f"{name}_low": low, f"{name}_high": high}
            row |= {"noise": fit.noise, "misfit": fit.misfit}
            if math.isfinite(fit.peak_at):
                row["peak_at"] = fit.peak_at
            if math.isfinite(fit.aicc):
                row |= {"aicc": fit.aicc, "weight": shares[model.name]}
            elif model.name != FALLING and points.falls:
                row["note"] = "throughput falls at the end, which this curve cannot"
            else:
                row["note"] = f"too few measurements for AICc: {points.measurements}"
        rows.append(row)
    return pl.DataFrame(rows, FITS)


def _fit(model: Model, points: Points) -> Fit:
    estimate = model.estimate(points)
    root = np.sqrt(points.rounds)

    def curves(candidates: Floats) -> Floats:
        return root * model.curve(candidates, points.counts)

    def sse(candidates: Floats) -> Floats:
        missed: Floats = ((curves(candidates) - root * points.logs) ** 2).sum(axis=-1)
        return points.within + missed

    count = points.measurements
    least = max(float(sse(estimate[None])[0]), count * LEAST_NOISE**2)
    freedom = count - len(estimate)
    reach = student(freedom)
    limit = least * (1 + reach**2 / freedom) if freedom > 0 else math.inf
    misses = np.abs(points.logs - model.curve(estimate[None], points.counts)[0])
    return Fit(
        model,
        edge(sse, curves, estimate, limit, *model.bounds()) if freedom > 0 else _anything(estimate, model),
        _aicc(least, count, len(estimate) + 1),
        math.sqrt(least / freedom) if freedom > 0 else math.inf,
        float(np.expm1(misses.max())),
        freedom,
    )


def _anything(estimate: Floats, model: Model) -> Floats:
    """The region where no measurement is left to judge the noise by: all there is."""
    low, high = model.bounds()
    return np.vstack([estimate, low, high])


def _aicc(sse: float, count: int, size: int) -> float:
    """``size`` counts the noise, too."""
    if count - size - 1 <= 0:
        return math.inf
    return count * math.log(sse / count) + 2 * size + 2 * size * (size + 1) / (count - size - 1)


def _usl_curve(estimates: Floats, workers: Floats) -> Floats:
    speed, sigma, kappa = estimates[:, :1], estimates[:, 1:2], estimates[:, 2:3]
    more = workers - 1
    curve: Floats = speed + np.log(workers) - np.log1p(sigma * more + kappa * workers * more)
    return curve


def _usl_estimate(points: Points) -> Floats:
    """Start from the fit of N/X, which is linear in its coefficients, then least squares of logarithms."""
    from scipy.optimize import least_squares, nnls

    counts, root = points.counts, np.sqrt(points.rounds)
    cost = counts / np.exp(points.logs)
    design = np.column_stack([np.ones_like(counts), counts - 1, counts * (counts - 1)])
    (one, contention, coherency), _ = nnls(design / cost[:, None] * root[:, None], root)
    scale = np.array([0.1, 1.0, 1.0]) / np.array([1.0, counts[-1], counts[-1] ** 2])
    starts = [np.array([-math.log(one), min(contention / one, 1.0), coherency / one])] if one > 0 else []
    plain = float(np.average(points.logs - np.log(counts), weights=points.rounds))
    starts += [np.array([plain, 0.0, 0.0]), np.array([plain, min(10 * scale[1], 1.0), scale[2]])]
    low, high = np.array([-np.inf, 0.0, 0.0]), np.array([np.inf, 1.0, np.inf])

    def residuals(estimate: Floats) -> Floats:
        found: Floats = root * (_usl_curve(estimate[None], counts)[0] - points.logs)
        return found

    found = [
        least_squares(residuals, start, bounds=(low, high), x_scale=scale, xtol=1e-12, ftol=1e-12)
        for start in starts
    ]
    best: Floats = min(found, key=lambda one: float(one.cost)).x
    for place in (1, 2):  # what came as close to its bound as numbers go is at it
        at_bound = best.copy()
        at_bound[place] = 0.0
        if (residuals(at_bound) ** 2).sum() <= (residuals(best) ** 2).sum() * (1 + 1e-9):
            best = at_bound
    return best


def _roofline_curve(estimates: Floats, workers: Floats) -> Floats:
    curve: Floats = np.minimum(estimates[:, :1] + np.log(workers), estimates[:, 1:2])
    return curve


def _roofline_estimate(points: Points) -> Floats:
    """Exact: the least squares for every place that the knee can have, between two counts or at one."""
    counts, rounds = points.counts, points.rounds
    ones = points.logs - np.log(counts)
    candidates = []
    for place, count in enumerate(counts):
        at_knee = np.where(np.arange(len(counts)) <= place, ones, points.logs - math.log(count))
        speed = float(np.average(at_knee, weights=rounds))
        candidates.append((speed, speed + math.log(count)))
        if place:
            speed = float(np.average(ones[:place], weights=rounds[:place]))
            cap = float(np.average(points.logs[place:], weights=rounds[place:]))
            if math.log(counts[place - 1]) <= cap - speed <= math.log(count):
                candidates.append((speed, cap))
    tried = np.array(candidates)
    costs = (rounds * (_roofline_curve(tried, counts) - points.logs) ** 2).sum(axis=-1)
    best: Floats = tried[int(costs.argmin())]
    return best


def _linear_curve(estimates: Floats, workers: Floats) -> Floats:
    curve: Floats = estimates[:, :1] + np.log(workers)
    return curve


def _linear_estimate(points: Points) -> Floats:
    return np.array([np.average(points.logs - np.log(points.counts), weights=points.rounds)])


MODELS = (
    Model("usl", ("lambda", "sigma", "kappa"), (True, False, False), _usl_curve, _usl_estimate),
    Model("roofline", ("lambda", "cap"), (True, True), _roofline_curve, _roofline_estimate),
    Model("linear", ("lambda",), (True,), _linear_curve, _linear_estimate),
)
