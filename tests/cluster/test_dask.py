"""``strategy=fl.Dask(…)``: the same call, its attempts made on a cluster, and the same run in hand."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import json
import os
import signal
import time

import polars as pl
import pytest
from tests.engine.runs import until

import fetchlab as fl
from fetchlab import errors
from fetchlab.cluster import sizing


class OneWay:
    """Can be packed, and not be made again."""

    def __reduce__(self):
        return int, ("none",)


SOON = fl.Retry(attempts=4, base=0.01)


def square(number):
    return number * number


def pid_of(_):
    return os.getpid()


async def nap(item):
    await asyncio.sleep(0.02)
    return item


def urls_of(echo, count):
    return [f"{echo}/json?n={n}" for n in range(count)]


def tasks_of(dask):
    """The tasks of ours that the scheduler has seen, by its own log."""

    def seen(dask_scheduler):
        return {entry[0] for entry in dask_scheduler.transition_log if entry[0].startswith("fetchlab-")}

    return dask.run_on_scheduler(seen)


def at_work():
    """How many attempts are under way in this process of the cluster."""
    from fetchlab.cluster import node

    return sum(len(station._serving) for station in node._stations.values())


def test_a_fetch_is_the_same_as_on_one_machine(dask, echo):
    """Values, keys, schema and attempts; only the workers are others."""
    urls = urls_of(echo, 120)
    here = fl.fetch(urls, parse="json", workers=8)
    there = fl.fetch(urls, parse="json", strategy=fl.Dask(dask, workers_per_node=4))
    assert there.result() == here.result()
    assert there.frame().schema == here.frame().schema
    assert there.frame()["key"].to_list() == here.frame()["key"].to_list()
    assert there.attempts().height == here.attempts().height
    assert there.stats().ok == 120


def test_attempts_are_made_by_every_process_of_the_cluster(dask):
    """Work that one machine does alone, or that is done here, is no cluster."""
    run = fl.map(pid_of, range(300), strategy=fl.Dask(dask, workers_per_node=3))
    pids = set(run.result())
    assert pids == set(dask.run(os.getpid).values())
    assert set(run.frame()["worker"]) <= set(range(6))
    assert run.frame()["worker"].n_unique() > 3
    assert run.workers == run.stats().workers == 6


def test_times_are_those_of_the_attempt_on_the_runs_clock(dask):
    """A wait for a chunk that passes for service time would spoil every chart."""
    run = fl.map(nap, range(200), strategy=fl.Dask(dask, workers_per_node=5)).wait()
    frame = run.frame()
    assert (frame["queued"] <= frame["started"]).all()
    assert (frame["started"] < frame["finished"]).all()
    assert frame["finished"].max() <= run.stats().elapsed
    assert frame["elapsed"].min() >= 0.019
    alone = frame.filter(pl.col("worker") == 0).sort("started")
    assert (alone["started"].shift(-1) >= alone["finished"]).all(), "a slot has one attempt at a time"


def test_what_is_refused_and_fails_there_is_tried_again_and_told_here(dask, bed, echo):
    """Retries that happen out of sight would be missing in the counts and in the budget."""
    bed.configure(error_rate={500: 0.2})
    run = fl.fetch(
        urls_of(echo, 60), parse="json", retry=SOON, strategy=fl.Dask(dask, workers_per_node=5)
    ).wait()
    tried = run.attempts()
    assert run.stats().ok == 60
    assert run.stats().retries == tried.filter(pl.col("error") == "StatusError").height > 0
    assert tried.height == bed.counters()["requests"]
    assert set(tried.filter(pl.col("attempt") == 1, pl.col("error") == "StatusError")["status"]) == {500}


def test_an_error_comes_back_as_it_was_raised(dask):
    """Type, text, cause and the line that raised it, or nobody can mend a task that runs elsewhere."""

    def fails(item):
        if item == 3:
            raise ValueError(f"no {item}")
        return item

    run = fl.map(fails, range(6), retry=fl.Retry(attempts=1), strategy=fl.Dask(dask))
    assert run.result() == [0, 1, 2, None, 4, 5]
    (failed,) = [result for result in run.results() if not result.ok]
    assert isinstance(failed.error, errors.TaskError)
    assert isinstance(failed.error.__cause__, ValueError)
    assert "no 3" in str(failed.error)


def test_an_exception_that_is_returned_is_a_value(dask):
    """As it is on one machine: a task that collects what went wrong has not failed."""
    (returned,) = fl.map(ValueError, [7], strategy=fl.Dask(dask)).result()
    assert repr(returned) == "ValueError(7)"


def test_what_cannot_cross_is_its_own_items_failure(dask):
    """One odd item or value must not take its whole chunk with it."""

    def value(item):
        if item == 5:
            return OneWay()
        return (one for one in "ab") if item == 2 else item

    items = [0, 1, 2, (one for one in "cd"), 4, 5, OneWay(), 7]
    run = fl.map(value, items, key=repr, strategy=fl.Dask(dask, workers_per_node=4)).wait()
    told = {result.index: result for result in run.results()}
    assert sorted(index for index, result in told.items() if not result.ok) == [2, 3, 5, 6]
    assert "value cannot cross back" in str(told[2].error)
    assert "item cannot cross" in str(told[3].error)
    assert "value cannot cross back" in str(told[5].error)
    assert "item cannot cross" in str(told[6].error)
    assert run.result() == [0, 1, None, None, 4, None, None, 7]


def test_parts_are_small_whatever_values_are(dask, monkeypatch):
    """A chunk of thousands is soon made, and what it brings must fit into messages and memories."""
    monkeypatch.setattr(sizing, "MOST_BYTES", 100_000)
    before = tasks_of(dask)
    run = fl.map(lambda item: bytes(10_000), range(300), strategy=fl.Dask(dask)).wait()
    assert run.stats().ok == 300
    assert len(tasks_of(dask) - before) >= 300 // 20


def test_two_workers_of_dasks_in_one_process_have_their_own(echo):
    """A cluster in threads is what people try first; half of its slots would do nothing."""
    from distributed import Client

    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
        run = fl.map(nap, range(60), strategy=fl.Dask(client, workers_per_node=3)).wait()
    assert run.workers == run.frame()["worker"].n_unique() == 6


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_client_that_is_closed_ends_the_run(dask, goes_on):
    """Nothing was out that Dask could have told of: who waits would wait for ever."""
    from distributed import Client

    client = Client(dask.scheduler.address, set_as_default=False)
    run = fl.map(nap, range(3000), strategy=fl.Dask(client, chunk=0.1))
    until(lambda: run.stats().done > 0)
    run.pause()
    until(lambda: run.stats().in_flight == 0)
    client.close()
    if goes_on:
        run.resume()
    with pytest.raises(errors.ClusterError, match="lost"):
        run.wait(20)
    assert run.stats().failed == 0
    with pytest.raises(errors.ConfigError, match="this Dask client is closed"):
        run.retry_failed().wait(20)


def test_order_dedup_follow_and_keep_are_the_runs_own(dask):
    """They happen here, so they must not care where attempts are made."""
    away = fl.Dask(dask, workers_per_node=2)
    run = fl.map(square, [3, 1, 3, 2, 1], order="input", dedup=True, strategy=away)
    assert [result.value for result in run] == [9, 1, 9, 4, 1]
    assert run.attempts().height == 3
    more = fl.map(
        square, [2], follow=lambda result: [result.value] if result.value < 300 else (), strategy=away
    )
    assert sorted(more.wait()._recorder.values.values()) == [4, 16, 256, 65536]
    lean = fl.map(square, iter(range(500)), keep=False, strategy=away)
    assert sum(result.value for result in lean) == sum(n * n for n in range(500))


def test_an_endless_input_is_read_as_it_is_needed(dask):
    """An iterator read to its end, or by a place that wants thousands ahead, would never return."""
    read = []

    def endless():
        while True:
            read.append(None)
            yield len(read)

    run = fl.map(nap, endless(), strategy=fl.Dask(dask, workers_per_node=2))
    until(lambda: run.stats().done > 20)
    run.cancel().wait()
    assert run.state == "cancelled"
    assert len(read) < run.stats().done + 3000


def test_pause_sends_nothing_more_and_resume_goes_on(dask, bed, echo):
    """A pause that lets further chunks out is none."""
    run = fl.fetch(urls_of(echo, 1500), strategy=fl.Dask(dask, chunk=0.1, workers_per_node=4))
    until(lambda: run.stats().done > 50)
    run.pause()
    until(lambda: run.stats().in_flight == 0)
    asked, done = bed.counters()["requests"], run.stats().done
    assert asked == done < 1500
    time.sleep(0.3)
    assert bed.counters()["requests"] == asked
    run.resume().wait()
    assert run.stats().ok == 1500 == bed.counters()["requests"]


def test_cancel_aborts_there_and_keeps_what_is_done(dask):
    """Attempts that go on where nobody waits would hold the machines of the next run."""

    async def long(item):
        await asyncio.sleep(60 if item >= 40 else 0.01)
        return item

    run = fl.map(long, range(200), strategy=fl.Dask(dask, chunk=0.1, workers_per_node=5))
    until(lambda: run.stats().done >= 40)
    run.cancel().wait()
    assert run.state == "cancelled"
    assert run.stats().ok == 40
    next_run = fl.map(nap, range(20), strategy=fl.Dask(dask, workers_per_node=5)).wait(20)
    assert next_run.stats().ok == 20
    until(lambda: not any(dask.run(at_work).values()))


def test_a_cancelled_run_goes_on(dask):
    """``retry_failed`` opens the place again, which was closed at the end."""
    run = fl.map(nap, range(200), strategy=fl.Dask(dask, chunk=0.1, workers_per_node=4))
    until(lambda: run.stats().done > 10)
    run.cancel().wait()
    assert run.stats().ok < 200
    assert run.retry_failed().result() == list(range(200))


def test_the_number_of_workers_changes_live(dask):
    """Fewer or more slots from the next chunk on, in all of the cluster."""
    run = fl.map(nap, range(600), strategy=fl.Dask(dask, chunk=0.1, workers_per_node=2))
    until(lambda: run.stats().done > 20)
    run.workers = 12
    assert run.workers == 12
    run.wait()
    assert run.stats().workers == 12
    assert run.frame()["worker"].n_unique() == 12
    with pytest.raises(errors.ConfigError, match="workers"):
        run.workers = fl.Adaptive()


def test_a_journal_goes_on_where_a_run_was_stopped(dask, bed, echo, tmp_path):
    """Nothing is fetched twice but what was in flight."""
    urls, where = urls_of(echo, 400), tmp_path / "run.db"
    away = fl.Dask(dask, chunk=0.1, workers_per_node=4)
    first = fl.fetch(urls, parse="json", journal=where, strategy=away)
    until(lambda: first.stats().done > 60)
    first.cancel().wait()
    done = first.stats().ok
    assert 60 < done < 400
    until(lambda: not any(dask.run(at_work).values()))
    bed.reset_counters()
    second = fl.fetch(urls, parse="json", journal=where, strategy=away)
    assert len(second.result()) == 400
    assert second.stats().ok == 400
    assert bed.counters()["requests"] == 400 - done


def test_a_cache_is_looked_into_here(dask, bed, echo, tmp_path):
    """What is in it needs no machine, and what machines bring gets into it."""
    cache, away = fl.Cache(tmp_path / "cache.db"), fl.Dask(dask, workers_per_node=4)
    urls = urls_of(echo, 50)
    first = fl.fetch(urls, parse="json", cache=cache, strategy=away).result()
    second = fl.fetch(urls, parse="json", cache=cache, strategy=away)
    assert second.result() == first
    assert second.stats().cached == 50 == bed.counters()["requests"]
    squares = fl.map(square, range(30), cache=cache, strategy=away).result()
    again = fl.map(square, range(30), cache=cache, strategy=away)
    assert again.result() == squares
    assert again.stats().cached == 30


def test_a_refusal_that_one_machine_hears_is_heeded_by_all(dask, bed, echo):
    """Each would run into the same wall by itself, once for every machine there is."""
    bed.configure(rate=200.0, burst=40, retry_after=1.0, latency=0.01)
    run = fl.fetch(urls_of(echo, 100), parse="json", strategy=fl.Dask(dask, workers_per_node=10)).wait()
    tried = run.attempts()
    first = tried.filter(pl.col("status") == 429)["finished"].min()
    assert run.stats().ok == 100
    assert first is not None
    parked = tried.filter(pl.col("started") > first + 0.6, pl.col("started") < first + 0.95)
    assert parked.height == 0
    assert tried.filter(pl.col("status") == 429).height < 40


def test_a_rate_holds_over_all_machines(dask, bed, echo):
    """Two machines with a budget each would be twice the rate that the user allowed."""
    run = fl.fetch(
        urls_of(echo, 120), rate=fl.RateLimit(90), strategy=fl.Dask(dask, workers_per_node=10)
    ).wait()
    began = run.frame()["started"].sort()
    spans = began.shift(-90) - began  # of 91 requests in a row
    assert spans.min() > 90 / 90 * 0.9
    assert bed.counters()["requests"] == 120


def test_tasks_of_the_scheduler_are_few(dask):
    """One per item would be a millisecond of the scheduler's each, and trouble above a million."""
    before = tasks_of(dask)
    run = fl.map(nap, range(1200), strategy=fl.Dask(dask, workers_per_node=20)).wait()
    made = len(tasks_of(dask) - before)
    assert 2 < made <= run.frame()["elapsed"].sum() / 0.5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Dask's socket to the dead
