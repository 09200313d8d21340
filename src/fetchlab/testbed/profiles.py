"""Named behaviours of a service, for comparing how well a client copes."""

from __future__ import annotations

from functools import cache
from typing import Any

from fetchlab.errors import TestbedError
from fetchlab.testbed.registry import WIRES
from fetchlab.testbed.settings import Settings

__all__ = ["PROFILES", "settings_of"]

#: Settings by profile. A key that names a wire holds settings for that wire alone.
PROFILES: dict[str, dict[str, Any]] = {
    "flat": {},
    "knee": {"latency": 0.05, "capacity": 24},
    "rate-capped": {"latency": 0.05, "rate": 50, "burst": 10, "retry_after": 1},
    "rate-capped-mute": {"latency": 0.05, "rate": 50, "burst": 10},
    "collapse": {"latency": 0.05, "collapse": 40},
    "drift": {"latency": 0.05, "capacity": 40, "drift": 0.6, "drift_period": 20.0},
    "outage": {"latency": 0.05, "outage_after": 500, "outage_for": 30.0},
    "two-hosts": {
        "latency": 0.05,
        "echo2": {"latency": 0.2, "rate": 20, "burst": 5, "retry_after": 1},
    },
    "flaky": {
        "latency": 0.05,
        "error_rate": {500: 0.02, 502: 0.01, 503: 0.02},
        "reset": 0.02,
        "truncate": 0.01,
        "html200": 0.01,
        "oversize": 0.005,
        "drip": 0.005,
        "drip_for": 3.0,
    },
}


def settings_of(profile: str, changes: dict[str, Any]) -> dict[str, Settings]:
    """The settings of every wire under `profile`; `changes` win over what the profile says.

    Raises:
        TestbedError: the profile, a setting's name or a value is wrong.
    """
    if not isinstance(profile, str) or profile not in PROFILES:
        raise TestbedError(f"profile: {profile!r} is none of {', '.join(PROFILES)}")
    if changes:
        return {wire: plain.replace(**changes) for wire, plain in _plain(profile).items()}
    return dict(_plain(profile))


@cache
def _plain(profile: str) -> dict[str, Settings]:
    chosen = PROFILES[profile]
    common = {name: value for name, value in chosen.items() if name not in WIRES}
    return {wire: Settings().replace(**{**common, **chosen.get(wire, {})}) for wire in WIRES}
