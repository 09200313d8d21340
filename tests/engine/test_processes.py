"""Worker processes: what crosses and what does not, and what a task finds there."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import threading
from dataclasses import dataclass

import msgspec
import pydantic
import pytest

import fetchlab as fl
from fetchlab import errors
from fetchlab.engine.strategies import plan_of

ONCE = fl.Retry(attempts=1)
SOON = fl.Retry(attempts=3, base=0.01)


def pid(item):
    return os.getpid()


def test_the_plan():
    """Everything else asks the plan, never the strategy's class."""
    assert plan_of(fl.Processes(3), None, plain=True).place == "processes"
    assert plan_of(fl.Threads(3), None, plain=False).place == "threads"
    assert plan_of(fl.Async(3), None, plain=True).place == "threads"
    assert plan_of(fl.Async(3), None, plain=False).place == "loop"
    assert fl.Processes().n == (os.cpu_count() or 1)


def test_items_are_served_elsewhere_by_as_many_processes():
    """A pool that starts a process per item, or none, would look the same from its values."""
    pids = fl.map(pid, range(40), strategy=fl.Processes(2)).result()
    assert len(set(pids)) <= 2
    assert os.getpid() not in pids


def test_what_a_worker_imports():
    """Every worker pays for it, and with 16 of them polars alone would be a gigabyte."""
    loaded, main, interrupt = fl.map(
        lambda item: (
            sorted(sys.modules), sorted(vars(sys.modules["__main__"])), signal.getsignal(signal.SIGINT)
        ), [1], strategy=fl.Processes(1)
    ).result()[0]  # fmt: skip
    heavy = {"polars", "altair", "IPython", "httpx", "pyreqwest", "msgspec", "asyncio", "fetchlab.engine.run"}
    assert not heavy & set(loaded)
    assert "json" in main
    assert interrupt == signal.SIG_IGN, "Ctrl-C would kill workers under the run"


@dataclass
class Point:
    x: int


def test_values_cross_whole():
    """Classes of modules, of functions and of nowhere; the same class on both sides."""

    @dataclass
    class Local:
        x: int

    class Model(pydantic.BaseModel):
        x: int

    made = [
        Point(1),
        Local(2),
        Model(x=4),
        b"\0" * 3_000_000,
        {"a": (1, [None])},
        fl.Request("http://h/", "PUT"),
    ]
    came = fl.map(lambda item: item, made, strategy=fl.Processes(2)).result()
    assert came[:5] == made[:5]
    assert (came[5].url, came[5].method) == ("http://h/", "PUT")
    (response,) = fl.map(lambda _: Local(7), [0], strategy=fl.Processes(1)).result()
    assert type(response) is Local


class Struct(msgspec.Struct):
    x: int


def test_a_struct_crosses_if_its_module_can_be_imported(echo):
    """One of a cell is packed without a word and then cannot be made again: it must be said at the call."""

    class OfCell(msgspec.Struct):
        x: int

    assert fl.map(lambda item: item, [Struct(1)], strategy=fl.Processes(1)).result() == [Struct(1)]
    with pytest.raises(
        errors.ConfigError, match=r"parse: .*OfCell is a msgspec Struct.*define it in a module"
    ):
        fl.fetch([f"{echo}/json"], parse=OfCell, strategy=fl.Processes(1))
    run = fl.map(lambda item: item, [OfCell(1)], strategy=fl.Processes(1)).wait()
    assert "define it in a module" in str(run.results()[0].error)


@pytest.mark.parametrize("item", [threading.Lock(), (n for n in "ab")], ids=["lock", "generator"])
def test_an_item_that_cannot_cross(item):
    """It is that item's error, and says what to give instead."""
    run = fl.map(lambda item: 1, [1, item, 2], strategy=fl.Processes(1), retry=SOON)
    assert run.result() == [1, None, 1]
    error = run.results()[1].error
    assert isinstance(error, errors.TaskError)
    assert "the item cannot cross" in str(error)
    assert "plain data" in str(error)
    assert error.attempts == 1


def _lock(item):
    return threading.Lock() if item == 1 else item


class _Trap:
    def __reduce__(self):
        return _spring, ()


def _spring():
    if not any("fetchlab.engine.child" in word for word in sys.orig_argv):
        raise RuntimeError("sprung")


