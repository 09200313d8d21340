"""How many retries one host is given, so that many failures at once make no storm.

A token bucket in the manner of Finagle's ``RetryBudget``: ten retries to begin with, a share of the
host's requests, and a few a second so that a small run cannot starve. A retry beyond it is not denied, it
is told when its token will be there.
"""

from __future__ import annotations

import math

__all__ = ["RESERVE", "TRICKLE", "RetryBudget"]

RESERVE = 10.0
TRICKLE = 5.0
"""Retries per second that the budget gains whatever the host's requests."""


class RetryBudget:
    """The retries of one host.

    Args:
        share: retries allowed per request.
        now: the clock's reading.
    """

    __slots__ = ("_counted", "_share", "_since", "tokens")

    def __init__(self, share: float, now: float) -> None:
        self._share = share
        self._since = now
        self._counted = 0
        self.tokens = RESERVE

    def take(self, now: float, requests: int, patience: float = math.inf) -> float:
        """Take one retry; return the seconds until it may be made, 0.0 if at once.

        Args:
            now: the clock's reading.
            requests: requests made to the host so far.
            patience: a retry that had to wait longer will not be made, and is not taken.
        """
        earned = self._share * (requests - self._counted)
        most = max(RESERVE, self._share * requests)
        waited = TRICKLE * (now - self._since) if self.tokens < RESERVE else 0.0
        self._counted, self._since = requests, now
        self.tokens = min(most, max(self.tokens + earned, min(RESERVE, self.tokens + earned + waited)))
        wait = max(0.0, (1.0 - self.tokens) / TRICKLE)
        if wait <= patience:
            self.tokens -= 1.0
        return wait