def test_a_killed_worker_costs_nothing_but_its_chunks(dask, bed, echo):
    """Nothing is lost, nothing fails, and what others did is not done again."""
    bed.configure(latency=0.02)
    run = fl.fetch(urls_of(echo, 800), parse="json", strategy=fl.Dask(dask, workers_per_node=10))
    until(lambda: run.stats().done > 100)
    os.kill(next(iter(dask.run(os.getpid).values())), signal.SIGKILL)
    run.wait(60)
    assert run.stats().ok == 800
    assert run.stats().retries == 0, "its death is nobody's failure"
    assert bed.counters()["requests"] < 800 + 2 * 500 + 40, "two chunks of a second, at 10 in 20 ms"
    dask.wait_for_workers(2, timeout=60)
    gc.collect()


def test_secrets_show_nowhere_on_the_cluster(dask, echo):
    """Dask keeps, shows and logs the arguments of its tasks."""
    client = fl.Client(headers={"Authorization": "Bearer hush-hush-9"})
    run = fl.fetch(
        [fl.Request(f"{echo}/json", headers={"X-Api-Key": "psst-psst-7"})] * 20,
        client=client,
        strategy=fl.Dask(dask),
        parse=lambda _: 1 / 0,
    ).wait()
    assert run.stats().failed == 20

    def shown(dask_scheduler):
        return repr([(key, task.run_spec) for key, task in dask_scheduler.tasks.items()])

    said = dask.run_on_scheduler(shown) + repr(dask.get_worker_logs()) + repr(dask.get_scheduler_logs())
    said += repr(run.frame().to_dicts()) + repr(run) + repr(run.errors().to_dicts())
    assert "hush-hush" not in said
    assert "psst-psst" not in said


