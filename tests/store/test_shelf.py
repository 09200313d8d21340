"""A cache's file in trouble: it is told once, in words, and whoever uses the cache goes on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pytest

import fetchlab as fl
from fetchlab import errors
from fetchlab.store import database, journal_layout, shelf_sql
from fetchlab.studies.timeline import layout as timeline

WIDE = 3_000


def all_of(path):
    cache = fl.Cache(path, memory=0)
    return cache, [cache.get(number) for number in range(40)]


def run_alone(code, *arguments):
    """Run code in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def filled(path, count=40):
    with fl.Cache(path) as cache:
        for number in range(count):
            cache.put(number, bytes([number]) * WIDE)
    return path


@pytest.mark.parametrize(
    "content", [b"not a database, whatever it is called\n" * 400, b"SQLite format 3\0" + bytes(9000)]
)
def test_a_file_that_is_no_cache_is_moved_aside(tmp_path, content):
    """The run would end, or the file be overwritten."""
    path = tmp_path / "c.db"
    path.write_bytes(content)
    with pytest.warns(RuntimeWarning, match=r"c\.db: .* moved to c\.db\.aside-"):
        cache = fl.Cache(path)
    cache.put("a", 1)
    cache.flush()
    assert fl.Cache(path).get("a") == 1
    (aside,) = tmp_path.glob("c.db.aside-*")
    assert aside.read_bytes() == content
    assert "moved" in cache.stats().trouble


@pytest.mark.parametrize("mode", ["use", "offline"])
def test_somebody_elses_database_is_refused_and_left_alone(tmp_path, mode):
    """A user's own tables would be lost to a mistyped name, or be gone from where others look for them."""
    path = tmp_path / "own.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE diary (day)")
        connection.execute("INSERT INTO diary VALUES (1)")
    with pytest.raises(errors.CacheError, match=r"no fetchlab cache .its tables: diary.*Cache.path="):
        fl.Cache(path, mode=mode)
    assert not list(tmp_path.glob("*.aside*"))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT day FROM diary").fetchall() == [(1,)]


@pytest.mark.parametrize("harm", [None, 4096])
def test_a_journal_is_never_moved_aside(bed, echo, tmp_path, harm):
    """Paths mixed up would rename a journal of six hours while it is being written."""
    path = tmp_path / "job.db"
    urls = [f"{echo}/delay/0.01?n={number}" for number in range(300)]
    run = fl.fetch(urls, workers=10, journal=path)
    while run.stats().done < 50:
        time.sleep(0.005)
    if harm:
        run.wait()
        with path.open("r+b") as file:
            file.seek(100)
            file.write(bytes(harm))
    with pytest.raises(errors.CacheError, match="it is a fetchlab journal"):
        fl.Cache(path)
    assert not list(tmp_path.glob("*.aside*"))
    if not harm:
        run.wait()
        assert len(fl.Journal.open(path)) == 300


def test_a_foreign_file_that_takes_the_caches_place_is_left_alone(tmp_path):
    """What another program puts there during a run would be moved away from it."""
    path = filled(tmp_path / "c.db")
    cache = fl.Cache(path, memory=0)
    cache.get(1)
    with sqlite3.connect(tmp_path / "own.db") as connection:
        connection.execute("CREATE TABLE diary (day)")
    connection.close()
    for file in tmp_path.glob("c.db*"):
        file.unlink()
    (tmp_path / "own.db").rename(path)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        for number in range(100, 103):
            cache.put(number, 1)
            cache.flush()
            cache.tiers._shelf.trouble._no_writing_until = 0.0
        assert "no fetchlab cache" in cache.stats().trouble
    assert not list(tmp_path.glob("*.aside*"))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("diary",)]


def test_our_own_marks_are_known(tmp_path):
    """A journal would be called a foreign file in the one place where it matters whose it is."""
    layouts = (shelf_sql.LAYOUT, journal_layout.LAYOUT, timeline.LAYOUT)
    assert {layout.mark: layout.kind for layout in layouts} == database.OURS


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_truncated_file_costs_no_more_than_what_is_gone(tmp_path, keep):
    """A crash of the disk would end every later run."""
    path = filled(tmp_path / "c.db")
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * keep))
    with pytest.warns(RuntimeWarning, match="damaged"):
        cache, found = all_of(path)
    for number, value in enumerate(found):
        assert value in (None, bytes([number]) * WIDE)
    cache.put("new", 1)
    cache.flush()
    assert cache.get("new") == 1


