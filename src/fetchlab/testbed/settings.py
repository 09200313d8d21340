"""Every setting of a wire in one place: its default, what it does, and which values it takes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from fetchlab.errors import TestbedError

__all__ = ["Settings"]

_FAULTS = (
    "reset", "truncate", "html200", "soft_limit", "oversize", "drip",
    "fenced", "cut", "refusal", "filtered", "malformed", "misshapen",
)  # fmt: skip
T = TypeVar("T")
Check = Callable[[Any], Any]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _amount(value: Any) -> float:
    if not _is_number(value) or value < 0:
        raise ValueError("a number of 0 or more")
    return float(value)


def _share(value: Any) -> float:
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError("a share from 0 to 1")
    return float(value)


def _swing(value: Any) -> float:
    if not _is_number(value) or not 0 <= value < 1:
        raise ValueError("a share from 0 to below 1")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number of 0 or more")
    return value


def _positive(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number of 1 or more")
    return value


def _speed(value: Any) -> float:
    if not _is_number(value) or value <= 0:
        raise ValueError("a number above 0")
    return float(value)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("True or False")  # noqa: TRY004 - one error type for every check
    return value


def _wall(value: Any) -> int | None:
    if value is None or value is False:
        return None
    if value is True:
        return 0
    try:
        return _count(value)
    except ValueError as wrong:
        raise ValueError(f"None, True, False or {wrong}") from None


def _markup(value: Any) -> str:
    if value not in ("usual", "renamed"):
        raise ValueError('"usual" or "renamed"')
    return str(value)


def _statuses(value: Any) -> Mapping[int, float]:
    try:
        shares = {int(status): _share(share) for status, share in value.items()}
    except (AttributeError, TypeError, ValueError):
        shares = {0: 0.0}
    if any(not 400 <= status <= 599 for status in shares):
        raise ValueError("a dict of status (400 to 599) to share (0 to 1)")
    return MappingProxyType(shares)


def _by_key(check: Check) -> Check:
    def checked(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return check(value)
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a dict by key")
        return MappingProxyType({key: check(one) for key, one in value.items()})

    return checked


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError("a list of texts")
    return tuple(value)


def _counts(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("a list of whole numbers of 0 or more")  # noqa: TRY004 - as above
    return tuple(map(_count, value))


def _or_none(check: Check) -> Check:
    def checked(value: Any) -> Any:
        if value is None:
            return None
        try:
            return check(value)
        except ValueError as wrong:
            raise ValueError(f"None or {wrong}") from None

    return checked


def _setting(default: T, doc: str, check: Check) -> T:
    made: T = field(default=default, metadata={"doc": doc, "check": check})
    return made


@dataclass(frozen=True, slots=True)
class Settings:
    """How one wire behaves. All times in seconds; a *share* is of requests, from 0 to 1.

    At most one fault befalls a request, so the shares of all faults together may not exceed 1.
    """

    latency: float = _setting(0.0, "seconds before the first byte of every answer", _amount)
    jitter: float = _setting(0.0, "coefficient of variation of latency (lognormal, the mean stays)", _amount)
    steady: bool = _setting(
        False, "the same request (openai: the same scene) takes equally long, whatever the jitter", _switch
    )
    capacity: int | None = _setting(None, "requests served at a time, the rest queue", _or_none(_positive))
    collapse: int | None = _setting(
        None, "beyond this many in flight answers take (n / collapse)² as long", _or_none(_positive)
    )
    drift: float = _setting(0.0, "latency swings by this share of itself, up and down", _swing)
    drift_period: float = _setting(30.0, "seconds of one swing", _speed)
    rate: float | None = _setting(None, "requests per second, 429 beyond", _or_none(_speed))
    burst: int = _setting(1, "requests at once before `rate` counts", _positive)
    retry_after: float | None = _setting(
        None, "seconds promised in Retry-After with 429 and 503", _or_none(_amount)
    )
    outage_after: int | None = _setting(None, "requests until all answers become 503, once", _or_none(_count))
    outage_for: float = _setting(5.0, "seconds that outage lasts", _amount)
    error_rate: Mapping[int, float] = field(
        default_factory=dict,
        metadata={"doc": "status: share of requests answered with it", "check": _statuses},
    )
    reset: float = _setting(0.0, "share: connection reset instead of an answer", _share)
    truncate: float = _setting(0.0, "share: body shorter than Content-Length, then closed", _share)
    html200: float = _setting(0.0, "share: an HTML error page with status 200 instead of JSON", _share)
    soft_limit: float = _setting(
        0.0, "play: share: status 200 with the service's own error, for every other rpc of a call", _share
    )
    oversize: float = _setting(0.0, "share: body blown up to 64 MB", _share)
    drip: float = _setting(0.0, "share: body trickles in", _share)
    drip_for: float = _setting(10.0, "seconds a trickling body takes", _speed)
    churn: int = _setting(
        0, "catalogue, timeline: list requests between two changes of the list, 0 = never", _count
    )
    day: int = _setting(0, "play: whose day's charts are shown", _count)
    rpc_each: bool = _setting(
        False, "play: each rpc of a call has a latency of its own, and the call the longest of them", _switch
    )
    rpc_cost: float = _setting(0.0, "play: seconds that each further rpc adds to a call", _amount)
    token_time: float = _setting(
        0.0, "openai: seconds for each token of a reply, swinging with the latency", _amount
    )
    fenced: float = _setting(0.0, "openai, share: JSON in a Markdown fence, with words around it", _share)
    cut: float = _setting(0.0, "openai, share: a reply that ends early, as it says itself", _share)
    refusal: float = _setting(0.0, "openai, share: the model declines", _share)
    filtered: float = _setting(0.0, "openai, share: a filter withholds the reply", _share)
    malformed: float = _setting(0.0, "openai, share: invalid JSON", _share)
    misshapen: float = _setting(0.0, "openai, share: JSON of another shape than was asked for", _share)
    bad_scenes: tuple[int, ...] = _setting((), "openai: scenes that never come, 500 each time", _counts)
    key_rate: float | Mapping[str, float] | None = _setting(
        None,
        "openai, vertex: paid requests a minute for each key, 429 beyond; or a dict by key",
        _or_none(_by_key(_speed)),
    )
    key_burst: int | None = _setting(
        None, "openai, vertex: paid requests at once for each key, None = a minute's", _or_none(_positive)
    )
    key_quota: int | Mapping[str, int] | None = _setting(
        None,
        "openai, vertex: paid requests until a key's quota is spent for good; or a dict by key",
        _or_none(_by_key(_count)),
    )
    invalid_keys: tuple[str, ...] = _setting((), "openai, vertex: keys that are answered with 401", _texts)
    job_time: float = _setting(0.0, "openai, vertex: seconds that a video takes to be made", _amount)
    job_spread: float = _setting(0.0, "openai, vertex: up to so many seconds more, by what is asked", _amount)
    job_slots: int | None = _setting(
        None, "openai, vertex: videos made at a time, the rest queue", _or_none(_positive)
    )
    job_failure: float = _setting(0.0, "openai, vertex: share of jobs that fail", _share)
    job_blocked: float = _setting(0.0, "openai, vertex: share of prompts that are never made", _share)
    job_expiry: float | None = _setting(
        None, "openai, vertex: seconds from completion until a video is gone", _or_none(_amount)
    )
    job_size: int = _setting(0, "openai, vertex: bytes of a video at least", _count)
    content_time: float = _setting(0.0, "openai: seconds that sending a whole video takes", _amount)
    content_spread: float = _setting(0.0, "openai: up to so many seconds more, by what is asked", _amount)
    poll_after: float | None = _setting(
        0.25, "openai: seconds until the next look at a job, as its answers advise", _or_none(_amount)
    )
    quota: int = _setting(100_000, "api: requests to a route in a window, 429 beyond", _positive)
    quota_period: float = _setting(900.0, "api: seconds of that window", _speed)
    usage_cap: int | None = _setting(None, "api: posts in a month, 429 for good beyond", _or_none(_count))
    feeds: bool = _setting(True, "rss: feeds are offered, else 403", _switch)
    login_wall: int | None = _setting(
        None, "timeline: posts of a user after which a login is asked for, 0 or True = at once", _wall
    )
    markup: str = _setting("usual", 'timeline: "usual", or "renamed" test ids', _markup)
    quirks: bool = _setting(True, "answer as oddly as the real service does", _switch)

    def __post_init__(self) -> None:
        for knob in dataclasses.fields(self):
            value = getattr(self, knob.name)
            try:
                object.__setattr__(self, knob.name, knob.metadata["check"](value))
            except ValueError as wrong:
                raise TestbedError(f"{knob.name}: must be {wrong}, not {value!r}") from None
        total = sum(share for _, share in self.faults())
        if total > 1 + 1e-9:
            names = ", ".join(("error_rate", *_FAULTS))
            raise TestbedError(f"{names}: the shares add up to {total:g}, which is more than 1")

    def faults(self) -> list[tuple[str, float]]:
        """The kinds of fault that can happen, each with its share; a status is its own kind."""
        kinds = [(str(status), share) for status, share in self.error_rate.items()]
        kinds += [(kind, getattr(self, kind)) for kind in _FAULTS]
        return [(kind, share) for kind, share in kinds if share > 0]

    def replace(self, **changes: Any) -> Settings:
        """These settings with some changed.

        Raises:
            TestbedError: a name is unknown or a value impossible; the message says which.
        """
        known = {knob.name for knob in dataclasses.fields(self)}
        for name in changes:
            if name not in known:
                raise TestbedError(f"{name}: no such setting; there are {', '.join(sorted(known))}")
        present = ((getattr(self, name), value) for name, value in changes.items())
        if all(type(now) is type(then) and now == then for now, then in present):
            return self  # checked already
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values under their names, ready for JSON."""
        plain = {knob.name: getattr(self, knob.name) for knob in dataclasses.fields(self)}
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in plain.items()}

    @classmethod
    def describe(cls) -> list[tuple[str, Any, str]]:
        """Name, default and one line of explanation for every setting."""
        defaults = cls().as_dict()
        return [(knob.name, defaults[knob.name], knob.metadata["doc"]) for knob in dataclasses.fields(cls)]
