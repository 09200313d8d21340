"""Everything bad at once, among good items: each ends as its own typed error, the good ones as ever."""

from __future__ import annotations

import asyncio
import functools
import gzip
import threading
import time
from base64 import urlsafe_b64encode

import pytest

import fetchlab as fl
from fetchlab import errors

ONCE = fl.Retry(attempts=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GOOD = 40


@pytest.fixture(params=["reqwest", "httpx"])
def client(request):
    with fl.Client(request.param) as made:
        yield made


def among_good(bad, good):
    """The bad ones spread among good ones; and where each of them went."""
    items = [next(good) for _ in range(GOOD)]
    step = max(1, GOOD // len(bad))
    for number, item in enumerate(bad):
        items.insert(number * (step + 1), item)
    return items


def urls(echo):
    return (f"{echo}/json?good={number}" for number in range(1000))


def check(run, bad, wanted):
    """Each bad item has its error, with key, item and attempts; every other one is ok."""
    results = run.wait(timeout=100).results()
    assert run.state == "done"
    failed = [result for result in results if not result.ok]
    found = {id(result.item): result for result in failed}
    for item, (kind, said) in zip(bad, wanted, strict=True):
        result = found.pop(id(item))
        error = result.error
        assert type(error) is kind, (item, error)
        assert said in str(error), (item, error)
        assert error.key == result.key
        assert result.key
        assert error.item is item
        assert error.attempts == result.attempts >= 1
    assert not found, "a good item failed"
    assert sum(result.ok for result in results) == GOOD
    assert run.stats().failed == len(bad)
    assert run.errors()["count"].sum() == len(bad)


def pieces(*parts, every=0.0):
    """A reply in pieces."""

    def reply(connection):
        for part in parts:
            connection.sendall(part)
            time.sleep(every)
        connection.recv(1)

    return reply


def drip(connection):
    connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def endless_head(connection):
    connection.sendall(HEAD)
    for number in range(100_000):
        connection.sendall(b"X-Filler-%d: %s\r\n" % (number, b"y" * 1000))


def ten_gigabytes(connection):
    connection.sendall(HEAD + b"Content-Length: 10000000000\r\n\r\n" + bytes(100_000))
    connection.recv(1)


def bomb(connection):
    packed = gzip.compress(bytes(60_000_000), 9)
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)
    connection.recv(1)


def endless_body(connection):
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")


LOOP = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
MANY = HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"Content-Length: 2\r\n\r\n{}"
LARGE = HEAD + b"X-Large: " + b"y" * 5_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}"


def test_every_bad_request_is_its_own_error(client, echo, raw, refused):
    """Fifty thousand URLs from somebody's list: a handful of them is always like this."""
    transport, connect = errors.TransportError, errors.ConnectFailed
    table = [
        ("ftp://127.0.0.1/x", transport, "cannot be sent"),
        ("", transport, "cannot be sent"),
        ("no url", transport, "cannot be sent"),
        ("http://", transport, "cannot be sent"),
        ("http://nonexistent.invalid/x", connect, ""),
        (refused, connect, ""),
        (echo.replace("http:", "https:") + "/json", connect, ""),
        (raw(LOOP), errors.TooManyRedirects, "more than 10 redirects"),
        (raw(ten_gigabytes), errors.BodyTooLarge, "10,000,000,000"),
        (raw(endless_body), errors.BodyTooLarge, "max_bytes"),
        (raw(bomb), errors.BodyTooLarge, "max_bytes"),
        (raw(drip), errors.TimedOut, "total took longer than 3 s"),
        (raw(MANY), transport, "header"),
        (raw(LARGE), transport, "header"),
        (raw(endless_head), transport, "header"),
        (None, errors.ConfigError, "items are URLs"),
        (12345678, errors.ConfigError, "items are URLs"),
        (["http://x/"], errors.ConfigError, "items are URLs"),
        (fl.Request(f"{echo}/json", "G T"), transport, "cannot be sent"),
        (fl.Request(f"{echo}/json", ""), transport, "cannot be sent"),
        (fl.Request(f"{echo}/json", headers={"X-A": "a\nb"}), transport, "cannot be sent"),
        (fl.Request(f"{echo}/json", headers={"X Y": "a"}), transport, "cannot be sent"),
        (fl.Request(f"{echo}/json", headers={"X-A": 7}), transport, "cannot be sent"),
        (fl.Request(f"{echo}/json", headers={"X-A": "\ud800"}), transport, "cannot be sent"),
        (fl.Request(f"{echo}/json", headers={"": "a"}), transport, "cannot be sent"),
        (fl.Request(f"{echo}/status/500"), errors.StatusError, "HTTP 500"),
    ]
    bad = [row[0] for row in table]
    run = fl.fetch(
        among_good(bad, urls(echo)),
        client=client,
        workers=8,
        retry=ONCE,
        max_bytes=1_000_000,
        timeout=fl.Timeout(connect=3, read=3, total=3),
    )
    check(run, bad, [row[1:] for row in table])


def answer(echo, body, kind="application/json"):
    return f"{echo}/base64/{urlsafe_b64encode(body).decode()}?type={kind}"


