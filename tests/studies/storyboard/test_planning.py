"""How many scenes, and which of them at the same time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ConfigError
from fetchlab.studies.storyboard.planning import (
    MOST,
    Plan,
    batch_at,
    batch_coverage,
    coverage,
    size_for,
    weights,
    windows,
)


def plan(duration=600, scene_seconds=8, scenes=None, batch_size=5, threshold=180, context="batch"):
    return Plan.of(duration, scene_seconds, scenes, batch_size, threshold, context)


@pytest.mark.parametrize(("duration", "scenes"), [(180, 22), (300, 37), (600, 75), (900, 112), (3, 1)])
def test_a_film_holds_whole_scenes_only(duration, scenes):
    """A scene beyond the end of the film would be paid for and cut."""
    assert plan(duration).scenes == scenes
    assert plan(duration).seconds == 8


def test_scenes_given_by_number_share_the_film():
    """The published table has 113 scenes in 900 s."""
    assert plan(900, scenes=113).scenes == 113
    assert plan(900, scenes=113).seconds == pytest.approx(900 / 113)


def test_up_to_the_threshold_one_request_writes_all():
    """A short script in 24 requests would cost 22 times its context."""
    assert plan(180).at_once
    assert not plan(180.1).at_once


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("duration", 0), ("duration", "ten minutes"), ("duration", float("nan")), ("scene_seconds", -8),
        ("scenes", 0), ("scenes", 10**400), ("duration", 1e308),
        ("batch_size", 0), ("batch_size", "all"), ("threshold", -1), ("context", "all"),
    ],
)  # fmt: skip
def test_a_knob_that_cannot_work_is_named(knob, value):
    """The message must say which of six numbers was meant."""
    with pytest.raises(ConfigError, match=rf"^{knob}: "):
        plan(**{knob: value})


@given(st.integers(1, 60), st.integers(1, 12), st.lists(st.integers(0, 5), min_size=60, max_size=60))
def test_batches_hold_every_scene_once_in_order(scenes, size, complexities):
    """A scene in no batch would never be written, one in two would be paid twice."""
    for weighs in (None, weights(complexities[:scenes])):
        numbers, first = [], 1
        while first <= scenes:
            batch = batch_at(first, scenes, size, weighs)
            assert 1 <= len(batch) <= max(size, MOST)
            numbers += batch
            first = batch.stop
        assert numbers == list(range(1, scenes + 1))


def test_complex_scenes_come_in_smaller_batches():
    """They are the ones that must see each other."""
    weighs = weights([1] * 10 + [5] * 10)
    assert len(batch_at(1, 20, 5, weighs)) > 5 > len(batch_at(11, 20, 5, weighs))


def test_as_many_scenes_at_a_time_as_keys_allow():
    """More would only wait; the published default is five for one key."""
    assert size_for([None], None) == 5
    assert size_for([None, None], 3.0) == 10
    assert size_for([0.5], 4.0) == 2
    assert size_for([0.01], 4.0) == 1
    assert size_for([None] * 9, None) == MOST
    assert size_for([], None) == 1


@given(st.integers(1, 120), st.integers(1, 12))
def test_rolling_leaves_at_least_the_context_of_batches(scenes, size):
    """It would be faster at the cost of the story, which is no win."""
    widths = windows(scenes, size)
    assert len(widths) == scenes
    assert all(1 <= width <= size for width in widths)
    assert coverage([width - 1 for width in widths]) >= batch_coverage(scenes, size) - 1e-9


def test_coverage_is_the_share_of_earlier_scenes_that_are_seen():
    """It is what the published table says in adjectives."""
    assert coverage([]) == coverage([0]) == coverage([0, 0, 0]) == 1.0
    assert coverage([0, 1, 2]) == 0.0
    assert batch_coverage(4, 2) == pytest.approx((0 + 1 + 2 / 3) / 3)
    assert batch_coverage(75, 3) > batch_coverage(75, 5) > batch_coverage(75, 10)
