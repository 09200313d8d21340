"""Each kind of bad thing is that item's typed error, on every wire the same, while the run goes on."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time

import httpx
import pytest

import fetchlab as fl
from conftest import reset
from fetchlab import loop

ONCE = fl.Retry(attempts=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(params=["reqwest", "httpx", "own"])
def client(request):
    """The two wires, and a client object that the user made and keeps."""
    if request.param != "own":
        with fl.Client(request.param) as made:
            yield made
        return
    theirs = httpx.AsyncClient(headers={"X-Own": "1"})
    yield fl.Client(theirs)
    assert not theirs.is_closed, "it stays the user's to close"
    loop.submit(theirs.aclose()).result(30)


def fetch_one(item, client, **knobs):
    """Fetch one item among good ones; return its result."""
    run = fl.fetch([item], client=client, retry=knobs.pop("retry", ONCE), **knobs)
    return run.results()[0]


def test_the_same_results(client, echo):
    """Bodies, statuses, redirects, compression, methods, headers: whichever wire."""
    items = [
        f"{echo}/bytes/5000",
        f"{echo}/gzip/5000",
        f"{echo}/redirect/3",
        f"{echo}/redirect/10",
        f"{echo}/bytes/0",
        fl.Request(f"{echo}/bytes/100", "HEAD"),
        fl.Request(f"{echo}/anything?x=1", "POST", json={"a": 1}, headers={"X-A": "ä"}),
        httpx.Request("PUT", f"{echo}/anything", content=b"abc"),
        f"{echo}/status/404",
        f"{echo}/redirect-to?url=/json&status_code=303",
    ]
    run = fl.fetch(items, client=client, parse="response", accept={404}, workers=4)
    responses = run.result()
    assert [response.status for response in responses] == [200] * 8 + [404, 200]
    assert [len(response.content) for response in responses[:2]] == [5000, 5000]
    assert responses[2].json()["path"] == responses[3].json()["path"] == "/anything"
    assert responses[5].content == b""
    posted = responses[6].json()
    assert (posted["method"], posted["json"], posted["args"]) == ("POST", {"a": 1}, {"x": "1"})
    assert {name.lower(): value for name, value in posted["headers"].items()}["x-a"].encode(
        "latin-1"
    ) == "ä".encode()
    assert responses[7].json()["data"] == "abc"
    assert responses[7].http_version == "HTTP/1.1"
    assert responses[0].headers["ETAG"]
    assert all(result.first_byte is not None for result in run.results())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "",
        "no url",
        "http://",
        "/relative",
        "javascript:alert(1)",
        "http://127.0.0.1/\udc80",
    ],
)
def test_a_url_that_no_attempt_can_fetch_is_not_retried(client, url):
    """Four attempts with back-off at a typing error would waste seconds for each of ten thousand."""
    result = fetch_one(url, client, retry=fl.Retry(attempts=4, base=5))
    assert type(result.error) is fl.errors.TransportError
    assert result.attempts == 1
    assert "cannot be sent" in str(result.error)


@pytest.mark.parametrize(
    "wrong",
    [{"headers": {"Authorization": "tok-12345\n"}}, {"headers": {"X Y": "tok-12345"}}, {"method": "G T"}],
    ids=["value", "name", "method"],
)
def test_a_header_or_method_that_cannot_be_sent(client, echo, wrong):
    """A token read from a file with its line end is the classic; it must not show in the message."""
    result = fetch_one(fl.Request(f"{echo}/json", **wrong), client, retry=fl.Retry(attempts=4, base=5))
    assert type(result.error) is fl.errors.TransportError
    assert result.attempts == 1
    assert "tok-12345" not in str(result.error)
    assert "tok-12345" not in repr(result)


@pytest.mark.parametrize(
    "item",
    [None, 7, b"http://127.0.0.1/", ("GET", "http://127.0.0.1/")],
    ids=lambda value: type(value).__name__,
)
def test_a_wrong_item_type(client, item):
    """It fails under its own name; the message says what items may be."""
    result = fetch_one(item, client)
    assert isinstance(result.error, fl.errors.ConfigError)
    assert result.error.knob == "requests"
    assert (result.error.item, result.attempts) == (item, 1)


def test_unresolvable_and_refused_and_tls(client, echo, refused):
    """All three are ConnectFailed, retried, and their hosts are told apart."""
    urls = ["http://nonexistent.invalid/x", refused, echo.replace("http", "https") + "/json"]
    run = fl.fetch(urls, client=client, retry=fl.Retry(attempts=2, base=0.01))
    errors = [result.error for result in run.results()]
    assert [type(error) for error in errors] == [fl.errors.ConnectFailed] * 3
    assert [error.attempts for error in errors] == [2] * 3
    assert [error.key for error in errors] == [f"GET {url}" for url in urls]
    assert run.errors()["host"].n_unique() == 3


def test_redirect_loop(client, raw):
    """The limit is the same on both wires of ours, and nothing is fetched for ever."""
    url = raw(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert isinstance(fetch_one(url, client).error, fl.errors.TooManyRedirects)


@pytest.mark.parametrize("kind", ["reqwest", "httpx"])
def test_the_redirect_limit(kind, echo):
    """Ten, whichever wire."""
    with fl.Client(kind) as made:
        run = fl.fetch([f"{echo}/redirect/10", f"{echo}/redirect/11"], client=made)
        assert [type(result.error).__name__ for result in run.results()] == ["NoneType", "TooManyRedirects"]


def test_a_promised_size_above_max_bytes(client, raw):
    """It is refused by its header, not after 50 MB of the body."""

    def reply(connection):
        connection.sendall(HEAD + b"Content-Length: 99999999999\r\n\r\n" + bytes(100_000))
        connection.recv(1)

    result = fetch_one(raw(reply), client, max_bytes=1000)
    assert isinstance(result.error, fl.errors.BodyTooLarge)
    assert "99,999,999,999" in str(result.error)
    assert "max_bytes" in str(result.error)


def test_a_body_above_max_bytes(client, raw):
    """Endless, chunked, no size told: reading must stop at the limit."""

    def reply(connection):
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    assert isinstance(fetch_one(raw(reply), client, max_bytes=200_000).error, fl.errors.BodyTooLarge)


def test_a_gzip_bomb(client, raw):
    """60 kB that become 60 MB: the bound is on what comes out."""
    bomb = gzip.compress(bytes(60_000_000), 9)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    assert len(bomb) < 100_000
    assert isinstance(fetch_one(raw(head + bomb), client, max_bytes=1_000_000).error, fl.errors.BodyTooLarge)


def test_max_bytes_is_the_largest_size_allowed(client, echo):
    """Exactly that many bytes pass; a HEAD's announcement is no body."""
    run = fl.fetch(
        [
            f"{echo}/bytes/1000",
            f"{echo}/bytes/1001",
            f"{echo}/gzip/1000",
            f"{echo}/gzip/1001",
            fl.Request(f"{echo}/bytes/9999", "HEAD"),
        ],
        client=client,
        max_bytes=1000,
        retry=ONCE,
    )
    assert [result.ok for result in run.results()] == [True, False, True, False, True]


