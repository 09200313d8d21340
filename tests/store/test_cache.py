"""The cache people hold: put, got, created once, expired, counted."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import pickle
import sqlite3
import threading
import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import fetchlab as fl
from fetchlab import errors
from fetchlab.store import upkeep
from fetchlab.store.entry import Entry
from fetchlab.store.memory import Memory
from fetchlab.store.places import Places


@pytest.fixture(params=["memory", "file", "shared", "file and shared"])
def cache(request, tmp_path):
    kind = request.param
    path = tmp_path / "c.db" if "file" in kind else None
    return fl.Cache(path, shared=request.getfixturevalue("redis").url() if "shared" in kind else None)


@dataclasses.dataclass
class Movie:
    name: str


VALUES = [b"bytes", {"a": [1, None, "x"]}, "text", 3, (1, 2), Movie("A"), pl.DataFrame({"a": [1, 2]})]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_is_put_is_got(cache, value):
    """Everything a researcher makes: bodies, JSON, models, tables."""
    cache.put("key", value)
    found = cache.get("key")
    if isinstance(value, pl.DataFrame):
        assert_frame_equal(found, value)
    else:
        assert found == value
    assert cache.get("other", "nothing") == "nothing"


def test_a_value_changed_after_it_was_put_is_not_changed_in_the_cache(cache):
    """The next cell would see what the last one did to its copy."""
    value = {"a": []}
    cache.put("key", value)
    value["a"].append(1)
    cache.get("key")["a"].append(2)
    assert cache.get("key") == {"a": []}


@pytest.mark.parametrize("key", ["http://H/a?b=1#c", fl.Request("http://h:80/a?b=1"), "GET http://h/a?b=1"])
def test_a_request_is_found_by_any_of_its_names(cache, key):
    """What ``run.frame()`` shows could not be looked up."""
    cache.put("http://h/a?b=1", "found")
    assert cache.get(key) == "found"


@pytest.mark.parametrize("key", [3, ("a", 3), ("a", ("b",))])
def test_plain_keys(cache, key):
    """Ids and pairs of ids are what people have."""
    cache.put(key, 1)
    assert cache.get(key) == 1


def test_a_key_that_is_no_name_is_refused(cache):
    """A dict's order or an object's address would decide what is found."""
    with pytest.raises(errors.ConfigError, match="key: give a string"):
        cache.get({"a": 1})


def test_a_ttl_of_its_own_and_for_ever(cache):
    """What never changes would be asked for every hour."""
    cache.put("gone", 1, ttl=0.0)
    cache.put("brief", 1, ttl=1e-9)
    cache.put("for ever", 1, ttl=None)
    assert [cache.get(key) for key in ("gone", "brief", "for ever")] == [None, None, 1]


def test_delete_clear_and_expire(cache):
    """What is wrong could not be got rid of, or all would go with it."""
    for number in range(5):
        cache.put(number, number)
    cache.put("old", 1, ttl=1e-9)
    assert cache.delete(0)
    assert not cache.delete(0)
    assert cache.get(0) is None
    assert cache.expire() == 1
    assert cache.stats().entries == 4
    assert cache.expire(older_than=3600) == 0
    assert cache.expire(older_than=0) == 4
    cache.put(1, 1)
    assert cache.clear() == 1
    assert cache.stats().entries == 0
    assert cache.get(1) is None


def test_stats_count_by_tier(tmp_path):
    """Nobody could say what the cache is good for."""
    cache = fl.Cache(tmp_path / "c.db", memory=1)
    now = time.time()
    for key in "ab":
        cache.tiers.store(Entry.of_value(key, key, stored=now, expires=None, seconds=2.0))
    cache.flush()
    cache.get("b")
    cache.get("a")
    cache.get("none")
    cache.get_or_create("c", lambda: "c")
    stats = cache.stats()
    assert (stats.hits_memory, stats.hits_file, stats.misses, stats.stored) == (1, 1, 1, 3)
    assert (stats.hits, stats.requests_saved, stats.seconds_saved) == (2, 2, 4.0)
    assert stats.hit_rate == pytest.approx(2 / 3)
    cache.flush()
    assert cache.stats().entries == 3
    assert cache.stats().bytes > 3
    assert "2 hits" in repr(cache)


def test_what_was_just_put_is_found_before_it_is_written(tmp_path):
    """With a small memory tier the followers of a request would ask again."""
    cache = fl.Cache(tmp_path / "c.db", memory=0)
    for number in range(300):
        cache.put(number, number)
        assert cache.get(number) == number
    cache.flush()
    assert fl.Cache(tmp_path / "c.db").get(299) == 299


def test_many_threads_put_at_once(tmp_path):
    """Two that came at the same moment for a place in the file would fail each other."""
    places, numbers, barrier = Places(), [], threading.Barrier(8)

    def take():
        barrier.wait()
        numbers.extend(places.next() for _ in range(5_000))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 40_000


# created once


def test_fifty_threads_create_once(cache):
    """Each of them would do the work of an hour."""
    calls, barrier, found = [], threading.Barrier(50), []

    def create():
        calls.append(1)
        time.sleep(0.01)
        return {"made": len(calls)}

    def ask():
        barrier.wait()
        found.append(cache.get_or_create("key", create))

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]
    assert found == [{"made": 1}] * 50


def test_a_hundred_tasks_create_once(cache):
    """The same on an event loop, which a blocked asker would stop."""
    calls = []

    async def create():
        calls.append(1)
        await asyncio.sleep(0.01)
        return len(calls)

    async def ask_all():
        return await asyncio.gather(*(cache.get_or_create("key", create) for _ in range(100)))

    assert asyncio.run(ask_all()) == [1] * 100
    assert calls == [1]


def test_two_caches_of_one_file_create_once(tmp_path):
    """Each cell makes its own ``fl.Cache`` of the same path."""
    calls, started, go = [], threading.Event(), threading.Event()

    def create():
        calls.append(1)
        started.set()
        go.wait()
        return 1

    first = threading.Thread(target=lambda: fl.Cache(tmp_path / "c.db").get_or_create("key", create))
    first.start()
    started.wait()
    second = threading.Thread(target=lambda: fl.Cache(tmp_path / "c.db").get_or_create("key", create))
    second.start()
    go.set()
    first.join()
    second.join()
    assert calls == [1]


def test_when_creating_fails_the_next_one_creates(cache):
    """All who wait would get the first one's error, or wait for ever."""
    calls = []

    def create():
        calls.append(1)
        if len(calls) < 3:
            raise LookupError(len(calls))
        return "made"

    outcomes = []

    def ask():
        try:
            outcomes.append(cache.get_or_create("key", create))
        except LookupError:
            outcomes.append("failed")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["failed"] * 2 + ["made"] * 6
    assert len(calls) == 3


