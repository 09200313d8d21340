"""How many requests one host is asked at a time, found by listening to it.

Little's law (J. D. C. Little, 1961) ties requests in flight, throughput and latency: where more requests in
flight only make each wait longer, nothing is gained. The limit grows one at a time per round trip while the
time to the first byte stays near its base, doubling at first as TCP's slow start does (RFC 5681), and falls
to 0.9 of itself otherwise (AIMD), at most once per epoch: requests begun before a cut say nothing about it.

Latency may also rise by itself. So every cut is a trial: if latency stays although fewer requests are in
flight, it was not ours; the cut is taken back and the new latency becomes the base. This is also what keeps
the base honest: it is never learnt from a crowd of our own making.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from fetchlab.errors import ConfigError

__all__ = ["Adaptive", "AdaptiveLimit"]

START = 4
CUT = 0.9
SIGMAS = 2.5
QUEUE = 4.0
"""Requests that may wait at the host: so many are not worth a cut."""
NOTICEABLE = 0.004
"""Seconds of latency that nobody would queue for."""
HELPED = 0.95
"""A cut that brings latency below this share of what it was has helped."""
PUSHBACK = 0.1
"""Share of an epoch's attempts that may fail by timeout or 503 before that counts as a refusal."""
FEWEST = 4
OUTLIER = 3.0
"""A latency beyond so many times the base counts as so many."""
MEMORY = 256
"""Attempts that the base remembers."""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """As many workers per host as that host serves well, found while running.

    Attributes:
        min: never fewer than this at one host.
        max: never more than this at one host.
        start: to begin with; None begins low and doubles every round trip; ``"history"`` begins where the
            limit of that host stood when it was last asked, by this process or by the journals in
            ``data/runs``, and like None where nothing is remembered.
    """

    min: int = 1
    max: int = 64
    start: int | Literal["history"] | None = None

    def __post_init__(self) -> None:
        for name in ("min", "max", "start"):
            value = getattr(self, name)
            if name == "start" and value in (None, "history"):
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                other = ", or 'history'" if name == "start" else ""
                raise ConfigError(
                    "workers", f"Adaptive({name}=…) is a whole number of 1 or more{other}, not {value!r}"
                )
        if self.min > self.max:
            raise ConfigError("workers", f"Adaptive: min={self.min} is above max={self.max}")
        if isinstance(self.start, int) and not self.min <= self.start <= self.max:
            raise ConfigError("workers", f"Adaptive: start={self.start} is not within min and max")


class AdaptiveLimit:
    """The controller of one host. Times are seconds of one monotonic clock.

    Args:
        knob: its bounds.
        limit: where to begin instead of ``knob.start``, within its bounds.
    """

    __slots__ = (
        "_base",
        "_began_with",
        "_count",
        "_deviation",
        "_epoch",
        "_failed",
        "_good",
        "_high",
        "_least",
        "_low",
        "_most",
        "_need",
        "_peak",
        "_settling",
        "_slow_start",
        "_square",
        "_streak",
        "_sum",
        "_trial",
        "_weight",
        "held",
        "limit",
    )

    def __init__(self, knob: Adaptive, limit: int | None = None) -> None:
        self._low, self._high = knob.min, knob.max
        begin = limit or (knob.start if isinstance(knob.start, int) else None)
        self.limit = min(max(begin or START, knob.min), knob.max)
        self.held = False
        self._base = self._most = math.inf
        self._deviation = 0.0
        self._weight = self._good = self._streak = 0
        self._slow_start = begin is None
        self._settling = False
        self._trial: tuple[int, float] | None = None
        self._begin(-math.inf)

    def _begin(self, now: float) -> None:
        """Start an epoch: only attempts begun from now on count."""
        self._epoch = now
        self._began_with = self.limit
        self._need = max(FEWEST, self.limit)
        self._count = self._failed = self._peak = 0
        self._sum = self._square = 0.0
        self._least = math.inf

    def succeeded(self, began: float, latency: float, now: float, in_flight: int) -> None:
        """Listen to an attempt that went well.

        Args:
            began: when it began.
            latency: seconds to its first byte.
            now: the clock's reading.
            in_flight: attempts under way when it ended, itself included.
        """
        if self._slow_start and not self.held and 2 * in_flight >= self.limit:
            self.limit = min(self._high, self.limit + 1)
        if began < self._epoch:
            return
        self._least = min(self._least, latency)
        latency = min(latency, self._most)  # one that hung says nothing about the others
        self._count += 1
        self._sum += latency
        self._square += latency * latency
        self._peak = max(self._peak, in_flight)
        if self._count >= self._need:
            self._judge(now)

    def refused(self, began: float, now: float) -> bool:
        """Cut for a 429 or a hint to wait; True if it cut, False if the last cut has not shown its effect."""
        if began < self._epoch:
            return False
        self._slow_start = False
        self._trial = None
        self._streak = 0
        self._set(self.limit * CUT)
        self._begin(now)
        return True

    def failed(self, began: float, now: float) -> None:
        """Listen to a timeout or a 503 without a hint: a few are faults, many are a refusal."""
        if began >= self._epoch:
            self._failed += 1
            if self._failed > max(2.0, PUSHBACK * self._need):
                self.refused(began, now)

    def give_way(self, now: float) -> None:
        """Cut because this process, not the host, is the bottleneck."""
        self._slow_start = False
        self._set(self.limit * CUT)
        self._begin(now)

    def _judge(self, now: float) -> None:
        """End an epoch: its mean latency against the base."""
        if self._settling:  # what began right after a cut still stood in the queue from before
            self._settling = False
            self._begin(now)
            return
        mean = self._sum / self._count
        deviation = math.sqrt(max(0.0, self._square / self._count - mean * mean))
        noise = SIGMAS * self._deviation / math.sqrt(self._count)
        enough = self._base + max(NOTICEABLE, self._base * QUEUE / self.limit) + noise
        trial, self._trial = self._trial, None
        if self._weight == 0:
            if mean > OUTLIER * self._least:
                mean, deviation = self._least, 0.0  # one hung among the first few
            self._learn(mean, deviation, anew=True)
        elif mean <= enough:
            if self._slow_start or trial is not None:
                self._learn(mean, deviation)
            elif mean < self._base - noise:
                self._learn(mean, deviation, anew=True)
            self._grow()
        elif trial is not None and mean > HELPED * trial[1]:
            self._learn(mean, deviation, anew=True)
            self._set(trial[0])
        elif self._slow_start:
            self._slow_start = False
            self._settling = True
            self._set(max(self._good, min(self.limit * CUT, self.limit * self._base / mean + QUEUE / 2)))
        else:
            self._streak = 0
            self._settling = True
            self._trial = (self.limit, mean)
            self._set(self.limit * CUT)
        self._begin(now)

    def _learn(self, mean: float, deviation: float, *, anew: bool = False) -> None:
        if anew:
            self._weight = 0
        share = self._count / (self._weight + self._count)
        self._base = mean if share == 1 else self._base + share * (mean - self._base)
        self._deviation = deviation if share == 1 else self._deviation + share * (deviation - self._deviation)
        self._weight = min(self._weight + self._count, MEMORY)
        self._most = OUTLIER * self._base + SIGMAS * self._deviation

    def _grow(self) -> None:
        """One more per round trip; faster the longer nothing stood in the way."""
        self._good = self._began_with
        if not self._slow_start and not self.held and self._peak >= self._began_with:
            self._streak += 1
            self._set(self.limit + 1 + self._streak // 4)

    def _set(self, limit: float) -> None:
        self.limit = max(self._low, min(self._high, int(limit)))
