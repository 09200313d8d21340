"""Whether what is stored may be used, must be asked about, or is better than nothing.

The user says how long an answer is good for, not the server: a cache here is an archive of what was fetched,
so ``Cache-Control`` is not heeded. What is taken from HTTP is revalidation (RFC 9110 section 13): an entry
past its time that has an ``ETag`` or ``Last-Modified`` is asked about, and a 304 makes it good again. Falling
back to an old entry when the host fails is the idea of RFC 5861 section 4.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from fetchlab import errors
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fetchlab.model import Response

__all__ = ["Mode", "Rules", "conditions", "is_partial", "lasts_until", "weathers"]

Mode: TypeAlias = Literal["use", "refresh", "offline", "off"]
METHODS = ("GET", "HEAD")
_CONDITIONAL = frozenset(
    {"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"}
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a cache was asked for; checked when it is made.

    Attributes:
        ttl: seconds an entry is good for, None for ever, or a function of the response that says so.
        mode: ``use``, ``refresh`` (nothing older than the run), ``offline`` (nothing but the cache), ``off``.
        stale_if_error: seconds past its time that an entry still stands in for a failed request.
        vary: names of request headers that make a difference.
        ignore: names of query parameters that make none.
        methods: what is cached.
    """

    ttl: float | Callable[[Response], float | None] | None = 3600.0
    mode: Mode = "use"
    stale_if_error: float | None = None
    vary: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    methods: tuple[str, ...] = METHODS

    def __post_init__(self) -> None:
        if not callable(self.ttl):
            seconds("ttl", self.ttl)
        seconds("stale_if_error", self.stale_if_error)
        if self.mode not in get_args(Mode):
            raise ConfigError("mode", f"is one of {', '.join(map(repr, get_args(Mode)))}, not {self.mode!r}")
        for knob, change in (("vary", str.lower), ("ignore", str), ("methods", str.upper)):
            object.__setattr__(self, knob, _names(knob, getattr(self, knob), change))

    def is_fresh(self, stored: float, expires: float | None, now: float, since: float) -> bool:
        """Say whether an entry may be used without asking.

        Args:
            stored: when it was stored or last found unchanged; seconds since the epoch, like all here.
            expires: when its time is over, None for never.
            now: the moment to judge by.
            since: with ``refresh``, what was stored before is not good enough.
        """
        if self.mode == "use":
            return expires is None or now < expires
        return self.mode == "offline" or (self.mode == "refresh" and stored >= since)

    def stands_in(self, expires: float | None, now: float) -> bool:
        """Say whether an entry may stand in for a request that failed."""
        if self.stale_if_error is None:
            return False
        return expires is None or now < expires + self.stale_if_error


def seconds(knob: str, value: Any) -> float | None:
    """Return a number of seconds or None.

    Raises:
        ConfigError: it is neither.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value < 0:
        raise ConfigError(knob, f"is seconds, 0 or more, or None, not {value!r}")
    return float(value)


def lasts_until(ttl: Any, response: Any, now: float) -> tuple[bool, float | None]:
    """Return whether to store something, and until when it is good (None for ever).

    Args:
        ttl: seconds, None, or a function of the response.
        response: what the function is given.
        now: seconds since the epoch.
    """
    if callable(ttl):
        try:
            ttl = ttl(response)
        except Exception as error:
            raise ConfigError("ttl", f"its function raised {type(error).__name__}: {error}") from error
    given = seconds("ttl", ttl)
    if given is None or math.isinf(given):
        return True, None
    return given > 0, now + given


def is_partial(asked: Mapping[str, str] | None) -> bool:
    """Say whether a request asks for a part, or on a condition, so that its answer is not the whole thing."""
    return asked is not None and any(name.lower() in _CONDITIONAL for name in asked)


def conditions(stored: Mapping[str, str], asked: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers that ask whether a stored answer is still the same; none if there is no telling.

    Args:
        stored: headers of the stored answer, names in lower case.
        asked: the request's own headers; where it has a condition itself, it is left as it is.
    """
    if is_partial(asked):
        return {}
    given = {"If-None-Match": stored.get("etag"), "If-Modified-Since": stored.get("last-modified")}
    return {name: value for name, value in given.items() if value}


def weathers(error: BaseException) -> bool:
    """Say whether a failure is the host's or the way's, so that an old entry is better than nothing."""
    if isinstance(error, errors.StatusError):
        return error.status >= 500 or error.status in (408, 425, 429)
    if isinstance(error, errors.ParseError):
        return error.retriable
    if isinstance(error, errors.Disallowed | errors.BodyTooLarge | errors.TooManyRedirects):
        return False
    return isinstance(error, errors.TransportError | errors.RateLimited | errors.Retriable)


def _names(knob: str, given: Any, change: Callable[[str], str]) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Collection):
        raise ConfigError(knob, f"give a tuple of names, not {given!r}")
    if not all(isinstance(name, str) and name for name in given):
        raise ConfigError(knob, f"give a tuple of names, not {given!r}")
    return tuple(sorted({change(name) for name in given}))
