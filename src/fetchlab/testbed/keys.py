"""API keys at the door of a paid service: unknown ones, their rates and their quotas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.testbed.settings import Settings
    from fetchlab.testbed.wire import Request

__all__ = ["Meters", "Refused", "account", "duration", "key_of"]

N = TypeVar("N", int, float)


class Refused(NamedTuple):
    """Why a key is turned away: ``invalid``, ``quota`` or ``rate``, and for a rate seconds to wait."""

    why: str
    wait: float = 0.0


def key_of(request: Request) -> str:
    """The bearer token of a request, or an empty text."""
    scheme, _, key = (request.header(b"authorization") or b"").partition(b" ")
    return key.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""


def account(key: str) -> str:
    """The name under which a key's jobs and requests are recorded, which does not tell the key."""
    return sha256(key.encode()).hexdigest()[:12]


class Meters:
    """A token bucket and a quota for each key.

    Args:
        settings: `key_rate`, `key_burst`, `key_quota` and `invalid_keys` of them.
        clock: seconds, never going back.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Follow new settings; all buckets are full again and no quota is touched."""
        self._settings = settings
        self._levels: dict[str, tuple[float, float]] = {}
        self._used: dict[str, int] = {}

    def refusal(self, key: str, *, paid: bool) -> Refused | None:
        """Whether this key is turned away now; if not and the request is `paid`, it is charged.

        Args:
            key: what :func:`key_of` read.
            paid: whether the request counts against rate and quota.
        """
        if not key or key in self._settings.invalid_keys:
            return Refused("invalid")
        if not paid:
            return None
        quota = _own(self._settings.key_quota, key)
        if quota is not None and self._used.get(key, 0) >= quota:
            return Refused("quota")
        rate = _own(self._settings.key_rate, key)
        if rate is not None:
            level, now = self._level(key, rate)
            if level < 1 - 1e-9:
                return Refused("rate", (1 - level) * 60 / rate)
            self._levels[key] = level - 1, now
        self._used[key] = self._used.get(key, 0) + 1
        return None

    def headers(self, key: str) -> list[tuple[str, str]]:
        """``x-ratelimit-*`` as they stand for this key; none where it has no rate."""
        rate = _own(self._settings.key_rate, key)
        if rate is None:
            return []
        level, _ = self._level(key, rate)
        return [
            ("x-ratelimit-limit-requests", f"{max(1, round(rate))}"),
            ("x-ratelimit-remaining-requests", f"{int(level + 1e-9)}"),
            ("x-ratelimit-reset-requests", duration((self._room(rate) - level) * 60 / rate)),
        ]

    def _level(self, key: str, rate: float) -> tuple[float, float]:
        now = self._clock()
        level, since = self._levels.get(key, (self._room(rate), now))
        return min(self._room(rate), level + (now - since) * rate / 60), now

    def _room(self, rate: float) -> float:
        return float(self._settings.key_burst or max(1, math.floor(rate)))


def duration(seconds: float) -> str:
    """Seconds as the service writes them: ``120ms``, ``8.5s``, ``6m0s``."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{minutes:.0f}m{rest:g}s" if minutes else f"{rest:g}s"


def _own(setting: N | Mapping[str, N] | None, key: str) -> N | None:
    return setting.get(key) if isinstance(setting, Mapping) else setting
