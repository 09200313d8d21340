"""Find the rate a host sustains, once it has answered 429.

A cubic curve as in RFC 9438 and botocore's adaptive retry mode: after a refusal the rate falls, then rises
again along a curve that is flat around what went well and steep far from it. Three things differ from
botocore, because here a refusal may cost a whole pause of ``Retry-After``:

* What went well is measured at the refusals. Between two of them the host accepted *n* requests in *t*
  seconds and a pause; its rate lies between *n / (t + pause)* and *n / t*, and most often near their
  geometric mean.
* A host that lets a burst pass shows a higher rate in a short phase than in a long one. Two phases of
  different length tell both: the slope between them is the rate.
* The dearer a refusal and the closer the bounds, the flatter the curve.

A refusal without a hint may also be a fault and no limit at all. One that comes rarely, at a rate well below
what the host took before, is taken for a fault from then on.
"""

from __future__ import annotations

import math

__all__ = ["RateDiscovery"]

FALL = 0.5
"""After a refusal that tells little: so far below what went well."""
SHORT_FALL = 0.7
SETTLED = 0.96
"""After one that tells much: so close below it."""
CLOSE = 1.5
"""Bounds with a smaller ratio than this are close."""
SHORT = 0.3
"""Seconds; a phase that ended earlier says nothing about the rate."""
LONGER = 0.8
"""Seconds by which two phases must differ for their slope to count."""
STRETCH = 2.0
SETTLED_STRETCH = 4.0
"""Seconds until the curve is back at what went well."""
PAUSES = 6.0
"""The same in pauses, where those are longer."""
WINDOW = 1.0
SHORTEST = 0.1
"""Seconds; what went well in less time is held against so much."""
FEW = 5
MANY = 20
"""Requests that went well between two refusals that are taken for faults."""
AMENDS = 1.5
STILL_RARE = 4.0
"""Once they are, so many close together are not."""
BELOW = 0.75
"""So far below the best rate seen, a rare refusal cannot be due to the rate."""
FADE = 0.9
"""What a host took once is no bound for ever: so much of it holds after a refusal that says less."""
UNKNOWN = 10.0
LEAST = 0.5
"""Requests per second; slower is not worth discovering."""
SLACK = 0.003
"""Seconds a start may come early, since timers are coarse; the mean rate holds."""


