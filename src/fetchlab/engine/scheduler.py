"""Pull, don't push: workers take the next item when they are free.

A worker looks first at items that wait at a host that is open (they were tried before, ``follow`` added
them, or another host's items came first), then at the input. What cannot go now, because its host rests or
because it waits for its next attempt, waits in :mod:`~fetchlab.engine.lanes` or in
:mod:`~fetchlab.engine.parking`, and holds no worker.

The scheduler does no I/O of its own and reads no clock but the one it is given: under a virtual clock it
is deterministic. It runs entirely on one event loop; nothing here is safe from another thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.engine.crew import Crew
from fetchlab.engine.intake import Intake
from fetchlab.engine.lanes import Lanes
from fetchlab.engine.parking import Parking, Postponed
from fetchlab.engine.sizing import Sizing
from fetchlab.engine.verdicts import End, after_failure
from fetchlab.policy.host import HostRules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from random import Random

    from fetchlab.engine.earlier import Earlier
    from fetchlab.engine.lanes import Lane
    from fetchlab.engine.sink import Sink
    from fetchlab.engine.source import Source
    from fetchlab.engine.strategies import Plan
    from fetchlab.engine.work import Work
    from fetchlab.policy.concurrency import Adaptive
    from fetchlab.policy.rate import RateLimit
    from fetchlab.policy.retry import Retry

__all__ = ["Scheduler"]

AHEAD = 1024
AHEAD_IN_LIST = 65_536
"""Items read ahead to find one whose host is open; more where the input is in memory anyway."""
BREATH = 256
"""Items put aside in one go before the loop gets its turn."""


class Scheduler:
    """Serves items of a source with a task, on as many workers as the plan says.

    Args:
        source: where items come from.
        attempt: makes one attempt at a piece of work and returns its value or raises.
        plan: workers, barrier, delay.
        retry: what is tried again, and after what wait.
        sink: told of everything that happens.
        clock: seconds, monotonic.
        random: for the jitter of waits.
        gate: asked, with the index that an item would get, before each is read from the input; False
            holds the reading back.
        prepare: notes a piece of work's host before it is served.
        rescue: given a piece of work and the error it would end with; returns what makes the value it ends
            with instead, or None.
        rate: a host's rate limit.
        priority: an item's priority, lower goes first among those read ahead.
        dedup: an item's key; of items with equal keys only the first is served.
        wall: seconds since the epoch, for hints that are dates.
        on_width: told when the number of workers changed by itself.
        earlier: takes the items that earlier sessions of a journal finished.
    """

    def __init__(
        self,
        source: Source,
        attempt: Callable[[Work], Awaitable[Any]],
        plan: Plan,
        retry: Retry,
        sink: Sink,
        *,
        clock: Callable[[], float],
        random: Random,
        gate: Callable[[int], bool] | None = None,
        prepare: Callable[[Work], None] = lambda _: None,
        rescue: Callable[[Work, Exception], Callable[[], Any] | None] | None = None,
        rate: Callable[[str], RateLimit | None] = lambda _: None,
        priority: Callable[[Any], int] | None = None,
        dedup: Callable[[Any], str] | None = None,
        wall: Callable[[], float] = time.time,
        on_width: Callable[[], None] = lambda: None,
        earlier: Earlier | None = None,
    ) -> None:
        self.in_flight = 0
        self._intake = Intake(source, clock, sink, gate=gate, dedup=dedup, earlier=earlier)
        self._earlier = earlier
        self._attempt = attempt
        self._prepare = prepare
        self._rescue = rescue
        self._retry = retry
        self._sink = sink
        self._clock = clock
        self._wall = wall
        self._random = random
        self._priority = priority
        self._dedups = dedup is not None
        self._delay = plan.delay
        self._chunk = plan.chunk
        self._ahead = AHEAD if source.total is None else max(AHEAD, min(source.total, AHEAD_IN_LIST))
        self._chunk_end = plan.chunk or 0  # items of the input read when the barrier comes
        self._lanes = Lanes(
            lambda host: HostRules(retry, rate(host), self._sizing.adaptive, breaks=bool(host)),
            clock,
            by_priority=priority is not None,
            on_hopeless=self._give_up,
            on_due=lambda: self._parking.arm(),  # noqa: PLW0108  # made below
        )
        self._parking = Parking(clock, lambda: self._lanes.due, self._unpark)
        self._crew = Crew(plan.width, self._take, self._serve, self._rest, self.stop)
        self._sizing = Sizing(plan.adaptive, self._lanes, self._crew, on_width)
        self._kept: deque[Work] = deque()  # read, not begun, and the run was cancelled
        self._paused = False
        self._cancelling: str | None = None
        self._finished: asyncio.Future[None] | None = None

    @property
    def width(self) -> int:
        """Workers."""
        return self._crew.width

    @width.setter
    def width(self, value: int) -> None:
        self._crew.width = value

    @property
    def adaptive(self) -> Adaptive | None:
        """Bounds of a host's adaptive limit, None for a fixed number of workers."""
        return self._sizing.adaptive

    @property
    def parked(self) -> int:
        """Items that must wait, without holding a worker."""
        return sum(self.waits.values())

    @property
    def waits(self) -> dict[str, int]:
        """Items that must wait, by reason."""
        waits = self._lanes.waits()
        joined = self._parking.joined
        if joined:
            waits["another's request"] = joined
        if len(self._parking) > joined:
            waits["backoff"] = len(self._parking) - joined
        return waits

    @property
    def total(self) -> int | None:
        """Items in all, as far as known: the input's and those added to it."""
        return self._intake.total

    @property
    def extent(self) -> int:
        """One more than the highest index given, or in a sized input to be given."""
        return self._intake.extent

    @property
    def failure(self) -> BaseException | None:
        """What stopped the run: the input's error, or the sink's."""
        return self._intake.failure

    @failure.setter
    def failure(self, error: BaseException | None) -> None:
        self._intake.failure = error

    @property
    def limits(self) -> dict[str, int]:
        """Each host's adaptive limit."""
        return self._lanes.limits()

    async def run(self, again: Iterable[Work] = ()) -> None:
        """Serve until nothing is left, or :meth:`cancel`, or the input raises.

        May be called again after it returned; it then goes on where it stood.

        Args:
            again: work to serve once more, before anything else.
        """
        loop = asyncio.get_running_loop()
        self._finished = loop.create_future()
        self._cancelling = None
        self._crew.begin()
        kept, self._kept = self._kept, deque()
        self._hope()
        for work in (*self._intake.once(again), *kept):
            self._admit(work)
        source = self._intake.source
        source.start(self._crew.wake)
        self._crew.spawn(self.width if source.total is None or self._intake.joined else max(source.total, 1))
        try:
            await self._finished
        finally:
            await self._crew.leave(at_once=self._is_cancelled())
            if self._earlier is not None:
                await self._earlier.settled()
            self._parking.disarm()
            self._kept.extend(self._parking.clear())  # there are some if the run stopped by itself
            self._kept.extend(self._lanes.clear())
            source.stop()

    def add(self, items: Iterable[Any]) -> None:
        """Put further items before the rest of the input."""
        for item in items:
            work = self._intake.add(item)
            if work is not None:
                self._admit(work)
        self._offer()

    def again(self, works: Iterable[Work]) -> None:
        """Serve work once more, before the rest of the input."""
        self._hope()
        for work in self._intake.once(works):
            self._admit(work)
        self._offer()

    def _admit(self, work: Work, *, front: bool = False) -> None:
        """Let work wait at its host's lane, ready or not."""
        if self._crew.over:
            self._kept.append(work)
            return
        self._place(work)
        self._lanes.put(work, front=front)

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

    def resize(self, width: int | Adaptive) -> None:
        """Change the number of workers, fixed or adaptive; surplus ones leave after their item."""
        self._sizing.change(width)
        if self._chunk:
            self._chunk = self.width

    def slow_down(self, *, hold: bool, cut: bool) -> None:
        """Under an adaptive limit: let no limit grow, or cut them, because this process is the bottleneck."""
        self._sizing.slow_down(self._clock(), hold=hold, cut=cut)

    def pause(self) -> None:
        """Take no further item; what is in flight ends."""
        self._paused = True

    def resume(self) -> None:
        """Take items again."""
        self._paused = False
        self._hope()
        self._crew.wake()

    def _hope(self) -> None:
        """Let every host's patience begin anew."""
        for lane in self._lanes:
            lane.hope()

    def cancel(self, why: str = "the run was cancelled") -> None:
        """Abort what is in flight and end what is parked, each as ``Cancelled``; keep the rest unread."""
        self._cancelling = why
        now = self._clock()
        for work in self._lanes.clear() + self._parking.clear():
            if work.attempt > work.before:
                self._end(work, 0, now, errors.Cancelled(f"{why} while the item waited"), tried=False)
            else:
                self._kept.append(work)
        self._finish()

    def _is_cancelled(self) -> bool:
        return self._cancelling is not None

    def wake(self) -> None:
        """Let every idle worker look again."""
        self._crew.wake()

    def _rest(self) -> float:
        return self._delay if self._delay and not self._spent() else 0.0

    def stop(self, error: Exception) -> None:
        """End because of an error that is nobody's item's; what is in flight ends first."""
        self.failure = self.failure or error
        self._finish()

    # what comes next

    def _take(self, number: int) -> Work | None:
        """Return the next piece of work for a worker, None if there is none for it now."""
        if self._crew.over or self._paused or number >= self._crew.width:
            return None
        lanes = self._lanes
        work: Work | None = None
        if self._priority is not None:
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
            self._drain()
        return None

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
            if self.in_flight or len(self._parking) or self._lanes.waiting:
                return False
            self._chunk_end = self._intake.read_so_far + (self._chunk or 0)
        return True

    def _spent(self) -> bool:
        """Say whether nothing is left to rest for, as far as can be told without reading the input."""
        if self._earlier is not None and self._earlier.pending:
            return False
        return self._intake.all_read and not (self.in_flight or len(self._parking) or self._lanes.waiting)

    def _drain(self) -> None:
        more = [] if self.failure is not None else list(self._sink.drained())
        if more:
            self.add(more)
        else:
            self._finish()

    def _finish(self) -> None:
        self._crew.over = True
        if self._finished is not None and not self._finished.done():
            self._finished.set_result(None)

    # one attempt

    async def _serve(self, work: Work, number: int) -> None:
        clock = self._clock
        lane = work.lane
        began = work.began = clock()
        if work.attempt:
            work.first_byte = work.status = None
            work.bytes = 0
        else:
            work.started = began
        work.attempt += 1
        self.in_flight += 1
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
            if self._cancelling is not None:
                error = errors.Cancelled(f"{self._cancelling} during the attempt")
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
            self.in_flight -= 1
            first = work.first_byte
            lane.answered(began, None if work.cached else (first or finished) - began, finished)
            if lane.state != "idle" or not lane.in_flight or self._sizing.adaptive is not None:
                self._left_lane(lane)
            more = self._sink.ended(work, number, finished, value, None)
            if more:
                self.add(more)
            if self._dedups:
                self._intake.ended(work, finished, value, None)
            return
        self.in_flight -= 1
        self._failed(work, number, clock(), error)

    def _left_lane(self, lane: Lane) -> None:
        """An attempt has ended: its lane may be open again, or allow other numbers."""
        self._lanes.ended(lane)
        if self._sizing.adaptive is not None:
            self._sizing.fit(lane)

    def _end(self, work: Work, number: int, finished: float, error: Exception, *, tried: bool = True) -> None:
        """Tell the sink that an item has failed for good, and end its twins alike."""
        rescued = None if self._rescue is None else self._rescue(work, error)
        if rescued is not None:
            if tried:
                self._sink.replaced(work, number, finished, error)
            value = rescued()
            more = self._sink.ended(work, number, finished, value, None)
            self._intake.ended(work, finished, value, None)
            if more:
                self.add(more)
            return
        if tried:
            self._sink.ended(work, number, finished, None, error)
        else:
            self._sink.abandoned(work, finished, error)
        self._intake.ended(work, finished, None, error)

    def _failed(self, work: Work, number: int, finished: float, error: Exception) -> None:
        """Let an item whose attempt failed be tried again, or end."""
        if type(error) is Postponed:
            self._postpone(work, error)
            return
        lane = work.lane
        what = after_failure(
            work, error, finished, self._retry, self._random, self._wall, last=self._crew.over
        )
        self._left_lane(lane)
        if isinstance(what, End):
            self._end(work, number, finished, what.error)
            return
        self._sink.retried(work, number, finished, error, what.seconds, what.reason)
        if what.where == "parking":
            self._parking.put(work, finished + what.seconds)
        else:
            self._lanes.put(work, front=what.where == "front")

    def _postpone(self, work: Work, postponed: Postponed) -> None:
        """What looked like an attempt was none: serve the item once more, now or when another's is over."""
        work.attempt -= 1
        work.request = None  # what is at hand may have changed
        lane = work.lane
        lane.dropped(probe=work.probe)
        self._left_lane(lane)
        if postponed.when_over is None or self._crew.over:
            self._admit(work, front=True)
            self._crew.wake_one()
        else:
            self._parking.join(work, postponed.when_over)

    def _give_up(self, works: list[Work], why: str) -> None:
        """End items whose host has tried everybody's patience."""
        now = self._clock()
        for work in works:
            self._end(work, 0, now, errors.RateLimited(why), tried=False)
        if not self._crew.over:
            asyncio.get_running_loop().call_soon(self._crew.wake_one)

    def _unpark(self, works: list[Work]) -> None:
        """Offer what is due to the workers."""
        for work in works:
            self._admit(work, front=True)
        self._lanes.wake(self._clock())
        for _ in range(min(len(self._crew.idle), self._lanes.waiting)):
            self._crew.wake_one()
