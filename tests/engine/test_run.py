"""A run against the real server: read, steered and counted from any thread."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import Cancelled, ConfigError, StatusError

SCHEMA = {
    "index": pl.UInt32, "key": pl.String, "host": pl.String, "ok": pl.Boolean, "status": pl.UInt16,
    "error": pl.String, "message": pl.String, "attempts": pl.UInt16, "cached": pl.Boolean,
    "session": pl.UInt16, "worker": pl.UInt32, "queued": pl.Float64, "started": pl.Float64,
    "first_byte": pl.Float64, "finished": pl.Float64, "wait": pl.Float64, "elapsed": pl.Float64,
    "bytes": pl.UInt64,
}  # fmt: skip
QUICK = fl.Retry(attempts=3, base=0.01)


def until(condition, what="that"):
    """Wait for an event, not for a time."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"{what} never happened"
        time.sleep(0.005)


def test_values_and_results_stand_as_the_input(echo):
    """A value beside another item's URL is worse than none."""
    sizes = [(n * 37) % 500 for n in range(200)]
    urls = [f"{echo}/bytes/{size}" for size in sizes]
    urls[17] = f"{echo}/status/404"
    run = fl.fetch(urls, workers=16)
    values = run.result()
    assert values[17] is None
    assert [len(value) for n, value in enumerate(values) if n != 17] == sizes[:17] + sizes[18:]
    for index, result in enumerate(run.results()):
        assert (result.index, result.item, result.ok) == (index, urls[index], index != 17)
        assert result.value is values[index]
    with pytest.raises(StatusError, match="HTTP 404") as caught:
        run.raise_for_errors()
    assert (caught.value.item, caught.value.attempts, caught.value.status) == (urls[17], 1, 404)
    assert caught.value.key == f"GET {urls[17]}"


@pytest.mark.parametrize("keep", [True, False])
def test_order_input(keep):
    """Results in input order, though the first item is the last to end, over several chunks of the book."""
    gate = threading.Event()

    async def task(item):
        while item == 0 and not gate.is_set():
            await asyncio.sleep(0.005)
        return item

    run = fl.map(task, range(10_000), workers=8, order="input", keep=keep)
    until(lambda: run.stats().done >= (9_999 if keep else 1_000), "the rest")
    gate.set()
    if keep:
        run.wait()
    assert [result.value for result in run] == list(range(10_000))


def test_order_input_with_follow_and_a_small_window():
    """Added items stand behind the input: while they wait to be handed on, the input must be read on."""
    run = fl.map(
        _same, list(range(3_000)), workers=4, order="input", keep=False,
        follow=lambda result: [-1, -1] if result.item >= 0 else (),
    )  # fmt: skip
    seen = [result.value for result in run]
    assert seen == list(range(3_000)) + [-1] * 6_000


async def _same(item):
    return item


def test_keep_false_holds_the_input_back():
    """With a reader that sleeps, an endless input must not flow into memory."""
    read = []

    def endless():
        number = 0
        while True:
            read.append(number)
            yield number
            number += 1

    run = fl.map(_same, endless(), workers=8, keep=False)
    reader = iter(run)
    first = next(reader).value
    until(lambda: run.stats().done >= 1000, "the window to fill")
    counts = []
    for _ in range(20):
        time.sleep(0.01)
        counts.append(len(read))
    window = 1024
    assert counts[-1] == counts[-5], "it reads on although nobody reads it"
    assert counts[-1] <= 2 * window + 8 + 64 + 1
    seen = [first] + [next(reader).value for _ in range(5000)]
    assert sorted(seen)[:4000] == list(range(4000))
    run.cancel().wait()


def test_keep_false_has_one_reader_and_no_values():
    """Two readers would each see half; values that are gone must not be asked for."""
    run = fl.map(_same, range(100), keep=False)
    seen = [result.value for result in run]
    assert sorted(seen) == list(range(100))
    with pytest.raises(ConfigError, match="one reader"):
        next(iter(run))
    for ask in (run.result, run.results, run.table):
        with pytest.raises(ConfigError, match="keep"):
            ask()
    assert run.frame().height == 100


def test_keep_false_with_a_reader_that_left():
    """``break`` after the first result and then ``wait()``: nobody makes room any more, the run must end."""
    run = fl.map(_same, range(20_000), keep=False)
    for _ in run:
        break
    assert run.wait(timeout=60).stats().ok == 20_000