def test_a_flipped_bit_is_seen_and_the_entry_fetched_again(tmp_path):
    """Wrong bytes would be taken for the page: SQLite does not see them."""
    path = filled(tmp_path / "c.db")
    data = bytearray(path.read_bytes())
    place = data.find(bytes([7]) * 500)
    data[place + 100] ^= 1
    path.write_bytes(data)
    with fl.Cache(path, memory=0) as cache:
        with pytest.warns(RuntimeWarning, match="an entry is damaged and was dropped .7"):
            assert cache.get(7) is None
        assert cache.get(8) == bytes([8]) * WIDE
        assert cache.get_or_create(7, lambda: b"again") == b"again"
        cache.flush()
        assert cache.get(7) == b"again"


def test_offline_a_flipped_bit_is_a_miss(tmp_path, bed, echo):
    """Nothing can be dropped there, and the item would be looked for again and again."""
    path = tmp_path / "c.db"
    with fl.Cache(path) as cache:
        fl.fetch([f"{echo}/bytes/4000"], cache=cache).wait()
    data = bytearray(path.read_bytes())
    data[data.find(fl.fetch([f"{echo}/bytes/4000"]).result()[0][:500]) + 200] ^= 1
    path.write_bytes(data)
    with pytest.warns(RuntimeWarning, match="an entry is damaged"):
        run = fl.fetch([f"{echo}/bytes/4000"], cache=fl.Cache(path, mode="offline")).wait()
    assert isinstance(run.results()[0].error, errors.CacheMiss)