def test_memoized_functions_remember_by_their_arguments(cache):
    """A second call would compute again, or another call get the first one's value."""
    calls = []

    @cache.memoize
    def area(width, height=1):
        """Docstring."""
        calls.append((width, height))
        return width * height

    assert [area(2, 3), area(width=2, height=3), area(2), area(2, 1)] == [6, 6, 2, 2]
    assert calls == [(2, 3), (2, 1)]
    assert area.__doc__ == "Docstring."


def test_memoized_async_functions_and_a_ttl(cache):
    """Most of what takes long is asynchronous."""
    calls = []

    @cache.memoize(ttl=1e-9)
    async def brief(number):
        calls.append(number)
        return number

    @cache.memoize(ttl=None)
    async def lasting(number):
        calls.append(number)
        return number

    async def ask():
        return [await brief(1), await brief(1), await lasting(2), await lasting(2)]

    assert asyncio.run(ask()) == [1, 1, 2, 2]
    assert calls == [1, 1, 2]


def test_a_memoized_function_that_calls_itself_alike_is_told(cache):
    """It would wait for itself without end."""

    @cache.memoize
    def spin(number):
        return spin(number)

    @cache.memoize
    async def turn(number):
        return (await asyncio.gather(turn(number)))[0]

    @cache.memoize
    def fib(number):
        return number if number < 2 else fib(number - 1) + fib(number - 2)

    with pytest.raises(errors.CacheError, match="same call creates it"):
        spin(1)
    with pytest.raises(errors.CacheError, match="same call creates it"):
        asyncio.run(turn(1))
    other = fl.Cache()
    assert cache.get_or_create("k", lambda: other.get_or_create("k", lambda: 1)) == 1
    assert fib(30) == 832_040