class RateDiscovery:
    """The rate of one host since its first 429. Times are seconds of one monotonic clock.

    Args:
        now: when that 429 came.
        accepted: requests that went well before it, in the last ``seconds``.
        seconds: how long that is.
        pause: seconds it asks to wait.
        fresh: that time began with the first request of all, so that it holds the host's whole burst.
    """

    __slots__ = (
        "_accepted",
        "_before",
        "_best",
        "_blind",
        "_due",
        "_faulty",
        "_first",
        "_from",
        "_last",
        "_low",
        "_mark",
        "_pause",
        "_release",
        "_settled",
        "_suspicion",
        "_top",
        "rate",
    )

    def __init__(self, now: float, accepted: int, seconds: float, pause: float, *, fresh: bool) -> None:
        self._first = (accepted, seconds) if fresh else (0, math.inf)
        self._before: tuple[int, float] | None = (accepted, max(seconds, SHORTEST))
        self._blind = accepted < FEW
        self._low = 0.0
        self._top = UNKNOWN if self._blind else accepted / max(seconds, SHORTEST)
        self._settled = 0
        self._best = accepted / seconds if seconds >= SHORT and accepted >= MANY else 0.0
        self._faulty = False
        self._suspicion = 0.0
        self._accepted = 0
        self._last = self._release = now
        self._mark: tuple[tuple[float, int], tuple[float, int]] = ((now, 0), (now, 0))
        self.rate = self._from = math.inf
        self._due = -math.inf
        self._fall_to(FALL * self._top, now, pause)

    def delay(self, now: float) -> float:
        """Return the seconds until the next request may start; 0.0 is now."""
        return max(0.0, self._due - SLACK - now)

    def start(self, now: float) -> None:
        """Count a request that starts now."""
        self._due = max(self._due, now - 2 * SLACK) + 1 / self.rate

    def accepted(self, now: float) -> None:
        """A request went well: the rate follows its curve."""
        self._accepted += 1
        since, before = self._mark[1]
        if now - since >= WINDOW:
            self._best = max(self._best, (self._accepted - before) / (now - since))
            self._mark = (self._mark[1], (now, self._accepted))
        passed = now - self._release
        if passed > 0:
            self.rate = max(self.rate, self._curve(passed))

    def late(self, now: float) -> None:
        """A request begun before the last refusal went well after it: it helps where little is known."""
        if self._blind and self._before is not None:
            accepted, seconds = self._before[0] + 1, self._before[1]
            self._before = (accepted, seconds)
            self._first = (accepted, self._first[1])
            if accepted >= FEW:
                self._top = max(UNKNOWN, accepted / seconds)
                self.rate = self._from = max(self.rate, FALL * self._top)
        elif not self._pause:
            self.accepted(now)

    def refused(self, now: float, pause: float) -> bool:
        """The host refused, for the first time since the last cut; False if that is taken for a fault."""
        passed = now - self._release
        self._before = None
        self._suspicion = max(0.0, self._suspicion - self._accepted / MANY) + 1.0
        rare = self._suspicion < STILL_RARE if self._faulty else self._accepted >= MANY
        if rare and not pause and (self._faulty or self._recent(now) < BELOW * self._best):
            self._faulty = True
            self._top = self.rate = self._from = max(AMENDS * self.rate, self._best)
            self._accepted = 0
            self._mark = ((now, 0), (now, 0))
            return False
        if self._faulty:  # it was the rate after all: the host no longer takes what it took
            self._faulty = False
            self._best = min(FALL * self._best, self._recent(now))
        if passed < SHORT:
            if not self._settled:
                self._top = max(LEAST, SHORT_FALL * self._top)
            self._fall_to(SHORT_FALL * self.rate, now, pause)
            return True
        upper = max(LEAST, self._recent(now))
        self._best = max(self._best, upper)
        self._blind = False
        lower = self._accepted / (now - self._last)
        if self.rate >= self._top or upper < self._low:  # beyond what was known, or it changed
            self._top = upper
        else:
            self._top = min(self._top, upper)
        known = FADE * self._low if pause else self._low
        self._low = known if lower < known <= self._top else min(lower, self._top)
        slope = self._slope(passed, pause)
        if slope is not None:
            self._top = min(self._top, max(self._low, slope))
        if slope is not None or self._top <= CLOSE * self._low:
            self._settled += 1
            self._fall_to(min(self.rate, max(SETTLED * self._top, 0.98 * self._low)), now, pause)
        else:
            self._settled = 0
            between = math.sqrt(self._top * self._low)
            self._fall_to(min(self.rate, max(FALL * self._top, between)), now, pause)
        return True

    def _recent(self, now: float) -> float:
        since, before = self._mark[0]
        return (self._accepted - before) / max(now - since, SHORT)

    def _slope(self, passed: float, pause: float) -> float | None:
        """Between the first phase, which began with the host's whole burst as this one did, and this one."""
        accepted, seconds = self._first
        if pause < SHORT or accepted < FEW or passed - seconds < LONGER or self._accepted <= accepted:
            return None
        return (self._accepted - accepted) / (passed - seconds)

    def _curve(self, passed: float) -> float:
        if self._settled:
            stretch = max(SETTLED_STRETCH, 2 * PAUSES * self._pause) * (1 + self._settled)
        else:
            stretch = STRETCH if self._blind else max(STRETCH, PAUSES * self._pause)
        x = passed / stretch - 1
        gap = self._top - self._from if x < 0 else 0.1 * self._top if self._settled else self._top
        return self._top + max(gap, 0.02 * self._top) * x * x * x

    def _fall_to(self, rate: float, now: float, pause: float) -> None:
        self.rate = self._from = max(LEAST, min(rate, self.rate))
        self._accepted = 0
        self._last = now
        self._pause = pause
        self._release = now + pause
        self._mark = ((self._release, 0), (self._release, 0))
