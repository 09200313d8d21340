"""Which item is next, and which is the same as one before; in virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clock
from engine.scheduling import Bench, refusal
from fetchlab import errors
from fetchlab.engine.strategies import Async
from fetchlab.policy.rate import RateLimit
from fetchlab.policy.retry import Retry


async def _second(work):
    await asyncio.sleep(1)
    return work.item


@given(priorities=st.lists(st.integers(-5, 5), max_size=60), workers=st.integers(1, 5))
def test_lower_priorities_go_first(priorities, workers):
    """Whatever comes later in the input, the urgent goes first."""

    async def main(loop):
        items = list(enumerate(priorities))
        bench = Bench(loop, items, _second, strategy=Async(workers), priority=lambda item: item[1])
        await bench.run()
        started = [item for _, item in bench.starts]
        assert started == sorted(items, key=lambda item: (item[1], item[0]))

    clock.run(main)


def test_priority_reads_ahead_and_no_further():
    """A million items must not be read to find the most urgent; 1,024 of an iterator are."""

    async def stream():
        for item in range(3000):
            yield item

    async def main(loop):
        bench = Bench(loop, stream(), _second, strategy=Async(1), priority=lambda item: -item)
        read = []
        loop.call_later(0.5, lambda: read.append(bench.scheduler.parked + bench.scheduler.in_flight))
        await bench.run()
        assert read[0] <= 1025
        assert max(item for _, item in bench.starts[:10]) <= 1034

    clock.run(main)


def test_priority_holds_for_items_that_follow_added():
    """An urgent page found on the way goes before everything that waits."""

    async def main(loop):
        bench = Bench(
            loop, [5] * 10, _second, strategy=Async(1), priority=lambda item: item,
            follow=lambda work, _: [1] if work.item == 5 else (),
        )  # fmt: skip
        await bench.run()
        assert [item for _, item in bench.starts] == [5, 1] * 10

    clock.run(main)


def test_priority_does_not_break_a_rate():
    """The urgent waits for its host as everybody does."""

    async def main(loop):
        bench = Bench(
            loop, list(range(20, 0, -1)), _second, strategy=Async(5), priority=lambda item: item,
            rate=RateLimit(2),
        )  # fmt: skip
        await bench.run()
        assert [item for _, item in bench.starts] == list(range(1, 21))
        assert bench.starts[-1][0] == pytest.approx(9.5, abs=0.1)

    clock.run(main)


def test_a_retried_item_keeps_its_priority():
    """The urgent one that failed is still urgent."""

    async def main(loop):
        tries = Counter()

        async def task(work):
            await asyncio.sleep(1)
            tries[work.item] += 1
            if work.item == 0 and tries[0] == 1:
                raise errors.Retriable("not yet", after=1.5)

        bench = Bench(loop, [3, 0, 2, 1], task, strategy=Async(1), priority=lambda item: item, retry=Retry())
        await bench.run()
        assert [item for _, item in bench.starts] == [0, 1, 2, 0, 3]

    clock.run(main)


# the same key twice


def _dedup(item):
    return str(item).lower()


def test_twins_end_like_the_first_and_make_no_attempt():
    """A list with the same URL a hundred times is one request, and a hundred results."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(1)
            work.status = 200
            if work.item.lower() == "bad":
                raise errors.ParseError("never")
            return work.item

        items = ["A", "b", "a", "bad", "B", "BAD", *["a"] * 100]
        bench = Bench(loop, items, task, strategy=Async(2), dedup=_dedup)
        sink = await bench.run()
        assert Counter(item for _, item in bench.starts) == {"A": 1, "b": 1, "bad": 1}
        assert sink.times_ended == Counter(range(len(items)))
        assert [sink.values[index] for index in (0, 1, 2, 4, 105)] == ["A", "b", "A", "b", "A"]
        assert sorted(sink.errors) == [3, 5]
        assert isinstance(sink.errors[5], errors.ParseError)
        assert sink.errors[5] is not sink.errors[3], "each error names its own item"

    clock.run(main)


class _Picky(errors.Retriable):
    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


