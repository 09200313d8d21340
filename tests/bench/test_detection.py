"""How many rounds see a difference: more for small ones, more where it is noisy."""

from __future__ import annotations

import math

import pytest

import fetchlab as fl
from fetchlab.bench.detection import noise_of, power
from fetchlab.errors import ConfigError


def test_small_differences_need_more_rounds():
    """Five rounds that show nothing are no proof that there is nothing."""
    table = power(0.05)
    assert table["difference"].to_list() == [0.02, 0.05, 0.1, 0.2]
    needed = table["rounds"].to_list()
    assert needed == sorted(needed, reverse=True)
    assert needed[0] > 30
    assert needed[-1] == 5
    assert (table["power"] >= 0.8).all()


def test_what_no_number_of_rounds_shows_is_not_promised():
    """At a noise of 50 % nobody sees 2 %."""
    row = power(0.5, [0.02]).row(0, named=True)
    assert row["rounds"] is None
    assert row["power"] < 0.8


def test_the_power_is_that_of_the_sign_test_or_better():
    """A shift of one deviation, nine rounds: the textbook's sign test (8 of 9) has 0.59, or more."""
    row = power(1.0, [math.e - 1], rounds=[9]).row(0, named=True)
    assert 0.55 <= row["power"] <= 0.8


def test_a_comparison_knows_its_noise(bed, echo):
    """The table is for this machine, not for a textbook."""
    bed.configure(latency=0.005)
    found = fl.compare([f"{echo}/json?n={number}" for number in range(8)], [4], rounds=6)
    assert 0 <= noise_of(found) < 1
    assert fl.bench.power(found).equals(power(noise_of(found)))
    few = fl.compare([f"{echo}/json"], [1], rounds=2)
    with pytest.raises(ConfigError, match="noise"):
        power(few)


@pytest.mark.parametrize(
    ("knob", "noise", "differences"),
    [("noise", -1.0, [0.1]), ("differences", 0.1, []), ("differences", 0.1, [0.0])],
)
def test_bad_input_names_the_knob(knob, noise, differences):
    """A negative noise or no difference has no answer."""
    with pytest.raises(ConfigError, match=knob):
        power(noise, differences)
