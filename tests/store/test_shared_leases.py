"""One of all who want the same asks for it, on whatever machine: two loopback addresses stand for two."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

import fetchlab as fl
from conftest import client_of
from fetchlab.store import shared_leases
from fetchlab.store import shared_words as words


def lease_of(key):
    return words.LEASE + words.name_of(key)


def waiting_for(cache, key):
    """Wait until this process waits for another machine's lease."""
    leases = cache.tiers.through.shared.leases
    while words.name_of(key) not in leases._waiting:
        time.sleep(0.005)


@pytest.fixture
def machines(redis, tmp_path):
    with (
        fl.Cache(tmp_path / "one.db", shared=redis.url()) as one,
        fl.Cache(tmp_path / "two.db", shared=redis.url()) as two,
    ):
        yield one, two


MANY = """
import sys
import fetchlab as fl
path, shared, echo, keys = sys.argv[1:]
urls = [f"{echo}/json?n={number}" for number in range(int(keys))]
cache = fl.Cache(path, shared=shared)
sys.stdin.readline()
run = fl.fetch(urls * 25, workers=20, parse="json", cache=cache, progress=False).wait()
assert [value["args"]["n"] for value in run.result()] == [str(number) for number in range(len(urls))] * 25
assert cache.stats().without_shared == 0, cache.stats()
print(run.stats().cached)
"""


def test_a_hundred_askers_on_two_machines_make_one_request_per_key(tmp_path, bed, echo, redis):
    """Each machine, and each process on it, would fetch everything."""
    bed.configure("echo", latency=0.05)
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", MANY, tmp_path / f"{host}.db"),
                *(redis.url(host=host if host in redis.addresses else "127.0.0.1"), echo, "20"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for host in ("127.0.0.1", "127.0.0.2")
        for _ in range(2)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert bed.counters("echo")["requests"] == 20
    assert sum(map(int, told)) == 4 * 25 * 20 - 20
    with client_of(redis) as client:
        assert not client.keys(words.LEASE + "*")


KILLED = """
import sys
import fetchlab as fl
from fetchlab.store import shared_leases
shared_leases.LEASE_SECONDS, shared_leases.BEAT_SECONDS = 1.5, 0.1
fl.fetch([sys.argv[3]], cache=fl.Cache(sys.argv[1], shared=sys.argv[2]), progress=False).wait()
"""


def test_a_machine_that_is_killed_hands_over(tmp_path, raw, redis):
    """Its lease would keep every other machine from ever asking."""
    asked = []

    def reply(connection):
        asked.append(1)
        if len(asked) == 1:
            connection.recv(1)  # until the leader is gone
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    url = raw(reply)
    leader = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "one.db", redis.url(), url])
    while not asked:
        time.sleep(0.01)
    cache = fl.Cache(tmp_path / "two.db", shared=redis.url())
    run = fl.fetch([url], cache=cache)
    waiting_for(cache, cache.key_of(url))
    leader.kill()
    leader.wait()
    assert run.wait(30).stats().ok == 1
    assert len(asked) == 2


def test_when_one_machine_fails_the_next_one_leads(machines):
    """One unlucky request would fail all machines, or leave them waiting for ever."""
    one, two = machines
    begun, go, outcomes = threading.Event(), threading.Event(), []

    def fails():
        begun.set()
        go.wait()
        raise LookupError

    def ask():
        with pytest.raises(LookupError):
            one.get_or_create("key", fails)
        outcomes.append("failed")

    leader = threading.Thread(target=ask)
    leader.start()
    begun.wait()
    follower = threading.Thread(target=lambda: outcomes.append(two.get_or_create("key", lambda: "made")))
    follower.start()
    waiting_for(two, "key")
    go.set()
    leader.join()
    follower.join()
    assert sorted(outcomes) == ["failed", "made"]


def test_async_askers_on_two_machines_create_once(machines):
    """The same on an event loop, which a blocked asker would stop."""
    calls = []

    async def create():
        calls.append(1)
        await asyncio.sleep(0.05)
        return len(calls)

    async def ask_all():
        return await asyncio.gather(
            *(cache.get_or_create("key", create) for _ in range(50) for cache in machines)
        )

    assert asyncio.run(ask_all()) == [1] * 100
    assert calls == [1]


