"""Pause, resize, cancel and go on while items wait at their hosts: none lost, none ended twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clock
from engine.scheduling import Bench, down, refusal
from fetchlab import errors
from fetchlab.engine.strategies import Async, Chunked, Sequential
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.rate import RateLimit
from fetchlab.policy.retry import Retry


def host(item):
    """Items are (host, number)."""
    return f"http://{item[0]}"


def test_cancel_and_go_on_with_items_that_wait_at_their_host():
    """Those that were refused have begun and end as Cancelled; those only read are kept for later."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.1)
            if loop.time() < 5:
                raise refusal(503, retry_after=30)

        items = [("a", number) for number in range(50)]
        bench = Bench(loop, items, task, strategy=Async(8), retry=Retry(), host=host)
        loop.call_later(3, bench.scheduler.cancel)
        sink = await bench.run()
        begun = {item for _, item in bench.starts}
        assert len(begun) == len(sink.rows) == 8
        for error in sink.errors.values():
            assert isinstance(error, errors.Cancelled)
            assert "waited" in str(error)
        await bench.run()
        assert sink.times_ended == Counter(range(50))
        assert len(sink.errors) == 8
        assert len(bench.starts) == 50

    _, seconds = clock.run(main)
    assert 30 <= seconds <= 32, "the host's wish outlives the cancel"


def test_a_cancelled_probe_lets_another_through():
    """The host would be shut for ever if the breaker waited for a probe that nobody makes any more."""

    async def main(loop):
        async def task(work):
            began = loop.time()
            await asyncio.sleep(1 if work.probe else 0.1)
            if began < 20:
                raise down()

        items = [("a", number) for number in range(100)]
        bench = Bench(loop, items, task, strategy=Async(40), retry=Retry(), host=host)
        cancelled = []

        def cancel_the_probe():
            lane = bench.scheduler._lanes.by_host.get("http://a")
            if lane is not None and lane.breaker.probing and not cancelled:
                cancelled.append(loop.time())
                bench.scheduler.cancel()
            elif not cancelled:
                loop.call_later(0.1, cancel_the_probe)

        cancel_the_probe()
        sink = await bench.run()
        assert cancelled
        await bench.run()
        assert sink.times_ended == Counter(range(100))

    _, seconds = clock.run(main)
    assert seconds < 40


@pytest.mark.parametrize("trouble", [lambda: refusal(retry_after=1), down])
def test_new_attempts_bring_new_patience(trouble):
    """``retry_failed`` an hour later, the host being well: nothing may end because it was ill an hour ago."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.1)
            if loop.time() < 100:
                raise trouble()

        items = [("a", number) for number in range(60)]
        bench = Bench(loop, items, task, strategy=Async(40), retry=Retry(patience=10), host=host)
        sink = await bench.run()
        failed = sorted(sink.errors)
        assert len(failed) == 60
        assert any(isinstance(error, errors.RateLimited) for error in sink.errors.values())
        works = {work.index: work for work in sink.abandons}
        await asyncio.sleep(3600)
        again = [works[index].again() for index in failed if index in works]
        assert len(again) > 10
        sink.rows.clear()
        await bench.run(again)
        assert sink.times_ended == Counter(sorted(works))
        assert sink.errors == {}

    clock.run(main)


def test_new_attempts_bring_new_patience_to_a_live_run_too():
    """``retry_failed`` while another host's items are still going on."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(500 if work.item[0] == "b" else 0.1)
            if work.item[0] == "a" and loop.time() < 100:
                raise refusal(retry_after=1)

        items = [("b", 0), *[("a", number) for number in range(30)]]
        bench = Bench(loop, items, task, strategy=Async(8), retry=Retry(patience=10), host=host)
        sink = bench.sink

        def again():
            works = list(sink.abandons)
            assert len(works) == 30
            sink.rows.clear()
            bench.scheduler.again(work.again() for work in works)

        loop.call_later(200, again)
        await bench.run()
        assert sink.times_ended == Counter(range(31))
        assert sink.errors == {}

    clock.run(main)


