"""One loop on one thread; processes end cleanly; forked children start anew."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import fetchlab as fl
from fetchlab import loop

BODIES = {
    "after wait": "fl.fetch([url] * 20).wait()",
    "without wait": "run = fl.fetch([url] * 20)",
    "mid-run": """
run = fl.fetch((f"{url}?n={n}" for n in range(10**9)), workers=50)
next(iter(run))""",
    "backing off": """
run = fl.fetch([url.replace("json", "status/503")] * 9, retry=fl.Retry(base=1e4, cap=1e4))
while run.stats().parked < 9:
    time.sleep(0.01)""",
    "with an exception": """
fl.fetch([url] * 20)
raise SystemError("mine")""",
    "plain tasks under way": """
run = fl.map(lambda n: time.sleep(0.001), iter(int, 1))
next(iter(run))""",
    "a hanging plain task": """
fl.map(lambda n: time.sleep(600), [1], timeout=0.1, retry=fl.Retry(attempts=1)).wait()""",
    "async tasks under way": """
async def task(n):
    await asyncio.sleep(0.001)
run = fl.map(task, iter(int, 1), keep=False)
next(iter(run))""",
    "an async input": """
async def numbers():
    while True:
        yield url
        await asyncio.sleep(0)
run = fl.fetch(numbers(), workers=3)
next(iter(run))""",
    "the other wire": """
run = fl.fetch([url] * 20, client=fl.Client("httpx"))
next(iter(run))""",
}


def _process(body, url):
    code = f"import asyncio, time\nimport fetchlab as fl\nurl = {url!r}\n{body}\n"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


def _exits(echo, count):
    """Run that many short processes, four at a time."""
    names = [list(BODIES)[n % len(BODIES)] for n in range(count)]
    with ThreadPoolExecutor(4) as pool:
        return list(
            zip(names, pool.map(lambda name: _process(BODIES[name], f"{echo}/json"), names), strict=True)
        )


def _check(outcomes):
    for name, done in outcomes:
        if name == "with an exception":
            assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "SystemError: mine"), done.stderr
            assert done.stderr.count("Traceback") == 1
        else:
            assert (done.returncode, done.stderr) == (0, ""), f"{name}: {done.returncode}\n{done.stderr}"


def test_short_processes_end_cleanly(echo):
    """A client that outlives its loop aborts the interpreter about once in twelve processes."""
    _check(_exits(echo, 20))


@pytest.mark.slow
def test_many_short_processes_end_cleanly(echo):
    """The same 200 times, for what happens rarely."""
    _check(_exits(echo, 200))


def test_one_thread_serves_all():
    """A loop per run would be a pool of connections per run."""
    loops = {id(loop.get())}
    threads = [threading.Thread(target=lambda: loops.add(id(loop.get()))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loops) == 1
    assert [thread.name for thread in threading.enumerate()].count("fetchlab") == 1
    assert not loop.on_loop_thread()
    assert asyncio.run_coroutine_threadsafe(_on_it(), loop.get()).result(30)


async def _on_it():
    return loop.on_loop_thread()


def test_closing_ends_runs_and_the_next_use_starts_anew(echo):
    """Runs first, clients then, and all of it again afterwards."""
    client = fl.Client()
    run = fl.fetch((f"{echo}/json?n={n}" for n in range(10**9)), client=client)
    next(iter(run))
    loop.close()
    loop.close()
    assert run.state == "cancelled"
    assert fl.fetch([f"{echo}/json"] * 3, client=client).wait(timeout=60).stats().ok == 3
    assert fl.fetch([f"{echo}/json"] * 3).wait(timeout=60).stats().ok == 3
    client.close()


def test_closers_run_in_order():
    """A client closed before its runs would fail every request in flight."""
    seen = []

    def closer(name):
        async def close():
            seen.append(name)
            if name == "run":  # what is being closed may open something still
                loop.on_close(closer("late client"), order=20)

        return close

    loop.get()
    loop.on_close(closer("client"), order=20)
    loop.on_close(closer("run"), order=10)
    forget = loop.on_close(closer("gone"), order=15)
    forget()
    forget()
    loop.close()
    assert seen == ["run", "client", "late client"]


def test_a_system_exit_inside_a_tasks_own_task_does_not_end_the_loop():
    """A task of a user's task is not ours to guard, but the engine must live on."""

    async def task(item):
        inner = asyncio.ensure_future(_exit())
        await asyncio.wait([inner])
        inner.exception()
        return item

    run = fl.map(task, [1, 2])
    assert run.wait(timeout=60).result() == [1, 2]


async def _exit():
    await asyncio.sleep(0)
    raise SystemExit(3)


@pytest.mark.skipif(not hasattr(loop.os, "fork"), reason="needs fork")
def test_a_forked_child_starts_its_own(echo):
    """Multiprocessing forks on Linux: the child's fetch must not wait for its parent's thread for ever."""
    code = f"""
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import fetchlab as fl
urls = ["{echo}/json"] * 5
client = fl.Client("httpx")
assert fl.fetch(urls).wait().stats().ok == 5
assert fl.fetch(urls, client=client).wait().stats().ok == 5
pid = os.fork()
if pid == 0:
    try:
        ok = fl.fetch(urls).wait(timeout=30).stats().ok
        ok += fl.fetch(urls, client=client).wait(timeout=30).stats().ok
    finally:
        os._exit(0 if ok == 10 else 3)
_, status = os.waitpid(pid, 0)
assert fl.fetch(urls).wait().stats().ok == 5, "the parent's connections were touched"
sys.exit(os.waitstatus_to_exitcode(status))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
