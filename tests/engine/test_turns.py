"""What comes next, in virtual time: no worker sleeps while something may go, and none goes too soon."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

import clock
from engine.scheduling import Bench, takes
from fetchlab import errors
from fetchlab.engine.parking import Postponed
from fetchlab.engine.strategies import Async, Batch, Chunked, Sequential
from fetchlab.policy.retry import Retry


def test_makespan_of_equal_items():
    """12 items of 1 s on 4 workers take 3 s; anything more is a worker that slept."""

    async def main(loop):
        return await Bench(loop, [1] * 12, takes).run()

    sink, seconds = clock.run(main)
    assert seconds == pytest.approx(3)
    assert [row[4] for row in sink.rows] == pytest.approx([1] * 4 + [2] * 4 + [3] * 4)


def test_a_waiting_item_holds_no_worker():
    """One worker, one item that backs off for long: the others must not wait for it."""

    async def main(loop):
        tries = Counter()

        async def task(work):
            await asyncio.sleep(1)
            tries[work.item] += 1
            if work.item == 0 and tries[0] < 3:
                raise errors.Retriable("later")
            return work.item

        bench = Bench(loop, range(10), task, strategy=Async(1), retry=Retry(attempts=3, base=1000, cap=1000))
        seen = []
        loop.call_later(5.5, lambda: seen.append((bench.scheduler.parked, bench.scheduler.in_flight)))
        sink = await bench.run()
        assert seen == [(1, 1)]
        assert [sink.ends[index] for index in range(1, 10)] == pytest.approx([*range(2, 11)])
        waits = [wait for _, _, wait in sink.retries]
        assert sink.ends[0] == pytest.approx(max(1 + waits[0] + 1, 11) + waits[1] + 1, abs=10)

    clock.run(main)


def test_chunked_is_a_barrier_also_for_retries():
    """The next chunk must not open while one of this chunk still waits for its next attempt."""

    async def main(loop):
        tries = Counter()

        async def task(work):
            await asyncio.sleep(1 + work.item % 3)
            tries[work.item] += 1
            if work.item in {1, 5} and tries[work.item] < 3:
                raise errors.Retriable("later")

        bench = Bench(loop, range(12), task, strategy=Chunked(4), retry=Retry(attempts=3, base=50, cap=50))
        sink = await bench.run()
        for first in (4, 8):
            opened = min(time for time, item in bench.starts if item >= first)
            assert opened >= max(sink.ends[index] for index in range(first))
        assert bench.peak == 4

    clock.run(main)


def test_sequential_rests_between_items_but_not_after_the_last():
    """``delay`` is politeness between requests; at the end nobody is left to be polite to."""

    async def main(loop):
        bench = Bench(loop, [1, 1, 1], takes, strategy=Sequential(delay=10))
        await bench.run()
        return [time for time, _ in bench.starts]

    starts, seconds = clock.run(main)
    assert starts == pytest.approx([0, 11, 22])
    assert seconds == pytest.approx(23)


def test_batch_starts_all_at_once():
    """Batch means no queue at all."""

    async def main(loop):
        bench = Bench(loop, [1] * 500, takes, strategy=Batch())
        await bench.run()
        return bench.peak

    assert clock.run(main) == (500, pytest.approx(1))


def test_the_gate_holds_the_input_back_and_nothing_else():
    """Back-pressure must not stop what was read already, and a wake must reopen."""

    async def main(loop):
        room = [2]

        def gate(index):
            return index < room[0]

        bench = Bench(loop, [1] * 6, takes, gate=gate)

        def more():
            room[0] = 100
            bench.scheduler.wake()

        loop.call_later(10, more)
        await bench.run()
        return sorted(time for time, _ in bench.starts)

    assert clock.run(main)[0] == pytest.approx([0, 0, 10, 10, 10, 10])


@pytest.mark.parametrize("priority", [None, lambda item: -item])
def test_what_waited_for_another_begins_only_when_it_may(priority):
    """Items that were read long ago must not run ahead of a journal that is behind."""

    async def main(loop):
        room, asked = [True], []

        def may_begin():
            asked.append(loop.time())
            return room[0]

        async def task(work):
            if work.item and loop.time() < 1:
                raise Postponed(lambda over: loop.call_later(1, over))
            await asyncio.sleep(0.5)
            return work.item

        bench = Bench(loop, range(4), task, strategy=Async(2), may_begin=may_begin, priority=priority)

        def open_again():
            room[0] = True
            bench.scheduler.wake()

        loop.call_later(0.9, room.__setitem__, 0, False)
        loop.call_later(5, open_again)
        sink = await bench.run()
        assert sorted(sink.ends.values()) == pytest.approx([0.5, 5.5, 5.5, 6.0])
        assert asked

    clock.run(main)