def test_a_remembered_function_may_be_mapped_over_the_same_cache(cache):
    """Run and function would wait for each other under one name."""
    plus = cache.memoize(lambda number: number + 1, key=str)
    assert fl.map(plus, [1, 2], cache=cache, key=str).wait(20).result() == [2, 3]


def test_memoized_with_a_key_of_ones_own(cache):
    """Arguments that have no plain form could not be used, or would be told apart by their address."""
    with pytest.raises(errors.ConfigError, match="key"):
        cache.memoize(lambda what: 1)(object())

    @cache.memoize(key=lambda what: what["id"])
    def name(what):
        return what["name"]

    assert name({"id": 1, "name": "a", "o": object()}) == name({"id": 1, "name": "b"}) == "a"


def test_secrets_among_arguments_are_told_apart_and_not_stored(tmp_path):
    """One account would get the other's values, or the token would lie in the file."""
    path = tmp_path / "c.db"
    with fl.Cache(path) as cache:

        @cache.memoize
        def account(header):
            return len(header)

        assert account("Authorization: Bearer S3CRET-one") == 32
        assert account("Authorization: Bearer S3CRET-three") == 34
    assert not any(b"S3CRET" in file.read_bytes() for file in tmp_path.iterdir())


SECRET = "S3CRET-0123456789"
CALLS = {
    "auth": ("user", SECRET),
    "cookies": {"sid": SECRET},
    "passphrase": SECRET,
    "key": SECRET,
    "tokens": [SECRET],
    "credentials": {"pw": SECRET},
    "api_key": {"value": SECRET},
    "cfg": {"token": {"value": [SECRET]}, "clientSecret": SECRET},
    "headers": [("Authorization", SECRET)],
    "pin": 32168_5550199,
    "by_id": {1: {"password": SECRET}},
    "text": f"Cookie: sid={SECRET}",
    "url": f"https://h/x?api_key={SECRET}",
}


@pytest.mark.parametrize(("name", "value"), CALLS.items(), ids=CALLS)
def test_a_secret_argument_is_hidden_by_its_name_however_deep(tmp_path, name, value):
    """A file that is shared would hold the account it was made with."""
    with fl.Cache(tmp_path / "c.db") as cache:

        @cache.memoize
        def ask(**knobs):
            return len(str(knobs))

        @cache.memoize
        def named(value):
            return 1

        longer = {name: value, "page": 1, "note": "x" * 300}
        assert ask(**{name: value}) == ask(**{name: value}) != ask(**longer)
        other = {"auth": ("user", "x" * 17), "pin": 1}.get(name, "other")
        assert ask(**{name: other}) == len(str({name: other}))
        named({name: value})
        assert cache.stats().entries == 4
        assert cache.stats().hits == 1
    for file in tmp_path.iterdir():
        assert b"S3CRET" not in file.read_bytes()
        assert b"321685550199" not in file.read_bytes()


def test_a_secret_in_a_plain_key_is_hidden(tmp_path):
    """Keys that are no URLs would be stored as they are; masked alone, two would be one."""
    keys = [
        f"{name}S3CRET-{number}"
        for name in ("Authorization: Bearer ", "token=", "a password: ")
        for number in "12"
    ]
    with fl.Cache(tmp_path / "c.db") as cache:
        for key in keys:
            cache.put(key, key[-1])
            cache.put(("of", key), 1)
        assert [cache.get(key) for key in keys] == ["1", "2"] * 3
        run = fl.map(lambda item: item[-1], keys, cache=cache).wait()
        assert run.result() == ["1", "2"] * 3
        assert cache.stats().entries == 18
    for file in tmp_path.iterdir():
        assert b"S3CRET" not in file.read_bytes()


def test_functions_of_one_source_are_told_apart_by_what_they_hold(cache):
    """A function made in a loop would give the first one's values."""

    def times(factor):
        return lambda number, more=factor: number * factor + more

    made = [cache.memoize(times(factor)) for factor in (2, 3)]
    assert [function(10) for function in made] == [22, 33]
    assert cache.memoize(functools.partial(times(2), 4))() == 10
    assert cache.memoize(functools.partial(times(2), 5))() == 12


