"""All parameters that the measurements do not rule out, as points on the edge of their region.

The 95 % interval of anything computed from a fit's parameters, by profile likelihood, is its range over
``{p: SSE(p) <= SSE_min (1 + t² / (n - k))}`` with Student's *t* (D. M. Bates, D. G. Watts, "Nonlinear
Regression Analysis and Its Applications", 1988, chapter 6). The edge is traced along rays from the estimate.
Unlike intervals from standard errors these hold where the curve is bent, and where a parameter is at its
bound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["LEVEL", "edge", "student"]

LEVEL = 0.95
RAYS = 600
STEP = 1e-6
DOUBLINGS = 40
HALVINGS = 30
FLAT = 1e-9
"""Of the steepest direction's curvature: flatter ones are taken for so flat."""


def student(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2)) if freedom > 0 else math.inf


def edge(
    sse: Callable[[Floats], Floats],
    curves: Callable[[Floats], Floats],
    centre: Floats,
    limit: float,
    low: Floats,
    high: Floats,
) -> Floats:
    """Return points on the region's edge, and its centre: an array of points × parameters.

    Where nothing rules out ever larger values, points lie far away or are infinite.

    Args:
        sse: sums of squares, of points × parameters.
        curves: weighted predictions, of points × parameters; they tell which directions are steep.
        centre: the estimate.
        limit: the largest sum of squares within the region.
        low: lower bounds of the parameters.
        high: upper bounds.
    """
    axes = _axes(curves, centre, math.sqrt(max(limit - float(sse(centre[None])[0]), 1e-18)))
    alone = np.diag(np.linalg.norm(axes, axis=1))  # one parameter at a time, which may have no bound
    rays = np.vstack([_directions(len(centre)) @ axes.T, alone, -alone])

    def at(radius: Floats) -> Floats:
        points: Floats = np.clip(centre + radius[:, None] * rays, low, high)
        return points

    inside, outside = np.zeros(len(rays)), np.ones(len(rays))
    for _ in range(DOUBLINGS):
        within = sse(at(outside)) <= limit
        if not within.any():
            break
        inside = np.where(within, outside, inside)
        outside = np.where(within, 2 * outside, outside)
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        within = sse(at(middle)) <= limit
        inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
    return np.vstack([centre, at(inside)])


def _axes(curves: Callable[[Floats], Floats], centre: Floats, reach: float) -> Floats:
    """Directions and lengths of the region's axes if the curve were straight, as columns."""
    steps = np.diag(STEP * np.maximum(np.abs(centre), STEP))
    slopes = (curves(centre + steps) - curves(centre - steps)).T / (2 * steps.diagonal())
    scale = np.sqrt((slopes**2).sum(axis=0))
    scale[~(scale > 0)] = 1.0
    values, vectors = np.linalg.eigh((slopes / scale).T @ (slopes / scale))
    lengths = reach / np.sqrt(np.maximum(values, FLAT * max(float(values.max()), FLAT)))
    axes: Floats = np.asarray((vectors * lengths) / scale[:, None], dtype=np.float64)
    return axes


def _directions(size: int) -> Floats:
    """Directions spread evenly: two, a circle, or Fibonacci's lattice on a sphere."""
    if size == 1:
        return np.array([[1.0], [-1.0]])
    turns: Floats = np.arange(RAYS, dtype=np.float64)
    if size == 2:
        angles = 2 * np.pi * turns / RAYS
        circle: Floats = np.column_stack([np.cos(angles), np.sin(angles)])
        return circle
    height = 1.0 - (2 * turns + 1) / RAYS
    angles = np.pi * (1 + math.sqrt(5)) * turns
    ring = np.sqrt(1.0 - height * height)
    sphere: Floats = np.column_stack([ring * np.cos(angles), ring * np.sin(angles), height])
    return sphere
