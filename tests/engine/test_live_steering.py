"""Turning the knobs of a run while a real server watches."""

from __future__ import annotations

import asyncio
import threading

import polars as pl
import pytest

import fetchlab as fl
from engine.runs import until
from fetchlab.policy.concurrency import Adaptive


def _urls(base, count, path="/json"):
    return [f"{base}{path}?n={number}" for number in range(count)]


def _endless(base, path="/json"):
    number = 0
    while True:
        yield f"{base}{path}?n={number}"
        number += 1


def test_more_and_fewer_workers_move_the_servers_gauge(bed, echo):
    """A knob that only changes a number in the client would be a lie."""
    bed.configure("echo", latency=0.1)
    run = fl.fetch(_endless(echo), workers=5, keep=False, progress=False)
    reader = iter(run)
    next(reader)
    for workers in (50, 3, 20):
        run.workers = workers
        bed.reset_counters()
        until(
            lambda workers=workers: next(reader) and bed.counters("echo")["in_flight"] == workers,
            f"{workers} requests in flight",
        )
        assert run.workers == workers
    assert bed.counters("echo")["max_in_flight"] <= 50
    run.cancel()
    reader.close()
    run.wait()


def test_pause_drains_to_nothing_and_resume_goes_on(bed, echo):
    """What is in flight ends, and nothing else begins."""
    bed.configure("echo", latency=0.02)
    run = fl.fetch(_urls(echo, 400), workers=10)
    until(lambda: run.stats().done >= 50, "the first fifty")
    run.pause()
    until(lambda: bed.counters("echo")["in_flight"] == 0 and run.stats().in_flight == 0, "the drain")
    asked = bed.counters("echo")["requests"]
    run.workers = 30
    assert bed.counters("echo")["requests"] == asked < 400
    assert run.stats().state == "paused"
    run.resume()
    assert run.wait().stats().ok == 400
    assert bed.counters("echo")["requests"] == 400


def test_cancel_keeps_what_is_done_and_goes_on_later(bed, echo):
    """An hour of answers must not be lost with the last one."""
    bed.configure("echo", latency=0.02)
    run = fl.fetch(_urls(echo, 400), workers=10, parse="json")
    until(lambda: run.stats().done >= 50, "the first fifty")
    run.cancel().wait()
    assert run.state == "cancelled"
    kept = [result for result in run.results() if result.ok]
    assert 50 <= len(kept) < 400
    assert all(result.value["args"]["n"] == str(result.index) for result in kept)
    until(lambda: bed.counters("echo")["in_flight"] == 0, "the drain")
    run.retry_failed().wait()
    assert (run.stats().ok, run.stats().failed, run.state) == (400, 0, "done")


def test_a_deadline_stops_the_run_and_says_so(bed, echo):
    """A cell that must be done by a moment keeps what it has."""
    bed.configure("echo", latency=0.05)
    run = fl.fetch(_urls(echo, 300), workers=2, parse="json", deadline=0.5).wait(timeout=60)
    assert run.state == "stopped"
    assert "deadline=0.5" in run.stopped_by
    stats = run.stats()
    assert 0 < stats.ok < 300
    assert set(stats.errors) <= {"Cancelled"}
    assert sum(value is not None for value in run.result()) == stats.ok
    bed.configure("echo", latency=0.0)
    run.workers = 20
    until(lambda: bed.counters("echo")["in_flight"] == 0, "the drain")
    while run.retry_failed().wait(timeout=60).state == "stopped":
        pass
    assert (run.stats().ok, run.stats().failed, run.stopped_by) == (300, 0, None)


def test_a_deadline_ends_items_that_wait_for_their_host(echo):
    """A host's rest must not outlive the deadline."""
    urls = [f"{echo}/refuse/1?id={n}&retry-after=60" for n in range(5)]
    run = fl.fetch(urls, workers=2, deadline=0.3).wait(timeout=30)
    assert run.state == "stopped"
    assert set(run.stats().errors) == {"Cancelled"}
    assert "deadline=0.3" in str(next(iter(run)).error)


def test_too_many_errors_stop_the_run_and_say_so(bed, echo):
    """A wrong token fails a million times: two hundred are enough to know."""
    bed.configure("echo", error_rate={403: 1.0})
    run = fl.fetch(
        (f"{echo}/json?n={number}" for number in range(100_000)), workers=4, max_error_rate=0.5
    ).wait(timeout=60)
    assert run.state == "stopped"
    assert "max_error_rate=0.5" in run.stopped_by
    done = run.stats().done
    assert 200 <= done < 100_000
    assert run.errors().height >= 1
    assert run.frame().height == done


def test_few_errors_do_not_stop_the_run(bed, echo):
    """A share is a share: one in ten is below one in five."""
    bed.configure("echo", error_rate={404: 0.1})
    run = fl.fetch(_urls(echo, 1000), workers=10, max_error_rate=0.3).wait(timeout=60)
    assert run.state == "done"
    assert run.stopped_by is None
    assert 30 < run.stats().failed < 200