def test_a_file_that_disappears_is_begun_anew(tmp_path):
    """``rm -r data/cache`` during a run would end the caching in silence, or the run."""
    path = tmp_path / "c.db"
    cache = fl.Cache(path, memory=0)
    cache.put("a", 1)
    cache.flush()
    for file in tmp_path.iterdir():
        file.unlink()
    cache.close()
    cache.put("b", 2)
    cache.flush()
    assert (cache.get("a"), cache.get("b")) == (None, 2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_locked_file_is_done_without(tmp_path, monkeypatch, bed, echo):
    """Another program that has the file open would stop the run."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    path = tmp_path / "c.db"
    cache = fl.Cache(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    urls = [f"{echo}/json?n={number}" for number in range(20)]
    run = fl.fetch(urls, cache=cache).wait()
    assert run.stats().ok == 20
    cache.flush()
    assert "locked by another process" in cache.stats().trouble
    other.execute("ROLLBACK")
    other.close()


FULL = """
import resource, signal, sys, warnings
import fetchlab as fl
warnings.simplefilter("ignore")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
cache = fl.Cache(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
urls = [f"{sys.argv[2]}/bytes/5000?n={number}" for number in range(300)]
run = fl.fetch(urls, workers=10, cache=cache).wait()
cache.flush()
print(run.stats().ok, bool(cache.stats().trouble))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size to set")
def test_a_full_disk_costs_the_caching_not_the_run(tmp_path, bed, echo):
    """A run of six hours would end with its cache's disk."""
    path = tmp_path / "c.db"
    done = subprocess.run(
        [sys.executable, "-c", FULL, path, echo], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["300", "True"]
    again = fl.fetch([f"{echo}/bytes/5000?n={number}" for number in range(300)], cache=path).wait()
    assert again.stats().ok == 300


READ_ONLY = """
import os, sys, warnings
import fetchlab as fl
fl.Cache, fl.Request
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
warnings.simplefilter("ignore")
cache = fl.Cache(sys.argv[1])
print(cache.get_or_create("new", lambda: 1), cache.get("new"))
print(cache.get(3) == bytes([3]) * 3000, "writing" in cache.stats().trouble)
try:
    fl.Cache(sys.argv[1] + ".other")
except fl.errors.CacheError as error:
    print("refused", "other" in str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not read-only there")
def test_a_read_only_folder_is_read(tmp_path):
    """A cache shared on a read-only disk could not be replayed."""
    folder = tmp_path / "shared"
    path = filled(folder / "c.db")
    for parent in (tmp_path, *tmp_path.parents):
        if parent.is_relative_to(tempfile.gettempdir()) and parent != Path(tempfile.gettempdir()):
            parent.chmod(0o755)
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, path], capture_output=True, text=True, check=False
        )
    finally:
        folder.chmod(0o755)
    assert done.stdout.split() == ["1", "1", "True", "True", "refused", "True"], done.stderr


def test_a_newer_file_is_refused_at_the_call(tmp_path):
    """It would be moved aside by the older of two installations, again and again."""
    path = filled(tmp_path / "c.db")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(errors.CacheError, match="schema 99, this fetchlab knows"):
        fl.Cache(path)
    assert not list(tmp_path.glob("*.aside*"))


def test_secrets_never_reach_the_file(tmp_path, raw):
    """A shared cache would share the account it was made with."""
    path = tmp_path / "c.db"
    base = raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: sid=S3CRET-cookie-1\r\n"
        b"X-Api-Key: S3CRET-key-2\r\n\r\nok"
    )
    client = fl.Client(auth=("user", "S3CRET-password-3"), headers={"X-Token": "S3CRET-token-4"})
    requests = [
        f"{base}a?api_key=S3CRET-query-5",
        fl.Request(
            f"{base}b", headers={"Authorization": "Bearer S3CRET-bearer-6", "Cookie": "a=S3CRET-cookie-7"}
        ),
        base.replace("//", "//user:S3CRET-user-8@") + "c",
    ]
    with fl.Cache(path, vary=("authorization", "x-token", "cookie")) as cache:
        run = fl.fetch(requests, client=client, cache=cache).wait()
        assert run.stats().ok == 3
        assert cache.stats().entries == 3
        cache.memoize(lambda token: token[:1])("api_key=S3CRET-argument-9")
    for file in tmp_path.iterdir():
        assert b"S3CRET" not in file.read_bytes()


KILLED = """
import sys
import fetchlab as fl
fl.fetch([sys.argv[2]], cache=sys.argv[1], progress=False).wait()
"""


def test_a_leader_that_is_killed_hands_over(tmp_path, bed, echo, monkeypatch):
    """Its lease would keep every other process from ever asking."""
    from fetchlab.store import leases

    monkeypatch.setattr(leases, "DEAD_SECONDS", 1.5)
    path, url = tmp_path / "c.db", f"{echo}/json?n=1"
    bed.configure("echo", latency=60)
    leader = subprocess.Popen([sys.executable, "-c", KILLED, path, url])
    while not bed.counters("echo")["in_flight"]:
        time.sleep(0.01)
    run = fl.fetch([url], cache=path)
    while not run.stats().waits:
        assert not run.ended
        time.sleep(0.01)
    leader.kill()
    leader.wait()
    bed.configure("echo", latency=0)
    assert run.wait(30).stats().ok == 1
    assert bed.counters("echo")["requests"] == 2


MANY = """
import sys
import fetchlab as fl
urls = [f"{sys.argv[2]}/json?n={number}" for number in range(int(sys.argv[3]))]
sys.stdin.readline()
run = fl.fetch(urls, workers=20, parse="json", cache=sys.argv[1], progress=False).wait()
assert [value["args"]["n"] for value in run.result()] == [str(number) for number in range(len(urls))]
print(run.stats().cached)
"""


def test_four_processes_make_one_request_per_key(tmp_path, bed, echo):
    """Four notebooks on one cache would fetch everything four times."""
    bed.configure("echo", latency=0.005)
    arguments = [sys.executable, "-c", MANY, tmp_path / "c.db", echo, "1000"]
    processes = [
        subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert bed.counters("echo")["requests"] == 1000
    assert sum(map(int, told)) == 3000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_opens_the_file_for_itself(tmp_path):
    """SQLite's connections must not be used across a fork."""
    code = (
        "import os, sys, fetchlab as fl\n"
        "cache = fl.Cache(sys.argv[1]); cache.put('a', 1); cache.flush(); cache.get('a')\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    own = fl.Cache(sys.argv[1], memory=0); own.put('b', 2); own.flush()\n"
        "    os._exit(0 if (own.get('a'), own.get('b')) == (1, 2) else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
        "assert fl.Cache(sys.argv[1], memory=0).get('b') == 2\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, tmp_path / "c.db"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_million_entries_open_at_once_and_keep_to_their_size(tmp_path):
    """Opening would count, or eviction sort, for minutes."""
    path = tmp_path / "c.db"
    with fl.Cache(path, memory=0) as cache:
        for number in range(1_000_000):
            cache.put(number, number)
            while cache.tiers.backlog > 2000:
                time.sleep(0.001)
    began = time.perf_counter()
    with fl.Cache(path) as cache:
        assert cache.stats().entries == 1_000_000
        assert cache.get(999_999) == 999_999
    print(f"a million entries opened and asked in {time.perf_counter() - began:.3f} s")
    limit = path.stat().st_size * 3 // 4
    with fl.Cache(path, max_bytes=limit) as cache:
        cache.put("one more", 1)
        cache.flush()
        assert cache.get("one more") == 1
    assert path.stat().st_size <= limit
