"""The tree in the docstring is the tree in the code."""

from __future__ import annotations

import math
import re

import pytest

import fetchlab as fl
from fetchlab import errors


def test_the_drawing_is_the_tree():
    """A reader trusts the drawing; an error missing there is one nobody catches."""
    assert errors.__doc__ is not None
    stack: list[tuple[int, str]] = [(-1, "Exception")]
    drawn = {}
    for line in errors.__doc__.splitlines():
        if found := re.match(r"^(?P<bars>[\s│├└─]*)(?P<name>[A-Z]\w+)(?:\s\s|$)", line):
            depth = len(found["bars"])
            while stack[-1][0] >= depth:
                stack.pop()
            drawn[found["name"]] = stack[-1][1]
            stack.append((depth, found["name"]))
    made = {name: getattr(errors, name).__base__.__name__ for name in errors.__all__}
    assert drawn == made


def test_every_error_is_one_of_ours():
    """``except fl.FetchlabError`` must catch them all."""
    assert all(issubclass(getattr(errors, name), fl.FetchlabError) for name in errors.__all__)
    assert sorted(errors.__all__) == errors.__all__


def test_a_config_error_names_its_knob():
    """The message is all that a notebook shows."""
    error = errors.ConfigError("workers", "must be 1 or more")
    assert (error.knob, str(error)) == ("workers", "workers: must be 1 or more")


@pytest.mark.parametrize("wrong", [math.nan, math.inf, "5", [1]])
def test_a_wait_that_never_ends_is_refused(wrong):
    """An item would wait for it, and the run with it, for ever; nan would spoil the order of all waits."""
    with pytest.raises(errors.ConfigError, match="after"):
        errors.Retriable("later", after=wrong)
    assert errors.Retriable("later", after=-1).after == -1
