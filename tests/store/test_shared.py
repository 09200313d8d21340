"""The tier that machines share: what one has fetched is there for all, and nobody's secrets."""

from __future__ import annotations

import copy
import os
import pickle
import socket
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from conftest import client_of
from fetchlab import errors
from fetchlab.store import shared_words as words
from fetchlab.store.entry import Entry

WEEK = 7 * 86_400


@pytest.fixture
def machines(redis, tmp_path):
    """Two machines: a file each, and the server that they share."""
    with (
        fl.Cache(tmp_path / "one.db", shared=redis.url()) as one,
        fl.Cache(tmp_path / "two.db", shared=redis.url()) as two,
    ):
        yield one, two


def raw_of(client):
    """Everything that is at the server, as one."""
    return b"\n".join(
        key
        + (client.get(key) or b"" if client.type(key) == b"string" else repr(client.hgetall(key)).encode())
        for key in client.scan_iter()
    )


def test_what_one_machine_fetched_another_does_not_ask_for(bed, echo, machines):
    """Each machine of a cluster would fetch everything."""
    urls = [f"{echo}/json?n={number}" for number in range(50)]
    first = fl.fetch(urls, cache=machines[0], parse="json").wait()
    machines[0].flush()
    second = fl.fetch(urls, cache=machines[1], parse="json").wait()
    assert bed.counters("echo")["requests"] == 50
    assert second.result() == first.result()
    assert second.stats().cached == 50
    stats = machines[1].stats()
    assert (stats.hits_shared, stats.hits, stats.misses, stats.without_shared) == (50, 50, 0, 0)
    assert stats.seconds_saved > 0


def test_what_was_found_is_kept_nearby(machines, redis):
    """Every look at a page would be a trip to the server."""
    machines[0].put("key", {"a": 1})
    machines[0].flush()
    assert [machines[1].get("key") for _ in range(3)] == [{"a": 1}] * 3
    with client_of(redis) as client:
        client.flushall()
    assert machines[1].get("key") == {"a": 1}
    assert (machines[1].stats().hits_shared, machines[1].stats().hits_memory) == (1, 3)
    machines[1].flush()
    assert fl.Cache(machines[1].path).get("key") == {"a": 1}


def test_what_is_there_takes_no_share_of_the_rate(bed, echo, machines):
    """A replay of what another machine fetched would be as slow as fetching it."""
    urls = [f"{echo}/json?n={number}" for number in range(40)]
    fl.fetch(urls, cache=machines[0]).wait()
    machines[0].flush()
    run = fl.fetch(urls, cache=machines[1], rate=fl.RateLimit(1)).wait(20)
    assert run.stats().cached == 40
    assert run.attempts().is_empty()


def test_many_go_in_one_trip(echo, redis, tmp_path):
    """A trip per item would cost a replay its speed: twenty workers ask together."""
    urls = [f"{echo}/json?n={number}" for number in range(400)]
    with fl.Cache(tmp_path / "one.db", shared=redis.url()) as cache:
        fl.fetch(urls, cache=cache).wait()
    with client_of(redis) as client, fl.Cache(tmp_path / "two.db", shared=redis.url()) as cache:
        before = client.info("stats")["total_reads_processed"]
        assert fl.fetch(urls, workers=20, cache=cache).wait().stats().cached == 400
        assert client.info("stats")["total_reads_processed"] - before < 120


def test_a_page_that_many_want_is_looked_for_once(bed, echo, redis):
    """A hundred askers of one page would make a hundred trips before the first request."""
    with fl.Cache(redis.url()) as cache, client_of(redis) as client:
        client.config_resetstat()
        run = fl.fetch([f"{echo}/json?n=1"] * 100, workers=3, cache=cache).wait()
        assert (run.stats().cached, bed.counters("echo")["requests"]) == (99, 1)
        assert client.info("commandstats")["cmdstat_hmget"]["calls"] <= 3