def test_offline_creates_nothing(tmp_path):
    """Offline would compute, and fail late."""
    with fl.Cache(tmp_path / "c.db") as cache:
        cache.put("there", 1)
    offline = fl.Cache(tmp_path / "c.db", mode="offline")
    assert offline.get_or_create("there", lambda: 2) == 1
    with pytest.raises(errors.CacheMiss, match="does not hold missing"):
        offline.get_or_create("missing", lambda: 2)


def test_off_creates_always(tmp_path):
    """``off`` would still remember."""
    off = fl.Cache(tmp_path / "c.db", mode="off")
    numbers = iter(range(9))
    assert [off.get_or_create("key", lambda: next(numbers)) for _ in range(2)] == [0, 1]


# limits


def test_the_memory_tier_keeps_what_was_used_last():
    """What is asked for all the time would be dropped for what was asked for once."""
    cache = fl.Cache(memory=3)
    for key in "abc":
        cache.put(key, key)
    cache.get("a")
    cache.put("d", "d")
    assert [cache.get(key) for key in "abcd"] == ["a", None, "c", "d"]
    assert cache.stats().evicted == 1


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 400), st.booleans())), st.integers(0, 4)
)
def test_the_memory_tier_is_the_plain_model(steps, most):
    """Its count of bytes would drift, and it would hold everything or nothing."""
    memory, model = Memory(most, 1500), {}
    for key, size, puts in steps:
        if puts:
            entry = Entry(key, "bytes", None, b"x" * size, stored=0.0, expires=None, seconds=0.0)
            memory.put(entry)
            model.pop(key, None)
            if most and entry.size <= 1500:
                model[key] = entry
            while len(model) > most or sum(one.size for one in model.values()) > 1500:
                del model[next(iter(model))]
        else:
            found = memory.get(key)
            assert found is model.get(key)
            if found is not None:
                model[key] = model.pop(key)
    assert [entry.key for entry in memory.entries()] == list(model)
    assert memory.bytes == sum(entry.size for entry in model.values())


def test_the_file_keeps_to_its_size(tmp_path):
    """A crawl left alone over night would fill the disk."""
    path = tmp_path / "c.db"
    with fl.Cache(path, max_bytes=2_000_000, memory=0) as cache:
        for number in range(600):
            cache.put(number, bytes(10_000))
            if number == 300:
                cache.flush()
                cache.get(0 if cache.get(0) is not None else 300)
        cache.flush()
        stats = cache.stats()
        assert stats.evicted > 300
        assert stats.entries + stats.evicted == 600
        assert cache.get(599) is not None
        assert cache.get(1) is None
    assert path.stat().st_size <= 2_000_000
    assert stats.entries > 100


def test_the_log_beside_the_file_keeps_to_half_of_its_size(tmp_path):
    """A limit of 4 MB would take 36 MB of a disk."""
    path, most = tmp_path / "c.db", 0
    with fl.Cache(path, max_bytes=4_000_000, memory=0) as cache:
        for number in range(2_000):
            cache.put(number, bytes(10_000))
            if number % 100 == 99:
                cache.flush()
                most = max(most, path.with_name("c.db-wal").stat().st_size)
        assert cache.stats().evicted > 1_000
    assert most < 2_000_000 + 200 * 10_000
    assert path.stat().st_size <= 4_000_000


def test_another_size_for_the_same_file_is_told(tmp_path):
    """Two cells name one file, and the second one's limit would silently be the first one's."""
    first = fl.Cache(tmp_path / "c.db", max_bytes=10_000_000)
    with pytest.warns(RuntimeWarning, match=r"max_bytes is 5,000,000 for all caches .* not 10,000,000"):
        fl.Cache(tmp_path / "c.db", max_bytes=5_000_000)
    fl.Cache(tmp_path / "c.db", max_bytes=5_000_000)
    fl.Cache(tmp_path / "c.db")
    first.close()


