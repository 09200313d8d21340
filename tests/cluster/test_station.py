"""A machine's station by itself: its workers, what it gives back, and what it tells of when."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import fetchlab as fl
from fetchlab import errors, loop
from fetchlab.cluster import node
from fetchlab.cluster.parcels import Chunk, Entry, Row, packed_job
from fetchlab.cluster.station import Station
from fetchlab.engine.remote import FetchThere
from fetchlab.engine.tasks import Calling

HERE = "tcp://h:1"


def station(task, slots=2, *, told=lambda *_: None):
    return Station(Calling(task, timeout=None), HERE, slots, fetches=False, on_closed=told)


def chunk(items, *, number=0, slots=2, clocks=None, grace=5.0, starts=None):
    entries = [Entry(item, "value", starts and starts[nth]) for nth, item in enumerate(items)]
    return Chunk("t", number, {HERE: slots}, {HERE: 0.0} if clocks is None else clocks, grace, entries)


async def nap(seconds):
    await asyncio.sleep(seconds)
    return seconds


def told(part):
    return {place: (row, value) for place, row, value in part.outcomes()}


def test_who_takes_long_does_not_keep_the_others_back():
    """A part for all would hold a second's work until one timeout has passed."""

    async def main():
        there = station(nap)
        first = await there.serve(chunk([0.0, 0.0, 0.4, 0.01], grace=0.05))
        assert set(told(first)) == {0, 1, 3}
        assert first.left == 1
        last = await there.rest(0)
        assert [(place, value) for place, (_, value) in told(last).items()] == [(2, 0.4)]
        assert last.left == 0
        assert told(await there.rest(0)) == {}, "what is told is forgotten"

    asyncio.run(main())


def test_workers_are_as_many_as_the_chunk_says():
    """Slots, each with one item at a time, numbered from 0."""
    now = most = 0

    async def count(item):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1
        return item

    async def main():
        there = station(count, 2)
        parts = await asyncio.gather(
            there.serve(chunk(range(20), slots=5)), there.serve(chunk(range(20), number=1, slots=5))
        )
        assert {row.slot for part in parts for row, _ in told(part).values()} == set(range(5))
        assert most == 5
        await there.serve(chunk(range(20), number=2, slots=1))

    asyncio.run(main())


def test_a_start_is_a_lease_that_ends():
    """A request that starts when its moment is long past would add to those of that moment's other owner."""

    async def main():
        now = time.perf_counter()
        part = await station(nap).serve(chunk([0.0, 0.0], starts=[now - 1.0, now + 0.05]))
        rows = told(part)
        assert rows[0] == (None, None)
        assert part.late == 1
        assert rows[1][0].began >= now + 0.05
        blind = await station(nap).serve(chunk([0.0], starts=[now + 5], clocks={}))
        assert told(blind) == {0: (None, None)}, "whose clock nobody knows starts nothing at a moment"

    asyncio.run(main())


def test_a_moment_that_passes_while_all_are_busy_goes_back():
    """It comes too late as well as one that was on its way for too long."""

    async def main():
        now = time.perf_counter()
        part = await station(nap, 1).serve(chunk([0.3, 0.0], slots=1, starts=[now, now]))
        rows = told(part)
        assert rows[0][1] == 0.3
        assert rows[1] == (None, None)
        assert part.late == 0

    asyncio.run(main())


def test_what_is_held_goes_back_untried():
    """In chunks numbered below, those on their way too; what is under way ends."""

    async def main():
        there = station(nap, 1)
        serving = asyncio.ensure_future(there.serve(chunk([0.05, 0.0, 0.0], slots=1)))
        await asyncio.sleep(0.01)
        there.hold("", 2)
        rows = told(await serving)
        assert [value for _, value in rows.values() if value] == [0.05]
        assert sum(row is None for row, _ in rows.values()) == 2
        assert told(await there.serve(chunk([0.0], number=1))) == {0: (None, None)}
        assert told(await there.serve(chunk([0.0], number=2)))[0][1] == 0.0

    asyncio.run(main())


def test_a_refusal_closes_its_host_and_is_told():
    """The rest of the chunk would be refused, too, and other machines ought to hear."""
    news = []

    async def refused(item):
        raise errors.StatusError("HTTP 429", 429, {"retry-after": "7"})

    async def main():
        there = station(refused, 1, told=lambda *said: news.append(said))
        rows = told(await there.serve(chunk(range(5), slots=1)))
        tried = [row for row, _ in rows.values() if row is not None]
        assert len(tried) == 1
        assert isinstance(tried[0], Row)
        assert [(host, round(pause)) for host, pause in news] == [("", 7)]

    asyncio.run(main())


def test_a_station_at_work_is_not_forgotten(monkeypatch):
    """An item of an hour, and the next run would abort it: it looks as if its run had ended unheard."""
    monkeypatch.setattr(node, "IDLE_SECONDS", 0.0)

    async def main():
        there = station(nap)
        monkeypatch.setattr(node, "_stations", {("t", HERE): there})
        serving = asyncio.ensure_future(there.serve(chunk([0.05, 0.05, 0.05])))
        await asyncio.sleep(0.01)
        node._forget_idle()
        assert node._stations
        assert [value for _, value in told(await serving).values()] == [0.05, 0.05, 0.05]
        await asyncio.sleep(0.01)
        node._forget_idle()
        assert not node._stations

    asyncio.run(main())


def test_a_client_in_use_is_not_closed_for_a_new_one(monkeypatch, echo):
    """The oldest of five may be that of the longest run, whose requests would fail."""
    for name in ("_stations", "_clients", "_users"):
        monkeypatch.setattr(node, name, {})
    worker = SimpleNamespace(address=HERE, log_event=None)

    def station_of(number):
        made = fl.Client(headers={"X-Run": str(number)})
        there = FetchThere(*made.recipe, len_of, frozenset(), fl.Timeout(), 1000)
        return node._station(packed_job("fetch", (2, *there), names=("",) * 7), f"t{number}", worker)

    first = station_of(0)
    assert value_of(first, f"{echo}/bytes/7") == 7
    for number in range(1, node.CLIENTS + 3):
        station_of(number)
    assert value_of(first, f"{echo}/bytes/8") == 8
    for number in range(node.CLIENTS + 3):
        node.leave(f"t{number}", 1)
    station_of(99)
    assert len(node._clients) == node.CLIENTS
    node.leave("t99", 1)


def len_of(response):
    return len(response.content)


def value_of(there, url):
    return told(loop.submit(there.serve(chunk([url]))).result())[0][1]


def test_cancel_aborts_and_gives_back():
    """Attempts that go on would hold the workers of the next run."""

    async def main():
        there = station(nap, 1)
        serving = asyncio.ensure_future(there.serve(chunk([60.0, 0.0], slots=1)))
        await asyncio.sleep(0.01)
        there.cancel(1)
        rows = told(await serving)
        assert isinstance(rows[0][1], errors.Cancelled)
        assert rows[1] == (None, None)
        assert told(await there.serve(chunk([0.0], number=1)))[0][1] == 0.0

    asyncio.run(main())


def test_a_chunk_that_comes_after_its_cancel_is_not_begun(monkeypatch):
    """Messages overtake each other: what was on its way would work for a minute where nobody waits."""
    monkeypatch.setattr(node, "_ended", {})

    async def main():
        there = station(nap)
        node._end("t", 1)
        late = await node._served(there, chunk([60.0, 60.0]))
        assert told(late) == {0: (None, None), 1: (None, None)}
        assert told(await node._served(there, chunk([0.0], number=1)))[0][1] == 0.0, "a later sitting"

    asyncio.run(main())
