"""How many requests a host is asked per second.

The generic cell rate algorithm (ITU-T I.371): a theoretical arrival time moves on by one interval with
every request, and a request may start once the clock is no further behind it than the burst allows.
It holds one number per host and needs no timer of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from fetchlab.errors import ConfigError
from fetchlab.policy.keys import host_of

__all__ = ["Gcra", "RateKnob", "RateLimit", "RateRules"]

EXTREME = 1e9
"""No rate, period, interval or burst is beyond it: arithmetic with infinity would mean no limit at all."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``rate`` requests in ``per`` seconds to one host, evenly spaced.

    Attributes:
        rate: requests.
        per: seconds.
        burst: requests that may start at once after a rest; 1 spaces all of them.
    """

    rate: float
    per: float = 1.0
    burst: int = 1

    def __post_init__(self) -> None:
        for name in ("rate", "per"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= EXTREME:
                raise ConfigError("rate", f"{name} is a number above 0 and sensible, not {value!r:.40}")
        if not 1 / EXTREME <= self.per / self.rate <= EXTREME:
            raise ConfigError("rate", f"{self.rate!r} requests in {self.per!r} s cannot be meant")
        if not isinstance(self.burst, int) or isinstance(self.burst, bool) or not 1 <= self.burst <= EXTREME:
            raise ConfigError("rate", f"burst is a whole number of 1 or more, not {self.burst!r:.40}")

    @property
    def interval(self) -> float:
        """Seconds between two requests."""
        return self.per / self.rate


class Gcra:
    """Spaces requests; all times are seconds of one monotonic clock.

    Args:
        interval: seconds between two requests.
        burst: requests that may start at once after a rest.
    """

    __slots__ = ("_due", "interval", "tolerance")

    def __init__(self, interval: float, burst: int = 1) -> None:
        self.interval = interval
        self.tolerance = (burst - 1) * interval
        self._due = -math.inf

    def delay(self, now: float) -> float:
        """Return the seconds until the next request may start; 0.0 is now."""
        return max(0.0, self._due - self.tolerance - now)

    def start(self, now: float) -> None:
        """Count a request that starts now."""
        self._due = max(self._due, now) + self.interval


RateKnob: TypeAlias = RateLimit | Mapping[str, RateLimit] | None
"""What the ``rate`` knob accepts."""


class RateRules:
    """Which limit holds for a host, by the ``rate`` knob.

    Args:
        rate: one limit for every host, or limits by host: ``"https://example.org"``,
            ``"example.org:8080"`` or ``"example.org"``; the first spelling that fits, in this order.

    Raises:
        ConfigError: it is neither.
    """

    __slots__ = ("_by_host", "_common")

    def __init__(self, rate: RateKnob) -> None:
        self._common: RateLimit | None = None
        self._by_host: dict[str, RateLimit] = {}
        if rate is None or isinstance(rate, RateLimit):
            self._common = rate
        elif isinstance(rate, Mapping) and all(isinstance(limit, RateLimit) for limit in rate.values()):
            self._by_host = {_host_key(name): limit for name, limit in rate.items()}
        else:
            raise ConfigError(
                "rate", f"give fl.RateLimit(50, per=1.0) or a dict of host to RateLimit, not {rate!r}"
            )

    def __call__(self, host: str) -> RateLimit | None:
        """Return the limit of a host as :func:`~fetchlab.policy.keys.host_of` names it."""
        if not self._by_host:
            return self._common
        address = host.partition("://")[2]
        name = address if address.endswith("]") else address.rpartition(":")[0] or address
        for spelling in (host, address, name):
            if spelling in self._by_host:
                return self._by_host[spelling]
        return None


def _host_key(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigError("rate", f"hosts are text such as 'https://example.org', not {name!r}")
    if "://" in name:
        return host_of(name)
    return (urlsplit(f"//{name}").netloc or name).lower()
