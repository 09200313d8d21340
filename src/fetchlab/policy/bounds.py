"""When a run that is late or plainly wrong stops."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fetchlab.errors import ConfigError

__all__ = ["Bounds"]

ENOUGH = 200
"""Items that must have ended before their share of errors says anything."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run must not exceed.

    Attributes:
        deadline: seconds, None for no end.
        max_error_rate: share of failed items from 0 to 1, None for any.
    """

    deadline: float | None = None
    max_error_rate: float | None = None

    def __post_init__(self) -> None:
        if self.deadline is not None and not (_is_number(self.deadline) and 0 < self.deadline < 1e9):
            raise ConfigError("deadline", f"give seconds above 0 or None, not {self.deadline!r}")
        if self.max_error_rate is not None and not (
            _is_number(self.max_error_rate) and 0 <= self.max_error_rate <= 1
        ):
            raise ConfigError(
                "max_error_rate", f"give a share from 0 to 1 or None, not {self.max_error_rate!r}"
            )

    def exceeded(self, elapsed: float, done: int, failed: int) -> str | None:
        """Return which bound is exceeded and how, None if none is.

        Args:
            elapsed: seconds since the run was started.
            done: items that ended.
            failed: those that failed.
        """
        if self.deadline is not None and elapsed >= self.deadline:
            return f"deadline={self.deadline:g} has passed"
        if self.max_error_rate is not None and done >= ENOUGH and failed / done > self.max_error_rate:
            return f"{failed:,} of {done:,} items failed, max_error_rate={self.max_error_rate:g}"
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
