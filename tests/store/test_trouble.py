"""Trouble with writing a cache's file keeps nobody from reading it, and is over when it is over."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import fetchlab as fl
from fetchlab import errors
from fetchlab.store import database, trouble

WITHOUT_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits and rights")


def run_as_nobody(code, *arguments):
    """Run code where nothing is owned, also if the tests run as root."""
    start = (
        "import os, sys, warnings\nimport fetchlab as fl\nfl.Cache, fl.Request, fl.fetch\n"
        "warnings.simplefilter('ignore')\n"
        "if os.getuid() == 0:\n    os.setgid(65534); os.setuid(65534)\n"
    )
    command = [sys.executable, "-c", start + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def opened_to_all(path):
    for parent in (path, *path.parents):
        if parent.is_relative_to(tempfile.gettempdir()) and parent != Path(tempfile.gettempdir()):
            parent.chmod(0o755)


@pytest.fixture
def urls(echo):
    return [f"{echo}/bytes/500?n={number}" for number in range(100)]


@pytest.fixture
def path(bed, urls, tmp_path):
    """A cache that knows a hundred pages."""
    with fl.Cache(tmp_path / "c.db") as cache:
        fl.fetch(urls, cache=cache).wait()
        cache.put("k", 1)
    return tmp_path / "c.db"


@pytest.fixture
def locked(path, monkeypatch):
    """Another program holds the lock, as long as a writer can."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield other
    other.close()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_beside_a_locked_writer_everything_is_read(bed, urls, path, locked):
    """A hundred known pages would be fetched again, and offline be said to be missing."""
    cache = fl.Cache(path, memory=0)
    before = bed.counters("echo")["requests"]
    run = fl.fetch(urls, cache=cache).wait()
    assert (run.stats().cached, bed.counters("echo")["requests"]) == (100, before)
    assert "locked" in cache.stats().trouble
    assert (cache.get("k"), cache.stats().entries, cache.frame().height) == (1, 101, 101)
    offline = fl.fetch(urls, cache=fl.Cache(path, memory=0, mode="offline")).wait()
    assert offline.stats().cached == 100


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_cannot_be_written_is_not_counted_as_stored(path, locked, urls):
    """A cache of a thousand stored entries would be empty on the next day."""
    cache = fl.Cache(path)
    cache.get_or_create("new", lambda: 1)
    assert (cache.get("new"), cache.stats().stored) == (1, 0)
    small = fl.Cache(max_bytes=1_000)
    small.put("large", bytes(5_000))
    assert small.stats().stored == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_path_is_not_taken_for_a_right(tmp_path, monkeypatch):
    """A lock of a moment would stop the caching for good, because of a folder's name."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(trouble, "WRITE_SECONDS", 0.0)
    path = filled(tmp_path / "a readonly database" / "c.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache = fl.Cache(path)
    other.close()
    cache.put("new", 1)
    assert cache.stats().trouble == ""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_trouble_that_is_over_is_not_told_any_more(path, locked, monkeypatch):
    """Who looks at the statistics would mend what is well."""
    monkeypatch.setattr(trouble, "WRITE_SECONDS", 0.0)
    cache = fl.Cache(path, memory=0)
    assert "locked" in cache.stats().trouble
    locked.execute("ROLLBACK")
    cache.put("new", 2)
    cache.flush()
    assert (cache.stats().trouble, cache.get("new")) == ("", 2)


def test_offline_a_file_that_cannot_be_read_is_no_miss(path, monkeypatch, recwarn):
    """It would be said that the file does not hold what it holds."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(trouble, "READ_SECONDS", 60.0)
    offline = fl.Cache(path, mode="offline", memory=0)
    assert offline.get("k") == 1
    offline.tiers._shelf._not_read(sqlite3.OperationalError("database is locked"))
    with pytest.raises(errors.CacheError, match=r"locked by another .* the cache is offline") as caught:
        offline.get_or_create("k", lambda: 2)
    assert not isinstance(caught.value, errors.CacheMiss)
    monkeypatch.undo()
    offline.tiers._shelf.trouble._no_reading_until = 0.0
    assert (offline.get("k"), offline.stats().trouble) == (1, "")
    assert any("goes on without it" in str(told.message) for told in recwarn)


READ_ONLY = """
cache = fl.Cache(sys.argv[1], memory=0)
print([cache.get(number) == bytes([number]) * 3000 for number in range(40)].count(True))
print(fl.map(abs, range(60), cache=cache, key=str).wait().stats().ok)
print([cache.get(number) == bytes([number]) * 3000 for number in range(40)].count(True))
print("writing" in cache.stats().trouble, cache.stats().entries)
"""


