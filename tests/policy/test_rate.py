"""The rate knob: how requests are spaced, and whose limit holds for a host."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ConfigError
from fetchlab.policy.rate import Gcra, RateLimit, RateRules

rates = st.floats(0.01, 10_000)
bursts = st.integers(1, 50)
pauses = st.lists(st.floats(0, 30), min_size=1, max_size=60)  # what the client lets pass before it asks again


def _starts(rate, burst, pauses):
    """When a client that is always made to wait, and sometimes comes late, may start."""
    gcra, now, starts = Gcra(1 / rate, burst), 1000.0, []
    for pause in pauses:
        now += pause
        now += gcra.delay(now)
        assert gcra.delay(now) <= 1e-9, "told to wait again after having waited"
        gcra.start(now)
        starts.append(now)
    return starts


@given(rate=rates, burst=bursts, pauses=pauses)
def test_no_window_holds_more_than_the_rate_and_the_burst(rate, burst, pauses):
    """In any stretch of time at most burst + rate · seconds requests: one more and the host sees it."""
    starts = _starts(rate, burst, pauses)
    for first in range(len(starts)):
        for last in range(first, len(starts)):
            allowed = burst + rate * (starts[last] - starts[first])
            assert last - first + 1 <= allowed + 1e-6 * rate + 1e-6


@given(rate=rates, gaps=pauses)
def test_without_a_burst_no_two_come_closer_than_the_interval(rate, gaps):
    """Two requests at once are what a user who set no burst wanted to avoid."""
    starts = _starts(rate, 1, gaps)
    for before, after in pairwise(starts):
        assert after - before >= 1 / rate - 1e-9


@given(rate=rates, burst=bursts, count=st.integers(1, 300))
def test_a_client_in_a_hurry_gets_the_whole_rate(rate, burst, count):
    """A limiter that is too careful costs throughput that the user allowed."""
    starts = _starts(rate, burst, [0.0] * count)
    assert starts[-1] - starts[0] == pytest.approx(max(0, count - burst) / rate, abs=1e-6)
    assert sum(start <= starts[0] + 1e-9 for start in starts) >= min(burst, count)


@given(burst=bursts, rest=st.floats(0, 1e6))
def test_a_rest_gives_one_burst_and_no_more(burst, rest):
    """Rest that piled up would end in a storm."""
    gcra = Gcra(1.0, burst)
    gcra.start(0.0)
    now, free = rest + 1.0, 0
    while not gcra.delay(now):
        gcra.start(now)
        free += 1
    assert free <= burst
    if rest >= burst:
        assert free == burst


def test_a_limit_is_requests_per_period():
    """90 per minute is one each 667 ms."""
    assert RateLimit(90, per=60).interval == pytest.approx(2 / 3)
    assert RateLimit(50).interval == pytest.approx(0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0}, {"rate": -1}, {"rate": math.inf}, {"rate": math.nan}, {"rate": "50"}, {"rate": True},
        {"rate": None}, {"rate": 1, "per": 0}, {"rate": 1, "per": math.inf}, {"rate": 1, "per": "s"},
        {"rate": 1, "burst": 0}, {"rate": 1, "burst": 1.5}, {"rate": 1, "burst": True},
        {"rate": 10**400}, {"rate": 1e308, "per": 1e-308}, {"rate": 1e-308, "per": 1e308},
        {"rate": 1, "burst": 10**400},
    ],
    ids=lambda wrong: str(wrong)[:40],
)  # fmt: skip
def test_an_impossible_limit_names_the_knob(wrong):
    """Found later, it would be a division by zero in the engine, or no limit at all."""
    with pytest.raises(ConfigError, match="rate") as caught:
        RateLimit(**wrong)
    assert caught.value.knob == "rate"


@pytest.mark.parametrize(
    "wrong", [50, "50", [RateLimit(1)], {"a": 50}, {"a": None}, {1: RateLimit(1)}, {"": RateLimit(1)}]
)
def test_rules_that_are_none_name_the_knob(wrong):
    """A bare number might mean per second, per minute or per host: better to ask than to guess."""
    with pytest.raises(ConfigError, match="rate") as caught:
        RateRules(wrong)
    assert caught.value.knob == "rate"


def test_one_limit_holds_for_every_host():
    """A rate without a host is meant for all of them, each for itself."""
    limit = RateLimit(5)
    assert RateRules(limit)("http://a") is limit
    assert RateRules(limit)("https://b:8443") is limit
    assert RateRules(None)("http://a") is None
    assert RateRules({})("http://a") is None


@pytest.mark.parametrize(
    ("spelling", "host"),
    [
        ("https://example.org", "https://example.org"),
        ("https://Example.ORG/", "https://example.org"),
        ("https://example.org:443/path", "https://example.org"),
        ("http://example.org:8080", "http://example.org:8080"),
        ("example.org", "https://example.org"),
        ("EXAMPLE.org", "http://example.org:8080"),
        ("example.org:8080", "http://example.org:8080"),
        ("127.0.0.1:8700", "http://127.0.0.1:8700"),
        ("[::1]", "http://[::1]"),
        ("[::1]", "http://[::1]:8700"),
        ("[::1]:8700", "http://[::1]:8700"),
    ],
)
def test_every_spelling_of_a_host_finds_it(spelling, host):
    """A limit that silently does not hold is worse than none."""
    limit = RateLimit(5)
    assert RateRules({spelling: limit})(host) is limit


@pytest.mark.parametrize(
    ("spelling", "host"),
    [
        ("https://example.org", "http://example.org"),
        ("example.org:8080", "http://example.org"),
        ("example.org", "http://www.example.org"),
        ("example.org", "http://example.org.evil"),
        ("[::1]", "http://[::2]"),
    ],
)
def test_another_host_is_left_alone(spelling, host):
    """A limit that spreads slows down who was not meant."""
    assert RateRules({spelling: RateLimit(5)})(host) is None


def test_the_closest_spelling_wins():
    """The whole address is meant more closely than the name."""
    common, port, scheme = RateLimit(1), RateLimit(2), RateLimit(3)
    rules = RateRules({"a": common, "a:81": port, "http://a:81": scheme})
    assert [rules(host) for host in ("http://a:81", "https://a:81", "http://a")] == [scheme, port, common]
