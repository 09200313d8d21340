"""A file is recognised before anything is written to it."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fetchlab.errors import CacheError
from fetchlab.store.database import Layout, connect, move_aside, read_only, told

FIRST = Layout("cache", 0x1234, 1, ("CREATE TABLE entry (a)",), CacheError)
SECOND = Layout(
    "cache", 0x1234, 2, ("CREATE TABLE entry (a, b)",), CacheError, {1: ("ALTER TABLE entry ADD COLUMN b",)}
)


def made(path, layout=FIRST):
    connection = connect(path, layout)
    connection.execute("INSERT INTO entry (a) VALUES (1)")
    connection.close()
    return path


def test_a_new_file_is_made_with_its_folders(tmp_path):
    """``data/cache/http.db`` would fail where nobody has made ``data/cache``."""
    path = made(tmp_path / "a" / "b" / "c.db")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA application_id").fetchone() == (0x1234,)


def test_an_older_file_is_brought_up_to_date(tmp_path):
    """A new version would lose what an older one recorded."""
    path = made(tmp_path / "c.db")
    with pytest.raises(CacheError, match="schema 1, which is brought to 2"):
        read_only(path, SECOND)
    connection = connect(path, SECOND)
    assert connection.execute("SELECT a, b FROM entry").fetchall() == [(1, None)]
    connection.close()
    assert read_only(path, SECOND).execute("PRAGMA user_version").fetchone() == (2,)


def test_a_newer_file_is_left_alone(tmp_path):
    """An old version would write rows that the new one cannot read."""
    path = made(tmp_path / "c.db", SECOND)
    for opened in (connect, read_only):
        with pytest.raises(CacheError, match="schema 2, this fetchlab knows 1: update fetchlab") as caught:
            opened(path, FIRST)
        assert not caught.value.damaged


def test_somebody_elses_database_is_told_apart(tmp_path):
    """Tables of ours would be put into a user's own database."""
    path = tmp_path / "own.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE diary (day)")
    before = path.read_bytes()
    for opened in (connect, read_only):
        with pytest.raises(CacheError, match=r"no fetchlab cache .its tables: diary") as caught:
            opened(path, FIRST)
        assert caught.value.damaged
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"no database at all, whatever its name says" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_of_another_kind_is_told(tmp_path, content):
    """The user would read ``file is not a database`` and not know which."""
    path = tmp_path / "c.db"
    path.write_bytes(content)
    with pytest.raises(CacheError, match=r"c\.db: ") as caught:
        connect(path, FIRST)
    assert caught.value.damaged
    assert path.read_bytes() == content


def test_moved_aside_nothing_is_lost(tmp_path):
    """The next file would be read with the old one's write-ahead log."""
    path = made(tmp_path / "c.db")
    (tmp_path / "c.db-wal").write_bytes(b"log")
    aside = [move_aside(path)]
    assert aside[0].exists()
    assert (aside[0].parent / f"{aside[0].name}-wal").read_bytes() == b"log"
    aside.append(move_aside(made(path)))
    assert len(set(aside)) == 2
    assert not path.exists()


def test_a_missing_file_is_not_made_by_reading(tmp_path):
    """A mistyped name would leave an empty file behind."""
    with pytest.raises(CacheError, match="there is no such cache"):
        read_only(tmp_path / "none.db", FIRST)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_files_place_is_told(tmp_path):
    """``Cache("data/cache")`` is a likely slip."""
    with pytest.raises(CacheError, match="cannot be opened"):
        connect(tmp_path, FIRST)


@pytest.mark.parametrize(
    ("text", "says", "damaged"),
    [
        ("database disk image is malformed", "is damaged", True),
        ("file is not a database", "is no cache", True),
        ("database is locked", "locked by another process", False),
        ("Could not decode to UTF-8 column 'key' with text '\xff'", "is damaged", True),
        ("disk I/O error", "is the disk full, or gone", False),
        ("database or disk is full", "cannot grow", False),
        ("attempt to write a readonly database", "cannot be opened for writing", False),
        ("something new", "cannot be used", False),
    ],
)
def test_sqlites_words_become_ours(tmp_path, text, says, damaged):
    """The user would not know whether to wait, to make room or to give another file."""
    error = told(sqlite3.DatabaseError(text), tmp_path / "c.db", FIRST)
    assert says in str(error)
    assert error.damaged is damaged


def test_many_may_come_to_a_new_file_at_once(tmp_path):
    """Four notebooks start together: one would hear of a lock or of a stranger, and do without a cache."""
    together = threading.Barrier(6)

    def open_all(_):
        for number in range(40):
            together.wait(20)
            connect(tmp_path / f"{number}.db", FIRST).close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(open_all, range(6))) == [None] * 6
