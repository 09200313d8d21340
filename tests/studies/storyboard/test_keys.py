"""Keys: taken in turn, resting one by one, retired when they are of no more use."""

from __future__ import annotations

import math
from collections import Counter

import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError
from fetchlab.studies.storyboard.keys import Key, KeyRing, keys_of
from fetchlab.studies.storyboard.planning import size_for


def ring(*rates, patience=300.0):
    keys = [Key(f"secret-{place}", rate) for place, rate in enumerate(rates)]
    return KeyRing(keys_of(keys, "keys"), fl.Retry(patience=patience), 0.0)


def test_keys_take_turns():
    """One key's quota would be spent before the others are touched."""
    keys = ring(None, None, None)
    seats = [keys.take(0.0) for _ in range(9)]
    assert Counter(seat.name for seat in seats) == {"key 1": 3, "key 2": 3, "key 3": 3}
    keys.answered(seats[1], 0.0, 1.0)
    assert keys.take(1.0) is seats[1]


def test_a_refused_key_rests_and_the_others_go_on():
    """To the service they are three customers."""
    keys = ring(None, None)
    first = keys.take(0.0)
    keys.refused(first, 0.0, 1.0, 20.0)
    second = keys.take(1.0)
    assert second is not first
    keys.answered(second, 1.0, 2.0)
    assert keys.take(2.0) is second
    keys.refused(second, 2.0, 3.0, 5.0)
    assert keys.take(3.0) is None
    assert keys.delay(3.0) == pytest.approx(5.0)
    assert keys.take(8.1) is second
    assert keys.told()["key 1"] == {"requests": 1, "refused": 1, "retired": None}


def test_each_key_has_its_own_rate():
    """The limit is per account."""
    keys = ring(fl.RateLimit(1), fl.RateLimit(1))
    assert keys.take(0.0) is not keys.take(0.0)
    assert keys.take(0.0) is None
    assert keys.delay(0.0) == pytest.approx(1.0)


def test_a_retired_key_is_never_used_again():
    """Each request with it is a refusal that the account is blamed for."""
    keys = ring(None, None)
    keys.retire(keys.take(0.0), "HTTP 429 insufficient_quota")
    assert {keys.take(0.0).name for _ in range(5)} == {"key 2"}
    keys.retire(keys.take(0.0), "HTTP 401 invalid_api_key")
    assert keys.take(0.0) is None
    assert keys.delay(0.0) == math.inf
    assert keys.hopeless(0.0) == (
        "no key is left: key 1: HTTP 429 insufficient_quota; key 2: HTTP 401 invalid_api_key"
    )


def test_patience_ends_when_every_key_is_refused():
    """A run that waits for ever looks like one that works."""
    keys = ring(None, None, patience=10.0)
    keys.refused(keys.take(0.0), 0.0, 0.0, 60.0)
    assert keys.hopeless(0.0) is None
    keys.refused(keys.take(0.0), 0.0, 0.0, 60.0)
    assert "asks to wait 60 s, longer than patience=10" in keys.hopeless(0.0)


def test_what_keys_are_found_to_allow_sizes_batches():
    """Five scenes at a key that takes one would wait four times."""
    keys = ring(fl.RateLimit(0.5), None)
    seat = keys.take(0.0)
    keys.answered(seat, 0.0, 4.0)
    assert size_for(keys.room(), keys.latency) == 2 + 5
    keys.retire(seat, "HTTP 401")
    assert size_for(keys.room(), keys.latency) == 5


def test_a_key_is_never_shown():
    """Tables, logs and reprs are sent to others."""
    keys = ring(None)
    assert "secret-0" not in repr(keys.seats[0].key)
    assert keys.masked("Incorrect API key provided: secret-0.") == "Incorrect API key provided: ***."


def test_keys_from_the_environment(monkeypatch):
    """Notebooks must not hold them."""
    monkeypatch.setenv("OPENAI_API_KEY", "from-outside")
    assert keys_of(None, "keys", "OPENAI_API_KEY") == [Key("from-outside")]
    monkeypatch.setenv("OPENAI_API_KEY", "from-a-file\n")
    assert keys_of(None, "keys", "OPENAI_API_KEY") == [Key("from-a-file")]
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="keys: give at least one, or set OPENAI_API_KEY"):
        keys_of(None, "keys", "OPENAI_API_KEY")


@pytest.mark.parametrize(
    "given", [[], [""], [7], ["a", "a"], [Key("a", name="x"), Key("b", name="x")], [" "], ["a\nb"], ["ä"]]
)
def test_keys_that_cannot_work_are_refused(given):
    """Each would be one wrong answer per scene; and the message must not show them."""
    with pytest.raises(ConfigError, match=r"^keys: "):
        keys_of(given, "keys")
