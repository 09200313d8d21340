"""The input is read lazily, completely, and never on the loop where it may block."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clock
import fetchlab as fl
from engine.scheduling import Bench, takes
from fetchlab.engine.source import END, NOTHING, source_of
from fetchlab.engine.strategies import Async
from fetchlab.errors import ConfigError


async def drain(source, pause=None):
    """Read a source as the scheduler does; return everything up to END."""
    ready = asyncio.Event()
    source.start(ready.set)
    items = []
    while True:
        ready.clear()
        item = source.take()
        if item is END:
            source.stop()
            return items
        if item is NOTHING:
            await asyncio.wait_for(ready.wait(), 30)
        else:
            items.append(item)
            if pause is not None:
                await pause(len(items))


@pytest.mark.parametrize("ahead", [1, 2, 3, 64])
@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 5000])
def test_a_generator_arrives_whole_and_in_order(ahead, count):
    """The last item of a generator must not get lost between the reading thread and the loop."""
    assert asyncio.run(drain(source_of(iter(range(count)), ahead=ahead))) == list(range(count))


def test_the_end_is_never_seen_before_the_last_item():
    """Thread and loop race at the end of every generator: 3,000 short ones."""

    async def main():
        for count in range(3000):
            expected = list(range(count % 4))
            assert await drain(source_of(iter(expected), ahead=1)) == expected

    asyncio.run(main())


@pytest.mark.parametrize("asynchronous", [False, True])
def test_at_most_ahead_is_read_beyond_what_was_taken(asynchronous):
    """A generator of a million rows must not be pulled into memory while workers are busy."""
    read = []

    def numbers():
        for number in range(300):
            read.append(number)
            yield number

    async def async_numbers():
        for number in numbers():
            yield number

    taken_and_read = []

    async def pause(taken):
        if taken % 50 == 0:
            for _ in range(3):
                await asyncio.sleep(0.002)
        taken_and_read.append((taken, len(read)))

    source = source_of(async_numbers() if asynchronous else numbers(), ahead=10)
    assert asyncio.run(drain(source, pause)) == list(range(300))
    assert all(seen <= taken + 10 + 1 for taken, seen in taken_and_read)


@given(
    count=st.integers(0, 50),
    ahead=st.integers(1, 9),
    gaps=st.lists(st.floats(0, 3), min_size=50, max_size=50),
)
def test_an_async_generator_in_virtual_time(count, ahead, gaps):
    """Slower or faster than the workers, every item is served once and in order."""

    async def numbers():
        for number in range(count):
            await asyncio.sleep(gaps[number])
            yield number

    async def task(work):
        await asyncio.sleep(1)

    async def main(loop):
        bench = Bench(loop, numbers(), task, strategy=Async(3), ahead=ahead)
        sink = await bench.run()
        assert [item for _, item in bench.starts] == list(range(count))
        assert len(sink.rows) == count

    clock.run(main)


def test_workers_wait_for_a_slow_generator_without_spinning():
    """Idle workers must be woken for each item, and the makespan be the generator's."""

    async def slow():
        for _ in range(5):
            await asyncio.sleep(10)
            yield 1

    async def main(loop):
        return await Bench(loop, slow(), takes).run()

    sink, seconds = clock.run(main)
    assert len(sink.rows) == 5
    assert seconds == pytest.approx(51)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_the_input_raises_comes_after_what_it_gave(asynchronous, kind):
    """An error must not overtake the items before it, nor lose the cause it names."""

    def broken():
        yield from range(5)
        raise kind("broken") from LookupError("why")

    async def async_broken():
        for item in broken():
            yield item

    async def main():
        source = source_of(async_broken() if asynchronous else broken(), ahead=3)
        taken = []

        async def pause(_):
            taken.append(1)

        with pytest.raises(kind) as caught:
            await drain(source, pause)
        assert len(taken) == 5
        assert isinstance(caught.value.__cause__, LookupError)
        assert source.take() is END, "raised once"

    asyncio.run(main())


def test_a_stopped_source_goes_on_where_it_stood():
    """After cancel, ``retry_failed`` goes on with the input: no item twice, none left out."""

    async def main():
        source = source_of(iter(range(1000)), ahead=5)
        items = []
        while True:
            ready = asyncio.Event()
            source.start(ready.set)
            for _ in range(37):
                while (item := source.take()) is NOTHING:
                    await asyncio.wait_for(ready.wait(), 30)
                    ready.clear()
                if item is END:
                    return items
                items.append(item)
            source.stop()

    assert asyncio.run(main()) == list(range(1000))


def test_a_stopped_source_keeps_no_thread():
    """Each cancelled run would leave a thread, and with it all its values, for ever."""
    before = threading.active_count()
    for _ in range(20):
        run = fl.map(_nothing, _endless(), workers=2)
        next(iter(run))
        run.cancel().wait()
    deadline = time.monotonic() + 30
    while threading.active_count() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before + 2


async def _nothing(item):
    return None


def _endless():
    number = 0
    while True:
        yield number
        number += 1


def test_endless_generator_and_cancel():
    """The total stays unknown, what was done stays, and the end comes."""
    run = fl.map(_nothing, _endless(), workers=3)
    first = [result for result, _ in zip(run, range(500), strict=False)]
    assert run.stats().total is None
    assert run.cancel().wait().state == "cancelled"
    assert run.stats().done >= len(first) == 500


def test_a_blocking_generator_does_not_block_the_loop():
    """While one run's input hangs, another run on the same loop must go on."""
    gate = threading.Event()

    def blocked():
        yield 1
        gate.wait(60)
        yield 2

    waiting = fl.map(_nothing, blocked(), workers=2)
    assert fl.map(_nothing, range(100)).wait(timeout=60).stats().ok == 100
    assert waiting.state == "running"
    gate.set()
    assert waiting.wait(timeout=60).stats().ok == 2


@pytest.mark.parametrize(
    ("wrong", "knob"), [("http://h", "requests"), (b"x", "requests"), (None, "requests"), (3, "requests")]
)
def test_fetch_refuses_what_is_no_list(wrong, knob):
    """A bare string is an iterable of letters: 20 requests to ``h``, ``t``, ``t``, ``p``."""
    with pytest.raises(ConfigError, match=knob):
        fl.fetch(wrong)
    with pytest.raises(ConfigError, match="items"):
        fl.map(_nothing, wrong)
