"""A server that is gone, full or not to be written: told once, done without, and taken up again."""

from __future__ import annotations

import sys
import time

import pytest

import fetchlab as fl
from conftest import client_of
from fetchlab import errors
from fetchlab.store import shared_wire
from fetchlab.store import shared_words as words


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(shared_wire, "RETRY_SECONDS", 0.05)


def urls_of(echo, count, word="n"):
    return [f"{echo}/json?{word}={number}" for number in range(count)]


def told(recwarn, word):
    return [str(warning.message) for warning in recwarn.list if word in str(warning.message)]


def reached(cache):
    """Ask until the server is found again, as a run that goes on does."""
    while not cache.tiers.reaches:
        cache.get("whatever")
        time.sleep(0.01)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_server_that_is_not_there_at_the_start_is_told(refused, tmp_path, kind):
    """A mistyped address would silently be no cache at all."""
    address = "redis://127.0.0.1:" + refused.rpartition(":")[2].strip("/")
    with pytest.raises(errors.CacheError, match=rf"^{address}/0: the shared tier does not answer .*start it"):
        fl.Cache(tmp_path / "c.db" if kind == "file" else None, shared=address)


def test_without_the_client_it_is_said_how_to_get_it(monkeypatch):
    """``ModuleNotFoundError`` does not know the extra."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(errors.ConfigError, match=r"pip install 'fetchlab\[redis\]'"):
        fl.Cache("redis://127.0.0.1:1/0")


def test_a_server_that_goes_is_done_without_and_taken_up_again(bed, echo, own_redis, tmp_path, recwarn):
    """A night's run would end with the server's restart, or never share anything afterwards."""
    server = own_redis()
    with fl.Cache(tmp_path / "c.db", shared=server.url()) as cache:
        fl.fetch(urls_of(echo, 20), cache=cache).wait()
        cache.flush()
        server.kill()
        run = fl.fetch(urls_of(echo, 40), cache=cache).wait(30)
        assert (run.stats().ok, run.stats().cached) == (40, 20)
        assert fl.fetch(urls_of(echo, 10, "m"), cache=cache).wait(30).stats().ok == 10
        stats = cache.stats()
        assert stats.without_shared >= 30
        assert "does not answer" in stats.trouble
        assert len(told(recwarn, "the run goes on without it")) == 1
        server.start()
        reached(cache)
        fl.fetch(urls_of(echo, 20, "k"), cache=cache).wait(30)
        cache.flush()
        assert cache.stats().trouble == ""
        with client_of(server) as client:
            assert len(client.keys(words.ENTRIES)) == 20
    assert bed.counters("echo")["requests"] == 70


def test_those_who_wait_for_a_machine_go_on_when_the_server_goes(bed, echo, own_redis, tmp_path, recwarn):
    """Nobody would tell them that the lease is over."""
    server = own_redis()
    cache = fl.Cache(tmp_path / "c.db", shared=server.url())
    (url,) = urls_of(echo, 1)
    with client_of(server) as client:
        client.set(words.LEASE + words.name_of(cache.key_of(url)), "another's")
    run = fl.fetch([url], cache=cache)
    while not run.stats().waits:
        time.sleep(0.01)
    server.kill()
    assert run.wait(30).stats().ok == 1
    assert bed.counters("echo")["requests"] == 1
    assert told(recwarn, "the run goes on without it")


def test_one_machine_asks_once_while_the_server_is_gone(bed, echo, own_redis, recwarn):
    """Without the server even those in one process would all ask."""
    server = own_redis()
    cache = fl.Cache(server.url())
    server.kill()
    run = fl.fetch([f"{echo}/delay/0.1"] * 50, cache=cache).wait(30)
    assert (run.stats().ok, bed.counters("echo")["requests"]) == (50, 1)
    assert told(recwarn, "without it")


def test_a_server_that_hangs_is_given_up(bed, echo, own_redis, tmp_path, monkeypatch):
    """Behind a broken network nothing is refused, and everybody would wait for ever."""
    monkeypatch.setattr(shared_wire, "ANSWER_SECONDS", 0.2)
    server = own_redis()
    cache = fl.Cache(tmp_path / "c.db", shared=server.url())
    server.hang()
    with pytest.warns(RuntimeWarning, match="the run goes on without it"):
        assert fl.fetch(urls_of(echo, 30), cache=cache).wait(30).stats().ok == 30
    server.go_on()
    reached(cache)


def test_a_full_server_is_read_until_there_is_room(bed, echo, own_redis, recwarn):
    """A server with ``noeviction`` would fail every item, or be written to in vain for ever."""
    server = own_redis("--maxmemory-policy", "noeviction")
    with client_of(server) as client:
        cache = fl.Cache(server.url())
        fl.fetch(urls_of(echo, 10), cache=cache).wait()
        cache.close()
        client.config_set("maxmemory", 1)
        cache = fl.Cache(server.url())
        run = fl.fetch(urls_of(echo, 20), cache=cache).wait(30)
        assert (run.stats().ok, run.stats().cached) == (20, 10)
        assert cache.stats().without_shared >= 10
        assert len(told(recwarn, "is full")) == 1
        assert "allkeys-lru" in told(recwarn, "is full")[0]
        with pytest.raises(errors.CacheError, match=r"is full .*what was ordered is not done"):
            cache.put("mine", 1)
        client.config_set("maxmemory", 0)
        cache.put("mine", 1)
        cache.flush()
        assert client.exists(words.ENTRY + words.name_of("mine"))
        assert cache.stats().trouble == ""
    assert bed.counters("echo")["requests"] == 20


def test_a_replica_is_read_and_told(bed, echo, own_redis, recwarn):
    """Its address beside the primary's is easily mistaken."""
    server = own_redis()
    with fl.Cache(server.url()) as cache, client_of(server) as client:
        fl.fetch(urls_of(echo, 5), cache=cache).wait()
        cache.flush()
        client.replicaof("127.0.0.1", 1)
        with fl.Cache(server.url(), max_bytes=10**6) as other:
            run = fl.fetch(urls_of(echo, 10), cache=other).wait(30)
            assert (run.stats().ok, run.stats().cached) == (10, 5)
            with pytest.raises(errors.CacheError, match="give the primary's address"):
                other.clear()
    assert len(told(recwarn, "is a replica")) == 1