def test_the_knob_says_what_it_was_given(dask):
    """A repr that connects, or shows the cluster's key, would be a surprise in a notebook."""
    knob = fl.Dask("tcp://127.0.0.1:8786", chunk=0.5)
    assert repr(knob) == "Dask(client='tcp://127.0.0.1:8786', chunk=0.5, workers_per_node=None)"
    assert dataclasses.replace(knob, chunk=2.0).chunk == 2.0


def test_an_address_will_do(dask, echo):
    """A client is made for the run, and closed with it."""
    run = fl.fetch(urls_of(echo, 30), strategy=fl.Dask(dask.scheduler.address))
    assert run.wait().stats().ok == 30
    until(lambda: len(dask.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.clients))) <= 2)


@pytest.mark.parametrize("way", [lambda dask: dask, lambda dask: dask.scheduler.address])
def test_a_preview_reckons_with_the_workers_of_the_cluster(dask, echo, way):
    """Twenty workers of nobody's would be predicted, whatever the cluster has."""
    seen = fl.preview(urls_of(echo, 600), parse="json", strategy=fl.Dask(way(dask), workers_per_node=150))
    assert "at 300 workers" in repr(seen)


def test_a_panel_says_that_it_has_no_cluster(dask, echo):
    """Its controls have no place for one; an error of a list's index tells nobody that."""
    with pytest.raises(errors.ConfigError, match=r"strategy: a panel works on this machine"):
        fl.Panel(urls_of(echo, 3), strategy=fl.Dask(dask))