def filled(path):
    with fl.Cache(path) as cache:
        for number in range(40):
            cache.put(number, bytes([number]) * 3000)
    return path


@WITHOUT_WINDOWS
def test_a_read_only_file_in_a_writable_folder_is_read_to_the_end(tmp_path):
    """The first thing that could not be written would end the reading, too."""
    path = filled(tmp_path / "shared" / "c.db")
    path.chmod(0o444)
    opened_to_all(tmp_path)
    path.parent.chmod(0o777)
    path.chmod(0o444)
    assert run_as_nobody(READ_ONLY, path) == ["40", "60", "40", "True", "40"]


KILLED = """
import os, sys
import fetchlab as fl
cache = fl.Cache(sys.argv[1])
for number in range(40, 80):
    cache.put(number, bytes(10))
cache.flush()
os._exit(9)
"""


@WITHOUT_WINDOWS
@pytest.mark.parametrize("index", [True, False])
def test_a_log_that_a_crash_left_in_a_read_only_folder_does_not_matter(tmp_path, index):
    """A cache of a killed process, on a disk that is read only, could not be replayed at all."""
    path = filled(tmp_path / "shared" / "c.db")
    subprocess.run([sys.executable, "-c", KILLED, path], check=False, timeout=60)
    assert path.with_name("c.db-wal").stat().st_size
    if not index:
        path.with_name("c.db-shm").unlink()
    opened_to_all(tmp_path)
    for file in path.parent.iterdir():
        file.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        said = run_as_nobody(READ_ONLY, path)
    finally:
        path.parent.chmod(0o755)
    assert said[:4] == ["40", "60", "40", "True"]


ORDERS = {
    "put": lambda cache: cache.put("k", 2),
    "delete": lambda cache: cache.delete("k"),
    "clear": lambda cache: cache.clear(),
    "expire": lambda cache: cache.expire(0),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_an_order_that_cannot_be_done_is_an_error(path, locked, order):
    """Who cleared a cache would be told of 0 entries, and find all of them on the next day."""
    cache = fl.Cache(path)
    assert cache.get("k") == 1
    with pytest.raises(errors.CacheError, match=r"locked by another process.*what was ordered is not done"):
        order(cache)
    assert (cache.get("k"), cache.stats().entries) == (1, 101)
    locked.execute("ROLLBACK")
    order(cache)
    cache.flush()
    assert cache.get("k") in (None, 2)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_offline_nothing_is_ordered(path, order):
    """``offline`` is for replaying: what is dropped would be there again, what is put be gone."""
    with pytest.raises(errors.CacheError, match=r"mode='offline'.*not done"):
        order(fl.Cache(path, mode="offline"))


def test_much_that_is_put_is_all_there(tmp_path):
    """What comes faster than it can be written would be left out, unnoticed."""
    with fl.Cache(tmp_path / "many.db", memory=0) as cache:
        for number in range(9_000):
            cache.put(number, number)
        cache.flush()
        assert cache.stats().entries == 9_000


FULL = """
import resource, signal, sys, warnings
import fetchlab as fl
fl.Cache, fl.fetch
warnings.simplefilter("ignore")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
cache = fl.Cache(sys.argv[1], memory=0)
urls = [f"{sys.argv[2]}/bytes/500?n={number}" for number in range(120)]
run = fl.fetch(urls, cache=cache).wait()
print(run.stats().ok, run.stats().cached, cache.stats().entries, "disk full" in cache.stats().trouble)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
from fetchlab.store import trouble
cache.tiers._shelf.trouble._no_writing_until = 0.0
cache.put("new", 1)
cache.flush()
print(cache.get("new"), repr(cache.stats().trouble), cache.stats().entries)
"""


@WITHOUT_WINDOWS
def test_a_full_disk_with_a_cache_on_it_is_read_until_there_is_room(path, bed, echo):
    """A cache that is full of what is wanted would be an error at the call."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, path, echo], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.split() == ["120", "100", "101", "True", "1", "''", "102"], done.stderr


def test_a_copy_without_its_log_is_not_moved_aside_for_being_read_in_the_middle(path, monkeypatch, recwarn):
    """A connection that leaves the log out may see half a change, and call a sound file damaged."""
    cache = fl.Cache(path, memory=0)
    shelf = cache.tiers._shelf
    monkeypatch.setattr(type(shelf._readers), "partial", True)
    shelf._not_read(sqlite3.DatabaseError("database disk image is malformed"))
    monkeypatch.setattr(trouble, "READ_SECONDS", 0.0)
    assert not list(path.parent.glob("*.aside*"))
