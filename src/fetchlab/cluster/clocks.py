"""By how much another machine's clock is ahead of the run's. Sans I/O.

Both are ``time.perf_counter``, which begins anywhere. A question sent at *a* and answered at *b* came to the
other machine somewhere between, so its reading less the middle is the offset, wrong by half the round trip
at most (F. Cristian, 1989). Of several, the one with the shortest round trip is believed; older ones are
trusted a little less every second, because quartz clocks drift.
"""

from __future__ import annotations

__all__ = ["Offset"]

DRIFT = 50e-6
"""Seconds per second by which two clocks part; twice what a poor quartz does."""


class Offset:
    """The offset of one machine's clock."""

    __slots__ = ("_at", "_error", "_seconds")

    def __init__(self) -> None:
        self._seconds = 0.0
        self._error = float("inf")
        self._at = 0.0

    def saw(self, asked: float, reading: float, answered: float) -> None:
        """Take in a round trip.

        Args:
            asked: when the question left, by the run's clock.
            reading: the other clock's, when it answered.
            answered: when the answer was here, by the run's clock.
        """
        error = (answered - asked) / 2
        if error <= self.error(answered):
            self._seconds, self._error, self._at = reading - asked - error, error, answered

    @property
    def seconds(self) -> float:
        """Other clock less ours; 0.0 where no difference can be told, as on one machine."""
        return 0.0 if abs(self._seconds) <= self._error else self._seconds

    @property
    def known(self) -> bool:
        """True once there was a round trip."""
        return self._error < float("inf")

    def error(self, now: float) -> float:
        """Return by how many seconds the offset may be wrong."""
        return self._error + DRIFT * max(0.0, now - self._at)