def test_keep_false_wait_discards():
    """Waiting without a reader would otherwise hang when the window is full."""
    run = fl.map(_same, iter(range(20_000)), keep=False)
    assert run.wait(timeout=60).stats().ok == 20_000
    assert run._recorder.values == {}
    assert not run._recorder.unread


def test_keep_false_spills_and_the_frame_is_whole():
    """100,000 items: timings go to Arrow files, and ``frame()`` has every one, once, in order."""
    run = fl.map(_same, iter(range(100_000)), workers=50, keep=False).wait(timeout=120)
    parts = run._recorder.ledger._parts
    assert parts
    assert all(part.exists() for part in parts)
    frame = run.frame()
    assert frame["index"].to_list() == list(range(100_000))
    assert frame["key"].to_list()[:3] == ["0", "1", "2"]
    assert frame["ok"].all()
    folder = parts[0].parent
    del run, frame
    until(lambda: _collected(folder), "the temporary folder's removal")


def _collected(folder):
    import gc

    gc.collect()
    return not folder.exists()


def test_two_threads_iterate(echo):
    """With ``keep=True`` each reader sees all results, whenever it comes."""
    run = fl.fetch([f"{echo}/delay/0.01"] * 300, workers=20)
    seen = [[], []]
    readers = [threading.Thread(target=lambda box=box: box.extend(r.index for r in run)) for box in seen]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    assert sorted(seen[0]) == sorted(seen[1]) == list(range(300))
    assert [result.index for result in run] == seen[0], "a second loop starts from the first"


def test_async_iteration_in_another_loop(echo):
    """A notebook's cells run on the kernel's loop, not on ours."""

    async def cell():
        run = fl.fetch([f"{echo}/json"] * 200, parse="json")
        seen = [result.value["wire"] async for result in run]
        assert await run is run
        return seen, run.state

    assert asyncio.run(cell()) == (["echo"] * 200, "done")


def test_many_await_one_run():
    """Each gets the run; the input's error goes to one of them only."""

    async def cell():
        run = fl.map(_same, _broken())

        async def waits():
            return await run

        return await asyncio.gather(waits(), waits(), waits(), return_exceptions=True)

    outcomes = asyncio.run(cell())
    assert sum(isinstance(outcome, LookupError) for outcome in outcomes) == 1


def _broken():
    yield from range(10)
    raise LookupError("the input broke")


def test_an_input_that_raises():
    """What was done is kept, the state says stopped, and the error is raised once."""
    run = fl.map(_same, _broken())
    with pytest.raises(LookupError, match="the input broke"):
        run.wait()
    assert run.state == "stopped"
    assert run.result() == list(range(10))
    assert run.retry_failed().wait().state == "stopped"


def test_wait_with_a_timeout_goes_on(echo):
    """A TimeoutError from ``wait`` says how the run stands and harms nothing."""
    run = fl.fetch([f"{echo}/delay/0.3"] * 4, workers=2)
    with pytest.raises(TimeoutError, match=r"not ended after 0\.05 s, it goes on: running"):
        run.wait(timeout=0.05)
    assert run.wait(timeout=60).stats().ok == 4


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
    assert bed.counters("echo")["in_flight"] == 0
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
        run = fl.map(_same, _forever())
        assert run.cancel().wait(timeout=60).state == "cancelled"
    for _ in range(50):
        run = fl.map(_same, range(5)).wait()
        assert run.retry_failed().cancel().wait(timeout=60).state in {"cancelled", "done"}


def _forever():
    while True:
        yield 0


def test_steering_races_the_end():
    """Pause, resume or cancel at the moment of the end must never leave a run that is not ended."""
    for turn in range(300):
        run = fl.map(_same, range(turn % 7))
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


