"""The scheduler in virtual time: every item ends exactly once, whatever is done to it."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clock
from engine.scheduling import Bench, takes
from fetchlab import errors
from fetchlab.engine.strategies import Async, Batch, Chunked, Sequential
from fetchlab.policy.retry import Retry

strategies = st.sampled_from(
    [Async(1), Async(3), Async(50), Chunked(4), Batch(), Sequential(), Sequential(0.5)]
)
plans = st.lists(
    st.tuples(st.floats(0, 5), st.integers(0, 4), st.booleans()),  # seconds, failures before, fails for good
    max_size=30,
)
orders = st.lists(
    st.tuples(
        st.floats(0, 20),
        st.one_of(
            st.tuples(st.just("resize"), st.integers(1, 12)),
            st.tuples(st.sampled_from(["pause", "resume"]), st.none()),
        ),
    ),
    max_size=8,
)


def _failing_task(plan):
    tries = Counter()

    async def task(work):
        seconds, failures, for_good = plan[work.item]
        await asyncio.sleep(seconds)
        tries[work.item] += 1
        if tries[work.item] <= failures:
            raise errors.Retriable("not yet")
        if for_good:
            raise ValueError(work.item)
        return work.item

    return task


@given(plan=plans, strategy=strategies, orders=orders, seed=st.integers(0, 9))
def test_every_item_ends_exactly_once(plan, strategy, orders, seed):
    """Through retries, failures, resizes and pauses, none may be lost and none counted twice."""

    async def main(loop):
        bench = Bench(
            loop, list(range(len(plan))), _failing_task(plan),
            strategy=strategy, retry=Retry(attempts=3, base=2, cap=4), seed=seed,
        )  # fmt: skip
        for when, (order, value) in orders:
            method = getattr(bench.scheduler, order)
            loop.call_later(when, *((method, value) if value else (method,)))
        loop.call_later(25, bench.scheduler.resume)
        sink = await bench.run()
        widest = max([bench.plan.width, *(value for _, (_, value) in orders if value)])
        assert bench.peak <= widest
        assert sink.times_ended == Counter(range(len(plan)))
        for index, (_, failures, for_good) in enumerate(plan):
            error = next(row[3] for row in sink.rows if row[0] == index)
            expected = errors.Retriable if failures >= 3 else ValueError if for_good else type(None)
            assert isinstance(error, expected)
        assert len(bench.starts) == len(sink.rows) + len(sink.retries)

    clock.run(main)


@given(plan=plans, strategy=strategies, when=st.floats(0, 12), seed=st.integers(0, 9))
def test_cancel_ends_what_began_once_and_keeps_the_rest(plan, strategy, when, seed):
    """A cancelled item that ended twice, or never, would spoil every count; going on must find all others."""

    async def main(loop):
        bench = Bench(
            loop, list(range(len(plan))), _failing_task(plan),
            strategy=strategy, retry=Retry(attempts=3, base=2, cap=4), seed=seed,
        )  # fmt: skip
        loop.call_later(when, bench.scheduler.cancel)
        sink = await bench.run()
        at_end = len(bench.starts)
        assert loop.time() <= when or not any(row[4] > when for row in sink.rows)
        begun = {item for _, item in bench.starts}
        assert sink.times_ended == Counter(begun)
        for index, *_, error, _ in sink.rows:
            assert index in begun
            assert error is None or isinstance(error, errors.Cancelled | Exception)
        await asyncio.sleep(100)
        assert len(bench.starts) == at_end, "something started after the end"
        assert all(work.attempt < 3 for work in sink.abandons)
        await bench.run()
        assert sink.times_ended == Counter(range(len(plan)))

    clock.run(main)


def test_resize_up_and_down():
    """A slider must act at once when growing, and after the items in flight when shrinking."""

    async def main(loop):
        bench = Bench(loop, [1] * 40, takes, strategy=Async(2))
        flights = []
        loop.call_later(1.5, bench.scheduler.resize, 10)
        loop.call_later(3.25, bench.scheduler.resize, 1)
        for when in (0.5, 1.75, 3, 3.75, 5):
            loop.call_later(when, lambda: flights.append(bench.scheduler.in_flight))
        sink = await bench.run()
        assert sink.times_ended == Counter(range(40))
        return flights

    assert clock.run(main)[0] == [2, 10, 10, 2, 1]


def test_pause_drains_and_resume_ends():
    """What is in flight ends, nothing new starts, also not what becomes due meanwhile."""

    async def main(loop):
        tries = Counter()

        async def task(work):
            await asyncio.sleep(1)
            tries[work.item] += 1
            if work.item == 0 and tries[0] == 1:
                raise errors.Retriable("later")

        bench = Bench(loop, range(8), task, retry=Retry(attempts=2, base=1, cap=1))
        loop.call_later(0.5, bench.scheduler.pause)
        seen = []
        loop.call_later(90, lambda: seen.append((bench.scheduler.in_flight, len(bench.starts))))
        loop.call_later(100, bench.scheduler.resume)
        sink = await bench.run()
        assert seen == [(0, 4)]
        assert sink.times_ended == Counter(range(8))
        return

    assert clock.run(main)[1] == pytest.approx(102)


def test_follow_joins_the_same_run():
    """Items made from results are served, numbered behind the input, and counted in the total."""

    async def main(loop):
        totals = []
        bench = Bench(
            loop, [4, 0, 2], takes, strategy=Async(1),
            follow=lambda work, value: [value - 1] * 2 if value > 0 and work.index < 9 else [],
        )  # fmt: skip
        for when in (0, 4.5, 100):
            loop.call_later(when, lambda: totals.append(bench.scheduler.total))
        sink = await bench.run()
        total = bench.scheduler.total
        assert totals[:2] == [3, 5]
        assert sink.times_ended == Counter(range(total))
        assert bench.scheduler.extent == total
        assert [sink.values[index] for index in range(3)] == [4, 0, 2]

    clock.run(main)


@given(
    growth=st.lists(st.integers(0, 3), max_size=20),
    sized=st.booleans(),
    workers=st.integers(1, 5),
    grows=st.integers(0, 3),
)
def test_indices_are_unique_whatever_joins(growth, sized, workers, grows):
    """Two items under one index would overwrite each other's value: also where a list grows while read."""

    async def main(loop):
        left = list(growth)
        items = [0.5] * 5

        def follow(work, value):
            if grows and len(items) < 5 + grows and sized:
                items.append(0.25)
            return [0.1] * left.pop() if left else []

        async def stream():
            for item in items:
                yield item

        bench = Bench(loop, items if sized else stream(), takes, strategy=Async(workers), follow=follow)
        sink = await bench.run()
        assert set(sink.times_ended.values()) <= {1}
        assert set(sink.times_ended) == set(range(len(sink.rows)))
        assert len(sink.rows) == bench.scheduler.total == bench.scheduler.extent

    clock.run(main)


