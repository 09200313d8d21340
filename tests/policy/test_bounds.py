"""When a run that is late or plainly wrong stops."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ConfigError
from fetchlab.policy.bounds import ENOUGH, Bounds

counts = st.integers(0, 10**6)


@given(elapsed=st.floats(0, 1e8), done=counts, data=st.data())
def test_no_bound_is_never_exceeded(elapsed, done, data):
    """A run without bounds must not stop by itself, however late and wrong it is."""
    assert Bounds().exceeded(elapsed, done, data.draw(st.integers(0, done))) is None


@given(deadline=st.floats(0.001, 1e6), elapsed=st.floats(0, 2e6))
def test_the_deadline_is_a_deadline(deadline, elapsed):
    """Stopping early loses items, stopping late breaks a promise."""
    why = Bounds(deadline=deadline).exceeded(elapsed, 0, 0)
    assert (why is not None) == (elapsed >= deadline)
    assert why is None or "deadline" in why


@given(share=st.floats(0, 1), done=counts, data=st.data())
def test_errors_count_once_there_are_enough_items(share, done, data):
    """One failure among the first three is 33 %, and says nothing."""
    failed = data.draw(st.integers(0, done))
    why = Bounds(max_error_rate=share).exceeded(1.0, done, failed)
    assert (why is not None) == (done >= ENOUGH and failed / done > share)
    if why is not None:
        assert "max_error_rate" in why
        assert f"{failed:,} of {done:,}" in why


def test_a_share_of_all_allows_all():
    """1 is any share of errors, 0 is none."""
    assert Bounds(max_error_rate=1).exceeded(1.0, 1000, 1000) is None
    assert Bounds(max_error_rate=0).exceeded(1.0, 1000, 1) is not None
    assert Bounds(max_error_rate=0.5).exceeded(1.0, 1000, 500) is None


@pytest.mark.parametrize("knob", ["deadline", "max_error_rate"])
@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, "1", True, [], 1e12])
def test_a_wrong_value_names_the_knob(knob, wrong):
    """Found a minute into the run, it would cost that minute."""
    with pytest.raises(ConfigError, match=knob) as caught:
        Bounds(**{knob: wrong})
    assert caught.value.knob == knob


def test_bounds_that_cannot_be_met():
    """No time at all is a mistake; a share above 1 is a percentage."""
    for wrong in ({"deadline": 0}, {"max_error_rate": 5}):
        with pytest.raises(ConfigError):
            Bounds(**wrong)