def test_attempts_has_every_one(bed, echo):
    """Against the server's own count: a lost attempt would make a retry storm invisible."""
    bed.configure("echo", error_rate={503: 0.3, 500: 0.1}, reset=0.1)
    run = fl.fetch(
        [f"{echo}/json?n={n}" for n in range(150)], retry=fl.Retry(attempts=4, base=0.01, budget=1)
    ).wait()
    assert run.stats().failed == 0
    attempts, counted = run.attempts(), bed.counters("echo")
    assert attempts.height == counted["requests"] == run.stats().retries + 150
    assert dict(attempts.schema) == {
        "index": pl.UInt32, "key": pl.String, "host": pl.String, "attempt": pl.UInt16, "worker": pl.UInt32,
        "started": pl.Float64, "first_byte": pl.Float64, "finished": pl.Float64, "status": pl.UInt16,
        "error": pl.String, "message": pl.String, "bytes": pl.UInt64, "wait": pl.Float64, "reason": pl.String,
    }  # fmt: skip
    per_item = attempts.group_by("index").agg(pl.col("attempt")).sort("index")
    assert per_item["index"].to_list() == list(range(150))
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in per_item["attempt"].to_list())
    failed = attempts.filter(pl.col("error").is_not_null())
    assert (failed["reason"] == "backoff").all()
    assert failed["wait"].max() <= 0.01 * 4
    assert sum(counted["faults"].values()) == failed.height
    assert run.stats().refused == counted["faults"]["503"]


def test_frame_schema_and_sense(echo):
    """Plots, benches and notebooks read these columns by name and type."""
    run = fl.fetch([f"{echo}/bytes/{n}" for n in range(50)] + [f"{echo}/status/404"], workers=5).wait()
    frame = run.frame()
    assert dict(frame.schema) == SCHEMA
    assert frame.columns == list(SCHEMA)
    assert frame["index"].to_list() == list(range(51))
    ordered = frame.select(
        (pl.col("queued") <= pl.col("started")).all().alias("a"),
        (pl.col("started") <= pl.col("first_byte")).all().alias("b"),
        (pl.col("first_byte") <= pl.col("finished")).all().alias("c"),
        ((pl.col("elapsed") - (pl.col("finished") - pl.col("started"))).abs() < 1e-9).all().alias("d"),
        (pl.col("worker") < 5).all().alias("e"),
        (pl.col("queued") >= 0).all().alias("f"),
    )
    assert all(ordered.row(0)), ordered
    assert frame["bytes"].to_list()[:50] == list(range(50))
    last = frame.row(50, named=True)
    assert (last["ok"], last["status"], last["error"], last["message"]) == (
        False,
        404,
        "StatusError",
        "HTTP 404",
    )
    assert frame["host"].unique().to_list() == [echo]
    assert fl.fetch([]).frame().schema == frame.schema


def test_errors_names_the_knob(echo, refused):
    """The table a person reads first: what failed where, how often, and what to turn."""
    urls = [f"{echo}/status/404"] * 3 + [f"{echo}/bytes/5000"] * 2 + [refused, f"{echo}/html"]
    run = fl.fetch(urls, max_bytes=1000, parse="json", retry=fl.Retry(attempts=1)).wait()
    table = run.errors()
    assert table.columns == ["error", "host", "count", "example_key", "message", "first", "last", "knob"]
    assert table.select("error", "count").rows() == [
        ("StatusError", 3),
        ("BodyTooLarge", 2),
        ("ConnectFailed", 1),
        ("ParseError", 1),
    ]
    assert table["knob"][1] == "max_bytes"
    assert "accept" in table["knob"][0]
    assert table["example_key"][0] == f"GET {echo}/status/404"
    assert (table["first"] <= table["last"]).all()
    assert fl.fetch([]).errors().schema == table.schema


def test_stats_fields(echo):
    """Every field has a value that fits the others."""
    before = datetime.now(UTC)
    run = fl.fetch((f"{echo}/bytes/100" for _ in range(40)), workers=7).wait()
    stats = run.stats()
    assert (stats.state, stats.total, stats.done, stats.ok, stats.failed) == ("done", 40, 40, 40, 0)
    assert (stats.cached, stats.retries, stats.refused, stats.bytes) == (0, 0, 0, 4000)
    assert (stats.in_flight, stats.parked, stats.workers, stats.errors, stats.eta) == (0, 0, 7, {}, None)
    assert stats.mean_rate == pytest.approx(40 / stats.elapsed)
    assert stats.rate > 0
    assert 0 < stats.cpu_s < 60
    assert 10e6 < stats.rss_peak < 4e9
    assert before <= stats.started_at <= datetime.now(UTC)
    with pytest.raises(AttributeError):
        stats.done = 1


