"""API keys on a virtual clock: who is let in, how often, and for how long."""

from __future__ import annotations

import pytest

from fetchlab.testbed import Settings
from fetchlab.testbed.keys import Meters, account, duration, key_of
from fetchlab.testbed.wire import Request


class Clock:
    now = 50.0

    def __call__(self):
        return self.now


def meters(**settings):
    clock = Clock()
    return Meters(Settings(**settings), clock), clock


def admitted(meter, key, times):
    return sum(meter.refusal(key, paid=True) is None for _ in range(times))


def test_a_minutes_requests_at_once_then_one_by_one():
    """Else a key's limit would not be the one that was asked for."""
    meter, clock = meters(key_rate=60)
    assert admitted(meter, "a", 70) == 60
    assert meter.refusal("a", paid=True).wait == pytest.approx(1.0)
    clock.now += 2.5
    assert admitted(meter, "a", 9) == 2
    clock.now += 3600
    assert admitted(meter, "a", 99) == 60


def test_a_burst_of_ones_own():
    """Else tests would have to wait for a minute's requests to be spent."""
    meter, clock = meters(key_rate=600, key_burst=2)
    assert admitted(meter, "a", 9) == 2
    clock.now += 0.1
    assert admitted(meter, "a", 9) == 1


def test_each_key_for_itself():
    """Else several keys would bring nothing."""
    meter, _ = meters(key_rate=2, key_quota={"b": 1})
    assert [admitted(meter, key, 5) for key in "abc"] == [2, 1, 2]
    assert meter.refusal("b", paid=True).why == "quota"
    assert meter.refusal("c", paid=True).why == "rate"
    assert meter.refusal("b", paid=False) is None


def test_a_spent_quota_stays_spent():
    """Else a client that comes back would never meet it."""
    meter, clock = meters(key_quota=3)
    assert admitted(meter, "a", 9) == 3
    clock.now += 1e6
    assert admitted(meter, "a", 9) == 0
    meter.configure(Settings(key_quota=1))
    assert admitted(meter, "a", 9) == 1


def test_unknown_keys():
    """A client must learn that a key is wrong before it asks again."""
    meter, _ = meters(invalid_keys=["bad"])
    assert [meter.refusal(key, paid=False) is None for key in ("bad", "", "good")] == [False, False, True]


def test_headers_tell_what_is_left():
    """A client plans by them."""
    meter, _ = meters(key_rate=120, key_burst=3)
    assert meter.headers("a")[1:] == [
        ("x-ratelimit-remaining-requests", "3"),
        ("x-ratelimit-reset-requests", "0ms"),
    ]
    admitted(meter, "a", 2)
    assert dict(meter.headers("a")) == {
        "x-ratelimit-limit-requests": "120",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "1s",
    }
    assert Meters(Settings()).headers("a") == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0201, "21ms"), (1, "1s"), (8.5, "8.5s"), (60, "1m0s"), (361.25, "6m1.25s")]
)
def test_durations(seconds, text):
    """As the service writes them."""
    assert duration(seconds) == text


def test_the_key_of_a_request():
    """Any other scheme is no key, and no key is told by its account's name."""

    def said(value):
        return key_of(Request("GET", "/", b"", [(b"authorization", value)], {}))

    assert said(b"Bearer sk-x") == said(b"bearer  sk-x ") == "sk-x"
    assert said(b"Basic sk-x") == said(b"Bearer") == key_of(Request("GET", "/", b"", [], {})) == ""
    assert "sk-x" not in account("sk-x") != account("sk-y")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key_rate", 0),
        ("key_quota", {"a": -1}),
        ("key_quota", {1: 1}),
        ("invalid_keys", "a"),
        ("bad_scenes", 7),
    ],
)
def test_impossible_values_are_named(bed, name, value):
    """A dict or a list may be wrong inside."""
    with pytest.raises(Exception, match=f"^{name}: must be"):
        bed.configure("openai", **{name: value})


def test_dicts_and_lists_reach_the_server(bed):
    """They travel as JSON."""
    bed.configure("openai", key_rate={"a": 2.5}, key_quota={"a": 3}, invalid_keys=("b",), bad_scenes=[7])
    assert bed.settings("openai") == Settings(
        key_rate={"a": 2.5}, key_quota={"a": 3}, invalid_keys=["b"], bad_scenes=(7,)
    )
