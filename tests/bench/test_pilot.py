"""The first pass of a sweep: how many items each number of workers needs, and where to stop."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.bench.pilot import items_for, pilot
from fetchlab.bench.work import Work


@pytest.mark.parametrize(
    ("workers", "per_s", "in_flight", "available", "items"),
    [
        (1, 20, 1, 1000, 40),
        (8, 160, 8, 1000, 320),
        (64, 100, 64, 1000, 512),
        (16, 320, 16, 100, 96),
        (32, 640, 32, 100, 96),
        (34, 640, 34, 100, 0),
        (64, 45, 2.5, 1000, 192),
        (4, 45, 1.5, 1000, 90),
    ],
)
def test_time_and_round_trips_say_how_many(workers, per_s, in_flight, available, items):
    """Two seconds' worth, eight round trips of each worker, whole ones, and at least three of them."""
    assert items_for(workers, per_s, in_flight, available, 2.0) == items


def test_a_rate_takes_longer_to_find():
    """Where the host refuses, two seconds show only the search for its rate."""
    assert items_for(8, 50, 2, 9999, 2.0, refused=True) == 500


def test_it_goes_up_and_says_what_it_needs(bed, echo):
    """A row for each number; the next one's size from the last one's speed."""
    bed.configure(latency=0.01)
    work = Work.of([f"{echo}/json?n={n}" for n in range(400)])
    heard = []
    found = pilot(work, (1, 4, 200), seconds=0.2, on_round=lambda *told: heard.append(told))
    assert found.rows["workers"].to_list() == [1, 4]
    assert found.rows["warmup"].all()
    assert found.rows["round"].to_list() == [0, 0]
    assert heard == [(0, "1"), (0, "4")]
    assert found.skipped == [200]
    assert not found.beyond
    assert set(found.items) == {1, 4}
    assert found.items[1] >= 8
    assert found.items[4] % 4 == 0


def test_it_ends_after_a_fall(bed, echo):
    """A host that breaks down under 48 workers is not asked what it does under 500."""
    bed.configure(latency=0.01, collapse=4)
    work = Work.of([f"{echo}/json?n={n}" for n in range(400)])
    found = pilot(work, (4, 10, 14, 32, 48), seconds=0.1)
    assert found.beyond in ([32, 48], [48]), "on a busy machine the fall may show one number later"
    assert found.stopped == "throughput had clearly fallen"
    assert set(found.items) == {4, 10, 14, 32, 48} - set(found.beyond)


def test_it_ends_where_the_host_refuses(bed, echo):
    """The rate is known then, and to ask with more workers is only impolite."""
    bed.configure(latency=0.01, rate=200, burst=10, retry_after=0.1)
    work = Work.of([f"{echo}/json?n={n}" for n in range(120)])
    found = pilot(work, (1, 8, 12, 16, 32), seconds=0.1)
    assert found.beyond == [16, 32]
    assert found.stopped == "the host refuses requests"
    again = found.rows.filter(workers=8)
    assert again["round"].to_list() == [0, -1], "the first was too short to find the rate"
    assert again["items"][1] >= again["items"][0]


def test_where_all_fails_it_goes_on(refused):
    """The failing one is a row, and no reason to give up on the others."""
    found = pilot(Work.of([refused] * 30, retry=fl.Retry(attempts=1)), (1, 2), seconds=0.1)
    assert found.rows["arm"].to_list() == ["1", "2"]
    assert found.rows["error"].str.contains("all 8|all 16").all()
    assert found.items == {}
