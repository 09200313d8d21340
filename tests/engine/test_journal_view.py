"""``fl.Journal.open``: all sessions' tables, while another process writes or long after."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.engine.watcher import Watcher
from fetchlab.errors import ConfigError, JournalError, StoreError
from fetchlab.frame import ATTEMPTS, SESSIONS, TIMINGS
from fetchlab.model import RunStats

from .runs import until
from .test_journal import QUICK, Counting

COLUMNS = [*TIMINGS.names()]


@pytest.fixture
def path(tmp_path):
    """A journal of two sessions: five items, of which one failed twice, then two other ones."""
    path = tmp_path / "j.db"
    task = Counting()
    task.bad = {3}
    fl.map(task, range(5), journal=path, retry=QUICK).wait()
    fl.map(task, [7, 3, 8], journal=path, retry=QUICK).wait()
    return path


def test_the_timings_have_a_row_per_key_of_all_sessions(path):
    """Equal indices of two sessions are two items, not one."""
    with fl.Journal.open(path) as journal:
        timings = journal.frame()
        assert len(journal) == 7
        assert "7 items, 6 ok, 2 sessions" in repr(journal)
    assert timings.schema == TIMINGS
    assert timings["key"].to_list() == ["0", "1", "2", "4", "7", "3", "8"]
    assert timings["session"].to_list() == [1, 1, 1, 1, 2, 2, 2]
    assert timings["index"].to_list() == [0, 1, 2, 4, 0, 1, 2]
    assert timings.filter(~pl.col("ok"))["message"].to_list() == ["ValueError: 3 is bad"]


def test_the_values_stand_beside_their_timings(path):
    """A value beside another key is worse than none."""
    with fl.Journal.open(path) as journal:
        table = journal.table()
    assert table["n"].to_list() == [0, 1, 2, 4, 7, 8]
    assert table["key"].to_list() == ["0", "1", "2", "4", "7", "8"]
    assert table["index"].to_list() == [0, 1, 2, 4, 0, 2]
    assert set(COLUMNS) <= set(table.columns)


def test_all_attempts_of_all_sessions(path):
    """What failed yesterday and came today explains how long it took."""
    with fl.Journal.open(path) as journal:
        attempts = journal.attempts()
    assert attempts.columns == [*ATTEMPTS.names(), "session"]
    assert attempts.height == 4 + 1 + 2 + 1
    assert attempts.filter(key="3")["session"].to_list() == [1, 2]


def test_sessions_tell_what_each_did(path):
    """Whoever waits for a job of days wants to know which night it stood still."""
    with fl.Journal.open(path) as journal:
        sessions = journal.sessions()
        stats = journal.stats()
    assert sessions.schema == SESSIONS
    assert sessions.select("session", "state", "items", "ok", "failed").rows() == [
        (1, "done", 5, 4, 1),
        (2, "done", 3, 2, 1),
    ]
    assert (sessions["ended"] >= sessions["started"]).all()
    assert (sessions["mean_rate"] > 0).all()
    assert isinstance(stats, RunStats)
    assert (stats.state, stats.done, stats.failed) == ("done", 3, 1)


def test_a_live_run_can_be_watched(tmp_path):
    """A monitor in another terminal reads what is half a second old at most."""
    path = tmp_path / "j.db"

    async def task(item):
        import asyncio

        await asyncio.sleep(0.01)
        return item

    run = fl.map(task, range(10_000), journal=path, workers=4)
    with fl.Journal.open(path) as journal:
        assert journal.sessions()["state"].to_list() == ["running"]
        until(lambda: (stats := journal.stats()) is not None and stats.done, "a pulse")
        stats = journal.stats()
        assert (stats.state, stats.total, stats.workers) == ("running", 10_000, 4)
        assert journal.frame().height
        run.cancel().wait()
        assert journal.stats().state == "cancelled"
        assert journal.sessions()["ended"].null_count() == 0


def test_a_run_that_could_not_write_its_end_is_over(tmp_path, monkeypatch):
    """After a full disk the session said for days that it was running, and a monitor that it was starting."""
    path, gate, begun = tmp_path / "j.db", threading.Event(), threading.Event()
    monkeypatch.setattr("fetchlab.store.database.BUSY_SECONDS", 0.05)

    def task(item):
        if item == 300:
            begun.set()
            gate.wait(30)
        return item

    run = fl.map(task, range(600), journal=path, workers=1)
    begun.wait()
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM pulse")
        gate.set()
        with pytest.raises(JournalError, match="locked"):
            run.wait()
        other.execute("COMMIT")
    assert (run.state, run.stats().total) == ("stopped", 600)
    with fl.Journal.open(path) as journal:
        (session,) = journal.sessions().to_dicts()
        recorded = len(journal)
    assert (session["state"], session["items"], session["ok"]) == ("stopped", recorded, recorded)
    assert session["ended"] >= session["started"]
    seen = Watcher(path).look()
    assert (seen.state, seen.over, seen.stats.ok, seen.stats.done) == ("stopped", True, recorded, recorded)


def test_retries_of_a_session_killed_before_its_first_pulse_are_counted(tmp_path):
    """A host that refuses everything would seem to have worked at the first attempt."""
    path, seen = tmp_path / "j.db", set()

    def task(item):
        if item not in seen:
            seen.add(item)
            raise fl.errors.Retriable("again")
        return item

    fl.map(task, range(5), journal=path, retry=fl.Retry(attempts=2, base=0.01)).wait()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE session SET state = 'killed', stats = NULL")
        connection.execute("DELETE FROM pulse")
    with fl.Journal.open(path) as journal:
        assert journal.sessions()["retries"].to_list() == [5]


def test_exported_to_one_file_whole_or_not_at_all(path, tmp_path):
    """Whoever reads it meanwhile must not see half a table."""
    with fl.Journal.open(path) as journal:
        out = journal.export(tmp_path / "new" / "j.parquet")
        table = pl.read_parquet(out)
        assert table["key"].to_list() == ["0", "1", "2", "4", "7", "3", "8"]
        assert table["n"].to_list() == [0, 1, 2, 4, 7, None, 8]
        assert table["ok"].to_list() == [True] * 5 + [False, True]
        assert table["index"].to_list() == [0, 1, 2, 4, 0, 1, 2]
        assert [file.name for file in out.parent.iterdir()] == ["j.parquet"]
        (tmp_path / "file").write_text("x")
        with pytest.raises(StoreError, match="cannot be written"):
            journal.export(tmp_path / "file" / "j.parquet")


def test_an_empty_journal_reads_as_empty(tmp_path):
    """A job that was stopped before its first item is no error."""
    fl.map(str, [], journal=tmp_path / "j.db").wait()
    with fl.Journal.open(tmp_path / "j.db") as journal:
        assert journal.frame().schema == TIMINGS
        assert journal.frame().is_empty()
        assert journal.table().is_empty()
        assert journal.attempts().is_empty()
        assert journal.sessions()["items"].to_list() == [0]
        assert pl.read_parquet(journal.export(tmp_path / "j.parquet")).is_empty()


def test_what_is_no_journal_is_told(tmp_path):
    """An empty table would look like a job that has done nothing."""
    with pytest.raises(JournalError, match="there is no such journal"):
        fl.Journal.open(tmp_path / "none.db")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="is a folder"):
        fl.Journal.open(tmp_path)
    (tmp_path / "x.db").write_bytes(b"x" * 5000)
    with pytest.raises(JournalError, match=r"is no journal or is damaged"):
        fl.Journal.open(tmp_path / "x.db")
