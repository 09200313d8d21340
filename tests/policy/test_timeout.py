"""Timeout: seconds, checked at the call."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ConfigError
from fetchlab.policy.timeout import Timeout


@pytest.mark.parametrize("wrong", [0, -1, math.inf, math.nan, True, "5", 1e15, [1]], ids=repr)
@pytest.mark.parametrize("which", ["connect", "read", "total"])
def test_a_wrong_value_names_which(which, wrong):
    """The wire would raise an OverflowError or TypeError for every single item instead."""
    with pytest.raises(ConfigError, match=which) as caught:
        Timeout(**{which: wrong})
    assert caught.value.knob == "timeout"


@given(st.floats(1e-6, 1e9) | st.integers(1, 10**9))
def test_a_number_is_the_total(value):
    """``timeout=5`` must bound the whole attempt and leave the other two as they are."""
    assert Timeout.of(value) == Timeout(total=value)


def test_none_is_no_limit_and_a_timeout_is_itself():
    """``timeout=None`` that kept a default would cut long downloads."""
    assert Timeout.of(None) == Timeout(None, None, None)
    given_one = Timeout(connect=None, read=2, total=None)
    assert Timeout.of(given_one) is given_one


@pytest.mark.parametrize("wrong", ["5", (1, 2), True, {"total": 3}], ids=repr)
def test_other_kinds_are_refused(wrong):
    """Httpx takes tuples, requests too, each with its own meaning: say no rather than guess."""
    with pytest.raises(ConfigError, match="timeout"):
        Timeout.of(wrong)
