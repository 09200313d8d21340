"""Politeness in virtual time: hosts that rest, refuse, break and come back, and nobody waits for them."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

import clock
from engine.scheduling import Bench, down, refusal
from fetchlab import errors
from fetchlab.engine.strategies import Async, Chunked
from fetchlab.policy.rate import RateLimit
from fetchlab.policy.retry import Retry


def host(item):
    """Items are (host, number)."""
    return f"http://{item[0]}"


def at(name):
    """Items of one host."""
    return lambda item: item[0] == name


def items_of(count, *names):
    """So many items of every host, in turn."""
    return [(name, number) for number in range(count) for name in names]


def all_ok(sink, count):
    assert sink.times_ended == Counter(range(count))
    assert sink.errors == {}


def test_a_slow_host_starves_nobody():
    """Half of the items take 100 s each; the other half must not wait for them."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(100 if work.item[0] == "slow" else 0.1)

        bench = Bench(loop, items_of(200, "slow", "fast"), task, strategy=Async(10), host=host)
        sink = await bench.run()
        all_ok(sink, 400)
        assert max(bench.times(at("fast"))) <= 200 * 0.1 / 5 + 1
        assert bench.peak == 10

    _, seconds = clock.run(main)
    assert seconds <= 200 * 100 / 10 + 110, "once the fast host is done, the slow one has all workers"


def test_a_thousand_items_of_a_resting_host_do_not_hide_the_others():
    """What must wait is read over, and does not fill the workers."""

    async def main(loop):
        refused = []

        async def task(work):
            await asyncio.sleep(0.1)
            if work.item[0] == "a" and not refused:
                refused.append(loop.time())
                raise refusal(retry_after=60)

        items = [("a", 0), *items_of(900, "a"), *items_of(100, "b")]
        bench = Bench(loop, items, task, retry=Retry(), host=host)
        sink = await bench.run()
        all_ok(sink, len(items))
        assert max(bench.times(at("b"))) < 5
        assert not [when for when in bench.times(at("a")) if refused[0] < when < refused[0] + 60 - 0.01]

    clock.run(main)


def test_retry_after_parks_the_host_and_holds_no_worker():
    """One refusal speaks for the host: none of its items goes, all workers serve another."""

    async def main(loop):
        first = []

        async def task(work):
            await asyncio.sleep(1)
            if work.item[0] == "a" and not first:
                first.append(loop.time())
                raise refusal(retry_after=30)

        bench = Bench(loop, items_of(60, "a", "b"), task, retry=Retry(), host=host)
        widths = []
        loop.call_later(10.5, lambda: widths.append((bench.scheduler.in_flight, bench.scheduler.parked)))
        sink = await bench.run()
        all_ok(sink, 120)
        assert not [when for when in bench.times(at("a")) if 1 < when < 31 - 0.01]
        in_flight, parked = widths[0]
        assert in_flight == 4
        assert parked > 0
        assert sink.reasons["retry-after"] == 1

    clock.run(main)


def test_a_burst_of_refusals_parks_once():
    """Twenty answers to twenty requests under way: a pause of one second, not twenty."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.1)
            if loop.time() < 1:
                raise refusal(503, retry_after=1)

        bench = Bench(loop, items_of(20, "a"), task, strategy=Async(20), retry=Retry(), host=host)
        all_ok(await bench.run(), 20)
        assert len(bench.starts) == 40

    _, seconds = clock.run(main)
    assert seconds == pytest.approx(1.2, abs=0.05)


def test_retry_after_may_be_a_date():
    """The wall clock that the date is held against is the scheduler's own."""
    epoch = datetime(2026, 11, 1, tzinfo=UTC)

    async def main(loop):
        said = format_datetime(epoch + timedelta(seconds=40), usegmt=True)

        async def task(work):
            if loop.time() < 39:
                raise refusal(503, retry_after=said)

        bench = Bench(
            loop, [("a", 0)], task, retry=Retry(), host=host, wall=lambda: epoch.timestamp() + loop.time()
        )
        all_ok(await bench.run(), 1)
        assert len(bench.starts) == 2

    _, seconds = clock.run(main)
    assert seconds == pytest.approx(40, abs=0.1)


