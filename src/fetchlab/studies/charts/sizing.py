"""How many rpcs ride in one call, found from how long calls take. Sans I/O."""

from __future__ import annotations

import math

__all__ = ["MOST", "START", "BatchSize"]

START, MOST = 8, 50
"""Rpcs in a call: at first, and at most."""
LONGER = 0.25
"""A call may take by so much longer than one rpc alone."""
FORGET = 0.95
"""What an observation weighs after the next one."""
ALIKE = 8
"""So many calls of one size in a row, and the last is split: from equal sizes nothing is learnt."""
SURE = 3.0
"""Standard errors by which a cost must differ from nothing to be believed."""


class BatchSize:
    """As many rpcs as ride for nearly nothing.

    The seconds of a call are taken for *a* + *b* · rpcs, by least squares over the latest calls. While *b*
    cannot be told from 0, sizes double whenever a full call comes back; else a call carries as many as make
    it ``LONGER`` by no more than that share. Where all calls are equally large, because no more riders wait
    for one, one of them now and then goes in two parts.

    Args:
        fixed: so many, whatever it takes; None to find out.
    """

    def __init__(self, fixed: int | None = None) -> None:
        self._fixed = fixed
        self.limit = START if fixed is None else fixed
        self._largest = self._before = self._alike = 0
        self._sums = [0.0] * 6  # weights, rpcs, seconds, rpcs², rpcs · seconds, seconds²

    def room(self, *, limited: bool) -> int:
        """Return how many rpcs a call may carry now.

        Args:
            limited: the host refuses calls above some rate. Then calls are what is dear, not seconds.
        """
        return MOST if limited and self._fixed is None else self.limit

    def trial(self, riders: int) -> bool:
        """Say whether one of those who are to ride should go by itself this time, to be compared."""
        self._alike = self._alike + 1 if riders == self._before else 1
        self._before = riders
        if self._fixed is not None or riders == 1 or self._alike < ALIKE:
            return False
        self._alike = 0
        return True

    def saw(self, rpcs: int, seconds: float) -> None:
        """Take in a call that came back."""
        self._largest = max(self._largest, rpcs)
        seen = (1.0, rpcs, seconds, rpcs * rpcs, rpcs * seconds, seconds * seconds)
        self._sums = [FORGET * total + one for total, one in zip(self._sums, seen, strict=True)]
        if self._fixed is not None:
            return
        cost = self.cost()
        if cost is None:
            if rpcs >= self.limit:
                self.limit = min(MOST, 2 * self.limit)
            return
        alone, each = cost
        wanted = 1 + int(LONGER * alone / each)
        self.limit = max(1, min(MOST, wanted, 2 * self._largest))

    def cost(self) -> tuple[float, float] | None:
        """Return the seconds of one rpc alone and those that each further one adds; None if none is seen."""
        weight, x, y, xx, xy, yy = self._sums
        spread = xx - x * x / weight if weight else 0.0
        if weight < 3 or spread < 0.5:
            return None
        slope = (xy - x * y / weight) / spread
        rest = max(0.0, yy - y * y / weight - slope * slope * spread)
        error = math.sqrt(rest / max(1.0, weight - 2) / spread)
        alone = (y - slope * x) / weight + slope
        if slope <= SURE * error or slope <= 1e-3 * abs(alone):
            return None
        return max(alone, 0.0), slope
