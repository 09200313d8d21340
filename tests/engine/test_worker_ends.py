"""Workers that die, hang, or are wanted no more: items lose nothing, and nobody is left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import fetchlab as fl
from engine.children import eventually, gone, workers
from fetchlab import errors

ONCE = fl.Retry(attempts=1)
SOON = fl.Retry(attempts=3, base=0.01)


def pid(item):
    return os.getpid()


def _die(item):
    if item == 3:
        os._exit(7)
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 7:
        ctypes.string_at(0)
    if item == 9:
        threading.Timer(0.001, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return bytes(60_000_000)
    return item


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals")
def test_a_worker_that_dies_is_its_items_error_and_is_replaced():
    """One broken item must not cost the pool, nor its neighbours, nor be tried until all workers died."""
    run = fl.map(_die, range(12), strategy=fl.Processes(2), retry=SOON).wait(timeout=60)
    failed = {result.index: result for result in run if not result.ok}
    assert set(failed) - {9} == {3, 5, 7}
    assert all(type(result.error) is errors.TaskError and result.attempts == 1 for result in failed.values())
    assert str(failed[3].error) == "the worker process died (exit code 7)"
    assert "the worker process died (signal 9, SIGKILL" in str(failed[5].error)
    assert "signal 11, SIGSEGV" in str(failed[7].error)


def test_a_worker_killed_between_items_costs_none():
    """The system may take an idle worker when memory is short: no item was in it."""
    gate = threading.Event()

    def items():
        yield 1
        gate.wait(60)
        yield 2

    run = fl.map(pid, items(), strategy=fl.Processes(1))
    first = next(iter(run)).value
    os.kill(first, signal.SIGKILL)
    eventually(lambda: gone(first))
    gate.set()
    assert run.wait(timeout=60).stats().ok == 2
    assert run.result()[1] != first


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_death_is_noticed_although_a_child_of_the_task_holds_the_pipe(tmp_path):
    """A forked child inherits the pipe, so that its end never comes: the run would hang."""

    def task(item):
        child = os.fork()
        if child == 0:
            time.sleep(600)
        item.write_text(str(child))
        os._exit(5)

    held = tmp_path / "pid"
    run = fl.map(task, [held], strategy=fl.Processes(1)).wait(timeout=60)
    os.kill(int(held.read_text()), signal.SIGKILL)
    assert "exit code 5" in str(run.results()[0].error)


def _hang(item):
    if item < 0:
        time.sleep(600)
    return os.getpid()


def test_a_timeout_kills_the_worker():
    """A thread can only be left behind; a process that hangs must not stay for ever."""
    run = fl.map(_hang, [1, -1, 2], strategy=fl.Processes(1), timeout=0.3, retry=ONCE).wait(timeout=60)
    before, nothing, after = run.result()
    assert isinstance(run.results()[1].error, errors.TimedOut)
    assert "total took longer than 0.3 s" in str(run.results()[1].error)
    assert nothing is None
    assert before != after
    eventually(lambda: gone(before))


def test_the_start_of_a_worker_is_no_part_of_the_timeout():
    """The first item of each worker would time out for what it did not do."""
    run = fl.map(_hang, [1, 2], strategy=fl.Processes(2), timeout=0.05, retry=ONCE)
    assert run.wait(timeout=60).stats().ok == 2


def test_a_run_that_is_cancelled_kills_its_workers():
    """They would go on for hours, and be in the way of the next run."""
    run = fl.map(_hang, [-1] * 5, strategy=fl.Processes(2))
    eventually(lambda: len(workers()) == run.stats().in_flight == 2)
    assert run.cancel().wait(timeout=30).stats().errors == {"Cancelled": 2}
    eventually(lambda: not workers())


def test_cancelled_while_workers_start():
    """One that is just being started belongs to nobody if nobody remembers it."""
    for _ in range(3):
        fl.map(_hang, [-1] * 5, strategy=fl.Processes(2)).cancel().wait(timeout=30)
    eventually(lambda: not workers())


def test_workers_end_with_the_run_and_come_back(tmp_path):
    """Idle processes of ended runs would pile up; ``retry_failed`` needs new ones."""
    mark = tmp_path / "mark"

    def task(item):
        if not mark.exists():
            raise ValueError(item)
        return item

    run = fl.map(task, range(3), strategy=fl.Processes(2)).wait(timeout=60)
    assert run.stats().failed == 3
    eventually(lambda: not workers())
    mark.touch()
    assert run.retry_failed().result() == [0, 1, 2]
    eventually(lambda: not workers())


def test_an_ended_worker_runs_its_exit_handlers(tmp_path):
    """A task may have opened something that must be closed; only what hangs is killed."""
    mark = tmp_path / "mark"

    def task(item):
        import atexit

        atexit.register(mark.touch)

    fl.map(task, [1], strategy=fl.Processes(1)).wait(timeout=60)
    eventually(mark.exists)


def test_processes_follow_the_number_of_workers(tmp_path):
    """``run.workers = n`` on a live run."""

    def task(item):
        (tmp_path / str(item)).touch()
        while not (tmp_path / "go").exists():
            time.sleep(0.01)

    run = fl.map(task, range(6), strategy=fl.Processes(1))
    eventually((tmp_path / "0").exists)
    run.workers = 3
    eventually((tmp_path / "2").exists)
    (tmp_path / "go").touch()
    assert run.wait(timeout=60).stats().ok == 6


def _script(tmp_path, body, name="script.py"):
    path = tmp_path / name
    path.write_text(body)
    return subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_script_needs_no_guard(tmp_path):
    """With ``multiprocessing`` a script without ``if __name__`` starts itself again in every worker."""
    body = """
