"""How many workers there are: a fixed number, or what the hosts' adaptive limits add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.crew import Crew
    from fetchlab.engine.lanes import Lane, Lanes
    from fetchlab.policy.concurrency import Adaptive

__all__ = ["Sizing"]

MOST = 1024
"""Workers at all hosts together under an adaptive limit."""


class Sizing:
    """Keeps the crew's width.

    Args:
        adaptive: bounds of a host's limit, None for a fixed number.
        lanes: whose limits count.
        crew: the workers.
        on_width: told when the width changed by itself.
    """

    def __init__(
        self, adaptive: Adaptive | None, lanes: Lanes, crew: Crew, on_width: Callable[[], None]
    ) -> None:
        self.adaptive = adaptive
        self._lanes = lanes
        self._crew = crew
        self._on_width = on_width
        self._wanted = 0

    def fit(self, lane: Lane) -> None:
        """Follow one host's limit."""
        limit = lane.limit
        if limit is None or limit.limit == lane.counted:
            return
        self._wanted += limit.limit - lane.counted
        lane.counted = limit.limit
        width = max(1, min(MOST, self._wanted))
        if width != self._crew.width:
            self._crew.width = width
            self._on_width()
            self._crew.spawn(width)

    def change(self, width: int | Adaptive) -> None:
        """Change to another number, or to another kind; surplus workers leave after their item."""
        self.adaptive = None if isinstance(width, int) else width
        self._wanted = 0
        for lane in self._lanes:
            lane.adapt(self.adaptive)
            lane.counted = 0
            if lane.state == "full":
                self._lanes.settle(lane)
            self.fit(lane)
        if isinstance(width, int):
            self._crew.width = width
        self._crew.spawn(self._crew.width)
        self._crew.wake()

    def slow_down(self, now: float, *, hold: bool, cut: bool) -> None:
        """Let no limit grow, or cut them, because this process is the bottleneck."""
        for lane in self._lanes:
            if lane.limit is not None:
                lane.limit.held = hold
                if cut and lane.in_flight:
                    lane.limit.give_way(now)
                    self.fit(lane)
