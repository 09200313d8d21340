"""The retry budget: many failures at once must not become a storm of retries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.policy.budget import RESERVE, TRICKLE, RetryBudget

steps = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 40)), max_size=200)  # seconds, requests since


@given(steps=steps, share=st.floats(0, 1))
def test_retries_never_outgrow_what_was_earned(steps, share):
    """At any moment: ten, a share of the requests, and five a second; more would be a storm."""
    budget, now, requests, due = RetryBudget(share, 0.0), 0.0, 0, []
    for passed, more in steps:
        now, requests = now + passed, requests + more
        wait = budget.take(now, requests)
        assert wait >= 0
        due.append(now + wait)
    made = sorted(due)
    for count, when in enumerate(made, start=1):
        assert count <= RESERVE + share * requests + TRICKLE * when + 1e-6


def test_the_reserve_is_given_at_once_and_the_rest_in_turn():
    """A few failures are nothing; a hundred at once are spread over time, each with its own moment."""
    budget = RetryBudget(0.0, 0.0)
    waits = [budget.take(0.0, 0) for _ in range(30)]
    assert waits[: int(RESERVE)] == [0.0] * int(RESERVE)
    late = waits[int(RESERVE) :]
    assert late == pytest.approx([(place + 1) / TRICKLE for place in range(20)])


def test_requests_earn_their_share():
    """A host of a million requests is given more retries than one of ten."""
    budget = RetryBudget(0.1, 0.0)
    assert [budget.take(0.0, 1000) for _ in range(100)] == [0.0] * 100
    assert budget.take(0.0, 1000) > 0


def test_a_request_earns_once():
    """Counted at every retry, ten requests would pay for everything."""
    budget = RetryBudget(0.5, 0.0)
    free = sum(not budget.take(0.0, 10) for _ in range(100))
    assert free == RESERVE


@given(rest=st.floats(100, 1e6))
def test_a_rest_fills_the_reserve_and_not_more(rest):
    """An hour without failures must not pay for a storm."""
    budget = RetryBudget(0.0, 0.0)
    for _ in range(15):
        budget.take(0.0, 0)
    assert sum(not budget.take(rest, 0) for _ in range(100)) == RESERVE


def test_a_retry_that_nobody_waits_for_costs_nothing():
    """A hundred thousand failures that end at once must not leave a debt of hours to those that follow."""
    budget = RetryBudget(0.0, 0.0)
    waits = [budget.take(0.0, 0, 3.0) for _ in range(100_000)]
    assert max(waits) <= 3.0 + 1 / TRICKLE + 1e-9
    assert sum(wait <= 3.0 for wait in waits) == RESERVE + 3.0 * TRICKLE
    assert budget.take(10.0, 0, 3.0) == 0.0
