"""Settings: what they accept, and that they reach the running server."""

from __future__ import annotations

import dataclasses

import pytest

from fetchlab.errors import TestbedError
from fetchlab.testbed import PROFILES, Settings, serve
from fetchlab.testbed.profiles import settings_of
from fetchlab.testbed.registry import OFFSETS, WIRES

from .client import ask

WRONG = [
    ("latency", -1),
    ("latency", "fast"),
    ("latency", float("nan")),
    ("jitter", -0.1),
    ("capacity", 0),
    ("capacity", 1.5),
    ("collapse", 0),
    ("drift", 1.0),
    ("rate", 0),
    ("burst", 0),
    ("retry_after", -1),
    ("error_rate", {200: 0.1}),
    ("error_rate", {503: 2}),
    ("error_rate", 0.1),
    ("reset", 1.1),
    ("truncate", True),
    ("html200", None),
    ("churn", -1),
    ("quirks", 1),
    ("login_wall", -1),
    ("login_wall", "soon"),
    ("markup", "new"),
    ("quota", 0),
    ("quota_period", 0),
    ("usage_cap", -1),
    ("feeds", 1),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_impossible_values_are_named(bed, name, value):
    """Otherwise a bad value would reach the server and fail there, or do nothing."""
    with pytest.raises(TestbedError, match=f"^{name}: must be"):
        bed.configure("echo", **{name: value})


def test_unknown_setting_is_named(bed):
    """Otherwise a typing error would leave the server as it was."""
    with pytest.raises(TestbedError, match=r"latence: no such setting; there are .*latency"):
        bed.configure(latence=1)


def test_shares_cannot_exceed_one(bed):
    """Otherwise some fault would happen less often than asked, without a word."""
    with pytest.raises(TestbedError, match="add up to"):
        bed.configure("echo", reset=0.6, truncate=0.6)
    bed.configure("echo", reset=0.6)
    with pytest.raises(TestbedError, match="add up to"):
        bed.configure("echo", truncate=0.6)
    assert bed.settings("echo").truncate == 0


def test_one_wire_or_all(bed):
    """Otherwise two hosts could not behave differently."""
    bed.configure(latency=0.001)
    bed.configure("echo2", rate=5, burst=2)
    assert {bed.settings(wire).latency for wire in WIRES} == {0.001}
    assert bed.settings("echo2").rate == 5
    assert bed.settings("echo").rate is None


def test_a_profile_begins_anew(bed):
    """Otherwise what an earlier profile set would linger in the next one."""
    bed.configure(retry_after=3)
    bed.configure(profile="knee", latency=0.01)
    assert bed.settings("echo") == Settings(latency=0.01, capacity=24)


def test_settings_survive_the_wire(bed):
    """Otherwise a value would change on its way to the server."""
    bed.configure("echo", profile="flaky")
    assert bed.settings("echo") == settings_of("flaky", {})["echo"]


def test_latency_beats_the_profile():
    """Otherwise `serve(latency=…, profile=…)` would ignore what was typed."""
    assert settings_of("knee", {"latency": 0.2})["echo"].latency == 0.2
    assert settings_of("knee", {})["echo"].latency == PROFILES["knee"]["latency"]


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_are_valid(profile):
    """Otherwise a profile would fail only when somebody uses it."""
    assert set(settings_of(profile, {})) == set(WIRES)


def test_two_hosts_differ():
    """Otherwise the profile for per-host politeness would have one host twice."""
    two = settings_of("two-hosts", {})
    assert two["echo"] != two["echo2"]
    assert two["echo2"].rate


def test_no_setting_is_called_like_a_wire():
    """Otherwise a profile's key would mean two things."""
    assert not {knob.name for knob in dataclasses.fields(Settings)} & set(OFFSETS)


def test_every_setting_is_described():
    """Otherwise the command line and the guide would leave one out."""
    described = Settings.describe()
    assert [name for name, _, _ in described] == [knob.name for knob in dataclasses.fields(Settings)]
    assert all(doc for _, _, doc in described)


def test_started_with_settings():
    """Otherwise the first requests would meet another server than the one asked for."""
    with serve(port=0, seed=3, quirks=False, error_rate={418: 1.0}) as bed:
        assert bed.settings("catalogue").quirks is False
        assert ask(bed.urls["echo"], "/json").status == 418