@pytest.mark.parametrize(
    "reply",
    [
        HEAD + b"Content-Length: 100\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        reset,
    ],
    ids=["short", "short-chunks", "closed", "half-a-head", "no-gzip", "no-http", "reset"],
)
def test_an_answer_that_breaks_off_is_retried(client, raw, reply):
    """It may be whole next time; the item fails as BodyTruncated only after its last attempt."""
    result = fetch_one(raw(reply), client, retry=fl.Retry(attempts=2, base=0.01))
    assert isinstance(result.error, fl.errors.BodyTruncated), result
    assert result.attempts == 2


@pytest.mark.parametrize(
    ("timeout", "which"),
    [
        (fl.Timeout(connect=5, read=0.2, total=5), "read"),
        (fl.Timeout(connect=5, read=5, total=0.2), "total"),
        (fl.Timeout(connect=None, read=None, total=0.2), "total"),
        (fl.Timeout(connect=5, read=0.2, total=None), "read"),
    ],
    ids=str,
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_server_that_falls_silent(client, raw, timeout, which, begun):
    """The message names the timeout that passed: a reader turns that knob."""

    def reply(connection):
        if begun:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        connection.recv(1)

    result = fetch_one(raw(reply), client, timeout=timeout)
    assert isinstance(result.error, fl.errors.TimedOut)
    assert str(result.error) == f"{which} took longer than 0.2 s (timeout=fl.Timeout({which}=…))"


def test_a_connection_that_never_stands(client):
    """A full backlog drops the handshake, as a firewall does: that is the connect timeout."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        result = fetch_one(url, client, timeout=fl.Timeout(connect=0.3, read=5, total=5))
        assert str(result.error) == "connect took longer than 0.3 s (timeout=fl.Timeout(connect=…))"
        for filler in fillers:
            filler.close()


def test_an_endless_drip(client, raw):
    """A byte now and then keeps the read timeout away for ever; the total ends it."""

    def reply(connection):
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)

    result = fetch_one(raw(reply), client, timeout=fl.Timeout(read=5, total=0.4))
    assert str(result.error).startswith("total took longer than 0.4 s")


@pytest.mark.parametrize(
    ("body", "parse", "said"),
    [
        (b"{'a': 1}", "json", "not JSON"),
        (b"\xff\xfe\xfa", "text", "not text in utf-8"),
        (b"[" * 100_000, "json", "not JSON"),
        (b"{}", lambda response: response.json()["a"], "parse raised KeyError: 'a'"),
        (b"{}", lambda response: next(iter([])), "parse raised StopIteration"),
    ],
    ids=["json", "text", "deep", "callable", "stop"],
)
def test_a_body_that_is_not_what_parse_asked_for(client, raw, body, parse, said):
    """The body is what it is: another attempt would bring the same."""
    url = raw(HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
    result = fetch_one(url, client, parse=parse, retry=fl.Retry(attempts=3, base=0.01))
    assert isinstance(result.error, fl.errors.ParseError)
    assert said in str(result.error)
    assert result.attempts == 1


def test_html_with_status_200_is_retried(client, bed, echo):
    """A maintenance page is not the answer: the next attempt may bring it."""
    bed.configure("echo", html200=1.0)  # at most twice in a row
    result = fetch_one(f"{echo}/json", client, parse="json", retry=fl.Retry(attempts=3, base=0.01))
    assert (result.ok, result.attempts, result.value["wire"]) == (True, 3, "echo")


def test_no_content_is_not_retried(client, raw):
    """204 has no body by definition; asking again brings none either."""
    url = raw(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    result = fetch_one(url, client, parse="json", retry=fl.Retry(attempts=3, base=0.01))
    assert (type(result.error), result.attempts) == (fl.errors.ParseError, 1)


def test_a_run_through_every_fault_loses_nothing(client, bed, echo):
    """Resets, truncation, HTML, 500s at once: with retries every item arrives, and whole."""
    bed.configure("echo", error_rate={503: 0.1, 500: 0.05}, reset=0.1, truncate=0.1, html200=0.1)
    run = fl.fetch(
        [f"{echo}/json?n={n}" for n in range(120)],
        client=client,
        parse="json",
        retry=fl.Retry(attempts=4, base=0.01, budget=1),
    )
    assert [value["args"]["n"] for value in run.result()] == [str(n) for n in range(120)]
    assert run.stats().retries > 10


def test_secrets_do_not_reach_the_tables(client, refused):
    """The wires quote the URL in their messages; the tables and errors must not."""
    token = "s3cr3t-T0ken-0123456789"
    urls = [
        f"{refused.replace('//', f'//me:{token}@')}?api_key={token}",
        f"http://nonexistent.invalid/?token={token}",
    ]
    run = fl.fetch(
        [*urls, fl.Request(urls[0], headers={"Authorization": f"Bearer {token}"})], client=client, retry=ONCE
    ).wait()
    told = [
        run.frame().write_csv(),
        run.attempts().write_csv(),
        run.errors().write_csv(),
        repr(run.results()),
    ]
    told += [str(result.error) for result in run]
    assert not any(token in text for text in told)


def test_only_named_methods_are_retried(client, bed, echo):
    """A POST whose answer was an error may have had its effect."""
    bed.configure("echo", error_rate={503: 1.0})
    post = fl.Request(f"{echo}/anything", "POST")
    result = fetch_one(post, client, retry=fl.Retry(attempts=3, base=0.01))
    assert (result.attempts, result.status) == (1, 503)
    bed.configure("echo", error_rate={503: 1.0})
    result = fetch_one(post, client, retry=fl.Retry(attempts=3, base=0.01, methods={"POST"}))
    assert (result.attempts, result.status) == (3, 200)


def test_connections_are_kept_alive(client, bed, echo):
    """A connection per request would cost a round trip each, and run out of ports."""
    fl.fetch([f"{echo}/bytes/10"] * 200, client=client, workers=4).wait()
    counters = bed.counters("echo")
    assert counters["requests"] == 200
    assert counters["max_in_flight"] <= 4
    assert counters["connections"] <= 8


def test_cancel_ends_items_at_once_and_frees_the_server(client, bed, echo):
    """The items end now; what was sent leaves the server no later than its timeout (at once with httpx)."""
    run = fl.fetch([f"{echo}/delay/30"] * 5, client=client, timeout=2)
    deadline = time.monotonic() + 20
    while bed.counters("echo")["in_flight"] < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert run.cancel().wait(timeout=20).stats().errors == {"Cancelled": 5}
    while bed.counters("echo")["in_flight"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bed.counters("echo")["in_flight"] == 0


def test_closing_and_using_again(echo):
    """A client that was closed opens new connections when used again; closing twice is harmless."""
    client = fl.Client(headers={"X-A": "b"}, user_agent="me/1")
    client.close()
    for _ in range(2):
        (value,) = fl.fetch([f"{echo}/headers"], client=client, parse="json").result()
        headers = {name.lower(): text for name, text in value["headers"].items()}
        assert (headers["x-a"], headers["user-agent"]) == ("b", "me/1")
        client.close()
        client.close()


def test_closing_inside_a_task_says_why_not():
    """On the engine's own thread it would wait for itself."""
    client = fl.Client()

    async def task(item):
        await asyncio.wrap_future(loop.submit(_open(client)))
        client.close()

    run = fl.map(task, [1]).wait(timeout=30)
    assert isinstance(run.results()[0].error, fl.errors.ConfigError)
    client.close()


async def _open(client):
    return client.wire


@pytest.mark.parametrize("wrong", ["curl", 3, object(), httpx.Client], ids=lambda value: type(value).__name__)
def test_what_is_no_client(wrong):
    """A blocking client would stop the loop at its first request."""
    with pytest.raises(fl.errors.ConfigError, match="client"):
        fl.fetch([], client=wrong)


def test_threads_share_one_client(echo):
    """Runs from many threads at once: one pool, opened once."""
    client = fl.Client()
    runs = []
    threads = [
        threading.Thread(target=lambda: runs.append(fl.fetch([f"{echo}/json"] * 20, client=client).wait()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [run.stats().ok for run in runs] == [20] * 8
    client.close()