def test_every_bad_body_is_its_own_error(client, echo):
    """What a parser cannot read is that item's, whatever it raises, and says what stood there."""
    parse = errors.ParseError
    table = [
        (answer(echo, b"{'a': 1}"), parse, "not JSON"),
        (f"{echo}/bytes/0", parse, "not JSON"),
        (answer(echo, b"[" * 5_000), parse, "not JSON"),
        (answer(echo, b'{"a": "\xff"}'), parse, "not JSON"),
        (answer(echo, b"<html>", "text/html"), parse, "text/html"),
        (f"{echo}/status/404", errors.StatusError, "HTTP 404"),
    ]
    bad = [row[0] for row in table]
    run = fl.fetch(among_good(bad, urls(echo)), client=client, parse="json", retry=ONCE)
    check(run, bad, [row[1:] for row in table])
    bad = [answer(echo, b"\xff\xfe\xfa"), answer(echo, b"x", "text/plain;charset=klingon")]
    run = fl.fetch(among_good(bad, urls(echo)), client=client, parse="text", retry=ONCE)
    check(run, bad, [(parse, "not text in utf-8"), (parse, "not text in klingon")])


@pytest.mark.parametrize(
    "raised",
    [ValueError("odd"), KeyError("id"), SystemExit(3), KeyboardInterrupt(), RecursionError()],
    ids=repr,
)
def test_a_parser_that_raises(client, echo, raised):
    """Not even an exit from a parser may end the run or the engine."""

    def own(response):
        if response.status == 404:
            raise raised
        return response.json()

    bad = [f"{echo}/status/404"]
    run = fl.fetch(among_good(bad, urls(echo)), client=client, parse=own, accept={404}, retry=ONCE)
    check(run, bad, [(errors.ParseError, f"parse raised {type(raised).__name__}")])


def test_an_error_whose_own_words_fail_is_its_items():
    """Whoever tells of it would fail as well, and the run with them."""

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    def task(item):
        if item == 1:
            raise Mute
        return item

    run = fl.map(task, range(3), retry=ONCE).wait()
    assert run.result() == [0, None, 2]
    assert str(run.results()[1].error) == "Mute" or run.errors()["message"][0] == "Mute"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_every_bad_task_is_its_own_error(asynchronous):
    """A task that raises, exits, hangs, or returns nothing; the hung one takes no slot from the others."""
    gate = threading.Event()
    raised = {
        "value": ValueError("bad"),
        "exit": SystemExit(3),
        "interrupt": KeyboardInterrupt(),
        "cancel": asyncio.CancelledError(),
        "mine": errors.StudyError("no such movie"),
        "memory": MemoryError(),
    }

    def plain(item):
        if item == "hang":
            gate.wait(60)
        if item in raised:
            raise raised[item]
        return None if item == "nothing" else item

    async def task(item):
        if item == "hang":
            await asyncio.sleep(3600)
        return plain(item)

    bad = [*raised, "hang"]
    run = fl.map(
        task if asynchronous else plain,
        among_good(bad, (f"good {number}" for number in range(100))),
        workers=4,
        timeout=1,
        retry=ONCE,
    )
    task_error = errors.TaskError
    check(
        run,
        bad,
        [
            (task_error, "ValueError: bad"),
            (task_error, "SystemExit: 3"),
            (task_error, "KeyboardInterrupt"),
            (task_error, ""),
            (errors.StudyError, "no such movie"),
            (task_error, "MemoryError"),
            (errors.TimedOut, "total took longer than 1 s"),
        ],
    )
    gate.set()
    assert fl.map(plain, ["nothing"]).results()[0].ok, "None is a value"


def yielding(item):
    yield item


async def yielding_async(item):
    yield item


class Yielding:
    def __call__(self, item):
        yield item


@pytest.mark.parametrize(
    "task",
    [yielding, yielding_async, functools.partial(yielding), Yielding(), Yielding().__call__],
    ids=["plain", "async", "partial", "object", "method"],
)
def test_a_generator_function_is_refused_at_the_call(task):
    """Every item would be ok with a generator for a value, and nothing of it would have run."""
    with pytest.raises(errors.ConfigError, match="task: is a generator function") as caught:
        fl.map(task, [1])
    assert caught.value.knob == "task"
    for knob in ("key", "priority"):
        with pytest.raises(errors.ConfigError, match=f"{knob}: give a plain function"):
            fl.map(str, [1], **{knob: task})
    with pytest.raises(errors.ConfigError, match="parse: give"):
        fl.fetch([], parse=task)


def test_follow_may_be_a_generator_function():
    """Yielding the next pages is the natural way to write it."""

    def pages(result):
        if result.item < 3:
            yield result.item + 1

    assert fl.map(lambda item: item, [1], follow=pages).result() == [1, 2, 3]


class Broken(Exception):
    pass


@pytest.mark.parametrize("kind", ["iterator", "list", "async"])
def test_an_input_that_raises_midway(client, echo, kind):
    """What was done is kept, the error is raised once, and the run says that it stopped."""

    def source():
        for number in range(30):
            yield f"{echo}/json?n={number}"
        raise Broken("the database went away: password=hunter2-secret")

    class Sized:
        def __len__(self):
            return 50

        def __iter__(self):
            return source()

    async def async_source():
        for url in source():
            yield url

    items = {"iterator": source, "list": Sized, "async": async_source}[kind]()
    run = fl.fetch(items, client=client, workers=4, parse="json")
    with pytest.raises(Broken):
        run.wait(timeout=60)
    assert run.wait().state == "stopped", "once"
    assert run.stats().ok == 30
    assert [result.value["args"]["n"] for result in run.results()] == [str(n) for n in range(30)]
    assert "Broken" in run.stopped_by
    assert "hunter2" not in run.stopped_by


def test_an_empty_run_has_empty_tables_and_says_that_there_is_nothing_to_draw():
    """A filter that left nothing is the usual reason; the knob to look at is not one of a chart's."""
    run = fl.fetch([]).wait()
    assert run.result() == []
    assert (run.frame().height, run.table().height, run.errors().height) == (0, 0, 0)
    with pytest.raises(errors.ConfigError, match="no item of this run has ended"):
        run.plot()
