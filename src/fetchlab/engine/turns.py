"""Whose turn it is: pull, don't push, so that workers take the next item when they are free.

A worker looks first at items that wait at a host that is open (they were tried before, ``follow`` added
them, or another host's items came first), then at the input. What cannot go now, because its host rests or
because it waits for its next attempt, waits in :mod:`~fetchlab.engine.lanes` or in
:mod:`~fetchlab.engine.parking`, and holds no worker.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetchlab.engine.crew import Crew
    from fetchlab.engine.earlier import Earlier
    from fetchlab.engine.intake import Intake
    from fetchlab.engine.lanes import Lanes
    from fetchlab.engine.parking import Parking
    from fetchlab.engine.sizing import Sizing
    from fetchlab.engine.strategies import Plan
    from fetchlab.engine.work import Work

__all__ = ["Turns"]

AHEAD = 1024
AHEAD_IN_LIST = 65_536
"""Items read ahead to find one whose host is open; more where the input is in memory anyway."""
BREATH = 256
"""Items put aside in one go before the loop gets its turn."""


class Turns:
    """Gives a worker what it does next, and finds a place for what cannot go now.

    Args:
        intake: the input, as numbered work.
        lanes: where items wait, host by host.
        parking: where they wait by themselves.
        crew: the workers.
        sizing: told which hosts there are.
        plan: barrier, delay.
        clock: seconds, monotonic.
        prepare: notes a piece of work's host before it is served.
        priority: an item's priority, lower goes first among those read ahead.
        earlier: takes the items that earlier sessions of a journal finished.
        on_spent: told when nothing is left.
        may_begin: asked before work that waited is served; None where it always may.

    Attributes:
        paused: True to give nothing.
        rest: the seconds a worker rests after an item, None where the plan has no delay.
    """

    def __init__(
        self,
        intake: Intake,
        lanes: Lanes,
        parking: Parking,
        crew: Crew,
        sizing: Sizing,
        plan: Plan,
        *,
        clock: Callable[[], float],
        prepare: Callable[[Work], None],
        priority: Callable[[Any], int] | None,
        earlier: Earlier | None,
        on_spent: Callable[[], None],
        may_begin: Callable[[], bool] | None = None,
    ) -> None:
        self.paused = False
        self._may_begin = may_begin
        self._intake = intake
        self._lanes = lanes
        self._parking = parking
        self._crew = crew
        self._sizing = sizing
        self._clock = clock
        self._prepare = prepare
        self._priority = priority
        self._earlier = earlier
        self._on_spent = on_spent
        self._delay = plan.delay
        self.rest = self._rest if plan.delay else None
        self._chunk = plan.chunk
        self._chunk_end = plan.chunk or 0  # items of the input read when the barrier comes
        size = intake.source.total
        self._ahead = AHEAD if size is None else max(AHEAD, min(size, AHEAD_IN_LIST))
        self._kept: deque[Work] = deque()  # read, not begun, and the run was cancelled

    # what joins

    def begin(self, again: Iterable[Work]) -> None:
        """Begin a sitting with work to serve once more, then with what the last one kept."""
        kept, self._kept = self._kept, deque()
        self._lanes.hope()
        for work in (*self._intake.once(again), *kept):
            self.admit(work)

    def add(self, items: Iterable[Any]) -> None:
        """Put further items before the rest of the input."""
        for item in items:
            work = self._intake.add(item)
            if work is not None:
                self.admit(work)
        self._offer()

    def again(self, works: Iterable[Work]) -> None:
        """Serve work once more, before the rest of the input."""
        self._lanes.hope()
        for work in self._intake.once(works):
            self.admit(work)
        self._offer()

    def admit(self, work: Work, *, front: bool = False) -> None:
        """Let work wait at its host's lane, ready or not."""
        if self._crew.over:
            self._kept.append(work)
            return
        self._place(work)
        self._lanes.put(work, front=front)

    def keep(self, works: Iterable[Work]) -> None:
        """Hold work for the next sitting."""
        self._kept.extend(works)

    def unpark(self, works: list[Work]) -> None:
        """Offer what is due to the workers."""
        for work in works:
            self.admit(work, front=True)
        self._lanes.wake(self._clock())
        for _ in range(min(len(self._crew.idle), self._lanes.waiting)):
            self._crew.wake_one()

    def _place(self, work: Work) -> None:
        """Find the lane of a piece of work."""
        if work.request is None:
            try:  # noqa: SIM105  # this is the hot path
                self._prepare(work)
            except Exception:  # noqa: S110  # its attempt will tell
                pass
        work.lane = self._lanes.of(work.host) if work.at_hand is None else self._lanes.free
        if self._priority is not None and not work.attempt:
            work.priority = self._priority(work.item)
        if self._sizing.adaptive is not None:
            self._sizing.fit(work.lane)

    def _offer(self) -> None:
        self._crew.spawn(len(self._crew) + self._lanes.waiting)
        self._crew.wake()

    # what comes next

    def take(self, number: int) -> Work | None:
        """Return the next piece of work for a worker, None if there is none for it now."""
        if self._crew.over or self.paused or number >= self._crew.width:
            return None
        lanes = self._lanes
        work: Work | None = None
        held = self._may_begin is not None and lanes.waiting > 0 and not self._may_begin()
        if held:
            pass
        elif self._priority is not None:
            self._read_ahead()
            work = lanes.take(None)
        else:
            if lanes.ready:
                work = lanes.take(-(-self._crew.width // lanes.active) if lanes.active > 1 else None)
            if work is None and not self._intake.exhausted:
                work = self._pull()
            if work is None and lanes.ready:
                work = lanes.take(None)
        if work is not None:
            if self._crew.idle:
                self._crew.wake_one()
            return work
        if self._intake.exhausted and self._spent():
            self._on_spent()
        return None

    def resized(self) -> None:
        """Let chunks be as large as the crew is now."""
        if self._chunk:
            self._chunk = self._crew.width

    def _rest(self) -> float:
        """Nobody rests after the last item."""
        return 0.0 if self._spent() else self._delay

    def _pull(self) -> Work | None:
        """Read the input until an item may go at once; those that may not wait at their lanes."""
        lanes, read = self._lanes, self._intake.read
        for _ in range(BREATH):
            if lanes.waiting >= self._ahead or (self._chunk and not self._chunk_open()):
                return None
            work = read()
            if work is None:
                return None
            self._place(work)
            lane = work.lane
            if (
                lane.state == "idle"
                and (lanes.active <= 1 or lane.in_flight * lanes.active < self._crew.width)
                and (lane.quiet or lane.delay(work.queued) <= 0)
            ):
                return work
            lanes.put(work)
        asyncio.get_running_loop().call_soon(self._crew.wake_one)
        return None

    def _read_ahead(self) -> None:
        lanes = self._lanes
        while lanes.waiting < self._ahead and not (self._chunk and not self._chunk_open()):
            work = self._intake.read()
            if work is None:
                return
            self._place(work)
            lanes.put(work)

    def _chunk_open(self) -> bool:
        """Say whether the chunk has room; the next one opens when all of this one has ended."""
        if self._intake.read_so_far >= self._chunk_end:
            if self._crew.in_flight or len(self._parking) or self._lanes.waiting:
                return False
            self._chunk_end = self._intake.read_so_far + (self._chunk or 0)
        return True

    def _spent(self) -> bool:
        """Say whether nothing is left to rest for, as far as can be told without reading the input."""
        if self._earlier is not None and self._earlier.pending:
            return False
        return self._intake.all_read and not (
            self._crew.in_flight or len(self._parking) or self._lanes.waiting
        )
