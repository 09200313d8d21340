"""Whoever waits for a run, in whatever thread or loop: each gets every result, and hears of the end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError

from .runs import same, until


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
        same, list(range(3_000)), workers=4, order="input", keep=False,
        follow=lambda result: [-1, -1] if result.item >= 0 else (),
    )  # fmt: skip
    seen = [result.value for result in run]
    assert seen == list(range(3_000)) + [-1] * 6_000


def test_keep_false_holds_the_input_back():
    """With a reader that sleeps, an endless input must not flow into memory."""
    read = []

    def endless():
        number = 0
        while True:
            read.append(number)
            yield number
            number += 1

    run = fl.map(same, endless(), workers=8, keep=False)
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
    run = fl.map(same, range(100), keep=False)
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
    run = fl.map(same, range(20_000), keep=False)
    for _ in run:
        break
    assert run.wait(timeout=60).stats().ok == 20_000


def test_keep_false_wait_discards():
    """Waiting without a reader would otherwise hang when the window is full."""
    run = fl.map(same, iter(range(20_000)), keep=False)
    assert run.wait(timeout=60).stats().ok == 20_000
    assert run._recorder.values == {}
    assert not run._recorder.unread


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
        run = fl.map(same, _broken())

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
    run = fl.map(same, _broken())
    with pytest.raises(LookupError, match="the input broke"):
        run.wait()
    assert run.state == "stopped"
    assert run.result() == list(range(10))
    assert run.retry_failed().wait().state == "stopped"


def test_an_input_that_raises_is_told_to_whoever_iterates(bed):
    """A reader of the run alone would take a cut-off input for a whole one."""

    def broken():
        yield 1
        raise ValueError("the input broke")

    run = fl.map(same, broken())
    seen = []
    with pytest.raises(ValueError, match="the input broke"):
        seen.extend(result.value for result in run)
    assert run.stats().total is None


def test_wait_with_a_timeout_goes_on(echo):
    """A TimeoutError from ``wait`` says how the run stands and harms nothing."""
    run = fl.fetch([f"{echo}/delay/0.3"] * 4, workers=2)
    with pytest.raises(TimeoutError, match=r"not ended after 0\.05 s, it goes on: running"):
        run.wait(timeout=0.05)
    assert run.wait(timeout=60).stats().ok == 4


def test_text_progress(capsys):
    """``progress=True`` in a script writes to standard error, and only there."""
    fl.map(same, range(10), progress=True).wait()
    captured = capsys.readouterr()
    assert "done 10/10 100%" in captured.err
    assert captured.out == ""
    fl.map(same, range(10)).wait()
    assert capsys.readouterr().err == ""


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
