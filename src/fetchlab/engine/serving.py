"""One attempt at one item: it begins at its host, the task is awaited, and its end is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fetchlab import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fetchlab.engine.crew import Crew
    from fetchlab.engine.endings import Endings
    from fetchlab.engine.lanes import Lanes
    from fetchlab.engine.remote import TrueTimes
    from fetchlab.engine.work import Work

__all__ = ["Serving"]


class Serving:
    """Makes attempts.

    Args:
        attempt: makes one attempt at a piece of work and returns its value or raises.
        lanes: where the host of an attempt counts it.
        crew: where all attempts under way are counted.
        endings: told how each attempt ended.
        clock: seconds, monotonic.

    Attributes:
        cancelling: why attempts under way are being aborted, None while they are not.
    """

    def __init__(
        self,
        attempt: Callable[[Work], Awaitable[Any]],
        lanes: Lanes,
        crew: Crew,
        endings: Endings | TrueTimes,
        clock: Callable[[], float],
    ) -> None:
        self.cancelling: str | None = None
        self._attempt = attempt
        self._lanes = lanes
        self._crew = crew
        self._endings = endings
        self._clock = clock

    async def serve(self, work: Work, number: int) -> None:
        """Make one attempt at a piece of work, as the worker of this number."""
        clock, crew = self._clock, self._crew
        lane = work.lane
        began = work.began = clock()
        if work.attempt:
            work.first_byte = work.status = None
            work.bytes = 0
        else:
            work.started = began
        work.attempt += 1
        crew.in_flight += 1
        if not (lane.in_flight or lane.waiting):
            self._lanes.active += 1
        if lane.quiet:
            lane.in_flight += 1
            lane.requests += 1
        else:
            work.probe = lane.begin(began)
        try:
            value = await self._attempt(work)
        except asyncio.CancelledError as cancelled:
            error: Exception
            if self.cancelling is not None:
                error = errors.Cancelled(f"{self.cancelling} during the attempt")
            else:
                error = errors.TaskError("the task was cancelled from inside")
                error.__cause__ = cancelled
        except Exception as raised:
            error = raised
        except GeneratorExit:
            raise
        except BaseException as raised:  # SystemExit from a task ends that task's item, not the engine
            error = errors.TaskError(f"{type(raised).__name__}: {raised}")
            error.__cause__ = raised
        else:
            finished = clock()
            crew.in_flight -= 1
            self._endings.answered(work, number, finished, value)
            return
        crew.in_flight -= 1
        self._endings.failed(work, number, clock(), error)