def test_drained_rounds():
    """What the owner adds at the end starts a further round, as often as there is more."""

    async def main(loop):
        bench = Bench(loop, [1, 1], takes, rounds=[[5, 5], [], [9]])
        sink = await bench.run()
        return [row[1] for row in sink.rows]

    assert clock.run(main)[0] == [1, 1, 5, 5]


@pytest.mark.parametrize(
    "kind", [ValueError, KeyboardInterrupt, SystemExit, StopAsyncIteration, RecursionError]
)
def test_an_input_that_raises_stops_the_run(kind):
    """What was read is served, what was done is kept, and the error waits for whoever asks."""

    class Input:
        def __len__(self):
            return 10

        def __iter__(self):
            yield from [3, 1, 2]
            raise kind("the input broke")

    async def main(loop):
        bench = Bench(loop, Input(), takes, strategy=Async(2))
        sink = await bench.run()
        assert isinstance(bench.scheduler.failure, kind)
        assert sink.values == {0: 3, 1: 1, 2: 2}
        assert sink.times_ended == Counter(range(3))

    clock.run(main)


def test_again_serves_work_once_more():
    """Both while the run goes on and after it ended."""

    async def main(loop):
        bench = Bench(loop, [1, 1], takes)
        works = []
        bench.sink.follow = lambda work, value: works.append(work) or ()
        await bench.run()
        await bench.run(works[:1])
        assert bench.sink.times_ended == {0: 2, 1: 1}
        loop.call_later(0.5, bench.scheduler.again, works[1:2])
        await bench.run(works[:1])
        assert bench.sink.times_ended == {0: 3, 1: 2}

    clock.run(main)


@pytest.mark.parametrize("where", ["ended", "retried", "drained"])
def test_a_sink_that_fails_stops_the_run(where):
    """A full disk while the book is written: the run must end with that error, not hang for ever."""

    async def main(loop):
        bench = Bench(loop, [1] * 20, _retrying, retry=Retry(attempts=2, base=0))
        setattr(bench.sink, where, _full)
        await asyncio.wait_for(bench.run(), 1000)
        assert isinstance(bench.scheduler.failure, OSError)

    clock.run(main)


async def _retrying(work):
    await asyncio.sleep(1)
    if work.attempt == 1:
        raise errors.Retriable("again")


def _full(*_):
    raise OSError(28, "no space left on device")
