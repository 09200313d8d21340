"""The scheduler: puts together who decides, sitting by sitting, and is steered.

:mod:`~fetchlab.engine.turns` says what comes next, :mod:`~fetchlab.engine.serving` makes the attempt,
:mod:`~fetchlab.engine.endings` says what becomes of the item.

The scheduler does no I/O of its own and reads no clock but the one it is given: under a virtual clock it
is deterministic. It runs entirely on one event loop; nothing here is safe from another thread.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.engine.crew import Crew
from fetchlab.engine.endings import Endings
from fetchlab.engine.intake import Intake
from fetchlab.engine.lanes import Lanes
from fetchlab.engine.parking import Parking
from fetchlab.engine.remote import Hooks, TrueTimes
from fetchlab.engine.serving import Serving
from fetchlab.engine.sizing import Sizing
from fetchlab.engine.turns import Turns
from fetchlab.policy.host import HostRules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from random import Random

    from fetchlab.engine.earlier import Earlier
    from fetchlab.engine.remote import RemotePlace
    from fetchlab.engine.sink import Sink
    from fetchlab.engine.source import Source
    from fetchlab.engine.strategies import Plan
    from fetchlab.engine.work import Work
    from fetchlab.policy.concurrency import Adaptive
    from fetchlab.policy.rate import RateLimit
    from fetchlab.policy.retry import Retry

__all__ = ["Scheduler"]


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
        remembered: where a host's adaptive limit begins, None for where its knob says.
        remote: where attempts are made, None for here.
        may_begin: asked before work that has been read is served, again or after it waited; who says no wakes
            the scheduler later.
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
        remembered: Callable[[str], int | None] = lambda _: None,
        remote: RemotePlace | None = None,
        may_begin: Callable[[], bool] | None = None,
    ) -> None:
        self._clock = clock
        self._sink = sink
        self._earlier = earlier
        self._remote = remote
        self._on_width = on_width
        self._finished: asyncio.Future[None] | None = None
        self._intake = Intake(source, clock, sink, gate=gate, dedup=dedup, earlier=earlier)
        self._lanes = Lanes(
            lambda host: HostRules(
                retry, rate(host), self._sizing.adaptive, breaks=bool(host), remembered=remembered(host)
            ),
            clock,
            by_priority=priority is not None,
            on_hopeless=lambda works, why: self._endings.give_up(works, why),  # noqa: PLW0108  # made below
            on_due=lambda: self._parking.arm(),  # noqa: PLW0108  # made below
        )
        self._parking = Parking(
            clock,
            others_due=lambda: self._lanes.due,
            on_due=lambda works: self._turns.unpark(works),  # noqa: PLW0108  # made below
        )
        self._crew = Crew(plan.width, self.stop)
        self._sizing = Sizing(plan.adaptive, self._lanes, self._crew, on_width)
        self._turns = Turns(
            self._intake,
            self._lanes,
            self._parking,
            self._crew,
            self._sizing,
            plan,
            clock=clock,
            prepare=prepare,
            priority=priority,
            earlier=earlier,
            on_spent=self._drain,
            may_begin=may_begin,
        )
        self._endings = Endings(
            sink,
            self._intake,
            self._turns,
            self._lanes,
            self._parking,
            self._crew,
            self._sizing,
            retry=retry,
            random=random,
            wall=wall,
            clock=clock,
            rescue=rescue,
            dedups=dedup is not None,
        )
        endings = self._endings if remote is None else TrueTimes(self._endings)
        self._serving = Serving(attempt, self._lanes, self._crew, endings, clock)

    @property
    def width(self) -> int:
        """Workers."""
        return self._crew.width if self._remote is None else self._remote.slots

    @width.setter
    def width(self, value: int) -> None:
        if self._remote is None:
            self._crew.width = value
        else:
            self._remote.resize(value)

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        under_way = self._crew.in_flight
        return under_way if self._remote is None else min(under_way, self._remote.slots)

    @property
    def remote(self) -> bool:
        """True if attempts are made on other machines."""
        return self._remote is not None

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
        if self._remote is not None and not self._remote.slots and self._crew.in_flight:
            waits["a worker of the cluster"] = self._crew.in_flight
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
        self._finished = asyncio.get_running_loop().create_future()
        serving, turns = self._serving, self._turns
        serving.cancelling = None
        self._crew.begin(turns.take, serving.serve, turns.rest)
        turns.begin(again)
        source = self._intake.source
        source.start(self._crew.wake)
        try:
            if self._remote is not None:
                await self._remote.begin(self._hooks())
            total = source.total
            self._crew.spawn(self._crew.width if total is None or self._intake.joined else max(total, 1))
            await self._finished
        finally:
            await self._crew.leave(at_once=serving.cancelling is not None)
            if self._earlier is not None:
                await self._earlier.settled()
            self._parking.disarm()
            turns.keep(self._parking.clear())  # there are some if the run stopped by itself
            turns.keep(self._lanes.clear())
            source.stop()

    def add(self, items: Iterable[Any]) -> None:
        """Put further items before the rest of the input."""
        self._turns.add(items)

    def again(self, works: Iterable[Work]) -> None:
        """Serve work once more, before the rest of the input."""
        self._turns.again(works)

    def resize(self, width: int | Adaptive) -> None:
        """Change the number of workers, fixed or adaptive; surplus ones leave after their item."""
        if self._remote is not None:
            assert isinstance(width, int)  # the run has seen to it
            self._remote.resize(width)
            return
        self._sizing.change(width)
        self._turns.resized()

    def slow_down(self, *, hold: bool, cut: bool) -> None:
        """Under an adaptive limit: let no limit grow, or cut them, because this process is the bottleneck."""
        self._sizing.slow_down(self._clock(), hold=hold, cut=cut)

    def pause(self) -> None:
        """Take no further item; what is in flight ends."""
        self._turns.paused = True
        if self._remote is not None:
            self._remote.pause()

    def resume(self) -> None:
        """Take items again."""
        self._turns.paused = False
        if self._remote is not None:
            self._remote.resume()
        self._lanes.hope()
        self._crew.wake()

    def cancel(self, why: str = "the run was cancelled") -> None:
        """Abort what is in flight and end what is parked, each as ``Cancelled``; keep the rest unread."""
        self._serving.cancelling = why
        if self._remote is not None:
            self._remote.cancel()
        now = self._clock()
        for work in self._lanes.clear() + self._parking.clear():
            if work.attempt > work.before:
                error = errors.Cancelled(f"{why} while the item waited")
                self._endings.end(work, 0, now, error, tried=False)
            else:
                self._turns.keep([work])
        self._finish()

    def wake(self) -> None:
        """Let every idle worker look again."""
        self._crew.wake()

    def stop(self, error: Exception) -> None:
        """End because of an error that is nobody's item's; what is in flight ends first."""
        self.failure = self.failure or error
        self._finish()

    def _hooks(self) -> Hooks:
        """What the place elsewhere may ask of this run."""
        intake, lanes, crew = self._intake, self._lanes, self._crew

        def hold(items: int) -> None:
            if items != crew.width:
                crew.width = items
                crew.spawn(items)
                crew.wake()

        def left() -> int | None:
            return None if intake.total is None else intake.total - intake.joined + lanes.waiting

        return Hooks(hold, left, lanes.by_host.get, self._on_width, self.stop)

    def _drain(self) -> None:
        """Nothing is left: serve what the sink adds, or finish."""
        more = [] if self.failure is not None else list(self._sink.drained())
        if more:
            self.add(more)
        else:
            self._finish()

    def _finish(self) -> None:
        self._crew.over = True
        if self._finished is not None and not self._finished.done():
            self._finished.set_result(None)
