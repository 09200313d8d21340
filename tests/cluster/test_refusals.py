"""What cannot work says so at the call, and what to do; and what happens when the cluster goes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest
from tests.engine.runs import until

import fetchlab as fl
from fetchlab import errors
from fetchlab.cluster import link

NOBODY = "tcp://127.0.0.1:1"


def nap_of(seconds):
    """A function that crosses by value: processes that are started here know no tests."""

    async def nap(item):
        await asyncio.sleep(seconds)
        return item

    return nap


nap = nap_of(0.02)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"client": 8786}, "takes a distributed.Client or a scheduler's address"),
        ({"client": NOBODY, "chunk": 0}, "chunk"),
        ({"client": NOBODY, "chunk": "1s"}, "chunk"),
        ({"client": NOBODY, "workers_per_node": 0}, "workers_per_node"),
        ({"client": NOBODY, "workers_per_node": True}, "workers_per_node"),
    ],
)
def test_the_knobs_are_checked_when_they_are_given(knobs, said):
    """A wrong one would otherwise be found on the machines, for every item."""
    with pytest.raises(errors.ConfigError, match=said):
        fl.Dask(**knobs)


@pytest.mark.parametrize(
    ("make", "knob"),
    [
        (lambda: fl.Client(robots=True), "robots"),
        (lambda: fl.Client(keep_cookies=True), "keep_cookies"),
        (lambda: fl.Client(auth=lambda request: {"X": request.url}), "auth"),
    ],
)
def test_what_lives_on_this_loop_only_is_refused(make, knob):
    """On ten machines each would keep cookies, and ask for robots.txt, of its own."""
    with pytest.raises(errors.ConfigError, match=rf"^{knob}: .*not on a cluster"):
        fl.fetch(["http://127.0.0.1:1/"], client=make(), strategy=fl.Dask(NOBODY))


def test_what_cannot_be_packed_is_refused():
    """Before anything is sent, and under the name of the knob."""
    lock = threading.Lock()
    with pytest.raises(errors.ConfigError, match=r"^task: cannot cross to a cluster's workers.*lock"):
        fl.map(lambda item: lock and item, [1], strategy=fl.Dask(NOBODY))
    with pytest.raises(errors.ConfigError, match=r"^parse: cannot cross"):
        fl.fetch(["http://127.0.0.1:1/"], parse=lambda _: lock, strategy=fl.Dask(NOBODY))


def test_a_scheduler_that_does_not_answer(monkeypatch):
    """A traceback of Dask's tells nobody which knob it was."""
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.2)
    with pytest.raises(errors.ConfigError, match=rf"no Dask scheduler answers at {NOBODY}.*dask scheduler"):
        fl.map(nap, [1], strategy=fl.Dask(NOBODY))


def test_calls_that_do_not_go_out_say_so(tmp_path):
    """A call that ignores its strategy would run on one machine and look as if it were many."""
    with pytest.raises(errors.ConfigError, match="does not go out to a cluster"):
        fl.download(["http://127.0.0.1:1/"], to=tmp_path, strategy=fl.Dask(NOBODY))


def test_without_the_extra_one_line_says_what_to_install():
    """Whoever has no Dask should not need to read a traceback of an import."""
    code = "import sys; sys.modules['distributed'] = None; import fetchlab as fl; fl.Dask('tcp://h:1')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("strategy: needs Dask: pip install 'fetchlab[dask]'")


@pytest.fixture
def processes(tmp_path):
    """``processes(...)`` starts one of Dask's programs and returns it with the address that it prints."""
    with ExitStack() as stack:

        def start(*args, **env):
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + args[0], *args[1:]],
                stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, **env},
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.stderr.close)
            stack.callback(process.kill)
            sign = {"scheduler": "Scheduler at:", "worker": "Registered to:"}[args[0]]
            said = next(line for line in process.stderr if sign in line)
            return process, "tcp://" + said.split("tcp://")[1].strip()

        yield start


def test_a_cluster_without_workers_or_with_others_versions(processes, tmp_path):
    """Bytecode of another Python, or classes of another fetchlab, fail in ways that nobody understands."""
    _, address = processes("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with pytest.raises(errors.ConfigError, match=f"has no workers; start some: dask worker {address}"):
        fl.map(nap, [1], strategy=fl.Dask(address))
    old = tmp_path / "fetchlab-0.0.9.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: fetchlab\nVersion: 0.0.9\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    processes("worker", address, "--no-nanny", "--no-dashboard", PYTHONPATH=path)
    said = rf"install the same versions.*fetchlab {fl.__version__} here, 0\.0\.9 on tcp://127"
    with pytest.raises(errors.ConfigError, match=said):
        fl.map(nap, [1], strategy=fl.Dask(address))


def test_a_lost_scheduler_stops_the_run_and_its_journal_goes_on(processes, tmp_path):
    """What is done is kept, nothing fails, and the same call goes on, here without a cluster."""
    scheduler, address = processes("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    processes("worker", address, "--no-nanny", "--no-dashboard")
    items, where = list(range(3000)), tmp_path / "run.db"
    run = fl.map(nap, items, journal=where, strategy=fl.Dask(address, chunk=0.1))
    until(lambda: run.stats().done > 100)
    scheduler.send_signal(signal.SIGKILL)
    with pytest.raises(errors.ClusterError, match=r"scheduler is lost.*journal="):
        run.wait(60)
    assert run.state == "stopped"
    assert run.stats().failed == 0
    done = run.stats().ok
    assert 100 < done < 3000
    again = fl.map(nap, items, journal=where, workers=500)
    assert again.result() == items
    assert again.stats().earlier == done


def test_a_module_that_the_workers_do_not_have(processes):
    """The usual surprise: a function of one's own module is sent by its name."""
    _, address = processes("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    processes("worker", address, "--no-nanny", "--no-dashboard")
    run = fl.map(until, range(5), strategy=fl.Dask(address)).wait()
    assert run.stats().failed == 5
    assert "cannot be loaded on a cluster's worker: ModuleNotFoundError" in str(run.results()[0].error)


def test_a_cluster_that_does_not_fit_is_told_of(fetchlab, monkeypatch, processes):
    """The exit code is what a job script goes by; the line says what to do."""
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.2)
    nobody = fetchlab("cluster-check", NOBODY)
    assert nobody.code == 1
    assert "dask scheduler" in nobody.out
    monkeypatch.setattr(link, "CONNECT_SECONDS", 10.0)
    _, address = processes("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    empty = fetchlab("cluster-check", address)
    assert empty.code == 1
    assert f"dask worker {address}" in empty.out
