"""Pull, don't push: workers take the next item when they are free.

A worker looks first at items whose wait is over or that ``follow`` added, then at the input. An item that
waits for its next attempt sits in a heap by due time and holds no worker.

The scheduler does no I/O of its own and reads no clock but the one it is given: under a virtual clock it
is deterministic. It runs entirely on one event loop; nothing here is safe from another thread.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from fetchlab import errors
from fetchlab.engine.source import END, NOTHING
from fetchlab.engine.work import Work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from random import Random

    from fetchlab.engine.source import Source
    from fetchlab.engine.strategies import Plan
    from fetchlab.policy.retry import Retry

__all__ = ["Scheduler", "Sink"]

TIMER_RESOLUTION = 0.002


class Sink(Protocol):
    """Where the scheduler tells what happens. Called on the loop, never awaited."""

    def retried(self, work: Work, worker: int, finished: float, error: Exception, wait: float) -> None:
        """An attempt failed and the item will be tried again after ``wait`` seconds."""
        ...

    def ended(
        self, work: Work, worker: int, finished: float, value: Any, error: Exception | None
    ) -> Iterable[Any]:
        """An item ended with an attempt; return further items to serve in the same run."""
        ...

    def abandoned(self, work: Work, finished: float) -> None:
        """An item that waited for its next attempt ended without it, because the run was cancelled."""
        ...

    def drained(self) -> Iterable[Any]:
        """Everything ended; return further items, or none to finish."""
        ...


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
    ) -> None:
        self.width = plan.width
        self.in_flight = 0
        self.pulled = 0
        self.exhausted = False
        self.failure: BaseException | None = None
        self._source = source
        self._attempt = attempt
        self._retry = retry
        self._sink = sink
        self._gate = gate
        self._clock = clock
        self._random = random
        self._delay = plan.delay
        self._chunk = plan.chunk
        self._left = plan.chunk or 0
        self._next = 0  # index of the next item of the input
        self._fence = -1 if source.total is None else source.total  # first index that is not the input's
        self._tail = self._fence  # index of the next added item; without a fence they share _next
        self._parked: list[tuple[float, int, Work]] = []
        self._extra: deque[Work] = deque()
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._idle: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._added = 0
        self._paused = False
        self._cancelling = False
        self._over = True
        self._finished: asyncio.Future[None] | None = None

    @property
    def parked(self) -> int:
        """Items waiting for their next attempt without holding a worker."""
        return len(self._parked)

    @property
    def total(self) -> int | None:
        """Items in all, as far as known: the input's and those added to it."""
        if self.failure is not None:
            return None
        if self.exhausted:
            return self.pulled
        return None if self._source.total is None else self._source.total + self._added

    @property
    def extent(self) -> int:
        """One more than the highest index given, or in a sized input to be given."""
        return self._next if self._fence < 0 else self._tail

    async def run(self, again: Iterable[Work] = ()) -> None:
        """Serve until nothing is left, or :meth:`cancel`, or the input raises.

        May be called again after it returned; it then goes on where it stood.

        Args:
            again: work to serve once more, before anything else.
        """
        loop = asyncio.get_running_loop()
        self._finished = loop.create_future()
        self._over = self._cancelling = False
        self._extra.extend(again)
        self._source.start(self.wake)
        total = self._source.total
        self._spawn(self.width if total is None or self.pulled else max(total, 1))
        try:
            await self._finished
        finally:
            self._over = True
            self.wake()
            for task in list(self._workers.values()):
                if self._cancelling:
                    task.cancel()
            if self._workers:
                await asyncio.wait(list(self._workers.values()))
            self._source.stop()

    def add(self, items: Iterable[Any]) -> None:
        """Put further items before the rest of the input."""
        now = self._clock()
        for item in items:
            if self._fence < 0:
                index = self._next
                self._next += 1
            else:
                index = self._tail
                self._tail += 1
            self._extra.append(Work(index, item, now))
            self.pulled += 1
            self._added += 1
        self._offer()

    def again(self, works: Iterable[Work]) -> None:
        """Serve work once more, before the rest of the input."""
        self._extra.extend(works)
        self._offer()

    def _offer(self) -> None:
        if not self._over:
            self._spawn(len(self._workers) + len(self._extra))
        self.wake()

    def resize(self, width: int) -> None:
        """Change the number of workers; surplus ones leave after their item."""
        self.width = width
        if self._chunk:
            self._chunk = width
        if not self._over:
            self._spawn(width)
            self.wake()

    def pause(self) -> None:
        """Take no further item; what is in flight ends."""
        self._paused = True

    def resume(self) -> None:
        """Take items again."""
        self._paused = False
        self.wake()

    def cancel(self) -> None:
        """Abort what is in flight and end what is parked, each as ``Cancelled``; keep the rest unread."""
        self._cancelling = True
        now = self._clock()
        begun = [work for work in self._extra if work.attempt > work.before]
        self._extra = deque(work for work in self._extra if work.attempt == work.before)
        while self._parked:
            begun.append(heapq.heappop(self._parked)[2])
        for work in begun:
            self._sink.abandoned(work, now)
        self._finish()

    def wake(self) -> None:
        """Let every idle worker look again."""
        while self._idle:
            self._wake_one()

    def _wake_one(self) -> None:
        while self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _spawn(self, wanted: int) -> None:
        loop = asyncio.get_running_loop()
        for number in range(min(self.width, wanted)):
            if number not in self._workers:
                self._workers[number] = loop.create_task(self._work(number))

    async def _work(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                work = self._take(number)
                if work is not None:
                    await self._serve(work, number)
                    if self._delay and not self._spent():
                        await asyncio.sleep(self._delay)
                    continue
                if self._over or number >= self.width:
                    self._wake_one()
                    return
                waiter: asyncio.Future[None] = loop.create_future()
                self._idle.append(waiter)
                await waiter
        except asyncio.CancelledError:
            if not self._cancelling:
                raise
        except Exception as error:  # the sink's own trouble, a full disk say: better to stop than to hang
            self.failure = self.failure or error
            self._finish()
        finally:
            del self._workers[number]

    def _take(self, number: int) -> Work | None:
        """Return the next piece of work for a worker, None if there is none for it now."""
        if self._over or self._paused or number >= self.width:
            return None
        if self._extra:
            work = self._extra.popleft()
            if self._idle and self._extra:
                self._wake_one()
            return work
        if not self.exhausted and self._may_pull():
            try:
                item = self._source.take()
            except BaseException as error:  # whatever it is: raised here it would end the loop, not the run
                self.failure = error
                item = END
            if item is END:
                self.exhausted = True
            elif item is not NOTHING:
                index = self._next
                if index == self._fence:  # a list that grew while it was read
                    index = self._tail
                    self._tail += 1
                else:
                    self._next += 1
                work = Work(index, item, self._clock())
                self.pulled += 1
                self._left -= 1
                if self._idle:
                    self._wake_one()
                return work
        if self.exhausted and not (self.in_flight or self._parked or self._extra):
            self._drain()
        return None

    def _may_pull(self) -> bool:
        if self._chunk and self._left <= 0:
            if self.in_flight or self._parked:
                return False
            self._left = self._chunk
        return self._gate is None or self._gate(self._next)

    def _spent(self) -> bool:
        """Say whether nothing is left to rest for, as far as can be told without reading the input."""
        read = self.exhausted or self._next == self._fence
        return read and not (self.in_flight or self._parked or self._extra)

    def _drain(self) -> None:
        more = [] if self.failure is not None else list(self._sink.drained())
        if more:
            self.add(more)
        else:
            self._finish()

    def _finish(self) -> None:
        self._over = True
        if self._finished is not None and not self._finished.done():
            self._finished.set_result(None)

    async def _serve(self, work: Work, number: int) -> None:
        clock = self._clock
        began = work.began = clock()
        if not work.attempt:
            work.started = began
        work.attempt += 1
        work.first_byte = work.status = None
        work.bytes = 0
        self.in_flight += 1
        value: Any = None
        error: Exception | None = None
        try:
            value = await self._attempt(work)
        except asyncio.CancelledError as cancelled:
            if self._cancelling:
                error = errors.Cancelled("the run was cancelled during the attempt")
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
        finished = clock()
        self.in_flight -= 1
        made = work.attempt - work.before
        if error is not None and not self._over and self._retry.again(error, made, work.method):
            wait = self._retry.wait(made, self._random)
            self._sink.retried(work, number, finished, error, wait)
            self._park(work, finished + wait)
            return
        more = self._sink.ended(work, number, finished, value, error)
        if more:
            self.add(more)

    def _park(self, work: Work, due: float) -> None:
        heapq.heappush(self._parked, (due, work.index, work))
        if self._parked[0][2] is work:
            self._arm()

    def _arm(self) -> None:
        """Set the one timer to the earliest due time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._parked:
            wait = max(0.0, self._parked[0][0] - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait, self._unpark)

    def _unpark(self) -> None:
        """Offer what is due to the workers. Loops round their timers, so a little early is due too."""
        self._timer = None
        now = self._clock() + TIMER_RESOLUTION
        while self._parked and self._parked[0][0] <= now:
            self._extra.append(heapq.heappop(self._parked)[2])
            self._wake_one()
        self._arm()
