"""The long versions: sweeps of the testbed's profiles, and makespans predicted and then measured."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.bench.catalogue import PAGES_IN_ALL

pytestmark = pytest.mark.slow
LATENCY = 0.05
CASES = {
    "flat": ((1, 2, 4, 8, 16), lambda n: n / LATENCY, "linear"),
    "knee": ((1, 2, 4, 8, 16, 32, 64), lambda n: min(n, 24) / LATENCY, "roofline"),
    "rate-capped": ((1, 2, 4, 8, 16, 32, 64), lambda n: min(n / LATENCY, 50), "roofline"),
    "collapse": (
        (4, 8, 16, 24, 32, 40, 48, 64, 96, 128),
        lambda n: n / LATENCY / max(1, n / 40) ** 2,
        "usl",
    ),
}


@pytest.mark.parametrize("profile", CASES)
def test_profiles_are_recognised(bed, echo, profile):
    """The shape that the testbed was given is the shape that the sweep finds, and the best number with it."""
    counts, truth, model = CASES[profile]
    bed.configure(profile=profile, latency=LATENCY)
    sweep = fl.sweep([f"{echo}/json?n={n}" for n in range(2000)], counts)
    if model == "linear":
        assert sweep.verdict == "not saturated in range", sweep
    else:
        assert sweep.fits().filter("chosen")["model"].item() == model, sweep
    best = min(n for n in counts if truth(n) >= 0.95 * max(map(truth, counts)))
    near = counts.index(best)
    low, high = counts[max(0, near - 1)], counts[min(len(counts) - 1, near + 1)]
    assert low <= sweep.recommended <= high, sweep


def test_makespans_of_all_pages_are_predicted_from_a_hundred(bed):
    """A sweep is for deciding about the whole job: eight of ten real runs lie in its interval, or more."""
    bed.configure(latency=LATENCY)
    base = f"{bed.urls['catalogue']}/api/v2/list_movies.json?limit=50&page="
    pages = [f"{base}{page + 1}" for page in range(PAGES_IN_ALL)]
    inside, told = 0, []
    for seed in range(10):
        sweep = fl.sweep(pages[:100], (1, 2, 4, 8, 16), seconds=1.0, seed=seed)
        predicted = sweep.predict(PAGES_IN_ALL)
        with fl.Client() as client:
            run = fl.fetch(pages, workers=predicted.workers, client=client, progress=False).wait()
        assert run.stats().ok == PAGES_IN_ALL
        took = run.stats().elapsed
        inside += predicted.low <= took <= predicted.high
        told.append((predicted.workers, predicted.low, took, predicted.high, predicted.half_width))
    assert inside >= 8, told
    assert sorted(half for *_, half in told)[7] <= 0.2, told
