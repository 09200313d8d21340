"""Each wrong value is refused at the call, and the message names the knob."""

from __future__ import annotations

import math
import re

import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError


async def _task(item):
    return item


async def _async_key(item):
    return "a"


SHARED = [
    ("workers", {"workers": 0}),
    ("workers", {"workers": -1}),
    ("workers", {"workers": 2.5}),
    ("workers", {"workers": "20"}),
    ("workers", {"workers": True}),
    ("workers", {"workers": 2, "strategy": fl.Batch()}),
    ("strategy", {"strategy": "async"}),
    ("strategy", {"strategy": fl.Batch}),
    ("strategy", {"strategy": 20}),
    ("retry", {"retry": 3}),
    ("retry", {"retry": fl.Retry}),
    ("timeout", {"timeout": 0}),
    ("timeout", {"timeout": -1}),
    ("timeout", {"timeout": math.nan}),
    ("timeout", {"timeout": "5"}),
    ("timeout", {"timeout": True}),
    ("order", {"order": "random"}),
    ("order", {"order": None}),
    ("key", {"key": "id"}),
    ("key", {"key": _async_key}),
    ("follow", {"follow": ["http://h"]}),
    ("follow", {"follow": _async_key}),
]
OF_FETCH = [
    ("max_bytes", {"max_bytes": 0}),
    ("max_bytes", {"max_bytes": 1e6}),
    ("max_bytes", {"max_bytes": True}),
    ("accept", {"accept": 404}),
    ("accept", {"accept": "404"}),
    ("accept", {"accept": ["404"]}),
    ("parse", {"parse": "xml"}),
    ("parse", {"parse": None}),
    ("parse", {"parse": int}),
    ("parse", {"parse": _async_key}),
    ("client", {"client": "curl"}),
    ("client", {"client": 5}),
]


def shown(value):
    """The same in every process: an address is not."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


@pytest.mark.parametrize(("knob", "wrong"), SHARED + OF_FETCH, ids=shown)
def test_fetch(knob, wrong):
    """A wrong knob that passes here fails later, for every item, under another name."""
    with pytest.raises(ConfigError, match=f"^{knob}: ") as caught:
        fl.fetch([], **wrong)
    assert caught.value.knob == knob


@pytest.mark.parametrize(("knob", "wrong"), SHARED, ids=shown)
def test_map(knob, wrong):
    """The same knobs, the same words."""
    with pytest.raises(ConfigError, match=f"^{knob}: "):
        fl.map(_task, [], **wrong)


@pytest.mark.parametrize("wrong", [None, "upper", 3])
def test_the_task_must_be_callable(wrong):
    """``fl.map(items, task)`` is an easy slip."""
    with pytest.raises(ConfigError, match="task"):
        fl.map(wrong, [1])


@pytest.mark.parametrize(
    ("make", "knob"),
    [
        (lambda: fl.Async(0), "workers"),
        (lambda: fl.Threads(-1), "strategy"),
        (lambda: fl.Threads(1.5), "strategy"),
        (lambda: fl.Processes(-1), "strategy"),
        (lambda: fl.Processes(True), "strategy"),
        (lambda: fl.Chunked(0), "strategy"),
        (lambda: fl.Sequential(-1), "strategy"),
        (lambda: fl.Sequential(math.inf), "strategy"),
        (lambda: fl.Sequential("1"), "strategy"),
    ],
)
def test_strategies(make, knob):
    """They check themselves, where they are written."""
    with pytest.raises(ConfigError, match=knob):
        make()


def test_batch_needs_a_length():
    """All at once of an endless input cannot be."""
    with pytest.raises(ConfigError, match="strategy"):
        fl.fetch(iter([]), strategy=fl.Batch())


def test_workers_of_a_live_run():
    """The slider's value is checked like the knob's."""
    run = fl.map(_task, [1])
    for wrong in (0, "5", None, True, 1.5):
        with pytest.raises(ConfigError, match="workers"):
            run.workers = wrong
    run.wait()


def test_one_request_is_no_list(echo):
    """``fl.fetch(fl.Request(...))`` says what to do instead."""
    with pytest.raises(ConfigError, match="requests"):
        fl.fetch(fl.Request(f"{echo}/json"))


def test_numbers_that_are_right(echo):
    """What the knobs accept, they take."""
    run = fl.fetch([f"{echo}/status/404"], accept=[404], timeout=30, max_bytes=100, workers=1, key=str)
    assert run.wait().stats().ok == 1
    assert run.workers == 1
    for strategy in (fl.Sequential(), fl.Chunked(3), fl.Batch(), fl.Threads(2), fl.Async(4)):
        assert fl.fetch([f"{echo}/json"] * 7, strategy=strategy).wait().stats().ok == 7
