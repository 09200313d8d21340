"""A strategy says how items are put onto workers, and nothing else: results, frames, errors stay the same."""

from __future__ import annotations

import threading

import pytest

import fetchlab as fl
from fetchlab import errors

STRATEGIES = [
    fl.Sequential(),
    fl.Threads(3),
    fl.Processes(2),
    fl.Chunked(4),
    fl.Batch(),
]
RETRY = fl.Retry(attempts=3, base=0.01)
SAME = ["index", "key", "host", "ok", "status", "error", "message", "attempts", "cached", "bytes"]
TRUNCATED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{}"
BAD_JSON = TRUNCATED.replace(b"100\r\n\r\n{}", b"7\r\nConnection: close\r\n\r\n{'a': 1")


class Flaky:
    """Answers 500 to every first and second connection of three."""

    def __init__(self):
        self.count = 0
        self.lock = threading.Lock()

    def __call__(self, connection):
        with self.lock:
            self.count += 1
            good = self.count % 3 == 0
        status = b"200 OK" if good else b"500 Internal Server Error"
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")


@pytest.fixture
def mix(echo, raw, refused):
    """Good ones among everything that goes wrong."""
    good = [f"{echo}/json?n={n}" for n in range(6)]
    return [
        *good[:3],
        f"{echo}/status/404",
        raw(Flaky()),
        refused,
        raw(BAD_JSON),
        raw(TRUNCATED),
        "no url",
        fl.Request(f"{echo}/anything", "POST", json={"a": 1}, headers={"X-A": "b"}),
        None,
        *good[3:],
    ]


def described(run):
    """What must be the same whatever the strategy."""
    run.wait(timeout=60)
    told = [
        (type(result.error), str(result.error), result.first_byte is None, type(result.value))
        for result in run.results()
    ]
    attempts = (
        run.attempts()
        .select("index", "attempt", "status", "error", "message", "bytes")
        .sort("index", "attempt")
    )
    return {
        "values": run.result(),
        "told": told,
        "rows": run.frame().select(SAME).rows(),
        "schema": run.frame().schema,
        "attempts": attempts.rows(),
        "errors": run.errors().select("error", "host", "count").sort("error", "host").rows(),
        "counts": (run.stats().ok, run.stats().retries, run.stats().errors, run.stats().bytes),
    }


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [(strategy, "reqwest") for strategy in STRATEGIES]
    + [(fl.Threads(3), "httpx"), (fl.Processes(2), "httpx")],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_fetch(mix, strategy, kind):
    """A researcher compares strategies by their times: that is only fair if all else is equal."""
    with fl.Client(kind, headers={"X-All": "1"}) as client:
        knobs = {"retry": RETRY, "parse": "json", "client": client}
        told = described(fl.fetch(mix, strategy=strategy, **knobs))
        usual = described(fl.fetch(mix, strategy=fl.Async(5), **knobs))
    if kind == "httpx":  # its own words differ
        refusals = ("[Errno 111] Connection refused", "All connection attempts failed")
        told, usual = ({part: repr(value) for part, value in all_.items()} for all_ in (told, usual))
        told = {part: text.replace(*refusals) for part, text in told.items()}
    for part, value in usual.items():
        assert told[part] == value, part
    if kind == "httpx":
        return
    assert usual["counts"][0] == 8, "the mix is not what it was thought to be"
    assert set(usual["counts"][2]) == {
        "StatusError", "ConnectFailed", "ParseError", "BodyTruncated", "TransportError", "ConfigError",
    }  # fmt: skip


class Own(Exception):
    """Of the user's; its argument is kept as it is."""


class Odd(Exception):
    """Cannot be made again from what it kept."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


class Busy(errors.Retriable):
    """A user's own reason to try again, with an ``__init__`` of its own."""

    def __init__(self, seconds, *, why):
        super().__init__(f"{why}, {seconds} s")
        self.seconds = seconds


def task(item):
    """Do one of everything."""
    match item:
        case 1:
            raise ValueError("bad")
        case 2:
            raise Own("token=abcdefgh123456 x") from LookupError("why")
        case 3:
            raise errors.StatusError("HTTP 418", 418, {"Retry-After": "1"})
        case 4:
            raise Busy(3, why="busy")
        case 5:
            raise OSError("lost") from errors.Retriable("try again")
        case 6:
            raise StopIteration(1)
        case 7:
            raise SystemExit(3)
        case 8:
            raise KeyboardInterrupt
        case 9:
            raise Odd("a", "b") from errors.Retriable("odd, but again")
        case 10:
            raise errors.ConfigError("knob", "is wrong")
        case 11:
            raise AssertionError
    return {"item": item, "pair": (item, [item])}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: type(strategy).__name__)
def test_map(strategy):
    """Also what a task raises: the same class, text, line, cause, and the same number of attempts."""
    told = described(fl.map(task, range(15), strategy=strategy, retry=RETRY))
    usual = described(fl.map(task, range(15), workers=3, retry=RETRY))
    for part, value in usual.items():
        assert told[part] == value, part


def test_map_notes_and_causes():
    """The line that raised is what a reader looks for first; a frame does not cross, the line must."""
    runs = [
        fl.map(task, range(1, 6), strategy=strategy, retry=RETRY)
        for strategy in (fl.Threads(2), fl.Processes(2))
    ]
    told = [
        [
            (
                getattr(result.error, "__notes__", None),
                repr(result.error.__cause__),
                result.error.__cause__ and repr(result.error.__cause__.__cause__),
                {name: value for name, value in vars(result.error).items() if name != "headers"},
            )
            for result in run.results()
        ]
        for run in runs
    ]
    assert told[0] == told[1]
    assert "raised in task" in told[1][0][0][0]
    own = runs[1].results()[1].error
    assert type(own.__cause__) is Own
    assert runs[1].results()[2].error.headers == {"Retry-After": "1"}
    assert runs[1].results()[3].error.seconds == 3
