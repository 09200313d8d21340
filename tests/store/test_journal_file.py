"""The journal's file by itself: its schema, its lock, its sessions, and what it does in trouble."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetchlab.errors import JournalError
from fetchlab.store.database import Layout, connect
from fetchlab.store.journal_file import JournalFile
from fetchlab.store.journal_layout import ITEM, LAYOUT, ident
from fetchlab.store.journal_reader import DAMAGED, JournalReader
from unprivileged import nobody

SESSION = """CREATE TABLE session (
    id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, machine TEXT NOT NULL, started REAL NOT NULL, ended REAL,
    state TEXT NOT NULL, workers INTEGER NOT NULL, stats TEXT)"""
ITEM_1 = """CREATE TABLE item (
    number INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, key TEXT NOT NULL, ok INTEGER NOT NULL,
    session INTEGER NOT NULL, idx INTEGER NOT NULL, host TEXT NOT NULL, status INTEGER, error TEXT,
    message TEXT, attempts INTEGER NOT NULL, cached INTEGER NOT NULL, worker INTEGER NOT NULL,
    queued REAL NOT NULL, started REAL NOT NULL, first_byte REAL, finished REAL NOT NULL,
    bytes INTEGER NOT NULL, kind TEXT, value BLOB)"""
ATTEMPT = """CREATE TABLE attempt (
    item INTEGER NOT NULL, session INTEGER NOT NULL, idx INTEGER NOT NULL, key TEXT NOT NULL,
    host TEXT NOT NULL, attempt INTEGER NOT NULL, worker INTEGER NOT NULL, started REAL NOT NULL,
    first_byte REAL, finished REAL NOT NULL, status INTEGER, error TEXT, message TEXT,
    bytes INTEGER NOT NULL, wait REAL NOT NULL, reason TEXT)"""
META = "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID"
ITEM_2 = LAYOUT.schema[2]
VALUE_2 = "CREATE TABLE value (id INTEGER PRIMARY KEY, data BLOB NOT NULL)"
PULSE = LAYOUT.schema[5]
V2 = Layout("journal", LAYOUT.mark, 2, (META, SESSION, ITEM_2, VALUE_2, ATTEMPT, PULSE), JournalError)
V1 = Layout("journal", LAYOUT.mark, 1, (META, SESSION, ITEM_1, ATTEMPT), JournalError)


def row(key, session=1, *, ok=True, kind="bytes", number=None):
    """A row of ``item`` as the engine hands it over."""
    error = (None, None) if ok else ("StatusError", "HTTP 500")
    head = (ident(key) if number is None else number, key, ok, session, 0, "http://h", 200, *error)
    return (*head, 1, False, 0, 0.0, 0.1, 0.2, 0.3, 5, kind if ok else None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "j.db"


@contextmanager
def opened(path, **knobs):
    file = JournalFile(path, **({"batch_size": 50, "workers": 3} | knobs))
    try:
        yield file
    finally:
        file.close("done", "null")


def values(path, *keys):
    with closing(JournalReader(path)) as reader:
        return reader.values([ident(key) for key in keys])


def test_what_ended_is_there_with_its_value(path):
    """Rows without values, or values without rows, would be found at the next start."""
    with opened(path) as file:
        for number in range(120):
            file.ended(row(f"k{number}"), b"v%d" % number)
        file.ended(row("bad", ok=False), None)
    assert values(path, "k0", "k119", "k7") == [b"v0", b"v119", b"v7"]
    with opened(path) as file:
        assert file.session == 2
        assert file.load(ok=True).result() == {ident(f"k{number}") for number in range(120)}
        assert file.load(ok=False).result() == {ident("bad")}


def test_a_batch_is_committed_without_waiting_for_the_end(path):
    """All of it would be lost with the process."""
    with opened(path, batch_size=10) as file:
        for number in range(25):
            file.ended(row(f"k{number}"), b"v")
        with closing(JournalReader(path)) as reader:
            while sum(len(rows) for rows in reader.items()) < 25:
                threading.Event().wait(0.005)


def test_a_later_end_replaces_an_earlier_one_and_its_value(path):
    """The file would grow with every refetch."""
    with opened(path) as file:
        file.ended(row("a"), b"old")
        file.ended(row("b"), b"old")
        file.ended(row("a"), b"newer")  # in the same batch
    with opened(path) as file:
        file.ended(row("a", 2), b"newest")
        file.ended(row("b", 2, ok=False), None)
    assert values(path, "a") == [b"newest"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT data FROM value").fetchall() == [(b"newest",)]
        assert connection.execute("SELECT ok, session FROM item WHERE key = 'b'").fetchone() == (0, 2)


@pytest.mark.parametrize("together", [True, False])
def test_two_keys_with_one_row_number_are_told(path, together):
    """One would be taken for the other, which nobody would ever find out."""
    file = JournalFile(path, batch_size=50, workers=1)
    file.ended(row("a", number=7), b"a")
    if not together:
        file.started().result()
    file.ended(row("b", number=7), b"b")
    with pytest.raises(JournalError, match="the keys 'a' and 'b' have the same row number"):
        file.close("done", "null")
    with closing(JournalReader(path)) as reader:
        assert [found[1] for rows in reader.items() for found in rows] == ([] if together else ["a"])


def test_an_older_file_keeps_all_it_knows(path):
    """An update in the middle of a job would begin it anew."""
    path.parent.mkdir()
    with closing(connect(path, V1)) as connection:
        connection.execute("INSERT INTO session VALUES (1, 1, 'm', 1.0, 2.0, 'done', 4, NULL)")
        marks = ", ".join("?" * (len(ITEM) + 1))
        for number, (key, data) in enumerate([("a", b"A"), ("b", None), ("c", b"C")], 1):
            told = row(key, ok=data is not None)
            connection.execute(f"INSERT INTO item VALUES ({marks})", (number, *told, data))
    with pytest.raises(JournalError, match="schema 1, which is brought to 3"):
        JournalReader(path)
    with opened(path) as file:
        assert file.session == 2
        assert file.load(ok=True).result() == {ident("a"), ident("c")}
        assert file.load(ok=False).result() == {ident("b")}
        file.ended(row("d", 2), b"D")
    assert values(path, "a", "c", "d") == [b"A", b"C", b"D"]
    with closing(JournalReader(path)) as reader:
        (told,) = reader.rows([ident("b")])
        assert told[ITEM.index("message")] == "HTTP 500"


def test_values_from_before_there_were_checksums_are_read_unchecked(path):
    """A journal of last month would be damaged from its first value to its last."""
    path.parent.mkdir()
    with closing(connect(path, V2)) as connection:
        connection.execute("INSERT INTO session VALUES (1, 1, 'm', 1.0, 2.0, 'done', 4, NULL)")
        connection.execute(f"INSERT INTO item VALUES ({', '.join('?' * len(ITEM))})", (*row("a"), 9))
        connection.execute("INSERT INTO value VALUES (9, x'41')")
    with opened(path) as file:
        assert file.load(ok=True).result() == {ident("a")}
        file.ended(row("b", 2), b"B")
    assert values(path, "a", "b") == [b"A", b"B"]


@given(st.data())
@settings(max_examples=60)
def test_one_flipped_bit_never_gives_a_wrong_value(tmp_path_factory, data):
    """SQLite has no checksums: the bit would be in the result, and nobody would ever know."""
    path = tmp_path_factory.mktemp("flip") / "j.db"
    truth = {f"k{number}": bytes([number]) * 700 for number in range(60)}
    with opened(path) as file:
        for key, value in truth.items():
            file.ended(row(key), value)
    broken = bytearray(path.read_bytes())
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(broken)
    try:
        file = JournalFile(path, batch_size=50, workers=1)
    except JournalError as error:
        assert error.damaged  # noqa: PT017
        return
    try:
        known = file.load(ok=True).result()
        found = {}
        with closing(JournalReader(path)) as reader:
            for rows in reader.items():
                found |= zip([one[1] for one in rows], reader.values([one[0] for one in rows]), strict=True)
    finally:
        file.close("done", "null")
    assert {key: value for key, value in found.items() if value is not DAMAGED}.items() <= truth.items()
    assert all(found[key] == value for key, value in truth.items() if ident(key) in known)


def test_one_at_a_time_and_the_other_is_told_who(path):
    """Two writers would each undo what the other wrote."""
    who = rf"in use by process {os.getpid()} since \d\d:\d\d:\d\d UTC"
    with opened(path), pytest.raises(JournalError, match=who):
        JournalFile(path, batch_size=50, workers=1)
    with opened(path):
        pass


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_file_that_is_gone_is_noticed_at_the_next_commit(path, how):
    """SQLite goes on writing to a file that has no name any more, and all of it is lost at the end."""
    told = []
    file = JournalFile(path, batch_size=5, workers=1)
    file.on_trouble = told.append
    file.started().result()
    if how == "deleted":
        path.unlink()
    else:
        other = path.with_name("other.db")
        other.write_bytes(path.read_bytes())
        other.replace(path)
    file.pulse("{}")
    with pytest.raises(JournalError, match="was deleted, moved or replaced"):
        file.started().result()
    assert len(told) == 1
    with pytest.raises(JournalError, match="was deleted, moved or replaced"):
        file.close("stopped", "null")
    assert path.exists() == (how == "replaced"), "none is begun in its place"


def test_a_link_is_the_same_journal(path, tmp_path):
    """Two writers under two names would each undo what the other wrote."""
    with opened(path):
        link = tmp_path / "link.db"
        link.symlink_to(path)
        with pytest.raises(JournalError, match="in use by process"):
            JournalFile(link, batch_size=50, workers=1)


def test_a_killed_process_leaves_no_lock_and_is_called_killed(path):
    """After a crash at night nobody could go on in the morning."""
    script = (
        "import sys, time; from pathlib import Path; from fetchlab.store.journal_file import JournalFile\n"
        "file = JournalFile(Path(sys.argv[1]), batch_size=50, workers=1)\n"
        "file.pulse('{}'); file.started().result(); print('there', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        with pytest.raises(JournalError, match=f"process {child.pid} "):
            JournalFile(path, batch_size=50, workers=1)
        child.kill()
        child.wait()
        with opened(path), closing(JournalReader(path)) as reader:
            first, second = reader.sessions()
    assert (first[5], second[5]) == ("killed", "running")
    assert first[4] == first[8], "it ended when it was last heard of"


def test_no_more_than_two_batches_are_open(path):
    """What a killed process loses is what was in flight and two batches, however slow the disk is."""
    with opened(path, batch_size=5) as file:
        room = threading.Event()
        file.on_room = room.set
        go_on = threading.Event()
        blocked = file._writer.call(lambda _: go_on.wait(30))
        for number in range(9):
            file.ended(row(f"k{number}"), b"v")
            assert file.has_room()
        file.ended(row("k9"), b"v")
        assert not file.has_room()
        go_on.set()
        blocked.result()
        assert room.wait(30)
        assert file.has_room()


def test_pulses_do_not_pile_up(path):
    """A run of a week would leave a million of them."""
    with opened(path, batch_size=1000) as file:
        for number in range(700):
            file.pulse(str(number))
    with sqlite3.connect(path) as connection:
        kept = [int(stats) for (stats,) in connection.execute("SELECT stats FROM pulse ORDER BY id")]
    assert kept == list(range(400, 700))


def test_what_could_not_be_written_is_told_once_and_tried_again(path):
    """A full disk would cost everything that ended since."""
    told = []
    file = JournalFile(path, batch_size=5, workers=1)
    file.on_trouble = told.append
    file._writer.call(lambda connection: connection.execute("PRAGMA max_page_count = 30")).result()
    for number in range(100):
        file.ended(row(f"k{number}"), b"v" * 4000)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        file._writer.call(
            lambda connection: connection.execute("CREATE TABLE t AS SELECT zeroblob(999999)")
        ).result()
    assert len(told) == 1
    assert "cannot grow" in str(told[0])
    assert file.trouble is told[0]
    file.ended(row("late"), b"v")
    file.close("stopped", "null")  # there is room again: a new connection has no such bound
    assert values(path, "k0", "k99", "late") == [b"v" * 4000] * 2 + [b"v"]


def test_what_stays_unwritten_goes_to_the_next_session(path):
    """Rows in memory are worth more than the file system's mood."""
    file = JournalFile(path, batch_size=5, workers=1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        file.started().result()
        file._writer.call(lambda connection: connection.execute("PRAGMA busy_timeout = 10")).result()
        file._connection = lambda: _impatient(path)
        other.execute("BEGIN IMMEDIATE")
        file.ended(row("a"), b"A")
        with pytest.raises(JournalError, match="locked by another process"):
            file.close("stopped", "null")
        other.execute("ROLLBACK")
    rows = file.unwritten
    with opened(path) as again:
        again.catch_up(rows)
    assert values(path, "a") == [b"A"]


def _impatient(path):
    connection = connect(path, LAYOUT)
    connection.execute("PRAGMA busy_timeout = 10")
    return connection


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs Unix permissions")
def test_in_a_read_only_folder_it_is_read_and_not_written():
    """A journal on a shared disk is everybody's to look at."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.db"
        with opened(path) as file:
            file.ended(row("a"), b"A")
        path.chmod(0o444)
        Path(f"{path}.lock").unlink()
        Path(folder).chmod(0o555)
        with nobody():
            assert values(path, "a") == [b"A"]
            with pytest.raises(JournalError, match=r"cannot be opened for writing.*fl.Journal.open"):
                JournalFile(path, batch_size=50, workers=1)
            with pytest.raises(JournalError, match=r"cannot be opened for writing \([^;]*$"):
                JournalFile(path.with_name("new.db"), batch_size=50, workers=1)
        Path(folder).chmod(0o755)


def test_bits_that_flipped_are_found_or_told(path):
    """A damaged file must be an error of ours, whatever is damaged, and stay as it is."""
    with opened(path) as file:
        for number in range(300):
            file.ended(row(f"k{number}"), b"v" * 500)
    whole = path.read_bytes()
    for place in range(0, len(whole), 4096):
        broken = bytearray(whole)
        broken[place : place + 64] = bytes(64)
        path.write_bytes(broken)
        try:
            file = JournalFile(path, batch_size=50, workers=1)
        except JournalError as error:
            assert error.damaged, error  # noqa: PT017
            assert "left as it is" in str(error)  # noqa: PT017
            assert path.read_bytes() == bytes(broken)
        else:
            file.close("done", "null")
        path.write_bytes(whole)


def test_a_value_that_cannot_be_read_is_one_value(path):
    """The other 9,999 are as good as ever."""
    with opened(path) as file:
        file.ended(row("a", kind="json"), b"{")
        file.ended(row("b", kind="json"), b"{}")
        file.ended(row("c", kind="from the future"), b"{}")
    assert values(path, "a", "b", "c") == [DAMAGED, {}, DAMAGED]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE value SET data = x'42' WHERE id = 1",
        "UPDATE item SET value = 2 WHERE key = 'a'",
        "UPDATE item SET value = 77 WHERE key = 'a'",
        "UPDATE item SET kind = 'json' WHERE key = 'a'",
        "UPDATE item SET status = 201 WHERE key = 'a'",
        "UPDATE item SET key = 'c' WHERE key = 'a'",
        "UPDATE item SET bytes = 9 WHERE key = 'a'",
    ],
)
def test_a_value_belongs_to_its_row(path, change):
    """A flipped bit in a row would put another item's value in its place."""
    with opened(path) as file:
        file.ended(row("a"), b"1")
        file.ended(row("b"), b"2")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(change)
    assert values(path, "a", "b") == [DAMAGED, b"2"]
    with opened(path) as file:
        assert file.load(ok=True).result() == {ident("b")}
        file.ended(row("a", 2), b"3")
    assert values(path, "a") == [b"3"]


def test_the_reader_tells_what_is_gone_and_when_it_is_closed(path):
    """A KeyError from inside would say nothing."""
    with opened(path) as file:
        file.ended(row("a"), b"A")
    reader = JournalReader(path)
    with pytest.raises(JournalError, match="not there any more"):
        reader.rows([ident("b")])
    reader.close()
    with pytest.raises(JournalError, match="was closed"):
        reader.rows([ident("a")])
    with pytest.raises(JournalError, match="there is no such journal"):
        JournalReader(path.with_name("none.db"))


@given(st.text())
def test_every_key_has_a_row_number(key):
    """SQLite's row numbers are 64 bits with a sign; lone surrogates are text to Python."""
    assert 0 <= ident(key) < 2**63
    assert ident(key) == ident(key)
    assert ident(key) != ident(f"{key}x")
