"""The work that is measured: what may be given, how it is named, and that each run starts from nothing."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.bench.work import Work, knobs_of, named
from fetchlab.errors import ConfigError


def test_urls_are_fetched_anew_in_every_run(bed, echo):
    """A run that went through the connections or the cache of the one before would look faster than it is."""
    work = Work.of([f"{echo}/json?n={number}" for number in range(8)])
    for asked in (8, 16):
        assert work.run(4).stats().ok == 8
        assert bed.counters("echo")["requests"] == asked


def test_a_task_is_called_with_its_items():
    """Benchmarks are for computing, too."""
    run = Work.of((abs, [-1, -2]), timeout=5).run(fl.Threads(2))
    assert run.result() == [1, 2]


def test_only_the_first_items_are_taken(echo):
    """A trial on a hundred pages must be of the same work as all of them."""
    work = Work.of([f"{echo}/json?n={number}" for number in range(8)], parse="json")
    part = work.take(3)
    assert len(part) == 3
    assert part.knobs == work.knobs
    assert part.run({"workers": 2}).stats().done == 3


def test_whoever_waits_sees_every_run(echo):
    """A measurement can be ended at once only by who holds the run under way, also of a part of the work."""
    seen = []
    work = Work(
        [f"{echo}/json?n={number}" for number in range(8)], wait=lambda run: seen.append(run) or run.wait()
    )
    again = Work.of(work.take(3), parse="json")
    assert again.run(2) is seen[0]
    assert seen[0].stats().ok == 3


@pytest.mark.parametrize("work", ["http://x/", iter(["http://x/"]), {}, 7, [], (abs, iter([1])), (abs, [])])
def test_what_cannot_be_done_again_is_refused(work):
    """An iterator would be empty in the second round, and a string is a list of letters."""
    with pytest.raises(ConfigError, match="work"):
        Work.of(work)


@pytest.mark.parametrize(
    ("how", "name", "knobs"),
    [
        (1, "1 worker", {"workers": 1}),
        (fl.Async(20), "20 workers", {"strategy": fl.Async(20)}),
        (fl.Async(fl.Adaptive()), "Adaptive()", {"strategy": fl.Async(fl.Adaptive())}),
        (fl.Adaptive(max=9), "Adaptive(max=9)", {"workers": fl.Adaptive(max=9)}),
        (fl.Sequential(), "Sequential()", {"strategy": fl.Sequential()}),
        (fl.Sequential(0.2), "Sequential(0.2)", {"strategy": fl.Sequential(0.2)}),
        (fl.Chunked(5), "Chunked(5)", {"strategy": fl.Chunked(5)}),
        (fl.Threads(3), "Threads(3)", {"strategy": fl.Threads(3)}),
        (fl.Batch(), "Batch()", {"strategy": fl.Batch()}),
        ({"workers": 3, "dedup": True}, "workers=3, dedup=True", {"workers": 3, "dedup": True}),
        ({}, "as it is", {}),
    ],
)
def test_ways_have_short_names(how, name, knobs):
    """A name is a row of the table."""
    assert named(how) == name
    assert knobs_of(how) == knobs


@pytest.mark.parametrize("how", [True, "fast", None, 2.5])
def test_what_is_no_way_is_refused(how):
    """The knob is named, and what it takes."""
    with pytest.raises(ConfigError, match="strategies"):
        knobs_of(how)
