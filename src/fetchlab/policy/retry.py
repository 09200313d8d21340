"""What is tried again, and after what wait.

Full jitter: the wait before attempt *n* + 1 is uniform between 0 and ``min(cap, base · 2ⁿ⁻¹)``
(M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Of the schemes compared
there it makes the fewest calls under contention.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fetchlab import errors

if TYPE_CHECKING:
    from random import Random

T = TypeVar("T")

__all__ = ["IDEMPOTENT", "RETRIED_STATUSES", "Retry"]

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that may be repeated safely (RFC 9110 section 9.2.2)."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and after what wait, an item is tried again.

    Attributes:
        attempts: attempts in all, the first included; 1 never tries again.
        base: seconds; the upper bound of the first wait.
        cap: seconds; the upper bound of every wait.
        budget: retries per request that a host is given, beyond ten and a few a second; where it is spent,
            items wait for it.
        patience: seconds that items of a host wait while it answers nothing but refusals; then they end as
            ``RateLimited``.
        statuses: HTTP statuses that are tried again.
        methods: HTTP methods that are tried again. Others may have had their effect although the answer
            was lost, so they are repeated only if named here.
    """

    attempts: int = 4
    base: float = 0.5
    cap: float = 30.0
    budget: float = 0.1
    patience: float = 300.0
    statuses: frozenset[int] = RETRIED_STATUSES
    methods: frozenset[str] = IDEMPOTENT

    def __post_init__(self) -> None:
        if not isinstance(self.attempts, int) or isinstance(self.attempts, bool) or self.attempts < 1:
            raise errors.ConfigError(
                "retry", f"attempts must be a whole number of 1 or more, not {self.attempts!r}"
            )
        for name, unit in (
            ("base", "seconds"),
            ("cap", "seconds"),
            ("budget", "a share"),
            ("patience", "seconds"),
        ):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not (value >= 0 and math.isfinite(value)):
                raise errors.ConfigError("retry", f"{name} is {unit} of 0 or more, not {value!r}")
        object.__setattr__(self, "statuses", _set_of(int, "statuses", self.statuses))
        methods = _set_of(str, "methods", self.methods)
        object.__setattr__(self, "methods", frozenset(method.upper() for method in methods))

    def again(self, error: Exception, attempt: int, method: str | None = None) -> bool:
        """Say whether an item whose attempt number ``attempt`` ended in ``error`` is tried again.

        Attempts that the host refused, or that only found out whether it is back, are not counted.
        """
        if max(1, attempt) >= self.attempts or (method is not None and method not in self.methods):
            return False
        if isinstance(error, errors.StatusError):
            return error.status in self.statuses
        if isinstance(error, errors.ParseError):
            return error.retriable
        return isinstance(
            error, errors.ConnectFailed | errors.TimedOut | errors.BodyTruncated | errors.Retriable
        ) or isinstance(error.__cause__, errors.Retriable)

    def wait(self, attempt: int, random: Random) -> float:
        """Return the seconds to wait after attempt number ``attempt`` (full jitter)."""
        return random.uniform(0.0, min(self.cap, self.base * 2.0 ** min(attempt - 1, 62)))


def _set_of(kind: type[T], name: str, values: Collection[object]) -> frozenset[T]:
    """A bare string is refused: as a set it would be its letters."""
    if isinstance(values, str) or not isinstance(values, Collection):
        raise errors.ConfigError("retry", f"{name} is a set, not {values!r}")
    kept = [value for value in values if isinstance(value, kind)]
    if len(kept) != len(values):
        raise errors.ConfigError("retry", f"{name} holds {kind.__name__} values, not {values!r}")
    return frozenset(kept)