@pytest.mark.parametrize(
    "error",
    [
        lambda: refusal(404),
        lambda: errors.ConfigError("knob", "wrong"),
        lambda: _Picky(1, 2),
        lambda: UnicodeDecodeError("ascii", b"\xff", 0, 1, "odd"),
    ],
)
@pytest.mark.parametrize("workers", [1, 3])
def test_any_error_can_be_shared(error, workers):
    """A twin's error is made like the first's, and must not depend on how that is built."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(1)
            raise error() from KeyError("cause")

        sink = await Bench(loop, ["a", "a", "a"], task, strategy=Async(workers), dedup=_dedup).run()
        assert sink.times_ended == Counter(range(3))
        said = [sink.errors[index] for index in range(3)]
        assert {str(one) for one in said} == {str(error())}
        assert all(isinstance(one.__cause__, KeyError) for one in said)
        assert [getattr(one, "status", None) for one in said] == [getattr(error(), "status", None)] * 3

    clock.run(main)


def test_twins_wait_for_the_firsts_last_attempt():
    """What counts is how the first ends, not how it began."""

    async def main(loop):
        tries = Counter()

        async def task(work):
            await asyncio.sleep(1)
            tries[work.item] += 1
            if tries[work.item] < 3:
                raise refusal(503)
            return tries[work.item]

        bench = Bench(loop, ["a", "a", "a"], task, strategy=Async(3), retry=Retry(attempts=3), dedup=_dedup)
        sink = await bench.run()
        assert len(bench.starts) == 3
        assert sink.values == {0: 3, 1: 3, 2: 3}

    clock.run(main)


def test_twins_of_an_item_that_is_given_up_end_with_it():
    """The first ends without an attempt; those that wait for it must hear of it."""

    async def main(loop):
        async def task(work):
            raise refusal(retry_after=3600)

        bench = Bench(
            loop, ["a", "b", "a", "b"], task, strategy=Async(1), retry=Retry(patience=10), dedup=_dedup
        )
        sink = await bench.run()
        assert sink.times_ended == Counter(range(4))
        assert all(isinstance(error, errors.RateLimited) for error in sink.errors.values())

    clock.run(main)


@given(
    items=st.lists(st.sampled_from("abcABC"), max_size=20),
    follows=st.lists(st.sampled_from("abcdeDE"), max_size=8),
    workers=st.integers(1, 4),
)
def test_follow_ups_seen_before_are_left_out(items, follows, workers):
    """Pages that link to each other would be fetched in circles for ever."""

    async def main(loop):
        bench = Bench(
            loop, items, _second, strategy=Async(workers), dedup=_dedup, follow=lambda *_: follows,
        )  # fmt: skip
        sink = await bench.run()
        keys = [_dedup(item) for _, item in bench.starts]
        wanted = {_dedup(item) for item in items} | ({_dedup(item) for item in follows} if items else set())
        assert Counter(keys) == dict.fromkeys(wanted, 1)
        assert sink.times_ended == Counter(range(len(sink.rows)))
        assert len(items) <= len(sink.rows) <= len(items) + len({_dedup(item) for item in follows})
        assert bench.scheduler.total == len(sink.rows)

    clock.run(main)


def test_a_late_twin_is_left_out_where_values_are_not_held():
    """With ``keep=False`` the first's value is gone: nobody could say how the twin ends."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(3 if work.item == "slow" else 1)

        items = ["a", "slow", "a", "slow", "b", "a"]
        bench = Bench(loop, items, task, strategy=Async(1), dedup=_dedup, keep=False)
        sink = await bench.run()
        assert Counter(item for _, item in bench.starts) == {"a": 1, "slow": 1, "b": 1}
        assert len(sink.rows) == 3
        assert bench.scheduler.total == 3

    clock.run(main)


def test_an_early_twin_ends_like_the_first_even_so():
    """While the first is under way its end can still be shared."""

    async def main(loop):
        bench = Bench(loop, ["a", "b", "a"], _second, strategy=Async(3), dedup=_dedup, keep=False)
        sink = await bench.run()
        assert sink.times_ended == Counter(range(3))
        assert len(bench.starts) == 2

    clock.run(main)


def test_twins_of_a_cancelled_item_end_when_it_does():
    """A run that goes on after a cancel must find the first's twins again."""

    async def main(loop):
        bench = Bench(loop, ["a", "b", "c", "a", "c"], _second, strategy=Async(1), dedup=_dedup)
        loop.call_later(1.5, bench.scheduler.cancel)
        await bench.run()
        sink = await bench.run()
        assert sink.times_ended == Counter(range(5))
        assert [type(sink.errors.get(index)) for index in range(5)].count(errors.Cancelled) == 1
        assert sink.values[4] == "c"

    clock.run(main)