def test_no_loop_waits_for_a_server_that_hangs(bed, echo, own_redis, tmp_path):
    """One slow server would stop every run of the process."""
    server = own_redis()
    cache = fl.Cache(tmp_path / "c.db", shared=server.url())
    server.hang()
    waiting = fl.fetch([f"{echo}/json?n=1"], cache=cache)
    other = fl.fetch([f"{echo}/json?n={number}" for number in range(50)]).wait(20)
    assert other.stats().ok == 50
    assert not waiting.ended
    server.go_on()
    assert waiting.wait(20).stats().ok == 1


def test_only_what_is_ours_is_dropped(machines, redis):
    """Clearing a cache would clear what others keep at the same server."""
    with client_of(redis) as client:
        client.set("theirs", "1")
        client.hset("fetchlab-not:entry:x", mapping={"a": 1})
        for number in range(2_500):
            machines[0].put(number, number, ttl=None if number % 2 else 1e-9)
        machines[0].flush()
        assert client.dbsize() == 2_502
        assert machines[1].expire() == 1_250
        assert client.dbsize() == 1_252
        assert machines[1].delete(1)
        assert not machines[1].delete(1)
        assert machines[1].clear() == 1_249
        assert sorted(client.keys()) == [b"fetchlab-not:entry:x", b"theirs"]


def test_the_server_forgets_what_is_long_over(redis):
    """A server without a limit would fill up for ever."""
    with fl.Cache(redis.url(), stale_if_error=2 * WEEK) as cache, client_of(redis) as client:
        cache.put("an hour", 1)
        cache.put("for ever", 1, ttl=None)
        cache.flush()
        assert 3590 < client.pttl(words.ENTRY + words.name_of("an hour")) / 1000 - 2 * WEEK <= 3600
        assert client.pttl(words.ENTRY + words.name_of("for ever")) == -1
        fl.Cache(redis.url()).put("for ever", 2, ttl=60)
        cache.flush()
        assert 0 < client.pttl(words.ENTRY + words.name_of("for ever")) / 1000 - WEEK <= 60


def test_the_table_and_the_advice_are_of_the_server(echo, redis):
    """Nobody could see what the machines have in common, nor learn from it."""
    urls = [f"{echo}/bytes/100?_={number}" for number in range(5)]
    for _ in range(3):
        with fl.Cache(redis.url(), mode="refresh") as cache:
            fl.fetch(urls, cache=cache).wait()
    with fl.Cache(redis.url()) as cache:
        fl.fetch(urls, cache=cache).wait()
    with fl.Cache(redis.url()) as cache:
        frame = cache.frame()
        assert frame.height == cache.stats().entries == 5
        assert frame.select("fetches", "changes", "hits").unique().rows() == [(3, 0, 1)]
        assert set(frame["host"]) == {echo}
        assert cache.stats().bytes == frame["bytes"].sum() > 500
        assert "a parameter makes no difference" in set(cache.advice()["advice"])


def test_an_old_entry_of_another_machine_is_asked_about(bed, echo, machines):
    """Every machine would load the body again that all of them have."""
    url = f"{echo}/bytes/2000"
    fl.fetch([url], cache=machines[0]).wait()
    machines[0].flush()
    old = machines[0].tiers.old(machines[0].key_of(url))
    machines[0].tiers.store(old.renewed(old.stored - 7200, old.expires - 7200))
    machines[0].flush()
    run = fl.fetch([url], cache=machines[1]).wait()
    assert (run.stats().ok, run.stats().bytes) == (1, 2000)
    assert machines[1].stats().revalidated == 1
    machines[1].flush()
    assert fl.fetch([url], cache=fl.Cache(machines[0]._knobs["shared"])).wait().stats().cached == 1
    assert bed.counters("echo")["requests"] == 2