@pytest.mark.parametrize("hint", [{"retry_after": 1}, {}, {"retry_after": "soon"}])
def test_waiting_spends_no_attempt(hint):
    """A host that refuses fifty times has judged no item: two attempts are still two."""

    async def main(loop):
        refusals = Counter()

        async def task(work):
            await asyncio.sleep(0.01)
            refusals[work.item] += 1
            if refusals[work.item] <= 50:
                raise refusal(**hint)
            if refusals[work.item] == 51:
                raise errors.TimedOut("read")
            return work.charged

        retry = Retry(attempts=2, cap=1, patience=1e6)
        bench = Bench(loop, items_of(1, "a", "b", "c"), task, retry=retry, host=host)
        sink = await bench.run()
        all_ok(sink, 3)
        assert set(sink.values.values()) == {2}

    clock.run(main)


def test_patience_ends_items_with_the_reason():
    """A host that never does anything but refuse would hold the run for ever."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.1)
            if work.item[0] == "a":
                raise refusal(retry_after=1)

        bench = Bench(loop, items_of(50, "a", "b"), task, retry=Retry(patience=60), host=host)
        sink = await bench.run()
        assert sink.times_ended == Counter(range(100))
        assert set(sink.errors) == set(range(0, 100, 2))
        for error in sink.errors.values():
            assert isinstance(error, errors.RateLimited)
            assert "patience=60" in str(error)
            assert "HTTP 429" in str(error)
        assert len(bench.times(at("a"))) <= 100

    _, seconds = clock.run(main)
    assert 60 <= seconds <= 70


def test_a_hint_beyond_patience_ends_the_hosts_items_at_once():
    """Nobody waits an hour to be told that an hour was too long."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.1)
            if work.item[0] == "a":
                raise refusal(retry_after=3600)

        bench = Bench(loop, items_of(500, "a", "b"), task, retry=Retry(patience=60), host=host)
        sink = await bench.run()
        assert sink.times_ended == Counter(range(1000))
        assert len(sink.errors) == 500
        assert {str(error)[:23] for error in sink.errors.values()} == {"http://a asks to wait 3"}
        assert len(bench.times(at("a"))) <= 4

    _, seconds = clock.run(main)
    assert seconds < 30


@pytest.mark.parametrize("failure", [down, lambda: refusal(503), lambda: errors.TimedOut("connect")])
def test_an_outage_makes_no_storm_and_loses_nothing(failure):
    """Thirty seconds without the host: a few probes find out when it is back, and no item pays for it."""

    async def main(loop):
        async def task(work):
            began = loop.time()
            await asyncio.sleep(0.1)
            if 5 <= began < 35:
                raise failure()

        bench = Bench(loop, items_of(4000, "a"), task, strategy=Async(20), retry=Retry(), host=host)
        sink = await bench.run()
        all_ok(sink, 4000)
        meanwhile = len([when for when, _ in bench.starts if 5 <= when < 35])
        before = len([when for when, _ in bench.starts if when < 5])
        probes = 8
        assert meanwhile <= 20 + 10 + 0.1 * before + probes
        assert meanwhile <= 40 + probes, "the breaker does better than the budget"
        assert sink.reasons["breaker"] >= 4

    _, seconds = clock.run(main)
    assert seconds <= 35 + 8 + 20, "its return was noticed late"


def test_late_answers_let_no_crowd_in():
    """Answers take longer than failures: those from before the outage must not reopen the door."""

    async def main(loop):
        async def task(work):
            if 5 <= loop.time() < 35:
                raise down()
            await asyncio.sleep(loop.time() % 1 + 0.01)

        bench = Bench(loop, items_of(2000, "a"), task, strategy=Async(20), retry=Retry(), host=host)
        all_ok(await bench.run(), 2000)
        assert len([when for when, _ in bench.starts if 5 <= when < 35]) <= 8 + 20 + 8

    clock.run(main)


