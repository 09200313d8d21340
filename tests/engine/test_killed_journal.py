"""Runs that are killed and go on: nothing lost, nothing twice, little fetched again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

import fetchlab as fl
from fetchlab.bench.journal import fill, resume, resume_table

from . import journalled

BATCH = 50
FAULTS = {"error_rate": {503: 0.03}}


def _killed_and_resumed(bed, path, items, kills, workers=16):
    """Kill a run so often at random moments, then let it end; return the last run."""
    base = bed.urls["echo"]
    bed.configure(latency=0.002, **FAULTS)
    random = Random(kills)
    program = [sys.executable, str(Path(journalled.__file__)), str(path), base, str(items), str(workers)]
    killed = 0
    for number in range(1, kills + 1):
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "begun\n"
            _wait_for(bed, items * number // (kills + 1) + random.randrange(-5, 5), child)
            time.sleep(random.random() * 0.02)
            child.send_signal(signal.SIGKILL)
            killed += child.wait() == -signal.SIGKILL
    run = journalled.start(path, base, items, workers).wait()
    assert run.state == "done"
    retries = bed.counters("echo")["refused"]
    again = bed.counters("echo")["requests"] - items - retries
    assert again <= killed * (workers + 2 * BATCH), (again, killed)
    return run


def _wait_for(bed, requests, child):
    """Wait until the server has seen so many requests: an event, not a time."""
    while bed.counters("echo")["requests"] < requests and child.poll() is None:
        time.sleep(0.005)


def _assert_whole(bed, run, path, items):
    base = bed.urls["echo"]
    bed.configure(profile="flat")
    sizes = [number % 97 for number in range(items)]
    assert [len(value) for value in run.result()] == sizes
    truth = {size: fl.fetch([f"{base}/bytes/{size}"]).result()[0] for size in range(97)}
    assert all(value == truth[size] for value, size in zip(run.result(), sizes, strict=True))
    timings = run.frame()
    assert timings.height == items
    assert timings["ok"].all()
    assert timings["index"].to_list() == list(range(items))
    assert timings["key"].n_unique() == items
    with fl.Journal.open(path) as journal:
        assert journal.frame()["key"].n_unique() == items
        sessions = journal.sessions()
    assert sessions["state"].to_list()[-1] == "done"
    assert set(sessions["state"]) <= {"killed", "done"}
    assert sessions["items"].sum() >= items


def test_killed_five_times(bed, tmp_path):
    """A six-hour job would begin anew, or end with holes that nobody sees."""
    run = _killed_and_resumed(bed, tmp_path / "j.db", 2_000, 5)
    assert run.stats().earlier > 0
    assert run.frame()["session"].n_unique() > 2
    _assert_whole(bed, run, tmp_path / "j.db", 2_000)


def test_a_killed_session_ends_with_its_last_item(bed, tmp_path):
    """Items between the last beat and the kill would make its rate one that the workers cannot reach."""
    path, items, workers, latency = tmp_path / "j.db", 400, 4, 0.02
    bed.configure(latency=latency)
    base = bed.urls["echo"]
    program = [sys.executable, str(Path(journalled.__file__)), str(path), base, str(items), str(workers)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "begun\n"
        _wait_for(bed, items // 2, child)
        child.send_signal(signal.SIGKILL)
    for _ in range(2):  # as it is told while nobody has gone on, and as the next session notes it
        with fl.Journal.open(path) as journal:
            (session,) = journal.sessions().filter(session=1).rows(named=True)
            last = journal.frame().filter(session=1)["finished"].max()
        assert session["state"] == "killed"
        lasted = (session["ended"] - session["started"]).total_seconds()
        assert lasted >= last - 1e-4
        assert session["mean_rate"] <= workers / latency
        fl.fetch([f"{base}/html"], journal=path).wait()


@pytest.mark.slow
def test_killed_fifty_times(bed, tmp_path):
    """The long version: fifty moments, among them those within a commit."""
    run = _killed_and_resumed(bed, tmp_path / "j.db", 20_000, 50)
    _assert_whole(bed, run, tmp_path / "j.db", 20_000)


@pytest.mark.slow
def test_a_million_known_items(bed, echo, capsys, tmp_path):
    """A long job's second half would begin after minutes of looking up its first."""
    rounds = resume(echo, items=1_000_000, rounds=1)
    with capsys.disabled():
        print(resume_table(rounds))
    assert rounds["error"].null_count() == rounds.height
    path = tmp_path / "j.db"
    urls = [f"{echo}/json?n={number}" for number in range(200_000)]
    fill(path, urls)
    run = fl.fetch(urls, journal=path, progress=False).wait()
    assert run.stats().earlier == 200_000
    timings = run.frame()
    assert timings["index"].to_list() == list(range(200_000))
    assert timings["session"].unique().to_list() == [1]