def test_an_old_entry_of_another_machine_stands_in(bed, echo, redis, tmp_path):
    """When the service is down one machine would have values and the other errors."""
    url = f"{echo}/json?n=1"
    with fl.Cache(tmp_path / "one.db", ttl=1e-3, shared=redis.url()) as one:
        fl.fetch([url], cache=one).wait()
    time.sleep(0.002)
    bed.configure("echo", error_rate={503: 1.0})
    with fl.Cache(tmp_path / "two.db", stale_if_error=60, shared=redis.url()) as two:
        run = fl.fetch([url], cache=two, parse="json", retry=fl.Retry(attempts=1)).wait()
        assert run.result()[0]["args"] == {"n": "1"}
        assert two.stats().stale == 1


def test_what_the_server_has_dropped_is_stored_again_when_it_is_renewed(redis):
    """With a small ``maxmemory`` an unchanged entry would never come back."""
    with fl.Cache(redis.url()) as cache, client_of(redis) as client:
        cache.put("key", "value")
        cache.flush()
        client.flushall()
        cache.tiers.renew(cache.tiers.old("key"), time.time() + 60)
        cache.flush()
        assert client.hget(words.ENTRY + words.name_of("key"), "body") == b'"value"'


def test_a_damaged_entry_is_a_miss_and_dropped(redis):
    """A flipped bit, or another program's hash, would be a wrong value or a traceback."""
    field = words.ENTRY + words.name_of("key")
    for change in (
        {"body": b'"other"'},
        {"stored": "x"},
        {"key": "another"},
        {"crc_all": ""},
        {"kind": b"\xff"},
    ):
        with fl.Cache(redis.url()) as cache, client_of(redis) as client:
            cache.put("key", "value")
            cache.close()
            client.hset(field, mapping=change)
            with pytest.warns(RuntimeWarning, match="an entry is damaged and was dropped"):
                assert fl.Cache(redis.url()).get("key") is None
            fl.Cache(redis.url()).flush()
            assert not client.exists(field)


def test_offline_reads_and_writes_nothing(bed, echo, redis):
    """A replay would change what is replayed."""
    url = f"{echo}/json?n=1"
    with fl.Cache(redis.url()) as cache:
        fl.fetch([url], cache=cache).wait()
        cache.put("mine", 1)
    with client_of(redis) as client, fl.Cache(redis.url(), mode="offline") as cache:
        client.config_resetstat()
        run = fl.fetch([url, f"{echo}/json?n=2"], cache=cache).wait()
        assert (run.stats().cached, list(run.frame()["error"].drop_nulls())) == (1, ["CacheMiss"])
        assert cache.get("mine") == cache.get_or_create("mine", list) == 1
        cache.flush()
        said = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
        assert not said & {"evalsha", "set", "hset", "hincrby", "del", "pexpire"}
        for order in (lambda: cache.put("a", 1), cache.clear, cache.expire, lambda: cache.delete("a")):
            with pytest.raises(errors.CacheError, match=r"offline.*is not done"):
                order()
    assert bed.counters("echo")["requests"] == 1


def test_off_does_not_even_connect(refused):
    """``mode="off"`` is what one does when the server is the trouble."""
    port = refused.rpartition(":")[2].strip("/")
    assert fl.Cache(f"redis://127.0.0.1:{port}", mode="off").get_or_create("a", lambda: 1) == 1


def test_another_mode_and_another_process_have_the_same_entries(redis):
    """``in_mode`` or a worker process would begin with an empty cache."""
    cache = fl.Cache(redis.url())
    cache.put("key", 1)
    cache.flush()
    assert fl.Cache(redis.url(), max_bytes=10**6).in_mode("refresh").get_or_create("key", lambda: 2) == 2
    cache.put("key", 1)
    cache.flush()
    for other in (cache.in_mode("offline"), copy.copy(cache), pickle.loads(pickle.dumps(cache))):
        assert (other.get("key"), other.shared) == (1, cache.shared)


PASSWORD = "S3CRET-word-9"


