"""Watching a run by its journal: what is seen of it while it goes on, and however it ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import fetchlab as fl
from fetchlab.engine import wording
from fetchlab.engine.snapshot import as_json
from fetchlab.engine.standing import Point, rates
from fetchlab.engine.watcher import Watcher
from fetchlab.errors import ConfigError, JournalError
from fetchlab.store.journal_file import JournalFile
from unprivileged import nobody

from . import journalled

ONCE = fl.Retry(attempts=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "j.db"


def until(look, condition, what):
    """Look until something is seen; give that look."""
    deadline = time.monotonic() + 60
    while True:
        seen = look()
        if condition(seen):
            return seen
        assert time.monotonic() < deadline, f"{what} was never seen: {seen}"
        time.sleep(0.02)


def begun(path, base, items, workers):
    """A run in a process of its own that has begun."""
    program = [sys.executable, str(Path(journalled.__file__)), str(path), base, str(items), str(workers)]
    child = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "begun\n"
    return child


def test_a_run_in_another_process_is_watched_killed_and_resumed(bed, echo, path):
    """Whoever comes back in the evening has nothing but the file."""
    bed.configure("echo", latency=0.05)
    watcher = Watcher(path)
    with begun(path, echo, 400, 4) as child:
        seen = until(watcher.look, lambda seen: seen.own > 0, "a run")
        assert seen.state == "running"
        assert (seen.session, seen.sessions, seen.pid) == (1, 1, child.pid)
        stats = seen.stats
        assert (stats.total, stats.workers, stats.failed, stats.earlier) == (400, 4, 0, 0)
        assert 0 < stats.in_flight <= 4
        assert stats.eta > 0
        assert seen.code == 0
        assert not watcher.finished(seen)
        [host] = seen.hosts
        assert host.host == echo
        assert host.median >= 0.05
        later = until(watcher.look, lambda later: later.own > seen.own, "any progress")
        assert later.points[: len(seen.points)] == seen.points
        child.send_signal(signal.SIGKILL)
        os.waitid(
            os.P_PID, child.pid, os.WEXITED | os.WNOWAIT
        )  # dead, but in the table until its parent asks
        seen = watcher.look()
    assert (seen.state, seen.code, seen.stats.in_flight, seen.stats.eta) == ("killed", 1, 0, None)
    assert seen.ended is not None
    assert watcher.finished(seen), "nothing more will come of it"
    bed.configure("echo", latency=0.0)
    assert journalled.start(path, echo, 400, 8).wait().state == "done"
    seen = watcher.look()
    assert (seen.state, seen.session, seen.sessions, seen.code) == ("done", 2, 2, 0)
    assert seen.stats.earlier >= later.own
    assert seen.own == 400 - seen.stats.earlier
    assert seen.points[-1].items == seen.own, "the points are those of the new session"
    assert Watcher(path).look().stats == seen.stats


def test_what_failed_is_told_with_an_example_and_what_helps(echo, path):
    """Forty failures are a number; one of them with its message is a reason."""
    urls = [f"{echo}/status/404?n={n}" for n in range(3)] + [f"{echo}/json", f"{echo}/status/410"]
    fl.fetch(urls, journal=path, parse="json", retry=ONCE).wait()
    watcher = Watcher(path)
    seen = watcher.look()
    assert watcher.look() == seen, "looking again counts nothing twice"
    assert (seen.state, seen.stats.ok, seen.stats.failed, seen.code) == ("done", 1, 4, 1)
    [failure] = seen.failures
    assert (failure.error, failure.count, failure.host) == ("StatusError", 4, echo)
    assert "/status/4" in failure.example_key
    assert failure.message.startswith("HTTP 4")
    assert "accept" in failure.knob
    assert seen.hosts[0].failed_attempts == 4
    told = json.loads(seen.as_json())
    assert told["errors"][0]["example_key"] == failure.example_key
    assert told["done"] == 5


def test_a_failure_of_an_earlier_session_has_an_example_too(echo, path):
    """It failed in no attempt of this session, and is still among its errors."""
    urls = [f"{echo}/status/404", f"{echo}/json"]
    fl.fetch(urls, journal=path, retry=ONCE).wait()
    fl.fetch(urls, journal=fl.Journal(path, retry_failed=False)).wait()
    seen = Watcher(path).look()
    assert (seen.session, seen.stats.earlier) == (2, 2)
    assert seen.failures[0].message == "HTTP 404"


def test_cancelled_items_are_pending_not_failed(bed, echo, path):
    """A person who stops a run would be told that it broke."""
    bed.configure("echo", latency=0.2)
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(200)], workers=4, journal=path)
    until(run.stats, lambda stats: stats.ok, "a first answer")
    run.cancel().wait()
    seen = Watcher(path).look()
    assert (seen.state, seen.stats.failed, seen.failures, seen.code) == ("cancelled", 0, (), 1)
    assert seen.cancelled
    assert seen.stats.done == seen.stats.ok == run.stats().ok
    assert "pending again" in dict(wording.facts(seen))["items"]
    assert "goes on from here" in wording.advice(seen)


def test_hits_of_a_cache_and_waiting_items_are_put_in_words(echo, path):
    """The numbers that tell whether it is the host, the network or the settings."""
    file = JournalFile(path, batch_size=1, workers=7)
    try:
        watcher = Watcher(path)
        assert watcher.look().state == "starting"
        stats = fl.RunStats(
            state="running", total=None, done=50, ok=40, failed=10, cached=20, retries=9, refused=5,
            bytes=2_000_000, rate=10.0, mean_rate=12.5, eta=None, elapsed=4.0, in_flight=3, workers=7,
            parked=4,
            errors={"TimedOut": 10}, limits={echo: 7}, waits={"rate": 3, "backoff": 1}, earlier=10,
        )  # fmt: skip
        file.pulse(as_json(stats))
        seen = until(watcher.look, lambda seen: seen.state == "running", "the pulse")
        facts = dict(wording.facts(seen))
        assert seen.cache_hit_rate == 0.5
        assert facts["cache"] == "20 hits · 50.0% of 40"
        assert facts["in flight"] == "3 of 7 allowed · 4 waiting: 3 rate, 1 backoff"
        assert facts["read"] == "2 MB · 500 kB/s"
        assert wording.together(seen) == "50 so far"
        assert seen.hosts[0].limit == 7
        assert seen.failures[0].example_key == ""
    finally:
        file.close("stopped", "null")
    assert Watcher(path).look().stats.done == 50, "the last pulse is all there is"


def test_a_process_that_gives_no_sign_is_called_silent(path):
    """A suspended laptop or a stuck disk looks like a run that is merely slow."""
    file = JournalFile(path, batch_size=1, workers=1)
    names = "done ok failed cached retries refused bytes rate mean_rate elapsed in_flight workers parked"
    stats = fl.RunStats("running", total=None, eta=None, **dict.fromkeys(names.split(), 0))
    file.pulse(as_json(stats))
    watcher = Watcher(path)
    until(watcher.look, lambda seen: seen.state == "running", "the pulse")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE pulse SET at = at - 60")
    connection.close()
    seen = Watcher(path).look()
    assert seen.state == "silent"
    assert seen.silence > 59
    assert not seen.over
    assert "no sign for 1 min" in wording.advice(seen)
    file.close("stopped", "null")


@pytest.mark.parametrize("bytes_", [b"", b"no database" * 1000, None], ids=["empty", "damaged", "absent"])
def test_what_is_no_journal_is_said_and_nothing_is_made(tmp_path, bytes_):
    """A mistyped name must not leave an empty file that the next run takes for its journal."""
    path = tmp_path / "j.db"
    if bytes_ is not None:
        path.write_bytes(bytes_)
    with pytest.raises(JournalError, match=r"j\.db"):
        Watcher(path).look()
    assert [file.name for file in tmp_path.iterdir()] == ([] if bytes_ is None else ["j.db"])


def test_a_foreign_database_and_a_torn_journal_are_refused(echo, tmp_path, path):
    """Numbers out of a file that is something else are worse than none."""
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE session (id, pid)")
    connection.close()
    with pytest.raises(JournalError, match="no fetchlab journal"):
        Watcher(foreign).look()
    fl.fetch([f"{echo}/bytes/{n}" for n in range(200)], journal=path).wait()
    torn = tmp_path / "torn.db"
    torn.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(JournalError, match="damaged"):
        Watcher(torn).look()
    with pytest.raises(ConfigError, match="path"):
        Watcher(None)


def test_a_file_that_took_the_others_place_is_watched_anew(echo, tmp_path):
    """Whoever deletes a journal and starts over would look at the old run for ever."""
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    fl.fetch([f"{echo}/status/404"], journal=one, retry=ONCE).wait()
    fl.fetch([f"{echo}/bytes/{n}" for n in range(7)], journal=other).wait()
    watcher = Watcher(one)
    assert watcher.look().stats.failed == 1
    other.replace(one)
    seen = watcher.look()
    assert (seen.stats.ok, seen.failures, seen.session) == (7, (), 1)
    assert [host.failed_attempts for host in seen.hosts] == [0]
    one.unlink()
    with pytest.raises(JournalError, match="no such journal"):
        watcher.look()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs Unix permissions")
def test_it_reads_where_nothing_can_be_written(echo, path):
    """A colleague's job on a shared disk, and last year's in the archive."""
    fl.fetch([f"{echo}/bytes/{n}" for n in range(5)], journal=path).wait()
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others
        copy = Path(folder) / "j.db"
        shutil.copy(path, copy)
        copy.chmod(0o444)
        Path(folder).chmod(0o555)
        with nobody():
            assert Watcher(copy).look().stats.ok == 5
        Path(folder).chmod(0o755)


def test_rates_are_evenly_spaced_whatever_the_pulses(echo):
    """A pulse that came late is no pause of the run."""
    steady = [Point(at, int(at * 10), 0) for at in (0.0, 0.5, 1.0, 3.0, 3.5, 4.0)]
    assert rates(steady, 60) == (1.0, [10.0] * 4)
    assert rates(steady, 2) == (2.0, [10.0] * 2)
    assert rates(steady[:1], 60) == (1.0, [])
    assert rates([], 60) == (1.0, [])
    halting = [Point(0.0, 0, 0), Point(1.0, 8, 0), Point(2.0, 8, 0), Point(3.0, 12, 0)]
    assert rates(halting, 60)[1] == [8.0, 0.0, 4.0]


def test_a_sparkline_has_a_mark_for_each_value():
    """The lowest mark is nothing, the highest the top."""
    assert wording.sparkline([0, 4, 8]) == "▁▅█"
    assert wording.sparkline([0, 0]) == "▁▁"
    assert wording.sparkline([0, 8], ascii_only=True) == "_#"
    assert wording.sparkline([]) == ""
