"""A run's life, steered from outside: whatever is asked of it, and when, it ends as it should."""

from __future__ import annotations

import asyncio
import threading

import fetchlab as fl
from fetchlab.errors import Cancelled

from .runs import same, until


def test_workers_change_live(bed, echo):
    """The server's own gauge follows the slider, up and down."""
    run = fl.fetch((f"{echo}/delay/0.05?n={n}" for n in range(10**9)), workers=2, progress=False)

    def in_flight():
        return bed.counters("echo")["in_flight"]

    until(lambda: in_flight() == 2, "2 in flight")
    run.workers = 12
    assert run.workers == 12
    until(lambda: in_flight() == 12, "12 in flight")
    run.workers = 3
    until(lambda: 0 < in_flight() <= 3, "3 in flight")
    run.cancel().wait(timeout=60)
    limits = run.concurrency()["limit"].to_list()
    assert [limit for n, limit in enumerate(limits) if n == 0 or limits[n - 1] != limit] == [2, 12, 3]


def test_pause_resume_cancel_retry(bed, echo):
    """The whole life of a run on a real server."""
    urls = [f"{echo}/delay/0.02?n={n}" for n in range(400)]
    run = fl.fetch(urls, workers=8, parse="json")
    until(lambda: run.stats().done > 5, "the first results")
    assert run.pause().state == "paused"
    until(lambda: run.stats().in_flight == 0, "the pause")
    done = run.stats().done
    assert done < 400
    until(lambda: bed.counters("echo")["in_flight"] == 0, "the end of the server's last answer")
    assert run.resume().state == "running"
    until(lambda: run.stats().done > done + 5, "the resumption")
    assert run.cancel().wait(timeout=60).state == "cancelled"
    stats = run.stats()
    assert stats.done == stats.ok + stats.failed < 400
    assert set(stats.errors) <= {"Cancelled"}
    assert run.errors()["knob"].to_list() == ["run.retry_failed() goes on"] * len(stats.errors)
    assert all(isinstance(result.error, Cancelled) for result in run if not result.ok)
    assert len(run.result()) == 400
    run.retry_failed().wait(timeout=60)
    assert run.state == "done"
    assert [value["args"]["n"] for value in run.result()] == [str(n) for n in range(400)]
    assert sorted(result.index for result in run) == list(range(400)), "each item's latest end, once"
    assert run.frame()["ok"].all()
    assert run.stats().failed == 0


def test_cancel_before_it_began_is_a_cancel():
    """Runs start on another thread: a cancel right behind the start must not be forgotten there."""
    for _ in range(50):
        run = fl.map(same, _forever())
        assert run.cancel().wait(timeout=60).state == "cancelled"
    for _ in range(50):
        run = fl.map(same, range(5)).wait()
        assert run.retry_failed().cancel().wait(timeout=60).state in {"cancelled", "done"}


def _forever():
    while True:
        yield 0


def test_steering_races_the_end():
    """Pause, resume or cancel at the moment of the end must never leave a run that is not ended."""
    for turn in range(300):
        run = fl.map(same, range(turn % 7))
        if turn % 3 == 0:
            run.pause().resume()
        elif turn % 3 == 1:
            run.cancel()
        else:
            threading.Thread(target=run.cancel).start()
        assert run.wait(timeout=60).state in {"done", "cancelled"}


def test_retry_while_cancelling_goes_on_afterwards():
    """``cancel().retry_failed()`` without a wait between them is what two quick clicks do."""
    for _ in range(30):
        run = fl.map(_slowly, range(40), workers=10)
        run.cancel().retry_failed()
        assert run.wait(timeout=60).state == "done"
        assert run.result() == list(range(40))


async def _slowly(item):
    await asyncio.sleep(0.002)
    return item


def test_retry_failed_twice_serves_each_item_once(bed, echo):
    """Two quick clicks on "retry" must not fetch, or count, everything twice."""
    bed.configure("echo", error_rate={500: 1.0})
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(20)], retry=fl.Retry(attempts=1)).wait()
    assert run.stats().failed == 20
    bed.configure("echo", error_rate={}, latency=0.05)
    bed.reset_counters()
    run.retry_failed()
    run.retry_failed()
    run.retry_failed().wait()
    assert bed.counters("echo")["requests"] == 20
    stats = run.stats()
    assert (stats.done, stats.ok, stats.failed, stats.errors) == (20, 20, 0, {})
    attempts = run.attempts()
    assert attempts.group_by("index").len()["len"].to_list() == [2] * 20
    assert attempts.sort("index", "started")["status"].to_list() == [500, 200] * 20