def test_only_one_probe_at_a_time():
    """A crowd that runs at a host that just came up would bring it down again."""

    async def main(loop):
        probes = []

        async def task(work):
            began = loop.time()
            await asyncio.sleep(1)
            if began < 60:
                if work.probe:
                    probes.append((began, loop.time()))
                raise down()

        bench = Bench(loop, items_of(200, "a"), task, strategy=Async(40), retry=Retry(), host=host)
        all_ok(await bench.run(), 200)
        assert len(probes) >= 4
        for (_, ended), (began, _) in pairwise(probes):
            assert began >= ended

    clock.run(main)


def test_dead_links_just_fail():
    """Ten links to hosts that do not exist must not wait for five minutes each."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.1)
            raise down()

        bench = Bench(loop, [(f"h{n}", 0) for n in range(10)], task, retry=Retry(), host=host)
        sink = await bench.run()
        assert all(isinstance(error, errors.ConnectFailed) for error in sink.errors.values())
        assert len(bench.starts) == 40

    _, seconds = clock.run(main)
    assert seconds < 30


def test_many_failures_of_a_living_host_wait_for_the_budget():
    """One in three requests fails: retries come in turn, none is lost."""

    async def main(loop):
        tries = Counter()

        async def task(work):
            await asyncio.sleep(0.05)
            tries[work.item] += 1
            if work.item[1] % 3 == 0 and tries[work.item] == 1:
                raise refusal(500)

        bench = Bench(loop, items_of(600, "a"), task, strategy=Async(20), retry=Retry(base=0.01), host=host)
        sink = await bench.run()
        all_ok(sink, 600)
        assert sink.reasons["budget"] > 0
        retried = sorted(finished + wait for _, finished, wait in sink.retries)
        for number, when in enumerate(retried, start=1):
            assert number <= 10 + 0.1 * len(bench.starts) + 5 * when + 1

    clock.run(main)


def test_rates_hold_by_host():
    """Ten a second at one host, with a burst of three; the other goes as fast as it can."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.05)

        bench = Bench(
            loop, items_of(100, "a", "b"), task, strategy=Async(10), host=host,
            rate={"a": RateLimit(10, burst=3)},
        )  # fmt: skip
        all_ok(await bench.run(), 200)
        times = bench.times(at("a"))
        for first, after in zip(times, times[3:], strict=False):
            assert after - first >= 0.1 - 1e-6
        assert times[-1] == pytest.approx(9.7, abs=0.3)
        assert max(bench.times(at("b"))) < 2

    clock.run(main)


@pytest.mark.parametrize("strategy", [Async(4), Chunked(8)])
def test_a_tasks_calls_are_spaced_too(strategy):
    """``map`` has no host, and ``rate`` still means calls per second."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.01)

        bench = Bench(loop, range(50), task, strategy=strategy, rate=RateLimit(5))
        all_ok(await bench.run(), 50)

    _, seconds = clock.run(main)
    assert seconds == pytest.approx(49 / 5, abs=0.2)


def test_the_rate_of_a_mute_host_is_found():
    """Fifty a second and nothing but 429 beyond: nearly that is reached, and every item comes through."""

    async def main(loop):
        due = [0.0]

        async def task(work):
            now = max(due[0], loop.time())
            if now - loop.time() > 9 / 50 + 1e-9:
                raise refusal()
            due[0] = now + 1 / 50
            await asyncio.sleep(0.05)

        bench = Bench(loop, items_of(3000, "a"), task, strategy=Async(20), retry=Retry(), host=host)
        all_ok(await bench.run(), 3000)
        assert len(bench.sink.retries) <= 0.02 * 3000

    _, seconds = clock.run(main)
    assert seconds <= 3000 / (0.85 * 50)


def test_a_list_is_read_as_far_as_its_last_host():
    """Three thousand items of a host that takes one a second must not hide the other host's behind them."""

    async def main(loop):
        async def task(work):
            await asyncio.sleep(0.01)

        items = [("slow", n) for n in range(3000)] + [("fast", n) for n in range(100)]
        bench = Bench(
            loop, items, task, strategy=Async(10), host=host,
            rate={"http://slow": RateLimit(1)},
        )  # fmt: skip
        loop.call_later(5, bench.scheduler.cancel)
        sink = await bench.run()
        assert sum(row[1][0] == "fast" for row in sink.rows) == 100

    clock.run(main)
