"""Every kind of fault as a plain client sees it, and when faults happen."""

from __future__ import annotations

import http.client
import json

import pytest

from fetchlab.testbed import PROFILES, Settings, serve
from fetchlab.testbed.delivery import OVERSIZE
from fetchlab.testbed.faults import LONGEST_STREAK, Faults

from .client import ask, dial


def test_reset(bed):
    """Otherwise clients would be tested against a polite end instead of a TCP reset."""
    bed.configure("echo", reset=1.0)
    for _ in range(LONGEST_STREAK):
        with pytest.raises(ConnectionResetError):
            ask(bed.urls["echo"], "/bytes/100")
    assert ask(bed.urls["echo"], "/bytes/100").status == 200
    assert bed.counters("echo")["faults"] == {"reset": 2}


def test_truncate(bed):
    """Otherwise a body shorter than promised would never be met."""
    bed.configure("echo", truncate=1.0)
    with pytest.raises(http.client.IncompleteRead) as short:
        ask(bed.urls["echo"], "/bytes/1000")
    assert len(short.value.partial) == 500
    assert short.value.expected == 500
    assert bed.counters("echo")["faults"] == {"truncate": 1}


def test_html_with_status_200(bed):
    """Otherwise the commonest disguise of an error would never be met."""
    bed.configure("catalogue", html200=1.0)
    answer = ask(bed.urls["catalogue"], "/api/v2/list_movies.json?limit=1")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")
    assert bed.counters("catalogue")["faults"] == {"html200": 1}


def test_html_only_where_json_is_expected(bed):
    """Otherwise bytes would be replaced by a page, which no client could notice."""
    bed.configure("echo", html200=1.0)
    assert ask(bed.urls["echo"], "/bytes/10").headers["content-type"] == "application/octet-stream"
    assert bed.counters("echo")["faults"] == {}


def test_oversize(bed):
    """Otherwise a limit on body sizes would never be met, or be met by broken JSON."""
    bed.configure("echo", oversize=1.0)
    answer = ask(bed.urls["echo"], "/json")
    assert len(answer.body) == len(ask(bed.urls["echo2"], "/json").body) - 1 + OVERSIZE
    assert "content-length" not in answer.headers
    assert json.loads(answer.body[:100])["wire"] == "echo"


def test_oversize_stops_when_the_client_leaves(bed):
    """Otherwise every aborted giant would keep the server busy to its end."""
    bed.configure("echo", oversize=1.0)
    ask(bed.urls["echo"], "/json", read=1000)
    assert ask(bed.urls["echo"], "/bytes/5", headers={"connection": "close"}).status == 200


def test_drip(bed):
    """Otherwise a body that trickles would never be met, or would arrive damaged."""
    bed.configure("echo", drip=1.0, drip_for=0.2)
    answer = ask(bed.urls["echo"], "/bytes/1000")
    assert answer.body == ask(bed.urls["echo2"], "/bytes/1000").body
    assert bed.counters("echo")["faults"] == {"drip": 1}


def test_drip_starts_with_little(bed):
    """Otherwise the whole body would come late, instead of trickling."""
    bed.configure("echo", drip=1.0, drip_for=20.0)
    with dial(bed.urls["echo"], "/bytes/400") as line:
        seen = b""
        while not (body := seen.partition(b"\r\n\r\n")[2]):
            seen += line.recv(4096)
        assert len(body) < 100


@pytest.mark.parametrize("kind", ["truncate", "oversize", "drip"])
def test_only_bodies_can_be_spoilt(bed, kind):
    """Otherwise an answer without a body would break the connection in ways no service does."""
    bed.configure("echo", **{kind: 1.0})
    assert ask(bed.urls["echo"], "/json", "HEAD").status == 200
    assert ask(bed.urls["echo"], "/status/204").status == 204
    assert ask(bed.urls["echo"], "/status/304").status == 304
    assert len(ask(bed.urls["echo"], "/stream/3").body.splitlines()) == 3
    assert bed.counters("echo")["faults"] == {}


def test_statuses(bed):
    """Otherwise errors would not come with the statuses and hints asked for."""
    bed.configure("echo", error_rate={503: 1.0}, retry_after=2)
    answer = ask(bed.urls["echo"], "/json")
    assert answer.status == 503
    assert answer.headers["retry-after"] == "2"
    bed.configure("echo", error_rate={502: 1.0})
    answer = ask(bed.urls["echo"], "/json")
    assert answer.status == 502
    assert "retry-after" not in answer.headers
    assert bed.counters("echo")["faults"] == {"503": 1, "502": 1}
    assert bed.counters("echo")["refused"] == 1


def test_beyond_the_rate(bed):
    """Otherwise a client's politeness could not be tested."""
    bed.configure("echo", rate=0.001, burst=2, retry_after=1.5)
    seen = [ask(bed.urls["echo"], f"/bytes/{n}") for n in range(5)]
    assert [answer.status for answer in seen] == [200, 200, 429, 429, 429]
    assert seen[-1].headers["retry-after"] == "1.5"
    assert bed.counters("echo")["refused"] == 3
    bed.configure("echo", retry_after=None)
    ask(bed.urls["echo"], "/json")
    ask(bed.urls["echo"], "/json")
    assert "retry-after" not in ask(bed.urls["echo"], "/json").headers


def test_outage_on_the_wire(bed):
    """Otherwise the outage profile would never show."""
    bed.configure("echo", outage_after=1, outage_for=1000)
    assert [ask(bed.urls["echo"], "/json").status for _ in range(3)] == [200, 503, 503]


def test_never_three_in_a_row():
    """Otherwise three retries would not be enough, and a run with faults could lose items."""
    faults = Faults(0, Settings(reset=0.5, error_rate={500: 0.45}))
    for key in range(50):
        streak = 0
        for _ in range(100):
            streak = streak + 1 if faults.decide(f"GET /{key}?") else 0
            assert streak <= LONGEST_STREAK


def test_shares_are_kept():
    """Otherwise `reset=0.02` would mean another share than two per cent."""
    profile = {name: value for name, value in PROFILES["flaky"].items() if name != "latency"}
    faults = Faults(0, Settings(**profile))
    seen = [faults.decide(f"GET /{key}?") for key in range(40_000)]
    for kind, share in Settings(**profile).faults():
        assert seen.count(kind) / len(seen) == pytest.approx(share, rel=0.2)
    assert 1 - seen.count(None) / len(seen) == pytest.approx(0.10, rel=0.05)


def test_order_of_arrival_does_not_matter():
    """Otherwise two runs with one seed, but other timing, would meet other faults."""
    settings = Settings(error_rate={500: 0.5})
    keys = [f"GET /{key}?" for key in range(200)]
    forward, backward = Faults(1, settings), Faults(1, settings)
    first = {key: forward.decide(key) for key in keys}
    assert first == {key: backward.decide(key) for key in reversed(keys)}
    assert first != {key: forward.decide(key) for key in keys}


def test_two_processes_agree(bed):
    """Otherwise a finding could not be repeated from its seed."""

    def history(bed):
        bed.configure("echo", error_rate={500: 0.2, 503: 0.2})
        return [ask(bed.urls["echo"], f"/bytes/{n % 20}").status for n in range(80)]

    mine = history(bed)
    assert history(bed) == mine
    with serve(port=0, seed=bed.seed) as twin, serve(port=0, seed=bed.seed + 1) as stranger:
        assert history(twin) == mine
        assert history(stranger) != mine
