"""One thread writes, in batches; what it could not write is told."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from fetchlab.store.writer import Writer

INSERT = "INSERT INTO t VALUES (?)"


@pytest.fixture
def path(tmp_path):
    with sqlite3.connect(tmp_path / "t.db") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (a UNIQUE)")
    return tmp_path / "t.db"


def opener(path):
    return lambda: sqlite3.connect(path, timeout=0.1, isolation_level=None, check_same_thread=False)


def rows(path):
    with sqlite3.connect(path) as connection:
        return [a for (a,) in connection.execute("SELECT a FROM t ORDER BY a")]


def test_rows_are_written_in_batches_of_the_size_asked_for(path):
    """Each row by itself would cost as much as fifty together."""
    commits = []

    def opened():
        connection = opener(path)()
        connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        return connection

    held, begun = threading.Event(), threading.Event()
    writer = Writer(opened, name="t", batch_size=10, seconds=60)
    writer.call(lambda _: (begun.set(), held.wait()))
    begun.wait()
    for number in range(95):
        writer.write(INSERT, (number,))
    assert writer.waiting == 95
    held.set()
    while writer.waiting >= 10:
        threading.Event().wait(0.001)
    writer.flush()
    assert rows(path) == list(range(95))
    assert len(commits) == 1 + 9 + 1
    writer.close()


def test_a_lonely_row_is_written_after_its_time(path):
    """The last rows of a quiet hour would be lost with the process."""
    writer = Writer(opener(path), name="t", batch_size=1000, seconds=0.01)
    writer.write(INSERT, (1,))
    while writer.waiting or not rows(path):
        threading.Event().wait(0.001)
    writer.close()


def test_closing_writes_the_rest(path):
    """A run that ends well would lose its last batch."""
    writer = Writer(opener(path), name="t", seconds=60)
    for number in range(7):
        writer.write(INSERT, (number,))
    writer.close()
    assert rows(path) == list(range(7))
    with pytest.raises(RuntimeError, match="closed"):
        writer.call(lambda _: None).result()


def test_a_call_sees_the_rows_before_it_and_undoes_its_own_on_error(path):
    """A lease would be given on a state that is not there any more, or half a change be left."""
    writer = Writer(opener(path), name="t", seconds=60)
    writer.write(INSERT, (1,))
    assert writer.call(lambda c: c.execute("SELECT count(*) FROM t").fetchone()[0]).result() == 1

    def half(connection):
        connection.execute(INSERT, (2,))
        raise LookupError("no")

    with pytest.raises(LookupError):
        writer.call(half).result()
    writer.write(INSERT, (3,))
    writer.close()
    assert rows(path) == [1, 3]


def test_a_batch_in_trouble_is_handed_back_and_the_next_one_is_written(path):
    """One bad moment of the disk would end the writing for good, in silence."""
    told = []
    writer = Writer(
        opener(path), name="t", seconds=60, on_trouble=lambda error, lost: told.append((error, lost))
    )
    writer.write(INSERT, (1,))
    writer.write(INSERT, (1,))
    with pytest.raises(sqlite3.IntegrityError):
        writer.flush()
    ((error, lost),) = told
    assert isinstance(error, sqlite3.IntegrityError)
    assert [values for _, values in lost] == [(1,), (1,)]
    writer.write(INSERT, (2,))
    writer.close()
    assert rows(path) == [2]


def test_a_locked_file_is_told_and_tried_again(path):
    """Another program that holds the file for a while would stop the writing."""
    told = []
    writer = Writer(opener(path), name="t", seconds=60, on_trouble=lambda error, _: told.append(str(error)))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    writer.write(INSERT, (1,))
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.flush()
    assert told == ["database is locked"]
    other.execute("ROLLBACK")
    other.close()
    writer.write(INSERT, (2,))
    writer.close()
    assert rows(path) == [2]


def test_a_beating_writer_beats_without_work(path):
    """The others would take a process that waits for a slow answer for dead."""
    beats = threading.Semaphore(0)
    writer = Writer(opener(path), name="t", before_commit=lambda _: beats.release(), beat=0.001)
    writer.beating = True
    for _ in range(3):
        beats.acquire()
    writer.beating = False
    writer.close()


def test_a_withdrawn_call_is_not_made(path):
    """A cancelled item would still take its lease."""
    held, begun, made = threading.Event(), threading.Event(), []
    writer = Writer(opener(path), name="t")
    first = writer.call(lambda _: (begun.set(), held.wait()))
    begun.wait()
    second = writer.call(made.append)
    second.cancel()
    held.set()
    first.result()
    writer.close()
    assert not made


def test_a_rested_writer_starts_again(path):
    """A cache that was closed could not be used again."""
    writer = Writer(opener(path), name="t", seconds=60)
    writer.write(INSERT, (1,))
    writer.rest()
    assert rows(path) == [1]
    writer.write(INSERT, (2,))
    writer.close()
    assert rows(path) == [1, 2]


def test_a_replaced_file_is_opened_anew(path):
    """What is stored after a damaged file was moved aside would go into the damaged one."""
    writer = Writer(opener(path), name="t", seconds=60)
    writer.write(INSERT, (1,))
    writer.flush()
    path.rename(path.with_name("old.db"))
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
    writer.open_anew()
    writer.write(INSERT, (2,))
    writer.close()
    assert rows(path) == [2]
