"""What cannot work says so at the call, and what to do; and what happens when the cluster goes."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack

import polars as pl
import pytest
from tests.engine.runs import until

import fetchlab as fl
from fetchlab import errors, loop
from fetchlab.cluster import check, link
from fetchlab.cluster.parcels import Parcel

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Dask leaves sockets to the dead unclosed, whenever they are found: see ``processes``."""

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
        ({"client": "tcp://me:hush@127.0.0.1:1"}, "no user and no password; give tcp://HOST:PORT$"),
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


def test_a_port_that_is_another_programs(monkeypatch):
    """The dashboard's, say, which is printed beside the scheduler's: Dask itself would wait for ever."""
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(errors.ConfigError, match=r"no Dask scheduler answers.*the dashboard's port"):
            fl.map(nap, [1], strategy=fl.Dask(address))


def test_a_port_that_speaks_another_language(monkeypatch):
    """Dask takes the first words for a length: of HTTP it would be exabytes."""
    monkeypatch.setattr(link, "CONNECT_SECONDS", 5.0)
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer():
            taken, _ = other.accept()
            with taken:
                taken.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                taken.recv(1)

        speaker = threading.Thread(target=answer)
        speaker.start()
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(errors.ConfigError, match="no Dask scheduler answers"):
            fl.map(nap, [1], strategy=fl.Dask(address))
        speaker.join()


def test_an_address_that_wants_certificates():
    """Without any Dask raises what no handler of ours would catch."""
    with pytest.raises(errors.ConfigError, match=r"^strategy: no Dask scheduler answers at tls://.*TLS"):
        fl.map(nap, [1], strategy=fl.Dask("tls://127.0.0.1:1"))


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
def address():
    """That of a scheduler without workers; it is in this process, for one of its own takes long to start."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=logging.CRITICAL) as cluster:
        yield cluster.scheduler_address


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
    gc.collect()  # what Dask has left open is found here, not in the tests that come next


def workers_at(address):
    """The workers that a scheduler knows."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return client.nthreads()


def test_a_cluster_without_workers_or_with_others_versions(address, processes, tmp_path, caplog):
    """Bytecode of another Python, or classes of another fetchlab, fail in ways that nobody understands.

    A worker that joins later would soon have failed with all that is left.
    """
    with pytest.raises(errors.ConfigError, match=f"has no workers; start some: dask worker {address}"):
        fl.map(nap, [1], strategy=fl.Dask(address))
    good, _ = processes("worker", address, "--no-nanny", "--no-dashboard")
    run = fl.map(nap_of(0.05), range(10_000), strategy=fl.Dask(address, chunk=0.2))
    until(lambda: run.stats().done > 0)
    old = tmp_path / "fetchlab-0.0.9.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: fetchlab\nVersion: 0.0.9\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    processes("worker", address, "--no-nanny", "--no-dashboard", PYTHONPATH=path)
    until(lambda: "not used: fetchlab" in caplog.text)
    done = run.stats().done
    until(lambda: run.stats().done > done + 50)
    assert run.workers == 20
    good.kill()
    until(lambda: "a worker of the cluster" in run.stats().waits)
    run.cancel().wait()
    assert run.errors().filter(pl.col("error") != "Cancelled").is_empty()
    said = rf"install the same versions.*fetchlab {fl.__version__} here, 0\.0\.9 on tcp://127"
    until(lambda: len(workers_at(address)) == 1)
    with pytest.raises(errors.ConfigError, match=said):
        fl.map(nap, [1], strategy=fl.Dask(address))


def test_a_lost_scheduler_stops_the_run_and_its_journal_goes_on(processes, tmp_path, monkeypatch):
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
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.2)
    with pytest.raises(errors.ConfigError, match="no Dask scheduler answers"):
        run.retry_failed().wait(60)
    again = fl.map(nap, items, journal=where, workers=500)
    assert again.result() == items
    assert again.stats().earlier == done


def test_a_module_that_the_workers_do_not_have(address, processes):
    """The usual surprise: a function of one's own module is sent by its name."""
    processes("worker", address, "--no-nanny", "--no-dashboard")
    run = fl.map(until, range(5), strategy=fl.Dask(address)).wait()
    assert run.stats().failed == 5
    assert "cannot be loaded on a cluster's worker: ModuleNotFoundError" in str(run.results()[0].error)


def test_a_cluster_that_does_not_fit_is_told_of(fetchlab, monkeypatch, address):
    """The exit code is what a job script goes by; the line says what to do."""
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.2)
    nobody = fetchlab("cluster-check", NOBODY)
    assert nobody.code == 1
    assert "dask scheduler" in nobody.out
    monkeypatch.setattr(link, "CONNECT_SECONDS", 10.0)
    empty = fetchlab("cluster-check", address)
    assert empty.code == 1
    assert f"dask worker {address}" in empty.out
    secret = fetchlab("cluster-check", "tcp://me:hush@127.0.0.1:8786")
    assert secret.code not in (0, None)
    assert "hush" not in secret.out + secret.err


def test_a_worker_that_hangs_is_named(fetchlab, monkeypatch, address, processes):
    """It is asked for its versions like all others, and a call or a check would wait with it."""
    from distributed import Client

    for module in (link, check):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 0.5)
    worker, _ = processes("worker", address, "--no-nanny", "--no-dashboard")
    worker.send_signal(signal.SIGSTOP)
    (where,) = workers_at(address)
    with pytest.raises(errors.ConfigError, match=r"a worker .* does not answer; fetchlab cluster-check tcp"):
        fl.map(nap, [1], strategy=fl.Dask(address))
    checked = fetchlab("cluster-check", address, "--json")
    assert checked.code == 1
    assert f"{where} was last heard of" in checked.out
    monkeypatch.setattr(link, "CLOCK_SECONDS", 0.2)
    with Client(address, set_as_default=False) as client:
        one = link.Link(client, "t", Parcel(b""), own=False)
        assert loop.submit(one.poll()).result() == ({}, {})
        processes("worker", address, "--no-nanny", "--no-dashboard")
        (other,) = client.nthreads().keys() - {where}
        threads, clocks = loop.submit(one.poll()).result()
        assert set(threads) == set(clocks) == {other}, "nobody waits with it who comes later"
        worker.kill()
