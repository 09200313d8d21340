"""What reaches the log: a line per event that matters, and no secret."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

import fetchlab as fl
from fetchlab import errors
from fetchlab.policy.host import HostGate, HostRules

ONCE = fl.Retry(attempts=1)
SECRET = "s3cr3t-T0ken-0123456789"


@pytest.fixture
def lines(caplog):
    """``lines(level)`` gives the lines of that level or above; everything is captured."""
    caplog.set_level(logging.DEBUG, logger="fetchlab")

    def said(level=logging.DEBUG):
        return [record.getMessage() for record in caplog.records if record.levelno >= level]

    return said


def test_a_good_run_is_two_lines(echo, lines):
    """Its start and its end; a line per item would be slower than the items."""
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(200)], workers=7).wait()
    started, ended = lines()
    assert started.endswith("started: 200 items, 7 workers")
    assert started.split(" started")[0] == ended.split(" done")[0] == run._recorder.logbook.name
    assert "done 200/200 100%" in ended


def test_a_flood_of_failures_is_one_warning_per_kind_and_host(bed, lines):
    """Fifty thousand dead links must not be fifty thousand warnings; at DEBUG each has its key."""
    hosts = [bed.urls["echo"], bed.urls["echo2"]]
    urls = [f"{host}/status/{status}?n={n}" for n in range(20) for host in hosts for status in (404, 410)]
    fl.fetch(urls, retry=ONCE).wait()
    warnings = lines(logging.WARNING)
    assert len(warnings) == 4
    assert all("GET http://" in line and "→ the URL, or accept" in line for line in warnings)
    told = " ".join(lines())
    assert all(url in told for url in urls)


def test_warnings_end_where_they_are_no_news(lines):
    """A list of dead hosts is a kind for each of them."""
    items = [f"x{number}://host{number}/" for number in range(120)]
    fl.fetch(items, retry=ONCE).wait()
    assert len(lines(logging.WARNING)) == 50
    assert len([line for line in lines() if " failed" in line and "TransportError" in line]) == 120


def test_retries_and_cancelled_items_are_details(bed, echo, lines):
    """They are in run.attempts(); whoever debugs sees each with its wait and its reason."""
    bed.configure("echo", error_rate={500: 1.0})
    fl.fetch([f"{echo}/json?n=7"], retry=fl.Retry(attempts=2, base=0.01)).wait()
    (retried,) = [line for line in lines() if "again in" in line]
    assert f"GET {echo}/json?n=7, attempt 1: StatusError: HTTP 500; again in" in retried
    assert retried.endswith("(backoff)")
    run = fl.fetch([f"{echo}/delay/60"] * 3)
    run.cancel().wait()
    assert not [line for line in lines(logging.INFO) if "Cancelled" in line]


def test_a_run_that_stops_says_why(lines):
    """A run that ends early and says nothing looks like one that is done."""

    def source():
        yield "http://127.0.0.1:1/"
        raise LookupError(f"no more: api_key={SECRET}")

    with pytest.raises(LookupError):
        fl.fetch(source(), retry=ONCE).wait()
    stopped = [line for line in lines(logging.WARNING) if " stopped: " in line]
    assert len(stopped) == 1
    assert "LookupError: no more" in stopped[0]
    gate = fl.map(lambda item: 1 // 0, range(300), max_error_rate=0.1, workers=4).wait()
    assert gate.state in ("stopped", "done")


def test_a_host_that_refuses_is_said_once_per_event(bed, echo, lines):
    """What slows a run down is the first thing to look for in its log."""
    bed.configure("echo", rate=200, retry_after=1)
    fl.fetch([f"{echo}/json?n={n}" for n in range(12)], workers=12).wait()
    refused = [line for line in lines(logging.INFO) if line.startswith(f"{echo} refused")]
    assert 1 <= len(refused) < 10
    assert "(HTTP 429), asks to wait 1 s, asked at most" in refused[0]


def test_a_host_that_is_down_and_back(lines):
    """Eight failures in a row: one warning; a line for each probe that failed; one when it is back."""
    gate = HostGate("https://h", HostRules(fl.Retry()), 0.0)

    def attempt(now, *, fails):
        probe = gate.begin(now)
        if fails:
            gate.failed(now, now, probe=probe, first=True, down=True, trouble="ConnectFailed")
        else:
            gate.answered(now, 0.1, now)

    attempt(0.0, fails=False)
    for number in range(8):
        attempt(1.0 + number / 10, fails=True)
    assert lines() == [
        "https://h seems to be down (ConnectFailed); its items wait, a probe goes out in 0.5 s"
    ]
    attempt(3.0, fails=True)
    attempt(6.0, fails=False)
    assert len(lines(logging.WARNING)) == 1
    assert lines()[1].endswith("a probe goes out in 1 s")
    assert lines()[2:] == ["https://h answers again"]
    gate.rest(7.0, 60)
    assert lines()[-1] == "https://h says that its quota is used up, for 60 s"


def test_no_secret_reaches_the_log(bed, echo, refused, lines):
    """Logs are shipped to other machines, and read by other people."""
    bed.configure("echo", error_rate={503: 1.0})
    urls = [
        f"{echo}/status/404?api_key={SECRET}",
        f"{echo}/json?token={SECRET}",
        f"{refused.replace('//', f'//me:{SECRET}@')}?password={SECRET}",
        f"no-scheme://me:{SECRET}@host/",
    ]
    header = fl.Request(f"{echo}/status/410", headers={"Authorization": f"Bearer {SECRET}\n"})
    retry = fl.Retry(attempts=2, base=0.01)
    fl.fetch([*urls, header], retry=retry).wait()

    def task(item):
        raise ValueError(f"https://me:{SECRET}@h/?api_key={SECRET} said Authorization: Bearer {SECRET}")

    fl.map(task, [{"password": SECRET}, urls[0]], retry=retry).wait()

    def again(item):
        raise errors.Retriable(f"/?token={SECRET} access_token={SECRET}")

    fl.map(again, [urls[1]], retry=retry).wait()
    told = "\n".join(lines())
    assert told.count(" failed, attempts ") == 8
    assert "again in" in told
    assert SECRET not in told


def test_nothing_is_printed_unless_asked_for(refused):
    """Without a handler Python prints warnings to standard error: lines in every notebook."""
    code = f"import fetchlab as fl; fl.fetch([{refused!r}], retry=fl.Retry(attempts=1)).wait()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    asked = "import logging; logging.basicConfig(); logging.getLogger('fetchlab').setLevel('INFO'); " + code
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert "INFO:fetchlab.run:run 1 started: 1 items, 20 workers" in done.stderr
    assert "WARNING:fetchlab.run:run 1: GET http://127.0.0.1:" in done.stderr
