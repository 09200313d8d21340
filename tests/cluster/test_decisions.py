"""What is decided without a cluster: sizes of chunks, clocks, versions, who gets how many workers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.cluster.clocks import Offset
from fetchlab.cluster.machines import Machines
from fetchlab.cluster.parcels import Parcel, Part, Row, plain_item, request_from
from fetchlab.cluster.place import Place
from fetchlab.cluster.sizing import GROWTH, MOST_BYTES, ChunkSize
from fetchlab.cluster.versions import mismatches
from fetchlab.engine.crossing import pack_error
from fetchlab.engine.parking import Postponed
from fetchlab.engine.remote import Hooks
from fetchlab.engine.work import Work
from fetchlab.errors import StatusError, TaskError
from fetchlab.model import Request


def test_the_first_chunk_has_an_item_for_each_worker():
    """Nothing is known, and a large one might be an hour's work."""
    assert ChunkSize(1.0).items(20) == 20


@given(st.floats(1e-4, 10.0), st.integers(1, 50))
def test_a_chunk_is_as_much_as_a_machine_does_in_its_time(service, slots):
    """Too small ones cost the scheduler a task each; too large ones come late."""
    size = ChunkSize(1.0)
    for _ in range(8):
        size.saw(size.items(slots), service, 0.0)
    items = size.items(slots)
    assert items >= slots
    assert items == slots or items * service / slots <= 1.0 + 1e-6
    assert items in (slots, 20_000) or (items + 1) * service / slots >= 1.0 - 1e-6


def test_chunks_grow_step_by_step_and_parts_stay_small():
    """One lucky item must not send out a million, nor fat ones a gigabyte."""
    size = ChunkSize(1.0)
    size.saw(2, 1e-5, 0.0)
    assert size.items(2) == 2 * GROWTH
    size.saw(10_000, 1e-5, 1e6)
    assert size.items(2) * 3e5 <= MOST_BYTES * 1.01


@given(st.integers(0, 5000), st.integers(1, 8))
def test_towards_the_end_chunks_get_smaller(left, machines):
    """Else one machine has the last second's work alone."""
    size = ChunkSize(1.0)
    size.saw(1000, 0.01, 0.0)
    assert size.items(10, left=left, machines=machines) <= max(50, left / (2 * machines), 10)


def test_an_offset_is_that_of_the_shortest_round_trip():
    """A slow answer says little of when the clock was read."""
    offset = Offset()
    assert not offset.known
    offset.saw(0.0, 100.5, 1.0)
    assert offset.seconds == 100.0
    offset.saw(2.0, 102.01, 2.02)
    assert abs(offset.seconds - 100.0) < 1e-9
    offset.saw(3.0, 104.5, 4.0)
    assert abs(offset.seconds - 100.0) < 1e-9, "a worse one is not believed"


def test_clocks_that_cannot_be_told_apart_are_one():
    """On one machine all processes have the same, and a made up difference would bend every time."""
    offset = Offset()
    offset.saw(10.0, 10.004, 10.01)
    assert offset.seconds == 0.0


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(st.floats(1e-4, 1), st.floats(0, 1)), min_size=1))
def test_an_offset_is_never_wrong_by_more_than_it_says(true, trips):
    """Starts that are leased for a moment rely on it."""
    offset, now = Offset(), 0.0
    for trip, share in trips:
        offset.saw(now, now + share * trip + true, now + trip)
        now += trip
        assert abs(offset.seconds - true) <= 2 * offset.error(now) + 1e-6


def test_machines_share_the_workers():
    """As many as were asked for in all, and those that come get their part."""
    machines = Machines({"a": 1, "b": 4}, 10)
    assert machines.slots == 20
    machines.resize(5)
    assert machines.shares == {"a": 3, "b": 2}
    machines.saw({"a": 1, "b": 1, "c": 1}, {})
    assert machines.shares == {"a": 2, "b": 2, "c": 1}
    machines.resize(1)
    assert machines.working == {"a": 1}
    assert Machines({"a": 1, "b": 4}, None).shares == {"a": 1, "b": 4}


def test_the_freest_machine_is_next_and_none_gets_too_many():
    """Otherwise one has all chunks, or more than it could begin."""
    machines = Machines({"a": 1, "b": 1}, 2)
    assert machines.freest(2) == "a"
    machines.busy["a"] += 1
    assert machines.freest(2) == "b"
    machines.busy["b"] += 2
    machines.busy["a"] += 1
    assert machines.freest(2) is None
    machines.came_back("b")
    assert machines.freest(2) == "b"


def test_slots_are_numbered_over_all_machines():
    """A worker of the frame is one slot of one machine."""
    machines = Machines({"a": 1, "b": 1}, 2)
    numbers = [machines.number(*one) for one in (("a", 0), ("b", 0), ("a", 1), ("b", 0))]
    assert numbers == [0, 1, 2, 1]


def test_versions_that_do_not_fit_are_told_with_both_sides():
    """The line is all that a user has to mend it."""
    here = {"python": "3.11.7.final.0", "fetchlab": "0.1.0", "polars": "2.1.0", "distributed": "2026.8.0",
            "cloudpickle": "3.1.2"}  # fmt: skip
    assert mismatches(here, {"a": {**here, "polars": "2.3.1", "python": "3.11.9.final.0"}}) == []
    wrong = mismatches(
        here,
        {"a": {**here, "python": "3.12.1.final.0"}, "b": {**here, "fetchlab": None},
         "c": {**here, "fetchlab": None}},
    )  # fmt: skip
    assert wrong == [
        "python 3.11.7 here, 3.12.1 on a",
        "fetchlab 0.1.0 here, missing on b and 1 others",
    ]


def test_a_parcel_shows_its_size_only():
    """Dask logs the arguments of tasks that fail."""
    assert repr(Parcel(b"secret" * 200)) == "<1,200 bytes>"


def test_a_request_that_is_only_a_url_crosses_as_one():
    """Most are, and there are thousands in a chunk."""
    assert plain_item(Request("http://h/")) == "http://h/"
    assert request_from("http://h/").method == "GET"
    post = Request("http://h/", "POST", content=b"x")
    assert request_from(plain_item(post)) is post


@pytest.mark.parametrize("still", [Place.pause, lambda place: place._gone((), None)])
def test_who_comes_when_nothing_goes_out_is_not_kept(still):
    """A look into a cache may end after a pause, or a scheduler's end: nobody would tell that attempt."""
    stopped = []
    place = Place(None, "t", Machines({"a": 1}, 1), 1.0)
    place._hooks = Hooks(None, None, None, None, stopped.append)
    still(place)
    with pytest.raises(Postponed):
        asyncio.run(place.call(Work(0, 0, 0.0), 0))


def test_a_part_crosses_whole_and_mends_what_cannot():
    """A value that cannot be packed must not take the others with it."""
    row = tuple(Row(0, 1.0, 2.0, None, 200, 3, None))
    failed = tuple(Row(0, 1.0, 2.0, None, 404, 3, pack_error(StatusError("HTTP 404", 404, {}))))
    values = [{"a": (1,)}, (one for one in "ab"), None, None]
    part = Part("tcp://h:1", 0, 0, [0, 1, 2, 3], [row, row, failed, None], values)
    told = list(Part.unpack(part.pack()).outcomes())
    assert told[0] == (0, Row(*row), {"a": (1,)})
    assert isinstance(told[1][2], TaskError)
    assert told[2][2].status == 404
    assert told[3] == (3, None, None)