def test_much_is_dropped_in_many_transactions(tmp_path, monkeypatch):
    """Other processes would wait for the lock until all of a million were gone, and give it up."""
    monkeypatch.setattr(upkeep, "SLICE", 100)
    path = tmp_path / "c.db"
    with fl.Cache(path, memory=0) as cache:
        for number in range(1_500):
            cache.put(number, bytes(1_000))
    commits, step = [], upkeep.Shrinking.step
    monkeypatch.setattr(upkeep.Shrinking, "step", lambda *given: commits.append(1) or step(*given))
    limit = path.stat().st_size // 2
    with fl.Cache(path, max_bytes=limit, memory=0) as cache:
        cache.get(0)
        cache.put("one more", 1)
        cache.flush()
        assert (cache.get("one more"), len(cache.get(0))) == (1, 1_000)
        held = cache.stats()
        assert held.entries + held.evicted == 1_501
        assert len(commits) > held.evicted / 200
    assert path.stat().st_size <= limit
    with fl.Cache(path, memory=0) as cache:
        assert cache.expire(older_than=0) == held.entries
        assert cache.stats().entries == 0
    assert path.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("knobs", "named"),
    [
        ({"path": 5}, "path"),
        ({"path": b"x"}, "path"),
        ({"path": "a\0b"}, "path"),
        ({"ttl": -1}, "ttl"),
        ({"ttl": "1h"}, "ttl"),
        ({"memory": -1}, "memory"),
        ({"memory": 1.5}, "memory"),
        ({"max_bytes": 0}, "max_bytes"),
        ({"mode": "on"}, "mode"),
        ({"stale_if_error": -1}, "stale_if_error"),
        ({"vary": "accept"}, "vary"),
        ({"ignore": [1]}, "ignore"),
        ({"methods": ""}, "methods"),
    ],
)
def test_a_wrong_knob_is_named(knobs, named):
    """The user would learn of it in the middle of a run, or never."""
    with pytest.raises(errors.ConfigError, match=f"{named}:"):
        fl.Cache(**knobs)