import fetchlab as fl
print("body")
class Own:
    def __init__(self, x): self.x = x
def double(item): return Own(item.x * 2)
values = fl.map(double, [Own(1), Own(2)], strategy=fl.Processes(2)).result()
print([value.x for value in values], {type(value) for value in values} == {Own})
"""
    done = _script(tmp_path, body)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "body\n[2, 4] True\n")


def test_a_module_that_starts_workers_when_imported_is_told_so(tmp_path):
    """Each worker imports the module of its task, which would start workers, which import it, without end."""
    (tmp_path / "mine.py").write_text("""
import fetchlab as fl
def double(item): return item * 2
run = fl.map(double, [1, 2], strategy=fl.Processes(2)).wait()
""")
    done = _script(tmp_path, "import mine; print(mine.run.errors()['message'][0])")
    assert done.returncode == 0, done.stderr
    assert "cannot be loaded" in done.stdout
    assert '__name__ == "__main__"' in done.stdout


def test_a_task_may_start_workers_of_its_own():
    """Only while a module is imported is it a trap."""

    def task(item):
        return fl.map(abs, [-item], strategy=fl.Processes(1)).result()

    assert fl.map(task, [1, 2], strategy=fl.Processes(1)).result() == [[1], [2]]


BUSY = """
import os, sys, time
import fetchlab as fl
def hang(item):
    os.write(2, f"{os.getpid()}\\n".encode())  # in one piece: another worker writes, too
    time.sleep(600)
run = fl.map(hang, range(4), strategy=fl.Processes(2))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_no_worker_outlives_a_run_that_was_killed():
    """After ``kill -9`` nobody is left to end them but themselves, although they are busy."""
    with subprocess.Popen(
        [sys.executable, "-c", BUSY + "run.wait()"], stderr=subprocess.PIPE, text=True
    ) as parent:
        pids = [int(parent.stderr.readline()) for _ in range(2)]
        assert not any(map(gone, pids))
        parent.kill()
    eventually(lambda: all(map(gone, pids)))


ENDS = {
    "done": "fl.map(abs, range(-9, 0), strategy=fl.Processes(2)).wait()",
    "not waited for": "fl.map(abs, range(-9, 0), strategy=fl.Processes(2))",
    "under way": BUSY,
    "backing off": """
def busy(item): raise fl.errors.Retriable("busy")
run = fl.map(busy, [1, 2], strategy=fl.Processes(2), retry=fl.Retry(base=1e4, cap=1e4))
while run.stats().parked < 2: time.sleep(0.01)""",
    "fetching": """
run = fl.fetch((url for _ in iter(int, 1)), strategy=fl.Processes(2))
next(iter(run))""",
    "fetching in threads": """
run = fl.fetch((url for _ in iter(int, 1)), strategy=fl.Threads(8))
next(iter(run))""",
    "hanging in threads": """
run = fl.fetch([url.replace("json", "delay/30")] * 9, strategy=fl.Threads(8))
while run.stats().in_flight < 8: time.sleep(0.01)""",
    "the other wire in threads": """
run = fl.fetch([url.replace("json", "delay/30")] * 9, strategy=fl.Threads(8), client=fl.Client("httpx"))
while run.stats().in_flight < 8: time.sleep(0.01)""",
    "fetched": "fl.fetch([url] * 9, strategy=fl.Processes(2), client=fl.Client('httpx')).wait()",
    "a worker died": "fl.map(os._exit, [3, 4], strategy=fl.Processes(2)).wait()",
}


@pytest.mark.parametrize("end", ENDS)
def test_short_processes_end_cleanly(echo, end):
    """Whatever was under way: exit code 0, not a word on standard error, nobody left behind."""
    code = f"import os, time\nimport fetchlab as fl\nurl = '{echo}/json'\n{ENDS[end]}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    pids = [int(line) for line in done.stderr.splitlines() if line.isdigit()]
    said = [line for line in done.stderr.splitlines() if not line.isdigit()]
    assert (done.returncode, said) == (0, [])
    eventually(lambda: all(map(gone, pids)))