@pytest.mark.parametrize("task", [_lock, lambda item: _Trap() if item == 1 else item], ids=["out", "in"])
def test_a_value_that_cannot_cross(task):
    """Whether it cannot leave the worker or not arrive here: one item's error, and the worker lives on."""
    run = fl.map(task, range(3), strategy=fl.Processes(1))
    assert run.result() == [0, None, 2]
    assert "the value cannot cross back from a worker process" in str(run.results()[1].error)


def test_a_function_that_cannot_cross():
    """Known at the call, so it is said there and not ten thousand times."""
    lock = threading.Lock()

    def locked(item):
        with lock:
            return item

    with pytest.raises(errors.ConfigError, match=r"task: cannot cross.*lock"):
        fl.map(locked, [1], strategy=fl.Processes(1))


def test_a_parser_that_cannot_cross(echo):
    """The knob that is named must be the one to change."""
    lock = threading.Lock()
    with pytest.raises(errors.ConfigError, match=r"parse: cannot cross.*lock"):
        fl.fetch([f"{echo}/json"], strategy=fl.Processes(1), parse=lambda response: lock)


def test_an_exception_that_cannot_cross_is_described():
    """Its name and text are what a reader needs; our own classes are what the retry decides by."""

    class Held(Exception):
        def __init__(self, text):
            super().__init__(text)
            self.lock = threading.Lock()

    class HeldBusy(errors.Retriable):
        def __init__(self, text):
            super().__init__(text)
            self.lock = threading.Lock()

    def task(item):
        raise (Held if item else HeldBusy)("busy api_key=abcdefgh12345678")

    run = fl.map(task, [0, 1], strategy=fl.Processes(1), retry=SOON)
    again, once = run.results()
    assert (type(again.error).__name__, again.attempts) == ("HeldBusy", 3)
    assert isinstance(again.error, errors.Retriable)
    assert (type(once.error), once.attempts) == (errors.TaskError, 1)
    assert str(once.error) == "Held: busy api_key=***"


def hidden(task, item):
    return task(item)


def test_async_functions():
    """Decorators hide that a function is async; a loop of the worker's own keeps what they opened."""

    async def task(item):
        await asyncio.sleep(0)
        return item, id(asyncio.get_running_loop())

    for function in (task, functools.partial(hidden, task)):
        values = fl.map(function, range(5), strategy=fl.Processes(1)).result()
        assert [item for item, _ in values] == list(range(5))
        assert len({loop for _, loop in values}) == 1


def test_what_a_task_prints_or_asks_does_not_disturb(capfd):
    """Answers travel beside standard output: a print inside a task must not be taken for one."""

    def task(item):
        print("hello from", item)
        try:
            return input()
        except EOFError:
            return "nobody there"

    assert fl.map(task, [1], strategy=fl.Processes(1)).result() == ["nobody there"]
    assert "hello from 1" in capfd.readouterr().err


def test_keep_false_and_follow():
    """The other knobs do not know where a task runs."""
    run = fl.map(
        lambda item: item * 2, iter([1, 2, 3]), strategy=fl.Processes(2), keep=False,
        follow=lambda result: [result.value] if result.value < 10 else None,
    )  # fmt: skip
    assert sorted(result.value for result in run) == [2, 4, 4, 6, 8, 8, 12, 16, 16]


@pytest.mark.parametrize("parse", ["response", len], ids=["response", "raises"])
def test_fetch_parses_in_the_worker(echo, parse):
    """That is what it is for; and a whole response crosses, its headers too."""
    run = fl.fetch([f"{echo}/bytes/100"], strategy=fl.Processes(1), parse=parse)
    (result,) = run.results()
    assert (result.status, result.bytes) == (200, 100)
    assert result.started <= result.first_byte <= result.finished
    if parse == "response":
        assert result.value.headers["Content-Length"] == "100"
    else:
        assert "parse raised TypeError" in str(result.error)


def test_fetch_elsewhere(echo):
    """The parser runs in another process, each request once."""
    run = fl.fetch([f"{echo}/json"] * 6, strategy=fl.Processes(2), parse=pid)
    assert 1 <= len(set(run.result()) - {os.getpid()}) <= 2