def test_a_folder_is_told_and_the_users_own_found(tmp_path, monkeypatch):
    """A file in a folder named ``~`` would be looked for in vain; of a folder nobody would say what it is."""
    with pytest.raises(errors.ConfigError, match=r"path: .* is a folder; give a file in it"):
        fl.Cache(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with fl.Cache("~/own.db") as cache:
        cache.put("a", 1)
    assert cache.path == tmp_path / "own.db"
    assert cache.path.exists()


def test_a_cache_crosses_to_another_process_by_its_path(tmp_path):
    """A task of ``fl.Processes`` could not use it."""
    cache = fl.Cache(tmp_path / "c.db", ttl=5, ignore=("_",), mode="refresh")
    cache.put("a", 1)
    cache.flush()
    twin = pickle.loads(pickle.dumps(cache))
    assert twin.rules == cache.rules
    assert twin.path == cache.path


# analytics


def test_the_frame_tells_of_every_entry(cache):
    """The cache could not be analysed where everything else can."""
    cache.put("a", b"xx", ttl=60)
    cache.put("b", 1, ttl=None)
    cache.flush()
    frame = cache.frame().sort("key")
    assert frame["key"].to_list() == ["a", "b"]
    assert frame["kind"].to_list() == ["bytes", "json"]
    assert frame["expires"].is_null().to_list() == [False, True]
    assert (frame["expires"] - frame["stored"]).dt.total_seconds()[0] == 60
    assert frame["fetches"].to_list() == [1, 1]


def test_the_frame_tells_of_what_was_stored_and_used_a_moment_ago(tmp_path):
    """Right after a run entries would be missing, and none have been used."""
    cache = fl.Cache(tmp_path / "c.db")
    for number in range(30):
        cache.put(f"http://h/{number}?_=1", 1)
        cache.get(f"http://h/{number}?_=1")
    assert (cache.frame().height, cache.frame()["hits"].sum()) == (30, 30)
    cache.put("http://h/0?_=2", 1)
    assert cache.advice()["knob"].to_list() == ['ignore=("_",)']


def test_the_frame_tells_hosts_as_a_run_does(bed, tmp_path):
    """Hit rates by host would need a regular expression, and would not join to a run's timings."""
    cache = fl.Cache(tmp_path / "c.db")
    urls = [f"{bed.urls['echo']}/json?n=1", f"{bed.urls['echo2']}/html#top"]
    run = fl.fetch(urls, cache=cache).wait()
    cache.put("by hand", 1)
    cache.flush()
    hosts = dict(cache.frame().select("key", "host").rows())
    assert hosts == dict(run.frame().select("key", "host").rows()) | {"by hand": None}


def stored(cache, key, body, moments, ttl=10.0):
    """Store an entry at several moments, as if it had been fetched then."""
    for moment, content in zip(moments, body, strict=True):
        cache.tiers.store(Entry.of_value(key, content, stored=moment, expires=moment + ttl, seconds=0.5))
    cache.flush()


def advice_of(cache, what):
    rows = cache.advice().filter(pl.col("advice") == what).rows(named=True)
    return rows[0] if rows else None


def test_advice_on_a_ttl_that_is_too_short(tmp_path):
    """Pages that never change would be fetched every ten seconds for ever."""
    cache = fl.Cache(tmp_path / "c.db")
    stored(cache, "GET http://h/same", [b"a"] * 5, [0.0, 20.0, 40.0, 60.0, 80.0])
    stored(cache, "GET http://h/once", [b"b"], [0.0])
    row = advice_of(cache, "ttl is too short")
    assert (row["host"], row["entries"], row["requests"], row["knob"]) == ("http://h", 1, 4, "ttl=80")


def test_advice_on_a_ttl_that_is_too_long(tmp_path):
    """Values would be used that had changed long ago."""
    cache = fl.Cache(tmp_path / "c.db")
    now = time.time()
    stored(cache, "GET http://h/news", [b"a", b"b", b"c"], [now - 120, now - 60, now], ttl=3600.0)
    for _ in range(3):
        cache.get("GET http://h/news")
    cache.flush()
    row = advice_of(cache, "ttl is too long")
    assert (row["entries"], row["requests"], row["knob"]) == (1, -3, "ttl=60")


def test_advice_on_a_parameter_that_makes_no_difference(tmp_path):
    """A time stamp in the query would make the cache useless, unnoticed."""
    cache = fl.Cache(tmp_path / "c.db")
    for page in range(2):
        for stamp in range(5):
            stored(cache, f"GET http://h/list?page={page}&_={stamp}", [f"page {page}".encode()], [0.0])
    row = advice_of(cache, "a parameter makes no difference")
    assert (row["knob"], row["entries"], row["requests"]) == ('ignore=("_",)', 10, 8)
    assert advice_of(cache, "ttl is too short") is None


def test_no_advice_on_a_parameter_that_made_a_difference_once(cache):
    """Who followed it would lose 98 of 100 pages: two that were missing looked alike."""
    for number in range(100):
        value = {"found": False} if number in (7, 9) else {"id": number}
        cache.put(f"https://api.example.org/item?id={number}&_=1", value)
        cache.put(f"https://api.example.org/item?id={number}&_=2", value)
    cache.flush()
    assert cache.advice()["knob"].to_list() == ['ignore=("_",)']


def test_advice_on_bodies_that_are_too_large(tmp_path):
    """Two videos would push thousands of pages out."""
    cache = fl.Cache(tmp_path / "c.db", max_bytes=3_000_000)
    for number in range(400):
        stored(cache, f"GET http://h/{number}", [bytes(10_000)], [float(number)])
    stored(cache, "GET http://h/video", [bytes(2_500_000)], [1000.0])
    row = advice_of(cache, "bodies are too large")
    assert row["example_key"] == "GET http://h/video"
    assert 0 < row["requests"] <= cache.stats().evicted
    assert "ttl=lambda" in row["knob"]


def test_no_advice_is_a_table_too(cache):
    """A notebook cell would fail where all is well."""
    cache.put("a", 1)
    assert cache.advice().columns == [
        "advice",
        "host",
        "entries",
        "requests",
        "knob",
        "example_key",
        "detail",
    ]
    assert cache.advice().is_empty()


def test_hits_reach_the_file_at_the_end(tmp_path):
    """Eviction and advice would go by what was stored, not by what is used."""
    path = tmp_path / "c.db"
    with fl.Cache(path, memory=5) as cache:
        cache.put("a", 1)
        for _ in range(7):
            cache.get("a")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT hits FROM entry").fetchall() == [(7,)]


def test_another_mode_has_the_same_entries(cache):
    """Who switches to ``offline`` wants what has just been fetched, with the knobs it was made with."""
    cache.put("a", 1)
    assert cache.in_mode("use") is cache
    offline = cache.in_mode("offline")
    assert offline.get("a") == 1
    assert offline.knobs == {**cache.knobs, "mode": "offline"}
    with pytest.raises(errors.ConfigError, match="mode"):
        cache.in_mode("sometimes")
