"""Stop asking a host that is down, and find out when it is back.

After several failures in a row the breaker opens: nothing is sent. From time to time one request probes;
its success closes the breaker, its failure doubles the pause (M. Nygard, "Release It!", 2007).
"""

from __future__ import annotations

import math

__all__ = ["Breaker"]

FAILURES = 8
STRANGER_FAILURES = 32
"""Failures in a row that open it for a host that never answered: a short list of dead links just fails."""
PAUSE = 0.5
LONGEST_PAUSE = 8.0


class Breaker:
    """The breaker of one host. Times are seconds of one monotonic clock.

    Attributes:
        alive: the host has answered before.
        opened: nothing but a probe is let through.
        probing: a probe is under way.
        since: when it opened last.
        well: alive, and nothing failed since.
        until: when the next probe may start.
    """

    __slots__ = ("_failures", "_pause", "alive", "opened", "probing", "since", "until", "well")

    def __init__(self) -> None:
        self.alive = False
        self.well = False
        self.opened = False
        self.probing = False
        self.since = self.until = -math.inf
        self._failures = 0
        self._pause = PAUSE

    def delay(self, now: float) -> float:
        """Return the seconds until a request may start: 0.0 is now, infinity after the probe under way."""
        if not self.opened:
            return 0.0
        return math.inf if self.probing else max(0.0, self.until - now)

    def answered(self, began: float = math.inf) -> None:
        """The host is there; an answer to what began before the breaker opened says only that it was."""
        self.alive = True
        if self.opened and began <= self.since:
            return
        self.well = True
        self._failures = 0
        if self.opened:
            self.opened = self.probing = False
            self._pause = PAUSE

    def failed(self, now: float, *, probe: bool, counts: bool) -> None:
        """An attempt failed.

        Args:
            now: the clock's reading.
            probe: it was the probe.
            counts: it tells something new: that the host refuses connections, or a first attempt failed.
        """
        self.well = False
        if self.opened:
            if probe:
                self.probing = False
                self._pause = min(LONGEST_PAUSE, self._pause * 2)
                self.until = now + self._pause
            return
        self._failures += counts
        if self._failures >= (FAILURES if self.alive else STRANGER_FAILURES):
            self.opened = True
            self.since = now
            self.until = now + self._pause

    def dropped(self) -> None:
        """The probe ended without telling anything: it was cancelled."""
        self.probing = False
