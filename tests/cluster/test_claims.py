"""The long versions: kills at random moments, a cap while machines come and go, the whole catalogue."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from contextlib import suppress

import pytest
from tests.engine.runs import until

import fetchlab as fl
from fetchlab.errors import ClusterError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # sockets of dead workers
]

KILLS = 10
CAP = 50


async def nap(item):
    await asyncio.sleep(0.02)
    return item


def test_workers_killed_at_random_moments(dask, bed, echo):
    """Nothing is lost, nothing fails, and only what the dead ones had is asked for again."""
    bed.configure(latency=0.02)
    chance = random.Random(11)
    run = fl.fetch(
        [f"{echo}/json?n={n}" for n in range(15_000)],
        parse="json",
        strategy=fl.Dask(dask, workers_per_node=10),
    )
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.2, 2.0))
        with suppress(TimeoutError):  # a nanny whose worker is killed while it starts may give it up
            dask.wait_for_workers(2, timeout=20)
        dask.wait_for_workers(1)
        os.kill(chance.choice(list(dask.run(os.getpid).values())), signal.SIGKILL)
    assert not run.ended, "a run that is over proves nothing"
    run.wait(600)
    values = run.result()
    assert [value["args"]["n"] for value in values] == [str(n) for n in range(15_000)]
    assert run.stats().retries == 0
    two_chunks = 2 * 10 / 0.02
    assert bed.counters()["requests"] <= 15_000 + KILLS * two_chunks


@pytest.fixture
def scaled():
    """A cluster of one worker that can be scaled."""
    import logging

    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield cluster, client


def test_a_cap_holds_while_machines_come_and_go(scaled, bed, echo):
    """By the server's own count: at most 10 % over in any 2 s, and 1 % over the run."""
    cluster, client = scaled
    seen, over = [], threading.Event()

    def look():
        while not over.is_set():
            seen.append((time.perf_counter(), bed.counters()["requests"]))
            time.sleep(0.05)

    watcher = threading.Thread(target=look)
    watcher.start()
    count = 25 * CAP
    run = fl.fetch(
        [f"{echo}/json?n={n}" for n in range(count)],
        rate=fl.RateLimit(CAP),
        strategy=fl.Dask(client, workers_per_node=10),
    )
    for workers in (2, 4, 1, 4, 2):
        time.sleep(4)
        cluster.scale(workers)
    run.wait(120)
    over.set()
    watcher.join()
    assert run.stats().ok == count
    windows = [
        later - first
        for nth, (began, first) in enumerate(seen)
        for ended, later in seen[nth:]
        if ended - began <= 2.0
    ]
    assert max(windows) <= 2 * CAP * 1.1
    moved = [moment for (moment, now), (_, before) in zip(seen[1:], seen, strict=False) if now > before]
    assert count <= CAP * (moved[-1] - moved[0]) * 1.01 + 1 + CAP * 0.1
    assert moved[-1] - moved[0] < 2 * count / CAP, "and it is used"


def test_the_whole_catalogue(dask, bed):
    """The same ids as on one machine, 70,613 of them."""
    catalogue = fl.studies.catalogue.Catalogue(bed.urls["catalogue"])
    run = catalogue.ids(strategy=fl.Dask(dask, workers_per_node=10))
    here = catalogue.ids()
    assert run.result() == here.result()
    assert len(run.result()) == 70_613
    assert run.frame().schema == here.frame().schema
    assert run.frame()["key"].sort().to_list() == here.frame()["key"].sort().to_list()
    some = run.result()[:500]
    details = catalogue.details(some, strategy=fl.Dask(dask, workers_per_node=10))
    assert details.result().equals(catalogue.details(some).result())


def test_an_item_that_kills_every_worker_fails_alone(dask, tmp_path):
    """The others of its chunk are served; nobody waits for ever.

    Four die of the first chunk, then one of each part of it: workers that die more often are not replaced.
    """
    deaths = tmp_path / "deaths"

    def task(item):
        if item == 77:
            with deaths.open("a") as file:
                file.write("x")
            os._exit(3)
        return item

    run = fl.map(task, range(100), strategy=fl.Dask(dask)).wait(200)
    assert [result.index for result in run.results() if not result.ok] == [77]
    assert "every worker that this item was given to died" in str(run.errors()["message"][0])
    assert len(deaths.read_text()) <= 4 + 4 + 1
    dask.wait_for_workers(2)


def test_a_journal_goes_on_with_another_scheduler(scaled, tmp_path):
    """The first one is closed under the run; a new cluster does the rest."""
    from distributed import Client, LocalCluster

    cluster, client = scaled
    items, where = list(range(5000)), tmp_path / "run.db"
    run = fl.map(nap, items, journal=where, strategy=fl.Dask(client, chunk=0.2))
    until(lambda: run.stats().done > 200)
    cluster.close()
    with pytest.raises(ClusterError):
        run.wait(60)
    done = run.stats().ok
    assert run.stats().failed == 0
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as other,
        Client(other) as new,
    ):
        again = fl.map(nap, items, journal=where, strategy=fl.Dask(new, workers_per_node=200))
        assert again.result() == items
        assert again.stats().earlier == done
