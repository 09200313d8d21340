"""wrk: what it prints is read right, and a run with failures is no yardstick."""

from __future__ import annotations

import pytest

from fetchlab.bench import wrk
from fetchlab.errors import ConfigError, StudyError

PRINTED = """Running 2s test @ http://127.0.0.1:8000/body.json
  1 threads and 20 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   263.36us  115.85us   4.51ms   90.14%
    Req/Sec    75.03k     4.42k   82.40k    65.00%
{more}  149331 requests in 2.00s, 1.61GB read
{after}Requests/sec:  74651.86
Transfer/sec:    822.67MB
"""


def test_requests_and_seconds_are_read():
    """The rate is made of them, so that it has the digits that wrk rounds away."""
    done = wrk.parse(PRINTED.format(more="", after=""))
    assert (done.items, done.ok, done.seconds) == (149_331, 149_331, 2.0)


@pytest.mark.parametrize(("text", "seconds"), [("1.50m", 90.0), ("100.00ms", 0.1)])
def test_every_unit_is_read(text, seconds):
    """The program picks the unit itself."""
    printed = PRINTED.format(more="", after="").replace("2.00s,", f"{text},")
    assert wrk.parse(printed).seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    "trouble",
    ["  Socket errors: connect 0, read 3, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 149331\n"],
)
def test_failures_are_no_yardstick(trouble):
    """A server that refuses is quick, and would make every client look slow."""
    with pytest.raises(StudyError, match=trouble.strip()[:12]):
        wrk.parse(PRINTED.format(more="", after=trouble))


def test_errors_of_zero_are_none():
    """The line is there if any of the four is not zero; a future version may print it always."""
    assert wrk.parse(
        PRINTED.format(more="", after="  Socket errors: connect 0, read 0, write 0, timeout 0\n")
    )


@pytest.mark.parametrize(
    "text", ["", "unable to connect to 127.0.0.1:1 Connection refused", "  0 requests in 1.00s, 0.00B read"]
)
def test_nothing_is_not_a_speed(text):
    """Zero requests per second would make every ratio infinite."""
    with pytest.raises(StudyError, match="no request"):
        wrk.parse(text)


def test_without_wrk_it_says_what_to_install(monkeypatch):
    """The message is the only manual that is read."""
    monkeypatch.setattr(wrk, "find", lambda: None)
    with pytest.raises(ConfigError, match="apt-get install wrk"):
        wrk.press("http://127.0.0.1/", 1, 1)


@pytest.mark.skipif(wrk.find() is None, reason="wrk is not installed")
def test_a_server_that_fails_is_told(echo):
    """The real program, against statuses that are none of success."""
    with pytest.raises(StudyError, match="Non-2xx"):
        wrk.press(f"{echo}/status/500", 2, 1)
