"""What a run looks at four times a second: its rate, its bounds, and whether the loop itself is too busy."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.recorder import Recorder
    from fetchlab.engine.scheduler import Scheduler
    from fetchlab.policy.bounds import Bounds

__all__ = ["HEARTBEAT", "Pulse"]

HEARTBEAT = 0.25
BUSY_LAG = 0.05
OVERLOAD_LAG = 0.25
"""Seconds by which the loop wakes too late: adaptive limits stop growing, or are cut."""


class Pulse:
    """Watches one run, sitting by sitting.

    Args:
        scheduler: asked to slow down when the loop is late.
        recorder: whose counts are held against the bounds.
        bounds: what the run must not exceed.
        on_exceeded: told once a sitting, with the bound and how it is exceeded.
    """

    def __init__(
        self, scheduler: Scheduler, recorder: Recorder, bounds: Bounds, on_exceeded: Callable[[str], None]
    ) -> None:
        self._scheduler = scheduler
        self._recorder = recorder
        self._bounds = bounds
        self._on_exceeded = on_exceeded
        self.begin()

    def begin(self) -> None:
        """Begin a sitting: the deadline counts from now."""
        self._began = time.perf_counter()
        self._told = False

    async def beat(self) -> None:
        """Go on until cancelled."""
        seen, scheduler, bounds = self._recorder, self._scheduler, self._bounds
        while True:
            before = time.perf_counter()
            step = HEARTBEAT
            if bounds.deadline is not None and not self._told:
                step = min(step, max(0.0, self._began + bounds.deadline - before))
            await asyncio.sleep(step)
            now = time.perf_counter()
            seen.update_rate(now)
            if scheduler.adaptive is not None:
                lag = now - before - step
                scheduler.slow_down(hold=lag > BUSY_LAG, cut=lag > OVERLOAD_LAG)
            if not self._told:
                why = bounds.exceeded(
                    now - self._began, seen.ended_items, len(seen.failed) - len(seen.failed_before)
                )
                if why is not None:
                    self._told = True
                    self._on_exceeded(why)
