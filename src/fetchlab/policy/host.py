"""When one host may be asked, and by how many at once: every politeness rule in one place.

The user's rate, a ``Retry-After`` that parks the host, the rate found after a 429, the breaker, and the
adaptive limit. :class:`HostGate` combines them and knows one thing the parts do not: what belongs to one
event. A hundred refusals at once are answers to requests that all began before the first of them came; they
cut once.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetchlab.policy.breaker import Breaker
from fetchlab.policy.budget import RetryBudget
from fetchlab.policy.concurrency import Adaptive, AdaptiveLimit
from fetchlab.policy.discovery import RateDiscovery
from fetchlab.policy.rate import Gcra

if TYPE_CHECKING:
    from fetchlab.policy.rate import RateLimit
    from fetchlab.policy.retry import Retry

__all__ = ["HostGate", "HostRules"]

WINDOW = 1.0
OVERLOADED = frozenset({"HTTP 503", "TimedOut"})
"""Troubles that more requests in flight may have caused."""

log = logging.getLogger("fetchlab.host")


@dataclass(frozen=True, slots=True)
class HostRules:
    """What a host's gate is made of.

    Attributes:
        retry: budget and patience.
        rate: the user's limit for this host.
        adaptive: the bounds of the adaptive limit, None for a fixed number of workers.
        breaks: False where there is no host: a task's errors say nothing about the next item.
        remembered: where the adaptive limit begins, None for where its knob says.
    """

    retry: Retry
    rate: RateLimit | None = None
    adaptive: Adaptive | None = None
    breaks: bool = True
    remembered: int | None = None


class HostGate:
    """One host's gate. Times are seconds of one monotonic clock.

    Attributes:
        name: the host.
        in_flight: attempts under way.
        requests: attempts begun.
        quiet: True while nothing can stand in the way of a request: the hot path asks nothing else.
        limit: the adaptive limit, None for none.
    """

    __slots__ = (
        "_accepted",
        "_blocked_since",
        "_breaks",
        "_budget",
        "_event",
        "_gcra",
        "_mark",
        "_patience",
        "_share",
        "_told",
        "breaker",
        "discovery",
        "in_flight",
        "limit",
        "name",
        "parked_until",
        "quiet",
        "requests",
        "trouble",
    )

    def __init__(self, name: str, rules: HostRules, now: float) -> None:
        self.name = name
        self.in_flight = self.requests = 0
        self.limit = None if rules.adaptive is None else AdaptiveLimit(rules.adaptive, rules.remembered)
        self.breaker = Breaker()
        self.discovery: RateDiscovery | None = None
        self.parked_until = -math.inf
        self.trouble = ""
        self._gcra = None if rules.rate is None else Gcra(rules.rate.interval, rules.rate.burst)
        self._budget: RetryBudget | None = None
        self._share = rules.retry.budget
        self._patience = rules.retry.patience
        self._breaks = rules.breaks
        self._accepted = 0
        self._mark: tuple[tuple[float, int], tuple[float, int]] = ((now, 0), (now, 0))
        self._event = -math.inf
        self._told = -math.inf
        self._blocked_since: float | None = None
        self.quiet = self._gcra is None and self.limit is None

    # may a request start?

    def delay(self, now: float) -> float:
        """Return the seconds until a request may start: 0.0 is now, infinity when another has ended."""
        if self.quiet:
            return 0.0
        if self.limit is not None and self.in_flight >= self.limit.limit:
            return math.inf
        wait = max(self.breaker.delay(now), self.parked_until - now)
        if self._gcra is not None:
            wait = max(wait, self._gcra.delay(now))
        if self.discovery is not None:
            wait = max(wait, self.discovery.delay(now))
        return max(0.0, wait)

    def begin(self, now: float) -> bool:
        """Count a request that starts now; True if it is the one that probes an open breaker."""
        self.in_flight += 1
        self.requests += 1
        if self.quiet:
            return False
        if self._gcra is not None:
            self._gcra.start(now)
        if self.discovery is not None:
            self.discovery.start(now)
        probe = self.breaker.opened
        self.breaker.probing = probe
        return probe

    def hopeless(self, now: float) -> str | None:
        """Return why no item should wait any longer for this host, None if it should."""
        if self.parked_until - now > self._patience:
            return (
                f"{self.name} asks to wait {self.parked_until - now:,.0f} s, longer than patience="
                f"{self._patience:g} (retry=fl.Retry(patience=…))"
            )
        if self._blocked_since is not None and now - self._blocked_since > self._patience:
            return (
                f"{self.name} gave nothing but {self.trouble} for {now - self._blocked_since:,.0f} s; "
                f"patience={self._patience:g} (retry=fl.Retry(patience=…))"
            )
        return None

    def adapt(self, knob: Adaptive | None) -> None:
        """Begin or end an adaptive limit."""
        self.limit = None if knob is None else AdaptiveLimit(knob)
        self.quiet = False

    def hope(self) -> None:
        """Let patience begin anew: nobody has asked for a while, or somebody asks for more."""
        self._blocked_since = None

    @property
    def despair(self) -> float:
        """The moment at which patience ends."""
        return math.inf if self._blocked_since is None else self._blocked_since + self._patience

    @property
    def spaced(self) -> bool:
        """True if requests are spaced, by the user's rate or by the one that was found."""
        return self._gcra is not None or self.discovery is not None

    def why(self, now: float) -> str:
        """Return what stands in the way, in a word."""
        if self.breaker.opened:
            return "breaker"
        return "retry-after" if self.parked_until > now else "rate"

    # what became of it

    def answered(self, began: float, latency: float | None, now: float) -> None:
        """An attempt brought an answer that shows the host well.

        Args:
            began: when the attempt began.
            latency: seconds to its first byte, None if the answer says nothing about speed.
            now: the clock's reading.
        """
        if not self.breaker.well:
            self._recover(began)
        self._accepted += 1
        if now - self._mark[1][0] >= WINDOW:
            self._mark = (self._mark[1], (now, self._accepted))
        if not self.quiet:
            if self.discovery is not None:
                if began < self._event:
                    self.discovery.late(now)
                else:
                    self.discovery.accepted(now)
            if self.limit is not None:
                if latency is not None:
                    self.limit.succeeded(began, latency, now, self.in_flight)
            elif self.discovery is None and self._gcra is None and now >= self.parked_until:
                self.quiet = not self.breaker.opened
        self._blocked_since = None
        self.in_flight -= 1

    def _recover(self, began: float) -> None:
        was_open = self.breaker.opened
        self.breaker.answered(began)
        if was_open and not self.breaker.opened:
            self._told = -math.inf
            log.info("%s answers again", self.name)

    def refused(self, began: float, now: float, pause: float | None, *, slow_down: bool) -> None:
        """The host refused an attempt.

        Args:
            began: when the attempt began.
            now: the clock's reading.
            pause: seconds it asks to wait, None without a usable hint.
            slow_down: it said that requests come too fast (429), so that a rate must be found.
        """
        self.in_flight -= 1
        self._block(now, "HTTP 429" if slow_down else "HTTP 503")
        self._recover(began)
        pause = pause or 0.0
        if began < self._event:  # it began before the refusal that is already acted upon
            if pause > 2 * (self.parked_until - self._event):
                self.parked_until = now + pause
                self.quiet = False
            return
        self._event = now
        self.parked_until = max(self.parked_until, now + pause)
        self.quiet = False
        meant = True
        if slow_down and self.discovery is None:
            since, before = self._mark[0]
            self.discovery = RateDiscovery(
                now, self._accepted - before, now - since, pause, fresh=before == 0 and self._mark[1][1] == 0
            )
        elif slow_down and self.discovery is not None:
            meant = self.discovery.refused(now, pause)
        if self.limit is not None:
            if meant:
                self.limit.refused(began, now)
            else:
                self.limit.failed(began, now)
        log.info(
            "%s refused (%s)%s%s",
            self.name,
            self.trouble,
            f", asks to wait {pause:.3g} s" if pause else "",
            f", asked at most {self.discovery.rate:.3g} times a second now" if self.discovery else "",
        )

    def rest(self, now: float, seconds: float) -> None:
        """The host's quota is used up: park it until it is given anew."""
        self.parked_until = max(self.parked_until, now + seconds)
        self.quiet = False
        log.info("%s says that its quota is used up, for %.3g s", self.name, seconds)

    def hold(self, until: float) -> None:
        """Let nothing start before this moment: somebody who asks the same host was told to wait."""
        self.parked_until = max(self.parked_until, until)
        self.quiet = False

    def failed(self, began: float, now: float, *, probe: bool, first: bool, down: bool, trouble: str) -> None:
        """An attempt failed in a way that may be the host's.

        Args:
            began: when the attempt began.
            now: the clock's reading.
            probe: it probed an open breaker.
            first: it was its item's first attempt, and so tells something new.
            down: it says that the host is down, whoever asks: no connection, or 503.
            trouble: what happened, in a word.
        """
        self.in_flight -= 1
        if not self._breaks:
            return
        if self.limit is not None and trouble in OVERLOADED:
            self.limit.failed(began, now)
        self.breaker.failed(now, probe=probe, counts=first or down)
        if self.breaker.opened:
            self.quiet = False
            self._block(now, trouble)
            if self.breaker.until != self._told:  # it opened just now, or its probe failed
                level = logging.WARNING if self._told == -math.inf else logging.INFO
                self._told = self.breaker.until
                log.log(
                    level,
                    "%s seems to be down (%s); its items wait, a probe goes out in %.3g s",
                    self.name,
                    trouble,
                    self._told - now,
                )

    def dropped(self, *, probe: bool) -> None:
        """An attempt ended without saying anything about the host."""
        self.in_flight -= 1
        if probe:
            self.breaker.dropped()

    def retry_wait(self, now: float) -> float:
        """Take a retry from the budget; return the seconds until it may be made."""
        if not self._breaks:
            return 0.0
        if self._budget is None:
            self._budget = RetryBudget(self._share, now)
        return self._budget.take(now, self.requests, self._patience)

    def _block(self, now: float, trouble: str) -> None:
        self.trouble = trouble
        if self._blocked_since is None:
            self._blocked_since = now
