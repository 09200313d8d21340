"""Garbage that is collected between arms, not in them."""

from __future__ import annotations

import gc
import weakref

import pytest

from fetchlab.bench.heap import settled
from fetchlab.bench.rounds import Measurement, measured


@pytest.fixture(autouse=True)
def thawed():
    """As in a program that has set nothing aside, which these tests have."""
    gc.unfreeze()
    yield
    gc.collect()
    gc.freeze()


class Knot:
    """Garbage that only the collector finds."""

    def __init__(self):
        self.me = self


def test_what_was_there_is_set_aside_and_comes_back():
    """A kernel's heap that stayed frozen would never be collected again."""
    with settled():
        assert gc.get_freeze_count() > 1000
        with settled():
            pass
        assert gc.get_freeze_count() > 1000, "the inner one is over, the outer one goes on"
    assert gc.get_freeze_count() == 0


def test_what_the_program_had_set_aside_stays_there():
    """Whoever froze a heap of gigabytes before forking did not do it for us to thaw."""
    gc.freeze()
    with settled():
        pass
    assert gc.get_freeze_count() > 1000


def test_new_garbage_is_still_collected():
    """Arms that leave cycles behind would otherwise fill the memory."""
    with settled():
        gone = weakref.ref(Knot())
        gc.collect()
        assert gone() is None


def test_a_measurement_that_is_left_thaws_the_heap():
    """An interrupt in the middle of a round is the usual end."""
    rows = measured({"a": lambda: Measurement(1.0)}, rounds=5)
    next(rows)
    assert gc.get_freeze_count() > 0
    rows.close()
    assert gc.get_freeze_count() == 0
    with pytest.raises(ZeroDivisionError), settled():
        raise ZeroDivisionError
    assert gc.get_freeze_count() == 0
