"""Fits of scaling curves: the parameters, their intervals, and which model is chosen."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from fetchlab.bench.scaling import FITS, Points, chosen, fit_all, weights

from .sweeps import COUNTS, roofline, swept, usl


def fits_of(curve, **how):
    points = Points.of(swept(curve, **how).frame())
    return fit_all(points), points


def best_of(curve, **how):
    return chosen(fits_of(curve, **how)[0])


def drawn(rng):
    """Parameters as services have them, some exactly at their bounds."""
    sigma = rng.choice([0.0, rng.uniform(0, 0.1)])
    kappa = rng.choice([0.0, 10 ** rng.uniform(-4.5, -2.5)])
    return 20 * rng.uniform(0.5, 2), sigma, kappa


def check_coverage(sweeps, at_least):
    """The truth lies in the interval often enough, and the recommendation within one step of the true one."""
    rng = np.random.default_rng(7)
    covered = dict.fromkeys(("lambda", "sigma", "kappa"), 0)
    near = 0
    grid = np.arange(1, COUNTS[-1] + 1)
    for seed in range(sweeps):
        truth = drawn(rng)
        sweep = swept(usl(*truth), noise=0.05, seed=seed)
        row = sweep.fits().row(0, named=True)
        for name, value in zip(covered, truth, strict=True):
            covered[name] += row[f"{name}_low"] <= value <= row[f"{name}_high"]
        real = usl(*truth)(grid)
        best = int(grid[(real >= 0.95 * real.max()).argmax()])
        near += abs(math.log2(sweep.recommended / best)) <= 1
    assert min(covered.values()) >= at_least * sweeps, covered
    assert near >= 0.99 * sweeps, near


def test_intervals_hold_what_they_promise():
    """An interval that misses the truth more often than said is worse than none."""
    check_coverage(40, 0.9)


@pytest.mark.slow
def test_intervals_hold_what_they_promise_over_two_hundred_sweeps():
    """The long version: two hundred sweeps with 5 % noise."""
    check_coverage(200, 0.9)


def test_exact_data_gives_exact_parameters():
    """Noise of zero must neither divide by zero nor widen an interval."""
    fit = fits_of(usl(20, 0.03, 0.0005), noise=0)[0]["usl"]
    for name, truth in (("lambda", 20), ("sigma", 0.03), ("kappa", 0.0005)):
        value, low, high = fit.values()[name]
        assert value == pytest.approx(truth, rel=1e-4)
        assert low <= value <= high
        assert high - low < 1e-3 * truth


@pytest.mark.parametrize("cap", [30, 100, 480, 900])
def test_a_roofline_is_found_wherever_its_knee_is(cap):
    """Between two counts or at one: the knee is where a person would put it."""
    fit = best_of(roofline(20, cap), noise=0.02)
    assert fit.model.name == "roofline"
    assert fit.values()["cap"][0] == pytest.approx(cap, rel=0.05)
    assert fit.peak_at == pytest.approx(cap / 20, rel=0.1)


@pytest.mark.parametrize(
    ("curve", "model"),
    [(usl(20, 0.0, 0.001), "usl"), (usl(20, 0.08, 0), "usl"), (roofline(20, 480), "roofline")],
)
def test_the_model_that_made_the_data_is_chosen(curve, model):
    """The verdict rests on it."""
    assert [best_of(curve, seed=seed).model.name for seed in range(10)].count(model) >= 9


def test_a_straight_line_is_seldom_given_a_bend():
    """Further parameters always fit a little better; AICc asks whether that is worth them."""
    found = [best_of(lambda n: 20 * n, seed=seed).model.name for seed in range(20)]
    assert found.count("linear") >= 14


def test_a_parameter_that_nothing_bounds_has_an_open_interval():
    """Below the knee nobody knows the cap; a number there would be made up."""
    value, low, high = fits_of(roofline(20, 1e9))[0]["roofline"].values()["cap"]
    assert math.isinf(high)
    assert low > 20 * 32
    assert value >= low


def test_already_saturated_at_the_smallest_number():
    """All points on the flat part: the cap is known, what one worker does is not."""
    fit = fits_of(lambda n: 100 + 0 * n, counts=(4, 8, 16, 32))[0]["roofline"]
    assert fit.values()["cap"][0] == pytest.approx(100, rel=0.05)
    assert fit.peak_at <= 4.5
    assert math.isinf(fit.values()["lambda"][2])


@pytest.mark.parametrize(
    ("counts", "rounds", "named"),
    [
        ((8,), 3, set()),
        ((8, 16), 3, {"linear"}),
        ((4, 8, 16), 3, {"linear", "roofline"}),
        ((2, 4, 8, 16), 3, {"linear", "roofline", "usl"}),
    ],
)
def test_too_few_numbers_of_workers_are_told(counts, rounds, named):
    """Three parameters through three points fit anything."""
    table = swept(roofline(20, 100), counts, rounds=rounds).fits()
    assert table.schema == FITS
    assert table["model"].to_list() == ["usl", "roofline", "linear"]
    assert set(table.drop_nulls("lambda")["model"]) == named
    assert all("too few" in note for note in table.filter(pl.col("lambda").is_null())["note"])
    assert table["chosen"].sum() == bool(named)


def test_too_few_measurements_for_aicc():
    """The correction divides by their number less the parameters': nothing is chosen then."""
    fits, points = fits_of(lambda n: 20 * n, counts=(1, 2), rounds=1)
    assert points.measurements == 2
    assert chosen(fits) is None
    assert weights(fits) == {"linear": 0.0}
    table = swept(lambda n: 20 * n, (1, 2), rounds=1).fits()
    assert "too few measurements" in table.filter(model="linear")["note"].item()


def test_weights_add_up_to_one():
    """They are shares of belief."""
    fits, _ = fits_of(usl(20, 0.02, 0.0001))
    assert sum(weights(fits).values()) == pytest.approx(1)
    assert max(weights(fits), key=weights(fits).get) == chosen(fits).model.name


def test_corrected_criterion_by_hand():
    """Hurvich and Tsai's formula, with the noise counted among the parameters."""
    fits, points = fits_of(usl(20, 0.02, 0.001))
    fit, count, size = fits["usl"], points.measurements, 4
    sse = fit.noise**2 * (count - 3)
    by_hand = count * math.log(sse / count) + 2 * size + 2 * size * (size + 1) / (count - size - 1)
    assert fit.aicc == pytest.approx(by_hand)
