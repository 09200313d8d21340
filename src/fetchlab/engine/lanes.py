"""Items that wait, host by host: who may go next, and who must wait how long.

A lane is a host's gate and the items waiting at it. It is in one of four states: *idle* (nothing waits),
*ready* (the next item may go), *resting* (until a moment: in a heap by due time), *full* (until an attempt
of its own ends). Workers ask only the ready ones, so a host that makes its items wait costs nothing and
holds nobody.

Hosts are served in turn. One that has its fair share of the workers comes last, and gets more than its
share only where nobody else has anything to do.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING, Literal

from fetchlab.policy.host import HostGate, HostRules
from fetchlab.policy.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fetchlab.engine.work import Work

__all__ = ["Lane", "Lanes"]

State = Literal["idle", "ready", "resting", "full"]


class Lane(HostGate):
    """A host's gate and the items waiting at it.

    Attributes:
        state: idle, ready, resting or full.
        waiting: how many items wait.
        due: when a resting lane is looked at again.
        quota: True if the host's answers tell of a quota.
        counted: the adaptive limit that the number of workers reckons with.
    """

    __slots__ = ("_heap", "_queue", "counted", "due", "quota", "state", "waiting")

    def __init__(self, name: str, rules: HostRules, now: float, *, by_priority: bool) -> None:
        super().__init__(name, rules, now)
        self.state: State = "idle"
        self.due = math.inf
        self.quota = False
        self.waiting = 0
        self.counted = 0
        self._queue: deque[Work] = deque()
        self._heap: list[tuple[int, int, int, Work]] | None = [] if by_priority else None

    def push(self, work: Work, *, front: bool) -> None:
        """Add an item, before those that wait or behind them; a priority goes before both."""
        self.waiting += 1
        if self._heap is not None:
            heapq.heappush(self._heap, (work.priority, not front, work.index, work))
        elif front:
            self._queue.appendleft(work)
        else:
            self._queue.append(work)

    def pop(self) -> Work:
        """Remove the item whose turn it is."""
        self.waiting -= 1
        return self._queue.popleft() if self._heap is None else heapq.heappop(self._heap)[3]

    @property
    def urgency(self) -> int:
        """The priority of the item whose turn it is."""
        return self._heap[0][0] if self._heap else 0

    def clear(self) -> list[Work]:
        """Remove and return all items in their order."""
        works = [self.pop() for _ in range(self.waiting)]
        self.state = "idle"
        return works


class Lanes:
    """All lanes of a run.

    Args:
        rules: a host's rules.
        clock: seconds, monotonic.
        by_priority: serve items by their priority instead of their order.
        on_hopeless: told of items that shall not wait any longer, with the reason.
        on_due: told when the earliest due time may have changed.
    """

    def __init__(
        self,
        rules: Callable[[str], HostRules],
        clock: Callable[[], float],
        *,
        by_priority: bool = False,
        on_hopeless: Callable[[list[Work], str], None],
        on_due: Callable[[], None],
    ) -> None:
        self.by_host: dict[str, Lane] = {}
        self.free = Lane("", HostRules(Retry(), breaks=False), clock(), by_priority=by_priority)
        """For items that need no request."""
        self.waiting = 0
        self.active = 0  # hosts that have something under way or waiting
        self._rules = rules
        self._clock = clock
        self._by_priority = by_priority
        self._on_hopeless = on_hopeless
        self._on_due = on_due
        self.ready: deque[Lane] = deque()
        self._resting: list[tuple[float, int, Lane]] = []
        self._ticket = 0

    def of(self, host: str) -> Lane:
        """Return a host's lane."""
        lane = self.by_host.get(host)
        if lane is None:
            lane = Lane(host, self._rules(host), self._clock(), by_priority=self._by_priority)
            self.by_host[host] = lane
        return lane

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self.by_host.values()))

    def put(self, work: Work, *, front: bool = False) -> None:
        """Let an item wait at its lane."""
        lane = work.lane
        if not (lane.waiting or lane.in_flight):
            self.active += 1
        lane.push(work, front=front)
        self.waiting += 1
        if lane.state != "ready":
            self.settle(lane)

    def take(self, share: int | None) -> Work | None:
        """Return the next item that may go now, None if there is none.

        Args:
            share: pass over hosts that have so many attempts under way; None passes over nobody.
        """
        ready = self.ready
        if self._by_priority and len(ready) > 1:
            ready = self.ready = deque(sorted(ready, key=lambda lane: lane.urgency))
        elif share is None and len(ready) > 1:
            ready = self.ready = deque(sorted(ready, key=lambda lane: lane.in_flight))
        for _ in range(len(ready)):
            lane = ready.popleft()
            if not lane.quiet and lane.delay(self._clock()) > 0:
                self.settle(lane)
                continue
            if share is not None and lane.in_flight >= share and self.active > 1:
                ready.append(lane)
                continue
            work = lane.pop()
            self.waiting -= 1
            if lane.waiting:
                ready.append(lane)
            else:
                lane.state = "idle"
                self.active -= not lane.in_flight  # begin() counts it again
            return work
        return None

    def settle(self, lane: Lane) -> None:
        """Put a lane where it belongs now; called for lanes that are not in the ready line."""
        if not lane.waiting:
            lane.state = "idle"
            return
        now = self._clock()
        wait = lane.delay(now)
        if wait <= 0:
            lane.state = "ready"
            self.ready.append(lane)
            return
        why = lane.hopeless(now)
        if why is not None:
            self.waiting -= lane.waiting
            self.active -= not lane.in_flight
            self._on_hopeless(lane.clear(), why)
            return
        due = min(now + wait, lane.despair + 1e-9)
        if due == math.inf:
            lane.state = "full"
            return
        if lane.state == "resting" and lane.due == due:
            return
        lane.state, lane.due = "resting", due
        self._ticket += 1
        heapq.heappush(self._resting, (due, self._ticket, lane))
        if self._resting[0][2] is lane:
            self._on_due()

    def ended(self, lane: Lane) -> None:
        """An attempt has ended: the lane may be open again, or not active any more."""
        if not lane.in_flight and not lane.waiting:
            self.active -= 1
        if lane.state in ("full", "resting"):
            self.settle(lane)

    @property
    def due(self) -> float:
        """When the first resting lane is due, infinity if none rests."""
        resting = self._resting
        while resting and (resting[0][2].state != "resting" or resting[0][2].due != resting[0][0]):
            heapq.heappop(resting)
        return resting[0][0] if resting else math.inf

    def wake(self, now: float) -> None:
        """Look again at every lane whose rest is over."""
        while self.due <= now:
            lane = heapq.heappop(self._resting)[2]
            lane.due = math.inf
            self.settle(lane)

    def hope(self) -> None:
        """Let every host's patience begin anew."""
        for lane in self:
            lane.hope()

    def clear(self) -> list[Work]:
        """Remove and return every waiting item."""
        works: list[Work] = []
        for lane in (*self, self.free):
            if lane.waiting and not lane.in_flight:
                self.active -= 1
            works += lane.clear()
        self.ready.clear()
        self._resting.clear()
        self.waiting = 0
        return sorted(works, key=lambda work: work.index)

    def waits(self) -> dict[str, int]:
        """Return how many items wait at hosts that rest, by the reason."""
        waits: dict[str, int] = {}
        now = self._clock()
        for lane in self:
            if lane.state == "resting" and lane.waiting:
                why = lane.why(now)
                waits[why] = waits.get(why, 0) + lane.waiting
        return waits

    def limits(self) -> dict[str, int]:
        """Return each host's adaptive limit."""
        return {lane.name: lane.limit.limit for lane in self if lane.limit is not None}
