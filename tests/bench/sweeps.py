"""Sweeps made up: known curves, noise from a seed, no server."""

from __future__ import annotations

import numpy as np
import polars as pl

from fetchlab.bench.swept import ROWS, Sweep

COUNTS = (1, 2, 4, 8, 16, 32, 64)


def usl(speed, sigma, kappa):
    return lambda n: speed * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))


def roofline(speed, cap):
    return lambda n: np.minimum(speed * n, cap)


def swept(curve, counts=COUNTS, *, rounds=3, noise=0.05, seed=0, overhead=0.01, **settings):
    """A sweep whose throughput is ``curve`` with multiplicative noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(1, rounds + 1):
        for position, count in enumerate(counts):
            per_s = float(curve(np.float64(count)) * np.exp(noise * rng.standard_normal()))
            items = 10 * count
            rows.append(
                {
                    "workers": count, "round": number, "warmup": False, "position": position,
                    "seconds": items / per_s + overhead, "items": items, "ok": items, "failed": 0,
                    "throughput": per_s, "overhead": overhead, "in_flight": float(count), "attempts": items,
                    "refused": 0, "bytes": 0, "cpu_s": 0.0, "error": None,
                }
            )  # fmt: skip
    return Sweep(pl.DataFrame(rows, ROWS), {"work": "made up", "rounds": rounds, **settings})


def failed(sweep, count):
    """The same with one more number of workers, at which everything failed."""
    row = {"workers": count, "round": 0, "warmup": True, "position": 0, "error": "StudyError: all 9 failed"}
    return Sweep(pl.concat([pl.DataFrame([row], ROWS), sweep.frame()]), sweep.settings)