def test_pause_holds_back_hosts_that_are_due():
    """A host whose rest ends during a pause must wait for the resume, and not be forgotten."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.1)
            if loop.time() < 1:
                raise refusal(503, retry_after=5)

        items = [("a", number) for number in range(20)]
        bench = Bench(loop, items, task, strategy=Async(4), retry=Retry(), host=host)
        loop.call_later(2, bench.scheduler.pause)
        loop.call_later(50, bench.scheduler.resume)
        sink = await bench.run()
        assert sink.errors == {}
        assert not [when for when, _ in bench.starts if 2 < when < 50]

    clock.run(main)


def test_a_long_pause_is_not_held_against_the_host():
    """Nobody asked it meanwhile: its items must not end for what it answered before."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.1)
            if loop.time() < 2:
                raise refusal(retry_after=1)

        items = [("a", number) for number in range(20)]
        bench = Bench(loop, items, task, strategy=Async(4), retry=Retry(patience=60), host=host)
        loop.call_later(1, bench.scheduler.pause)
        loop.call_later(1000, bench.scheduler.resume)
        sink = await bench.run()
        assert sink.errors == {}

    clock.run(main)


def test_shrinking_to_one_worker_keeps_the_others_items():
    """A worker that leaves must not take along an item that waits at a host."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(1)
            if loop.time() < 2 and work.item[0] == "a":
                raise refusal(503, retry_after=10)

        items = [(name, number) for number in range(20) for name in "ab"]
        bench = Bench(loop, items, task, strategy=Async(20), retry=Retry(), host=host)
        loop.call_later(1.5, bench.scheduler.resize, 1)
        sink = await bench.run()
        assert sink.times_ended == Counter(range(40))
        assert sink.errors == {}

    clock.run(main)


def test_adaptive_takes_effect_at_once_and_so_does_its_end():
    """Items wait at a host whose limit is 1; with ten workers they must not wait for the one under way."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(100 if work.item[0] == "a" else 1)

        items = [("a", 0), ("b", 0), *(("a", number) for number in range(1, 40))]
        bench = Bench(loop, items, task, strategy=Async(Adaptive(max=1)), host=host)
        seen = []

        def look():
            seen.append(bench.scheduler.in_flight)

        loop.call_later(10, look)
        loop.call_later(20, bench.scheduler.resize, 10)
        loop.call_later(21, look)
        loop.call_later(110, bench.scheduler.resize, Adaptive(max=2, start=2))
        loop.call_later(250, look)
        loop.call_later(260, bench.scheduler.resize, Adaptive(max=5, start=5))
        loop.call_later(261, look)
        sink = await bench.run()
        assert sink.times_ended == Counter(range(41))
        assert seen == [1, 10, 2, 5]

    clock.run(main)


def test_adaptive_hosts_have_a_limit_each():
    """A host that collapses early must not hold back one that serves sixty."""

    async def main(loop):
        async def task(work):
            name = work.item[0]
            running[name] += 1
            seconds = 0.05 if name == "wide" else 0.05 * max(1, running[name] / 4) ** 2
            await asyncio.sleep(seconds)
            running[name] -= 1

        running = Counter()
        items = [("wide", n) if n % 10 else ("tight", n) for n in range(9000)]
        bench = Bench(loop, items, task, strategy=Async(Adaptive()), host=host)
        loop.call_later(8, lambda: limits.update(bench.scheduler.limits))
        limits = {}
        sink = await bench.run()
        assert sink.times_ended == Counter(range(9000))
        assert limits["http://tight"] < 20 < 40 < limits["http://wide"] <= 64

    clock.run(main)


# anything at all

HOSTS = ["a", "b", "c"]
widths = st.one_of(st.integers(1, 12), st.sampled_from([Adaptive(), Adaptive(max=2), Adaptive(2, 6, 5)]))
traits = st.fixed_dictionaries(
    {
        "seconds": st.floats(0.01, 3),
        "refuses": st.sampled_from([0.0, 0.0, 0.1, 0.5]),
        "retry_after": st.sampled_from([None, 0, 0.5, 20, 99999999]),
        "status": st.sampled_from([429, 503]),
        "fails": st.sampled_from([0.0, 0.1, 0.5]),
        "down": st.one_of(st.none(), st.tuples(st.floats(0, 20), st.floats(1, 40))),
        "rate": st.sampled_from([None, None, RateLimit(2), RateLimit(20, burst=5)]),
    }
)
steering = st.lists(
    st.tuples(
        st.floats(0, 40),
        st.one_of(
            st.tuples(st.just("resize"), widths), st.tuples(st.sampled_from(["pause", "resume"]), st.none())
        ),
    ),
    max_size=8,
)