def test_adaptive_is_live_in_stats_and_concurrency(bed, echo):
    """The number found is what the user wants to see, and the server must see it too."""
    bed.configure("echo", latency=0.05, capacity=8)
    run = fl.fetch(_endless(echo), workers=Adaptive(max=32), keep=False)
    reader = iter(run)
    until(lambda: next(reader) and run.stats().limits.get(echo, 0) > 4, "a limit that grows")
    until(lambda: run.stats().done > 200 and next(reader), "two hundred results")
    run.cancel()
    reader.close()
    run.wait()
    assert 1 <= run.stats().limits[echo] <= 32
    assert bed.counters("echo")["max_in_flight"] <= 32
    limits = [limit for _, limit in run.limits()]
    assert max(limits) > min(limits)
    frame = run.concurrency()
    assert frame["in_flight"].max() <= 32
    assert frame["limit"].drop_nulls().len() > 0


def test_from_a_number_to_adaptive_and_back(bed, echo):
    """Both ways while it runs, and nothing is lost."""
    bed.configure("echo", latency=0.02)
    run = fl.fetch(_urls(echo, 1500), workers=20)
    until(lambda: run.stats().done > 100, "a hundred")
    run.workers = Adaptive(max=4)
    until(lambda: run.stats().limits.get(echo), "a limit")
    until(lambda: bed.counters("echo")["in_flight"] <= 4, "at most four in flight")
    bed.reset_counters()
    until(lambda: bed.counters("echo")["requests"] > 50, "fifty more")
    assert bed.counters("echo")["max_in_flight"] <= 4
    run.workers = 30
    until(lambda: bed.counters("echo")["in_flight"] > 20, "thirty in flight")
    assert run.wait().stats().ok == 1500
    assert run.stats().limits == {}


def test_dedup_asks_once(bed, echo):
    """The same page in two spellings is one request and two results."""
    urls = [f"{echo}/json?n={n % 5}" for n in range(50)] + [f"{echo.upper()}/./json?n=1"]
    run = fl.fetch(urls, workers=8, parse="json", dedup=True).wait()
    assert run.stats().ok == 51
    assert bed.counters("echo")["requests"] == 5
    assert run.frame()["cached"].sum() == 46
    values = run.result()
    assert values[1] == values[46] == values[50] == {"wire": "echo", "args": {"n": "1"}}


def test_dedup_tries_a_failed_key_again_once(bed, echo):
    """``retry_failed`` asks once for a key too, and all its items learn of it."""
    bed.configure("echo", error_rate={404: 1.0})
    urls = [f"{echo}/json?n={n % 2}" for n in range(10)]
    run = fl.fetch(urls, workers=4, parse="json", dedup=True).wait()
    assert run.stats().failed == 10
    assert run.attempts().height == bed.counters("echo")["requests"] == 2, "a twin makes no attempt"
    bed.configure("echo", error_rate={})
    bed.reset_counters()
    run.retry_failed().wait()
    assert (run.stats().ok, run.stats().failed) == (10, 0)
    assert bed.counters("echo")["requests"] == 2
    assert run.attempts().height == 4


def test_refusals_are_counted_once_however_many_share_them(bed, echo):
    """``stats().refused`` is what the host said, not how many items it was told to."""
    run = fl.fetch([f"{echo}/status/503"] * 10, dedup=True, retry=fl.Retry(attempts=1)).wait()
    assert run.stats().failed == 10
    assert run.stats().refused == bed.counters("echo")["refused"] == 1


def test_priority_over_the_wire(echo):
    """Lower numbers first, among what is read ahead."""
    run = fl.fetch(
        _urls(echo, 50), workers=1, priority=lambda url: -int(url.rpartition("=")[2])
    ).wait()  # fmt: skip
    frame = run.frame().sort("started")
    assert frame["index"].to_list() == list(range(49, -1, -1))


@pytest.mark.parametrize("wrong", [lambda _: 1 / 0, lambda url: 1 if "n=3" in url else "urgent"])
def test_a_priority_that_is_none_ends_the_run_and_says_so(echo, wrong):
    """It is the user's own function: the run must say what it did, and never hang."""
    run = fl.fetch(_urls(echo, 5), workers=2, priority=wrong)
    with pytest.raises(Exception, match=r".") as caught:
        run.wait(timeout=30)
    assert not isinstance(caught.value, TimeoutError)
    assert run.state == "stopped"
    assert isinstance(run.frame(), pl.DataFrame)


def test_a_run_revived_while_it_stops_begins_a_new_sitting():
    """What stopped the last sitting must not name the state of one that ended well, nor end it at once."""
    stopping, released = threading.Event(), threading.Event()
    tries = []

    async def task(item):
        tries.append(item)
        if len(tries) > 1:
            return item
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            stopping.set()
            while not released.is_set():
                await asyncio.sleep(0.001)
            raise

    run = fl.map(task, [7], deadline=0.3)
    assert stopping.wait(60)
    run.retry_failed()
    released.set()
    assert run.result() == [7]
    assert (run.state, run.stopped_by) == ("done", None)