def test_a_lease_is_renewed_while_its_holder_lives(machines, redis, monkeypatch):
    """Whatever takes longer than a lease would be done by every machine in turn."""
    monkeypatch.setattr(shared_leases, "LEASE_SECONDS", 0.8)
    monkeypatch.setattr(shared_leases, "BEAT_SECONDS", 0.05)
    one, two = machines
    begun, go, calls = threading.Event(), threading.Event(), []

    def slow():
        calls.append(1)
        begun.set()
        go.wait()
        return "made"

    leader = threading.Thread(target=one.get_or_create, args=("key", slow))
    leader.start()
    begun.wait()
    follower = threading.Thread(target=two.get_or_create, args=("key", slow))
    follower.start()
    waiting_for(two, "key")
    with client_of(redis) as client:
        holder, since = client.get(lease_of("key")), time.monotonic()
        while time.monotonic() < since + 2 * 0.8:
            assert client.get(lease_of("key")) == holder
            time.sleep(0.02)
        go.set()
        leader.join()
        follower.join()
        two.flush()
        assert not client.exists(lease_of("key"))
    assert calls == [1]


def test_nobody_gives_back_what_another_one_holds(machines, redis):
    """A machine that slept past its lease would end its successor's, and a third one would lead beside it."""
    cache, _ = machines
    with client_of(redis) as client:

        def overtaken():
            client.set(lease_of("key"), "another's")
            return 1

        def overtaken_in_vain():
            client.set(lease_of("other"), "another's")
            raise LookupError

        assert cache.get_or_create("key", overtaken) == 1
        with pytest.raises(LookupError):
            cache.get_or_create("other", overtaken_in_vain)
        cache.flush()
        assert client.get(lease_of("key")) == client.get(lease_of("other")) == b"another's"


def test_those_who_wait_for_a_machine_hold_no_worker(bed, echo, machines, redis):
    """One slow page on another machine would stop everything here."""
    cache, _ = machines
    held = f"{echo}/json?held"
    with client_of(redis) as client:
        client.set(lease_of(cache.key_of(held)), "another's", px=60_000)
        run = fl.fetch([held] * 5 + [f"{echo}/json?n={n}" for n in range(20)], workers=1, cache=cache)
        while run.stats().done < 20:
            time.sleep(0.01)
        assert run.stats().in_flight == 0
        client.delete(lease_of(cache.key_of(held)))
    assert run.wait(20).stats().ok == 25
    assert bed.counters("echo")["requests"] == 21


def test_what_came_while_an_item_waited_for_its_turn_is_not_asked_for(bed, echo, machines):
    """Between the first look and the request there may be minutes of rate limit."""
    one, two = machines
    urls = [f"{echo}/json?n={number}" for number in range(2)]
    run = fl.fetch(urls, cache=one, rate=fl.RateLimit(2), parse="json")
    while run.stats().done < 1:
        time.sleep(0.01)
    two.put(urls[1], {"args": "another machine's"})
    two.flush()
    assert run.wait(20).result()[1] == {"args": "another machine's"}
    assert run.stats().cached == 1
    assert bed.counters("echo")["requests"] == 1


def test_a_cancelled_run_gives_its_leases_back(raw, machines, redis):
    """The other machines would wait five seconds for each."""
    asked = []

    def reply(connection):
        asked.append(1)
        connection.recv(1)  # until the client is gone

    url = raw(reply)
    run = fl.fetch([f"{url}?n={number}" for number in range(5)], cache=machines[0])
    while len(asked) < 5:
        time.sleep(0.01)
    run.cancel()
    run.wait(20)
    machines[0].flush()
    with client_of(redis) as client:
        assert not client.keys(words.LEASE + "*")


def test_a_cache_that_is_closed_leaves_others_of_its_server_waiting_well(bed, echo, redis, tmp_path):
    """Another cell's ``with fl.Cache(…)`` would end the looking that a run here waits for."""
    url = f"{echo}/json?n=1"
    cache = fl.Cache(tmp_path / "one.db", shared=redis.url())
    with client_of(redis) as client:
        client.set(lease_of(cache.key_of(url)), "another's")
        run = fl.fetch([url], cache=cache)
        waiting_for(cache, cache.key_of(url))
        with fl.Cache(tmp_path / "two.db", shared=redis.url()) as other:
            other.put("a", 1)
        client.delete(lease_of(cache.key_of(url)))
    assert run.wait(20).stats().ok == 1