def test_the_command_line_goes_out_too(dask, bed, echo, fetchlab, tmp_path):
    """Whoever works in a terminal has the same cluster; what cannot be is said under the flag's name."""
    (tmp_path / "urls.txt").write_text("\n".join(urls_of(echo, 40)))
    away = ("--dask", dask.scheduler.address)
    said = fetchlab("fetch", "urls.txt", *away, "--workers", 3, "--out", "out.parquet", "--journal", "j.db")
    assert said.code == 0, said.err
    assert pl.read_parquet("out.parquet")["status"].to_list() == [200] * 40
    with fl.Journal.open("j.db") as journal:
        assert journal.sessions()["workers"][0] == 6
    auto = fetchlab("fetch", "urls.txt", *away, "--workers", "auto")
    assert (auto.code, "--workers: auto is not for clusters" in auto.err) == (2, True)
    wrong = fetchlab("fetch", "urls.txt", "--dask", "tcp://me:hush@h:1")
    assert (wrong.code, "--dask: a Dask scheduler's address has no user" in wrong.err) == (2, True)


def test_a_cluster_that_fits_is_found_fit(dask, fetchlab):
    """Whoever has a new cluster asks this first, and a script by its exit code."""
    said = fetchlab("cluster-check", dask.scheduler.address)
    assert said.code == 0, said.err
    for what in ("scheduler", "workers", "versions", "clocks", "sockets", "probe"):
        assert what in said.out
    assert "100 items by" in said.out
    assert "Ready." in said.out
    told = json.loads(fetchlab("cluster-check", dask.scheduler.address, "--json").out)
    assert told["ready"]
    assert [check["state"] for check in told["checks"] if check["needed"]] == ["good"] * len(told["checks"])
