"""Retry: what is tried again, how often, after what wait."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab import errors
from fetchlab.engine.work import Work
from fetchlab.policy.retry import IDEMPOTENT, RETRIED_STATUSES, Retry

seconds = st.floats(0, 1e6)


@given(base=seconds, cap=seconds, attempt=st.integers(1, 10_000), seed=st.integers(0, 99))
def test_wait_is_full_jitter(base, cap, attempt, seed):
    """A wait above cap, or above the exponential bound, would stall an item or hammer a host."""
    wait = Retry(base=base, cap=cap).wait(attempt, Random(seed))
    bound = min(cap, base * 2.0 ** min(attempt - 1, 62))
    assert 0 <= wait <= bound


def test_wait_spreads_over_the_whole_range():
    """Equal jitter or none would let a crowd of clients come back together."""
    random = Random(1)
    waits = [Retry(base=1, cap=8).wait(4, random) for _ in range(2000)]
    assert min(waits) < 0.1 < 7.9 < max(waits) <= 8
    assert sum(waits) / len(waits) == pytest.approx(4, rel=0.1)


@given(attempts=st.integers(1, 50), attempt=st.integers(1, 100))
def test_never_more_attempts_than_told(attempts, attempt):
    """One attempt too many is a request the user did not allow."""
    again = Retry(attempts=attempts).again(errors.TimedOut("x"), attempt)
    assert again == (attempt < attempts)


@pytest.mark.parametrize("method", ["POST", "PATCH", "CONNECT", "PURGE"])
def test_a_method_that_is_not_idempotent_is_left_alone(method):
    """A repeated POST may order twice."""
    assert not Retry().again(errors.ConnectFailed("x"), 1, method)
    assert Retry(methods={method.lower()}).again(errors.ConnectFailed("x"), 1, method)


def test_idempotent_methods_are_those_of_the_rfc():
    """RFC 9110 section 9.2.2 lists them; a typo would stop retries silently."""
    assert {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"} == IDEMPOTENT
    assert all(Retry().again(errors.TimedOut("x"), 1, method) for method in IDEMPOTENT)


@given(status=st.integers(400, 599))
def test_statuses_that_may_pass_are_retried_and_others_are_not(status):
    """Retrying a 404 wastes time; not retrying a 503 loses items."""
    assert Retry().again(errors.StatusError("x", status), 1) == (status in RETRIED_STATUSES)
    assert Retry(statuses=[status]).again(errors.StatusError("x", status), 1)


def _caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (errors.ConnectFailed("x"), True),
        (errors.TimedOut("x"), True),
        (errors.BodyTruncated("x"), True),
        (errors.Retriable("x"), True),
        (errors.ParseError("x", retriable=True), True),
        (_caused(errors.TaskError("x"), errors.Retriable("y")), True),
        (errors.ParseError("x"), False),
        (errors.TransportError("x"), False),
        (errors.BodyTooLarge("x"), False),
        (errors.TooManyRedirects("x"), False),
        (errors.TaskError("x"), False),
        (errors.Cancelled("x"), False),
        (errors.ConfigError("knob", "x"), False),
        (ValueError("x"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_which_errors_are_retried(error, again):
    """An error that will be the same next time must end at once, one that may pass must not."""
    assert Retry().again(error, 1) is again


@given(attempts=st.integers(2, 50), refusals=st.integers(1, 1000))
def test_attempts_that_are_not_charged_are_not_counted(attempts, refusals):
    """A host that refuses a thousand times has used up nothing; the first real failure counts as one."""
    work = Work(0, "item", 0.0)
    work.attempt, work.excused = refusals, refusals
    assert work.charged == 0
    retry = Retry(attempts=attempts)
    assert retry.again(errors.StatusError("x", 429), work.charged)
    work.attempt += attempts - 1
    assert retry.again(errors.TimedOut("x"), work.charged)
    work.attempt += 1
    assert not retry.again(errors.TimedOut("x"), work.charged)


def test_one_attempt_is_one_even_if_it_was_refused():
    """``attempts=1`` never tries again: who says so wants to see the refusal."""
    assert not Retry(attempts=1).again(errors.StatusError("x", 429), 0)


def test_new_attempts_are_charged_from_none():
    """``retry_failed`` gives an item all its attempts again, and numbers them on."""
    work = Work(0, "item", 0.0)
    work.attempt, work.excused = 7, 3
    again = work.again()
    assert (again.attempt, again.charged) == (7, 0)


def test_the_defaults_of_patience_and_budget():
    """They stand in the documentation: five minutes, and one retry per ten requests."""
    assert (Retry().patience, Retry().budget) == (300.0, 0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"attempts": 2.5},
        {"attempts": "3"},
        {"attempts": True},
        {"base": -1},
        {"base": math.nan},
        {"base": "1"},
        {"cap": math.inf},
        {"cap": -0.1},
        {"budget": -0.1},
        {"budget": math.inf},
        {"budget": "10%"},
        {"budget": None},
        {"patience": -1},
        {"patience": math.nan},
        {"patience": "5m"},
        {"patience": None},
        {"statuses": 503},
        {"statuses": "503"},
        {"statuses": ["503"]},
        {"methods": "POST"},
        {"methods": [1]},
    ],
    ids=str,
)
def test_a_wrong_value_names_the_knob(wrong):
    """A bare string as a set would be its letters; the rest would fail later and elsewhere."""
    with pytest.raises(errors.ConfigError, match=next(iter(wrong))) as caught:
        fl.Retry(**wrong)
    assert caught.value.knob == "retry"