@pytest.fixture
def locked(own_redis):
    return own_redis("--requirepass", PASSWORD)


def test_secrets_reach_nothing(locked, raw, caplog, recwarn):
    """The server is read by others; reprs, tables and errors end in notebooks."""
    url = raw(b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=S3CRET-cookie\r\nContent-Length: 2\r\n\r\nok")
    cache = fl.Cache(f"redis://:{PASSWORD}@127.0.0.1:{locked.port}/0")
    request = fl.Request(url + "?api_key=S3CRET-query", headers={"Authorization": "Bearer S3CRET-header"})
    assert fl.fetch([request], cache=cache).wait().stats().ok == 1
    cache.memoize(lambda token: token[:1])("api_key=S3CRET-argument-9")
    cache.flush()
    with client_of(locked, password=PASSWORD) as client:
        assert client.dbsize() == 2
        assert b"S3CRET" not in raw_of(client)
        client.hset(words.ENTRY + words.name_of("damaged"), mapping={"key": "x"})
    assert cache.in_mode("offline").get("damaged") is None
    locked.kill()
    cache.get("another")
    with pytest.raises(errors.CacheError) as caught:
        cache.clear()
    said = [repr(cache), str(cache.stats()), str(cache.knobs), cache.shared, str(caught.value), caplog.text]
    said += [str(warning.message) for warning in recwarn.list]
    assert len(said) > 7
    assert not [text for text in said if "S3CRET" in text]


@pytest.mark.parametrize("password", ["", "S3CRET-wrong"])
def test_a_server_that_wants_another_password_is_told(locked, password):
    """``AuthenticationError`` does not say where a password goes."""
    words = rf"redis://127.0.0.1:{locked.port}/0: the shared tier refuses us .*FETCHLAB_CACHE_PASSWORD"
    with pytest.raises(errors.CacheError, match=words) as caught:
        fl.Cache(f"redis://:{password}@127.0.0.1:{locked.port}")
    assert "S3CRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_password_from_the_environment_opens_it(locked, monkeypatch):
    """A notebook with the password in it cannot be shared."""
    monkeypatch.setenv("FETCHLAB_CACHE_PASSWORD", PASSWORD)
    with fl.Cache(locked.url()) as cache:
        cache.put("a", 1)
        assert fl.Cache(**cache.knobs).get("a") == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_connects_for_itself(redis):
    """Two processes that speak on one connection get each other's answers."""
    code = (
        "import os, sys, fetchlab as fl\n"
        "cache = fl.Cache(sys.argv[1]); cache.put('a', 1); cache.flush()\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    own = fl.Cache(sys.argv[1], max_bytes=10**6); own.put('b', 2); own.flush()\n"
        "    os._exit(0 if (own.get('a'), own.get('b')) == (1, 2) else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
        "assert fl.Cache(sys.argv[1], max_bytes=10**6).get('b') == 2\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, redis.url()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


ENTRIES = st.builds(
    Entry,
    st.text(max_size=20),
    st.sampled_from(["json", "bytes", "response"]),
    st.binary(max_size=20),
    st.binary(max_size=50),
    stored=st.floats(0, 4e9),
    expires=st.none() | st.floats(0, 4e9),
    seconds=st.floats(0, 1e6),
)


def columns_of(command):
    """What the script of a ``put`` writes, as the server tells it to :func:`words.fetch`."""
    key, kind, head, body, stored, expires, seconds, _size, _crc, checksum = command[6:]
    told = (key, kind, head, body, stored, expires, seconds, str(checksum))
    return [part if isinstance(part, bytes) else part.encode() for part in told]


@given(ENTRIES, st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_an_entry_comes_back_whole_whatever_the_clocks_say(entry, ours, theirs):
    """A machine whose clock is an hour late would find everything out of date."""
    if entry.kind != "response":
        entry.head = None
    told = columns_of(words.put(entry, token="", keep=None, ahead=ours))
    found = words.entry_of(entry.key, told, theirs)
    assert (found.key, found.kind, found.head, found.body) == (entry.key, entry.kind, entry.head, entry.body)
    assert found.stored == pytest.approx(entry.stored + ours - theirs, abs=1e-5)
    assert (found.expires is None) == (entry.expires is None)


@given(ENTRIES, st.integers(0, 7), st.binary(max_size=5))
def test_no_damage_makes_another_value(entry, column, other):
    """What is read is what was written, or an error that makes it a miss."""
    told = columns_of(words.put(entry, token="", keep=None, ahead=0.0))
    told[column] = other
    try:
        found = words.entry_of(entry.key, told, 0.0)
    except ValueError:
        return
    assert (found.key, found.body) == (entry.key, entry.body)
    assert column in {1, 4, 5, 6, 7} or other == (entry.head or b"")


def test_a_server_that_lost_our_scripts_is_given_them_again(redis):
    """``SCRIPT FLUSH``, or a restart between two trips, would end the writing."""
    with fl.Cache(redis.url()) as cache, client_of(redis) as client:
        cache.put("a", 1)
        cache.flush()
        client.script_flush()
        cache.put("b", 2)
        cache.flush()
        assert cache.stats().entries == 2
        assert cache.stats().trouble == ""


def test_a_server_behind_tls(own_redis, tmp_path):
    """Managed servers speak nothing else; ``rediss://`` must not fall back to plain text."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own = authority.issue_cert("127.0.0.1")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    files = [f"--tls-{kind}-file" for kind in ("ca-cert", "key", "cert")]
    pems = [str(tmp_path / name) for name in ("ca.pem", "key.pem", "cert.pem")]
    words = [word for pair in zip(files, pems, strict=True) for word in pair]
    try:
        own_redis("--tls-port", str(port), "--tls-auth-clients", "no", *words)
    except errors.TestbedError as error:
        pytest.skip(f"this server has no TLS: {str(error)[:200]}")
    with fl.Cache(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={pems[0]}") as cache:
        cache.put("key", 1)
        cache.flush()
        assert cache.stats().entries == 1
        assert fl.Cache(**cache.knobs).shared == f"rediss://127.0.0.1:{port}/0"
    with pytest.raises(errors.CacheError, match=r"cert.*"):
        fl.Cache(f"rediss://127.0.0.1:{port}/0")


def test_a_server_behind_a_socket(own_redis, tmp_path, monkeypatch):
    """On one machine a socket needs no port that others can reach."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "r.sock"
    own_redis("--unixsocket", str(path))
    with fl.Cache(f"unix://{path}?db=2") as cache:
        cache.put("key", 1)
        cache.flush()
        assert cache.stats().entries == 1
        assert fl.Cache(**cache.knobs).get("key") == 1
        assert cache.shared == f"unix://{path}"


def test_a_user_who_may_do_only_what_a_cache_does(own_redis):
    """Where many share a server nobody is given all of it; what we ask for must be enough."""
    server = own_redis()
    with client_of(server) as client:
        client.execute_command(
            "ACL", "SETUSER", "notes", "on", ">S3CRET-word", "~fetchlab:*", "+@all", "-@dangerous"
        )
        client.execute_command("ACL", "SETUSER", "poor", "on", ">S3CRET-word", "~fetchlab:*", "+get", "+ping")
    with fl.Cache(f"redis://notes:S3CRET-word@127.0.0.1:{server.port}/0") as cache:
        assert cache.get_or_create("key", lambda: 1) == 1
        cache.flush()
        assert (cache.frame().height, cache.expire(), cache.clear(), cache.stats().trouble) == (1, 0, 1, "")
    with pytest.raises(errors.CacheError, match="the user needs ~fetchlab"):
        fl.Cache(f"redis://poor:S3CRET-word@127.0.0.1:{server.port}/0")
