"""Politeness against a real server: kept by its own clock and counters, and nothing lost."""

from __future__ import annotations

import time
from email.utils import formatdate
from itertools import pairwise
from urllib.parse import quote

import polars as pl
import pytest

import fetchlab as fl
from fetchlab import errors
from fetchlab.policy.rate import RateLimit


def urls_of(base, count, path="/json"):
    """So many different URLs."""
    return [f"{base}{path}?n={number}" for number in range(count)]


def starts_of(run, base):
    """When each attempt at a host began, in seconds of the run, in order."""
    attempts = run.attempts().filter(pl.col("host") == base)
    seen = set(zip(attempts["index"], attempts["attempt"], strict=True))
    firsts = run.frame().filter(pl.col("host") == base)
    alone = [
        row["started"] for row in firsts.iter_rows(named=True) if (row["index"], 1) not in seen
        and not row["cached"] and row["attempts"]
    ]  # fmt: skip
    return sorted(alone + attempts["started"].to_list())


# rates


def test_a_rate_is_kept_by_the_servers_own_clock(bed, echo):
    """A server that allows hardly more than that must not refuse once."""
    bed.configure("echo", rate=110, burst=10)
    run = fl.fetch(urls_of(echo, 150), workers=20, rate=RateLimit(100, burst=4)).wait()
    assert run.stats().ok == 150
    assert bed.counters("echo")["refused"] == 0
    starts = starts_of(run, echo)
    assert len(starts) == 150
    for first in range(len(starts)):
        for last in range(first + 4, len(starts)):
            assert last - first + 1 <= 4 + 100 * (starts[last] - starts[first]) + 0.01


def test_a_rate_by_host_touches_that_host_only(bed, echo):
    """The limit of one service must not slow down another."""
    other = bed.urls["echo2"]
    urls = [url for pair in zip(urls_of(echo, 40), urls_of(other, 40), strict=True) for url in pair]
    run = fl.fetch(urls, workers=10, rate={echo: RateLimit(40)}).wait()
    assert run.stats().ok == 80
    ends = run.frame().group_by("host").agg(pl.col("finished").max())
    finished = dict(ends.iter_rows())
    assert finished[other] < finished[echo] / 2
    starts = starts_of(run, echo)
    assert all(after - before >= 0.025 - 1e-6 for before, after in pairwise(starts))


# refusals


@pytest.mark.parametrize("retry_after", [1, None])
def test_a_capped_host_loses_nothing_and_its_wish_is_kept(bed, echo, retry_after):
    """Nothing starts between a hint's arrival and its end; the other host knows nothing of it."""
    bed.configure("echo", latency=0.02, rate=50, burst=10, retry_after=retry_after)
    other = bed.urls["echo2"]
    urls = [url for pair in zip(urls_of(echo, 100), urls_of(other, 100), strict=True) for url in pair]
    run = fl.fetch(urls, workers=20).wait()
    stats = run.stats()
    assert (stats.ok, stats.failed) == (200, 0)
    frame = run.frame()
    assert frame.filter(pl.col("host") == other)["attempts"].to_list() == [1] * 100
    ends = dict(frame.group_by("host").agg(pl.col("finished").max()).iter_rows())
    assert ends[other] < ends[echo] / 2
    refusals = run.attempts().filter(pl.col("status") == 429)
    assert refusals.height == bed.counters("echo")["refused"] == stats.refused > 0
    starts = starts_of(run, echo)
    assert len(starts) == bed.counters("echo")["requests"]
    hints = refusals.filter(pl.col("reason") == "retry-after")
    assert (hints.height > 0) == (retry_after is not None)
    for finished, wait in hints.select("finished", "wait").iter_rows():
        assert not [when for when in starts if finished < when < finished + wait - 0.004]


