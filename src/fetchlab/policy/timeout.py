"""How long one attempt may take."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fetchlab.errors import ConfigError

__all__ = ["Timeout"]


@dataclass(frozen=True, slots=True)
class Timeout:
    """Seconds that one attempt may take; None waits for ever.

    Attributes:
        connect: until the connection stands.
        read: between two reads of the response.
        total: the whole attempt, from connecting to the last byte.
    """

    connect: float | None = 5.0
    read: float | None = 30.0
    total: float | None = 60.0

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            value = getattr(self, name)
            if value is not None and not _is_duration(value):
                raise ConfigError(
                    "timeout", f"{name} must be a number of seconds above 0 or None, not {value!r}"
                )

    @classmethod
    def of(cls, value: Timeout | float | None) -> Timeout:
        """Return a :class:`Timeout` from what the knob accepts; a bare number is the total."""
        if isinstance(value, cls):
            return value
        if value is None:
            return cls(None, None, None)
        if not isinstance(value, int | float):
            raise ConfigError("timeout", f"give fl.Timeout(…), seconds or None, not {value!r}")
        return cls(total=value)


def _is_duration(value: object) -> bool:
    """A bool is an int to Python and never meant as seconds; the bound keeps clocks from overflowing."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 < value <= 1e9
    )