def test_concurrency_is_the_brute_force_count(bed, echo):
    """The curve must be what actually overlapped, and never above the limit."""
    bed.configure("echo", jitter=0.5, latency=0.01, error_rate={503: 0.1})
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(120)], workers=6, retry=QUICK).wait()
    curve, attempts = run.concurrency(), run.attempts()
    spans = attempts.select("started", "finished").rows()
    for time_, in_flight, limit in curve.select("time", "in_flight", "limit").rows():
        assert in_flight == sum(started <= time_ < finished for started, finished in spans)
        assert in_flight <= limit == 6
    assert curve["in_flight"].max() == 6
    assert curve["in_flight"][-1] == 0
    assert set(curve["time"]) >= set(attempts["started"]) | set(attempts["finished"])


def test_concurrency_of_a_cancelled_run_has_no_ghosts(bed, echo):
    """An item cancelled while it backed off made no further attempt, though it ended."""
    bed.configure("echo", error_rate={503: 1.0})
    run = fl.fetch(
        [f"{echo}/json?n={n}" for n in range(30)], workers=5, retry=fl.Retry(attempts=3, base=1e4, cap=1e4)
    )
    until(lambda: run.stats().parked == 30, "all to wait")
    run.cancel().wait()
    assert run.stats().errors == {"Cancelled": 30}
    assert run.attempts().height == bed.counters("echo")["requests"] == 30
    assert run.concurrency()["in_flight"].max() <= 5
    bed.configure("echo", error_rate={})
    assert run.retry_failed().wait().stats().ok == 30


def test_files_named_in_no_encoding():
    """Names from an old disk hold lone surrogates, which no table takes: the run must not hang on them."""
    names = ["film\udce9.mkv", "ok.mkv"]
    run = fl.map(str.upper, names * 2100).wait(timeout=60)
    assert run.stats().ok == 4200
    assert run.frame()["key"].to_list()[:2] == ["film\\udce9.mkv", "ok.mkv"]
    broken = fl.map(_raise_item, names, key=lambda item: item).wait(timeout=60)
    assert broken.errors()["count"].sum() == 2
    assert broken.attempts().height == 2


def _raise_item(item):
    raise ValueError(item)


def test_a_key_that_raises_loses_nothing():
    """The key function is the user's: its KeyError must not cost the value."""
    run = fl.map(_same, [{"id": 1}, {}], key=lambda item: item["id"]).wait(timeout=60)
    assert run.result() == [{"id": 1}, {}]
    assert run.frame()["key"].to_list() == ["1", "<key raised KeyError: 'id'>"]


def test_repr_and_html(echo):
    """What a cell shows."""
    run = fl.fetch([f"{echo}/status/404"] * 2).wait()
    assert repr(run).startswith("Run(done 2/2 100%")
    assert "StatusError 2" in run._repr_html_()


def test_text_progress(capsys):
    """``progress=True`` in a script writes to standard error, and only there."""
    fl.map(_same, range(10), progress=True).wait()
    captured = capsys.readouterr()
    assert "done 10/10 100%" in captured.err
    assert captured.out == ""
    fl.map(_same, range(10)).wait()
    assert capsys.readouterr().err == ""


def test_rss_peak_is_this_process_alone():
    """A bench in a fresh process must not report the memory of the notebook that started it."""
    ballast = bytes(300_000_000)
    code = "from fetchlab.engine.snapshot import process_usage; print(process_usage()[1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 5e6 < int(done.stdout) < 200e6 < len(ballast)


def test_an_input_that_raises_is_told_to_whoever_iterates(bed):
    """A reader of the run alone would take a cut-off input for a whole one."""

    def broken():
        yield 1
        raise ValueError("the input broke")

    run = fl.map(_same, broken())
    seen = []
    with pytest.raises(ValueError, match="the input broke"):
        seen.extend(result.value for result in run)
    assert run.stats().total is None


def test_an_idle_loop_over_results_can_be_interrupted():
    """Ctrl-C would do nothing while a slow run is read, and only a kill would end the process."""
    code = (
        "import asyncio, fetchlab as fl, os, signal, threading\n"
        "async def slow(x): await asyncio.sleep(60)\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try:\n    list(fl.map(slow, [1]))\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "interrupted\n"


def test_attempts_are_numbered_on_when_failed_items_are_tried_again():
    """A run that was tried again would show fewer attempts than were made, and two with one number."""
    calls = []

    def fails_once(item):
        calls.append(item)
        if len(calls) == 1:
            raise ValueError("the first time")
        return item

    run = fl.map(fails_once, ["a"]).wait()
    run.retry_failed().wait()
    assert run.results()[0].attempts == 2
    assert run.attempts()["attempt"].to_list() == [1, 2]
    assert run.stats().retries == 1