class World:
    """Hosts with traits; what they do is decided by a seed."""

    def __init__(self, loop, hosts, seed):
        self.loop, self.hosts, self.random = loop, dict(zip(HOSTS, hosts, strict=True)), Random(seed)
        self.under_way = Counter()

    async def __call__(self, work):
        name = work.item[0]
        host = self.hosts[name]
        self.under_way[work.index] += 1
        assert self.under_way[work.index] == 1, "the same item twice at once"
        try:
            await asyncio.sleep(host["seconds"])
        finally:
            self.under_way[work.index] -= 1
        now, draw = self.loop.time(), self.random.random()
        if host["down"] and host["down"][0] <= now < sum(host["down"]):
            raise down()
        if draw < host["refuses"]:
            hint = {} if host["retry_after"] is None else {"retry_after": host["retry_after"]}
            raise refusal(host["status"], **hint)
        if draw < host["refuses"] + host["fails"]:
            raise self.random.choice(
                [refusal(500), errors.TimedOut("read"), refusal(404), ValueError("odd"), errors.Retriable()]
            )
        return work.item

    @property
    def rates(self):
        return {name: host["rate"] for name, host in self.hosts.items() if host["rate"] is not None}


def _bench(loop, hosts, names, strategy, seed, **more):
    world = World(loop, hosts, seed)
    items = [(name, number) for number, name in enumerate(names)]
    return Bench(
        loop, items, world, strategy=strategy, seed=seed, host=host, rate=world.rates,
        retry=Retry(attempts=3, base=0.5, cap=4, patience=60), **more,
    )  # fmt: skip


strategies = st.one_of(widths.map(Async), st.sampled_from([Chunked(4), Sequential(), Sequential(0.2)]))
cases = {
    "hosts": st.lists(traits, min_size=3, max_size=3),
    "names": st.lists(st.sampled_from(HOSTS), max_size=60),
    "strategy": strategies,
    "seed": st.integers(0, 99),
}


@settings(max_examples=150)
@given(**cases, orders=steering, ranked=st.booleans())
def test_every_item_ends_exactly_once(hosts, names, strategy, seed, orders, ranked):
    """Refusals, outages, failures, rates, resizes and pauses in any mix: the run ends, and all add up."""

    async def main(loop):
        rank = (lambda item: item[1] % 3) if ranked else None
        bench = _bench(loop, hosts, names, strategy, seed, priority=rank)
        for when, (order, value) in orders:
            method = getattr(bench.scheduler, order)
            loop.call_later(when, *((method,) if value is None else (method, value)))
        loop.call_later(50, bench.scheduler.resume)
        sink = await asyncio.wait_for(bench.run(), 1e5)
        assert sink.times_ended == Counter(range(len(names)))
        assert len(bench.starts) == len(sink.rows) - len(sink.abandons) + len(sink.retries)
        assert bench.scheduler.parked == 0

    clock.run(main)


def test_two_timers_for_nearly_one_moment_do_not_stop_the_clock():
    """A timer set again for a moment that the loop takes for now would strike for ever."""
    slow = {"retry_after": 20, "seconds": 1.8956910317746496, "down": (7.56752108078201, 17.48114664173982)}
    quick = {"retry_after": 0.5, "seconds": 0.4182069296029902, "down": (2.8406758014329108e-53, 2.0)}
    usual = {"status": 503, "refuses": 0.5, "fails": 0.5, "rate": None}
    hosts = [usual | slow, usual | slow, usual | quick]

    async def main(loop):
        strategy = Async(Adaptive(min=2, max=6, start=5))
        names = list("cbaccabcabaaaacabbabbcccac")
        bench = _bench(loop, hosts, names, strategy, 37, priority=lambda item: item[1] % 3)
        for _ in range(3):
            loop.call_later(13.892772312582455, bench.scheduler.pause)
        loop.call_later(50, bench.scheduler.resume)
        sink = await asyncio.wait_for(bench.run(), 1e5)
        assert sink.times_ended == Counter(range(26))

    clock.run(main)


@settings(max_examples=150)
@given(**cases, cancels=st.lists(st.floats(0, 30), min_size=1, max_size=4))
def test_cancel_and_go_on_any_number_of_times(hosts, names, strategy, seed, cancels):
    """Wherever the items are when the run is cancelled, the next run finds those that did not begin."""

    async def main(loop):
        bench = _bench(loop, hosts, names, strategy, seed)
        for when in cancels:
            timer = loop.call_later(when, bench.scheduler.cancel)
            sink = await asyncio.wait_for(bench.run(), 1e5)
            timer.cancel()
            begun = {item[1] for _, item in bench.starts}
            assert all(count == 1 for count in sink.times_ended.values())
            assert begun <= set(sink.times_ended), "begun and never ended"
        sink = await asyncio.wait_for(bench.run(), 1e5)
        assert sink.times_ended == Counter(range(len(names)))

    clock.run(main)