@pytest.mark.parametrize(
    "said",
    ["0", "-1", "99999999", "soon", "", "é", "1e9", formatdate(1_700_000_000, usegmt=True), "NaN"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_odd_hints_are_survived_quickly(bed, echo, said, status):
    """Each of them is sent by somebody; none may stop the run, or be waited for."""
    urls = [f"{echo}/refuse/1?id={n}&status={status}&retry-after={quote(said)}" for n in range(2)]
    run = fl.fetch(urls, workers=4, retry=fl.Retry(base=0.05)).wait(timeout=60)
    assert run.stats().ok == 2
    assert bed.counters("echo")["requests"] == 4
    assert run.attempts()["wait"].max() < 1


def test_hints_in_milliseconds_and_dates_are_kept(bed, echo):
    """Two more ways to say the same."""
    soon = formatdate(time.time() + 2, usegmt=True)
    other = bed.urls["echo2"]
    run = fl.fetch(
        [f"{echo}/refuse/1?retry-after-ms=300", f"{other}/refuse/1?retry-after={quote(soon)}"], workers=2
    ).wait()
    assert run.stats().ok == 2
    first, second = (
        run.attempts().filter(pl.col("status") == 429).sort("index").select("wait", "reason").iter_rows()
    )
    assert first == (pytest.approx(0.3), "retry-after")
    assert second[1] == "retry-after"
    assert 0 < second[0] <= 2


def test_a_quota_that_is_used_up_is_waited_for(bed, echo):
    """The answer was good and says that the next one will not be: no refusal is needed to rest."""
    said = "x-ratelimit-remaining=0&x-ratelimit-reset=1"
    run = fl.fetch([f"{echo}/refuse/0?id={n}&{said}" for n in range(3)], workers=1).wait()
    assert run.stats().ok == 3
    assert bed.counters("echo")["refused"] == 0
    starts = starts_of(run, echo)
    assert all(after - before >= 0.99 for before, after in pairwise(starts))


def test_patience_names_host_and_knob(echo):
    """An hour is longer than anybody waits for a notebook cell."""
    urls = [f"{echo}/refuse/9?id={n}&retry-after=3600" for n in range(20)]
    run = fl.fetch(urls, workers=4, retry=fl.Retry(patience=60)).wait(timeout=60)
    assert run.stats().errors == {"RateLimited": 20}
    error = next(iter(run)).error
    assert echo in str(error)
    assert "patience=60" in str(error)
    assert isinstance(error, errors.RateLimited)


def test_a_refused_post_is_not_sent_again(bed, echo):
    """It may have had its effect although the answer was a refusal."""
    run = fl.fetch([fl.Request(f"{echo}/refuse/1?retry-after=1", method="POST", content=b"{}")]).wait()
    assert run.stats().errors == {"StatusError": 1}
    assert bed.counters("echo")["requests"] == 1
    again = fl.fetch(
        [fl.Request(f"{echo}/refuse/1?retry-after-ms=50&id=2", method="POST", content=b"{}")],
        retry=fl.Retry(methods={"POST"}),
    ).wait()
    assert again.stats().ok == 1


# bad hours


def test_an_outage_makes_no_storm_and_loses_nothing(bed, echo):
    """Two seconds of 503 under twenty workers: a few probes, and every item comes through."""
    bed.configure("echo", latency=0.01, outage_after=200, outage_for=2.0)
    run = fl.fetch(urls_of(echo, 600), workers=20).wait(timeout=120)
    stats = run.stats()
    assert (stats.ok, stats.failed) == (600, 0)
    refused = bed.counters("echo")["refused"]
    assert 0 < refused <= 2 * 20 + 10 + 0.1 * 200 + 6, (
        "workers (late answers hide it once), reserve, budget, probes"
    )
    assert stats.refused == refused
    assert "breaker" in run.attempts()["reason"].to_list()


def test_a_flaky_host_loses_nothing(bed, echo):
    """The profile's shares, without the body of 64 MB, which no retry makes smaller."""
    bed.configure("echo", profile="flaky", latency=0.005, oversize=0.0, drip_for=0.5)
    run = fl.fetch(urls_of(echo, 800), workers=20, parse="json", retry=fl.Retry(base=0.1)).wait(timeout=120)
    assert run.stats().errors == {}
    assert run.stats().ok == 800
    assert sum(bed.counters("echo")["faults"].values()) >= 40
    assert run.result()[17] == {"wire": "echo", "args": {"n": "17"}}


def test_an_oversized_body_fails_its_item_and_no_other(bed, echo):
    """It is the limit that says no, not the host: it is not tried again, and the host is not blamed."""
    bed.configure("echo", oversize=0.1)
    run = fl.fetch(urls_of(echo, 100), workers=4, max_bytes=100_000).wait(timeout=120)
    blown = bed.counters("echo")["faults"]["oversize"]
    assert run.stats().errors == {"BodyTooLarge": blown}
    assert run.stats().ok == 100 - blown
    assert bed.counters("echo")["requests"] == 100
