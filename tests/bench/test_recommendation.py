"""The recommended number of workers: near the peak, with an interval, and with a reason."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fetchlab.bench.recommendation import Recommendation

from .sweeps import roofline, swept, usl


def test_the_fewest_near_the_peak():
    """More workers than that are impolite and gain nothing."""
    advice = swept(roofline(20, 480), noise=0.02).recommendation
    assert advice.workers == pytest.approx(23, abs=1)
    assert advice.low <= advice.workers <= advice.high
    assert (advice.verdict, advice.model) == ("levels off", "roofline")
    assert "roofline" in advice.why


def test_collapse_is_named():
    """Who takes more workers than that is slower, not only impolite."""
    sweep = swept(usl(20, 0.0, 0.002), noise=0.02)
    assert sweep.verdict == "falls beyond the peak"
    assert sweep.recommended == pytest.approx(16, abs=2)
    assert "Universal Scalability Law" in sweep.recommendation.why


def test_not_saturated_says_try_more():
    """A peak that was not reached must not be made up."""
    advice = swept(lambda n: 20 * n, noise=0.02).recommendation
    assert advice.verdict == "not saturated in range"
    assert advice.workers == 64
    assert advice.high is None
    assert advice.interval.endswith("…]")
    assert "try more than 64" in advice.why


def test_a_slight_bend_is_still_proportional():
    """With little noise AICc sees any bend; whether it matters is another question."""
    sweep = swept(usl(20, 0.001, 0), noise=0.001)
    assert sweep.fits().filter("chosen")["model"].item() == "usl"
    assert sweep.verdict == "not saturated in range"


def test_a_curve_that_misses_is_not_believed():
    """A sharp fall is no Universal Scalability Law: the measured best is better advice than its peak."""
    advice = swept(
        lambda n: 20 * n if n <= 40 else 20 * 40 * (40 / n) ** 2, (4, 8, 16, 32, 40, 64, 96), noise=0.01
    ).recommendation
    assert advice.model == "measured"
    assert (advice.workers, advice.low) == (40, 33)
    assert "no curve fits" in advice.why
    assert advice.verdict == "falls beyond the peak"


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_covers_other_plausible_models(seed):
    """Which model is right is part of what is not known."""
    truth = usl(20, 0.05, 0.0002)
    advice = swept(truth, noise=0.1, seed=seed).recommendation
    grid = np.arange(1, 65)
    real = truth(grid)
    best = int(grid[(real >= 0.95 * real.max()).argmax()])
    assert advice.low <= best <= (advice.high or 64)


def test_one_number_is_all_there_is():
    """It must not raise: the figure stands, and it is said that there is no curve."""
    sweep = swept(lambda n: 20 * n, (8,))
    assert isinstance(sweep.recommendation, Recommendation)
    assert (sweep.recommended, sweep.verdict) == (8, "too few")
    assert sweep.fits()["chosen"].sum() == 0


def test_it_is_within_what_was_measured():
    """Nobody has seen one worker here, nor a hundred."""
    sweep = swept(lambda n: 100 + 0 * n, (4, 8, 16, 32), noise=0.02)
    assert sweep.recommended == 4
    assert sweep.recommendation.high <= 32
    assert isinstance(sweep.frame(), pl.DataFrame)


def test_a_roofline_is_not_chosen_where_throughput_falls():
    """It fits six of seven numbers, and cannot say what matters about the seventh."""
    sweep = swept(lambda n: np.where(n > 32, 0.85, 1.0) * np.minimum(20 * n, 590.0), noise=0.01)
    assert sweep.verdict == "falls beyond the peak"
    notes = dict(sweep.fits().select("model", "note").iter_rows())
    assert notes["roofline"] == "throughput falls at the end, which this curve cannot"
    assert notes["usl"] is None
    assert 24 <= sweep.recommended <= 32
