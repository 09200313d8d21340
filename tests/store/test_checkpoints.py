"""The write-ahead log is copied beside the writer, and stays as long as it should."""

from __future__ import annotations

import threading
from contextlib import closing

from fetchlab.errors import JournalError
from fetchlab.store.checkpoints import Checkpoints
from fetchlab.store.database import Layout, connect

LAYOUT = Layout("journal", 7, 1, ("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)",), JournalError)
MEGABYTE = 1_000_000


def _log(path):
    return path.with_name(path.name + "-wal").stat().st_size


def _write(connection, checkpoints, commits, size=20_000, rows=10):
    for _ in range(commits):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO t (data) VALUES (?)", [(b"x" * size,)] * rows)
        connection.execute("COMMIT")
        checkpoints.wrote(connection, pages=rows, data=rows * size)


def test_the_log_does_not_grow_with_what_is_written(tmp_path):
    """A writer that never rests would have a log as large as all it wrote; it begins anew."""
    path = tmp_path / "t.db"
    checkpoints = Checkpoints(path, MEGABYTE)
    with closing(connect(path, LAYOUT)) as connection:
        checkpoints.arrange(connection)
        for _ in range(10):
            _write(connection, checkpoints, 20)
            checkpoints.close()
            checkpoints.wrote(connection, pages=0, data=0)
        assert _log(path) < 16 * MEGABYTE < path.stat().st_size


def test_sqlite_itself_steps_in(tmp_path):
    """Where the thread cannot open the file, the log must not fill the disk."""
    path = tmp_path / "t.db"
    checkpoints = Checkpoints(tmp_path / "no such folder" / "t.db", MEGABYTE)
    with closing(connect(path, LAYOUT)) as connection:
        checkpoints.arrange(connection)
        _write(connection, checkpoints, 200)
        assert _log(path) < 20 * MEGABYTE < path.stat().st_size


def test_the_writer_does_not_wait_for_it(tmp_path):
    """A checkpoint under way must not keep a commit: that is what the thread is for."""
    path = tmp_path / "t.db"
    checkpoints = Checkpoints(path, MEGABYTE)
    copying, go_on = threading.Event(), threading.Event()

    def copy():
        copying.set()
        go_on.wait(30)

    checkpoints._copy = copy
    with closing(connect(path, LAYOUT)) as connection:
        checkpoints.arrange(connection)
        _write(connection, checkpoints, 10)
        assert copying.wait(30)
        _write(connection, checkpoints, 10)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (200,)
        go_on.set()
        checkpoints.close()