@pytest.mark.parametrize("order", ["clear", "expire", "put", "delete", "frame"])
def test_an_order_that_cannot_be_done_is_an_error(own_redis, order):
    """``0 dropped`` would be believed."""
    server = own_redis()
    cache = fl.Cache(server.url())
    cache.put("a", 1)
    cache.flush()
    server.kill()
    ordered = {"put": ("b", 2), "delete": ("a",)}.get(order, ())
    with pytest.warns(RuntimeWarning, match="without it"):
        cache.get("something else")
    with pytest.raises(errors.CacheError, match=rf"127\.0\.0\.1:{server.port}/0: the shared tier does not"):
        getattr(cache, order)(*ordered)
    server.start()
    getattr(cache, order)(*ordered)


def test_offline_a_server_that_is_gone_is_no_miss(bed, echo, own_redis):
    """``CacheMiss`` says that nothing is there: one would fetch everything again."""
    server = own_redis()
    with fl.Cache(server.url()) as cache:
        fl.fetch(urls_of(echo, 3), cache=cache).wait()
    cache = fl.Cache(server.url(), max_bytes=10**6, mode="offline")
    server.kill()
    with pytest.warns(RuntimeWarning, match="without it"):
        run = fl.fetch(urls_of(echo, 3), cache=cache).wait(30)
    assert set(run.frame()["error"]) == {"CacheError"}
    assert "does not answer" in run.frame()["message"][0]
    assert "and the cache is offline" in run.frame()["message"][0]


def test_by_hand_and_memoized_go_on_without_the_server(own_redis):
    """A function that remembers would fail because of where it remembers."""
    server = own_redis()
    cache, calls = fl.Cache(server.url()), []

    @cache.memoize
    def doubled(number):
        calls.append(number)
        return 2 * number

    server.kill()
    with pytest.warns(RuntimeWarning, match="without it"):
        assert [doubled(1), doubled(1), doubled(2)] == [2, 2, 4]
    assert calls == [1, 2]
    assert cache.get("unknown", "nothing") == "nothing"


def test_a_node_of_a_cluster_is_refused_at_the_start(own_redis):
    """Every key would be answered with the address of another node, and told."""
    server = own_redis("--cluster-enabled", "yes")
    with pytest.raises(errors.CacheError, match="is a node of a cluster"):
        fl.Cache(server.url())
