"""What a task may be, and what it may do wrong."""

from __future__ import annotations

import asyncio
import functools
import threading
import time

import pytest

import fetchlab as fl
from fetchlab import errors
from fetchlab.engine.tasks import is_plain
from fetchlab.engine.threads import Threads


async def _async(item):
    return item


class _Callable:
    def __call__(self, item):
        return item


class _AsyncCallable:
    async def __call__(self, item):
        return item


@pytest.mark.parametrize(
    ("task", "plain"),
    [
        (_async, False),
        (functools.partial(_async), False),
        (_AsyncCallable(), False),
        (_AsyncCallable().__call__, False),
        (str.upper, True),
        (int, True),
        (len, True),
        (lambda item: item, True),
        (_Callable(), True),
        (functools.partial(pow, 2), True),
    ],
)
def test_plain_or_async(task, plain):
    """A plain function on the loop would stop every other run; an async one in a thread gives a coroutine."""
    assert is_plain(task) is plain
    value = 3 if task is not len and task is not str.upper else "a"
    assert fl.map(task, [value]).wait().stats().ok == 1


def test_a_plain_function_that_returns_an_awaitable_is_awaited():
    """Decorators hide that a function is async."""

    def hidden(item):
        return _async(item)

    assert fl.map(hidden, [1, 2]).result() == [1, 2]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    "raised",
    [
        ValueError("bad"),
        StopIteration(1),
        StopAsyncIteration(),
        SystemExit(3),
        KeyboardInterrupt(),
        BaseException("base"),
        RecursionError(),
        TimeoutError("mine"),
        OSError(2, "x"),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_task_that_raises_is_one_failed_item(asynchronous, raised):
    """Whatever it is: its item fails with its name, its neighbours do not, and the run ends."""

    def plain(item):
        if item == 2:
            raise raised
        return item

    async def task(item):
        return plain(item)

    run = fl.map(task if asynchronous else plain, range(5), workers=2)
    assert run.wait(timeout=60).result() == [0, 1, None, 3, 4]
    (failed,) = [result for result in run if not result.ok]
    assert isinstance(failed.error, errors.TaskError)
    assert (failed.error.item, failed.error.key, failed.error.attempts) == (2, "2", 1)
    assert fl.map(_async, [1]).wait(timeout=60).state == "done", "the loop lives"


def test_a_plain_task_may_even_raise_generator_exit():
    """In a coroutine it means that the coroutine is being closed: a worker that took it so would be lost."""

    def task(item):
        raise GeneratorExit

    assert fl.map(task, range(5), workers=2).wait(timeout=60).stats().errors == {"TaskError": 5}


def test_the_error_says_where_without_holding_frames():
    """A thousand kept errors must not keep a thousand frames with all their locals, yet say the line."""

    def broken(item):
        blob = bytearray(1000)  # noqa: F841
        raise ValueError("bad") from LookupError("why")

    run = fl.map(broken, [1]).wait()
    error = run.results()[0].error
    assert str(error) == "ValueError: bad"
    assert "raised in broken" in error.__notes__[0]
    assert (
        error.__traceback__
        is error.__cause__.__traceback__
        is error.__cause__.__cause__.__traceback__
        is None
    )
    with pytest.raises(errors.TaskError, match="ValueError: bad"):
        run.raise_for_errors()


def test_none_is_a_value():
    """A task that returns None succeeded."""
    run = fl.map(lambda item: None, range(3)).wait()
    assert run.result() == [None] * 3
    assert run.stats().ok == 3


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_task_that_hangs_times_out(asynchronous):
    """Also in a thread, which cannot be stopped: its item ends and takes no slot from the others."""
    gate = threading.Event()

    async def hanging(item):
        if item < 3:
            await asyncio.sleep(3600)
        return item

    def blocking(item):
        if item < 3:
            gate.wait(60)
        return item

    run = fl.map(
        hanging if asynchronous else blocking, range(50), workers=2, timeout=0.2, retry=fl.Retry(attempts=1)
    )
    assert run.wait(timeout=50).stats().errors == {"TimedOut": 3}
    assert run.stats().ok == 47
    gate.set()


def test_a_task_may_ask_for_another_attempt():
    """``Retriable`` is how a task says that it may work next time."""
    tries = []

    def flaky(item):
        tries.append(item)
        if tries.count(item) < 3:
            raise errors.Retriable("busy")
        return item

    run = fl.map(flaky, range(4), retry=fl.Retry(attempts=3, base=0.01))
    assert run.result() == [0, 1, 2, 3]
    assert [result.attempts for result in run.results()] == [3] * 4
    assert run.stats().retries == 8


def test_threads_follow_the_number_of_workers():
    """``run.workers = n`` must also make more threads for a plain function."""
    gate = threading.Event()
    inside = threading.Semaphore(0)

    def task(item):
        inside.release()
        gate.wait(60)

    run = fl.map(task, range(12), workers=2)
    for _ in range(2):
        assert inside.acquire(timeout=60)
    run.workers = 7
    for _ in range(5):
        assert inside.acquire(timeout=60), "a thread is missing"
    gate.set()
    assert run.wait(timeout=60).stats().ok == 12


def test_threads_end_with_the_run_and_come_back():
    """Idle threads of ended runs would pile up; and ``retry_failed`` needs new ones."""
    fails = {1, 2}

    def task(item):
        if item in fails:
            raise ValueError(item)
        return item

    before = threading.active_count()
    run = fl.map(task, range(4), workers=4).wait()
    fails.clear()
    assert run.retry_failed().result() == [0, 1, 2, 3]
    deadline = time.monotonic() + 30
    while threading.active_count() > before + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before + 1


def test_a_thread_is_used_again():
    """A thread per item would be ten times slower."""

    async def main():
        threads = Threads()
        try:
            return {await threads.call(lambda _: threading.get_ident(), n) for n in range(50)}
        finally:
            threads.close()

    assert len(asyncio.run(main())) == 1


def test_fetch_and_wait_inside_a_task():
    """A task may start runs of its own; blocking there would be for ever, so it says so."""

    async def task(item):
        inner = fl.map(_async, [item, item + 1])
        with pytest.raises(errors.ConfigError, match="await the run"):
            inner.wait()
        with pytest.raises(errors.ConfigError, match="async for"):
            next(iter(inner))
        await inner
        seen = [result.index async for result in inner]
        return sorted(seen), inner.result()

    assert fl.map(task, [1, 10]).result() == [([0, 1], [1, 2]), ([0, 1], [10, 11])]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_follow_adds_items(asynchronous):
    """A cursor, a next page, a list and its details: all in one run."""

    async def pages(item):
        return item * 10

    run = fl.map(
        pages if asynchronous else (lambda item: item * 10),
        [1, 2],
        follow=lambda result: [result.item + 10] if result.item < 30 else None,
    )
    assert run.result()[:2] == [10, 20]
    assert sorted(run.result()) == [10, 20, 110, 120, 210, 220, 310, 320]
    assert run.stats().total == 8


@pytest.mark.parametrize("wrong", ["http://h/next", 7])
def test_follow_that_returns_no_list_fails_its_item(wrong):
    """A string would be followed letter by letter."""
    run = fl.map(_async, [1], follow=lambda result: wrong).wait()
    assert run.stats().errors == {"TaskError": 1}
    assert "follow" in run.errors()["message"][0]
    assert run.stats().total == 1


def test_follow_that_raises_fails_its_item():
    """The message must say that it was ``follow`` and not the task."""
    run = fl.map(_async, [1, 2], follow=lambda result: [][result.item]).wait()
    assert run.errors()["message"].to_list() == ["follow raised IndexError: list index out of range"]
    assert run.stats().failed == 2
