"""What becomes of an item after an attempt: it ends, is tried again, or waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.engine.parking import Postponed
from fetchlab.engine.verdicts import End, after_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fetchlab.engine.crew import Crew
    from fetchlab.engine.intake import Intake
    from fetchlab.engine.lanes import Lane, Lanes
    from fetchlab.engine.parking import Parking
    from fetchlab.engine.sink import Sink
    from fetchlab.engine.sizing import Sizing
    from fetchlab.engine.turns import Turns
    from fetchlab.engine.work import Work
    from fetchlab.policy.retry import Retry

__all__ = ["Endings"]


class Endings:
    """Tells the host, the sink and an item's twins how an attempt ended, and lets wait what goes on.

    Args:
        sink: told of everything that happens.
        intake: told of ends, for the twins.
        turns: where further items join, and those that are served once more.
        lanes: where items wait, host by host.
        parking: where they wait by themselves.
        crew: the workers.
        sizing: follows the hosts' adaptive limits.
        retry: what is tried again, and after what wait.
        random: for the jitter of waits.
        wall: seconds since the epoch, for hints that are dates.
        clock: seconds, monotonic.
        rescue: given a piece of work and the error it would end with; returns what makes the value it ends
            with instead, or None.
        dedups: True if items may have twins.
    """

    def __init__(
        self,
        sink: Sink,
        intake: Intake,
        turns: Turns,
        lanes: Lanes,
        parking: Parking,
        crew: Crew,
        sizing: Sizing,
        *,
        retry: Retry,
        random: Random,
        wall: Callable[[], float],
        clock: Callable[[], float],
        rescue: Callable[[Work, Exception], Callable[[], Any] | None] | None,
        dedups: bool,
    ) -> None:
        self._sink = sink
        self._intake = intake
        self._turns = turns
        self._lanes = lanes
        self._parking = parking
        self._crew = crew
        self._sizing = sizing
        self._retry = retry
        self._random = random
        self._wall = wall
        self._clock = clock
        self._rescue = rescue
        self._dedups = dedups

    def answered(self, work: Work, number: int, finished: float, value: Any) -> None:
        """End an item whose attempt brought a value."""
        lane, began = work.lane, work.began
        first = work.first_byte
        lane.answered(began, None if work.cached else (first or finished) - began, finished)
        if lane.state != "idle" or not lane.in_flight or self._sizing.adaptive is not None:
            self._left(lane)
        more = self._sink.ended(work, number, finished, value, None)
        if more:
            self._turns.add(more)
        if self._dedups:
            self._intake.ended(work, finished, value, None)

    def failed(self, work: Work, number: int, finished: float, error: Exception) -> None:
        """Let an item whose attempt failed be tried again, or end."""
        if type(error) is Postponed:
            self._postpone(work, error)
            return
        lane = work.lane
        what = after_failure(
            work, error, finished, self._retry, self._random, self._wall, last=self._crew.over
        )
        self._left(lane)
        if isinstance(what, End):
            self.end(work, number, finished, what.error)
            return
        self._sink.retried(work, number, finished, error, what.seconds, what.reason)
        if what.where == "parking":
            self._parking.put(work, finished + what.seconds)
        else:
            self._lanes.put(work, front=what.where == "front")

    def end(self, work: Work, number: int, finished: float, error: Exception, *, tried: bool = True) -> None:
        """Tell the sink that an item has failed for good, and end its twins alike."""
        rescued = None if self._rescue is None else self._rescue(work, error)
        if rescued is not None:
            if tried:
                self._sink.replaced(work, number, finished, error)
            value = rescued()
            more = self._sink.ended(work, number, finished, value, None)
            self._intake.ended(work, finished, value, None)
            if more:
                self._turns.add(more)
            return
        if tried:
            self._sink.ended(work, number, finished, None, error)
        else:
            self._sink.abandoned(work, finished, error)
        self._intake.ended(work, finished, None, error)

    def give_up(self, works: list[Work], why: str) -> None:
        """End items whose host has tried everybody's patience."""
        now = self._clock()
        for work in works:
            self.end(work, 0, now, errors.RateLimited(why), tried=False)
        if not self._crew.over:
            asyncio.get_running_loop().call_soon(self._crew.wake_one)

    def _postpone(self, work: Work, postponed: Postponed) -> None:
        """What looked like an attempt was none: serve the item once more, now or when another's is over."""
        work.attempt -= 1
        work.request = None  # what is at hand may have changed
        lane = work.lane
        lane.dropped(probe=work.probe)
        self._left(lane)
        if postponed.when_over is None or self._crew.over:
            self._turns.admit(work, front=True)
            self._crew.wake_one()
        else:
            self._parking.join(work, postponed.when_over)

    def _left(self, lane: Lane) -> None:
        """An attempt has ended: its lane may be open again, or allow other numbers."""
        self._lanes.ended(lane)
        if self._sizing.adaptive is not None:
            self._sizing.fit(lane)
