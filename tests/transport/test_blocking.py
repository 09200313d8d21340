"""The wires that block: as many requests as threads, the same settings, and an end when the run ends."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

import fetchlab as fl
from fetchlab.transport.blocking import open_blocking

ONCE = fl.Retry(attempts=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
QUICK = fl.Timeout(connect=5, read=5, total=0.3)


@pytest.fixture(params=["reqwest", "httpx"])
def client(request):
    with fl.Client(request.param, headers={"X-A": "b"}, user_agent="me/1") as made:
        yield made


@pytest.fixture
def wire(client):
    made = open_blocking(*client.recipe)
    yield made
    made.close()


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def at_work():
    """The threads that serve items, those of runs that other tests have left among them."""
    return {thread for thread in threading.enumerate() if thread.name == "fetchlab-task"}


def test_each_thread_has_one_request_at_a_time(client, bed, echo):
    """Async under another name would send them all from one thread, and parse there."""
    bed.configure("echo", latency=0.05)
    names = set()

    def parse(response):
        names.add(threading.current_thread().name)
        return threading.get_ident()

    run = fl.fetch(
        [f"{echo}/json?n={n}" for n in range(12)], client=client, strategy=fl.Threads(3), parse=parse
    )
    idents = set(run.result())
    assert names == {"fetchlab-task"}
    assert len(idents) == 3
    counters = bed.counters("echo")
    assert (counters["requests"], counters["max_in_flight"]) == (12, 3)
    assert counters["connections"] <= 3, "connections are kept alive"


def test_the_clients_settings(client, echo):
    """A header that only some strategies send is an item that only some of them get."""
    for strategy in (fl.Threads(1), fl.Processes(1)):
        (value,) = fl.fetch([f"{echo}/headers"], client=client, strategy=strategy, parse="json").result()
        headers = {name.lower(): text for name, text in value["headers"].items()}
        assert (headers["x-a"], headers["user-agent"]) == ("b", "me/1")


def test_redirects_methods_and_compression(client, echo):
    """What the other wires do without being asked."""
    items = [
        f"{echo}/redirect/10",
        f"{echo}/redirect/11",
        f"{echo}/gzip/5000",
        fl.Request(f"{echo}/anything", "POST", json={"a": 1}, headers={"X-B": "ä"}),
        fl.Request(f"{echo}/bytes/99", "HEAD"),
    ]
    run = fl.fetch(items, client=client, strategy=fl.Threads(2), parse="response", retry=ONCE)
    ten, eleven, gzipped, posted, head = run.results()
    assert ten.value.json()["path"] == "/anything"
    assert isinstance(eleven.error, fl.errors.TooManyRedirects)
    assert len(gzipped.value.content) == 5000
    assert posted.value.json()["json"] == {"a": 1}
    assert (head.ok, head.bytes) == (True, 0)


@pytest.mark.parametrize(
    ("timeout", "which"),
    [(fl.Timeout(read=0.2, total=5), "read"), (QUICK, "total"), (fl.Timeout(None, None, 0.3), "total")],
    ids=["read", "total", "total-only"],
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_server_that_falls_silent(wire, raw, timeout, which, begun):
    """One wire has no total timeout of its own: without ours a thread would hang for ever."""

    def reply(connection):
        if begun:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        connection.recv(1)

    with pytest.raises(fl.errors.TimedOut, match=f"^{which} took longer than"):
        wire.send(fl.Request(raw(reply)), timeout, 1000)


def test_an_endless_drip(wire, raw):
    """A byte now and then keeps the read timeout away for ever; the total ends it."""

    def reply(connection):
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)

    with pytest.raises(fl.errors.TimedOut, match=r"^total took longer than"):
        wire.send(fl.Request(raw(reply)), QUICK, 1_000_000)


@pytest.mark.parametrize("length", [b"99999999999", b"2000"], ids=["told", "more"])
def test_max_bytes(wire, raw, length):
    """By its header, or as it comes; exactly that many bytes pass."""

    def reply(connection):
        head = HEAD + b"Connection: close\r\nContent-Length: " + length + b"\r\n\r\n"
        connection.sendall(head + bytes(min(int(length), 100_000)))
        connection.recv(1)

    url = raw(reply)
    with pytest.raises(fl.errors.BodyTooLarge):
        wire.send(fl.Request(url), fl.Timeout(), 1999)
    if length == b"2000":
        assert len(wire.send(fl.Request(url), fl.Timeout(), 2000).content) == 2000


def test_closing_and_using_again(wire, echo):
    """``retry_failed`` uses again what the end of the run has closed."""
    run = fl.fetch([f"{echo}/status/404"], strategy=fl.Threads(1), retry=ONCE).wait()
    assert run.retry_failed().wait().stats().errors == {"StatusError": 1}
    wire.send(fl.Request(f"{echo}/json"), fl.Timeout(), 1000)
    wire.close()
    wire.close()


@pytest.mark.parametrize("strategy", [fl.Threads(5), fl.Processes(2)], ids=["threads", "processes"])
def test_cancel_ends_items_at_once_and_frees_the_server(client, bed, echo, strategy):
    """The items end now; what was sent leaves the server no later than its timeout."""
    earlier = at_work()
    run = fl.fetch([f"{echo}/delay/30"] * strategy.n, client=client, strategy=strategy, timeout=1)
    eventually(lambda: bed.counters("echo")["in_flight"] == strategy.n)
    assert run.cancel().wait(timeout=20).stats().errors == {"Cancelled": strategy.n}
    eventually(lambda: not bed.counters("echo")["in_flight"])
    eventually(lambda: at_work() <= earlier)


@pytest.mark.parametrize("strategy", [fl.Threads(2), fl.Processes(2)], ids=["threads", "processes"])
def test_an_own_async_client_cannot_block(strategy):
    """It would be used from threads it was not made for; said at the call, not by every item."""
    with pytest.raises(fl.errors.ConfigError, match=r"client: .*need blocking requests.*AsyncClient"):
        fl.fetch([], client=httpx.AsyncClient(), strategy=strategy)
