"""A run's life: it begins, is driven on the engine's loop, is steered from any thread, and ends."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fetchlab import loop
from fetchlab.engine import progress
from fetchlab.engine.knobs import whole
from fetchlab.engine.pulse import HEARTBEAT, Pulse
from fetchlab.engine.signal import Bell
from fetchlab.engine.snapshot import ENDED, process_usage, snapshot
from fetchlab.errors import ConfigError, JournalError
from fetchlab.policy.concurrency import Adaptive
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.journaling import Journaling
    from fetchlab.engine.recorder import Recorder
    from fetchlab.engine.scheduler import Scheduler
    from fetchlab.model import RunStats
    from fetchlab.policy.bounds import Bounds

__all__ = ["Life"]

CLOSE_ORDER = 10
LIMITS_IN_FULL = 10_000
"""So many changes of an adaptive limit are noted each, later ones four times a second."""


class Life:
    """Has a scheduler serve until nothing is left, sitting by sitting. Every method is safe from any thread.

    Args:
        scheduler: serves the items.
        recorder: remembers what became of them.
        bounds: what the run must not exceed.
        journal: has everything before the state says that the run ended, None without one.
        at_end: called then, before anybody who waits is told.
        news: rung then, for those who wait for results.

    Attributes:
        state: one of ready, running, paused, cancelling, cancelled, stopped, done.
        end: rung when the run has ended.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        recorder: Recorder,
        *,
        bounds: Bounds,
        journal: Journaling | None,
        at_end: Callable[[], None],
        news: Bell,
    ) -> None:
        self.state = "ready"
        self.end = Bell()
        self._scheduler = scheduler
        self._recorder = recorder
        self._journal = journal
        self._pulse = Pulse(scheduler, recorder, bounds, self._halt)
        self._at_end = at_end
        self._news = news
        self._lock = threading.Lock()  # guards state, _revive and _told: the loop ends what others steer
        self._serving = False
        self._revive = False
        self._halted: str | None = None
        self._told: BaseException | None = None
        self._forget: Callable[[], None] = lambda: None
        self._cpu_start, _ = process_usage()
        self._started_at = datetime.now(UTC)
        self._end_time: float | None = None
        self._end_usage: tuple[float, int] | None = None

    # how it stands

    @property
    def ended(self) -> bool:
        """True once the run is cancelled, stopped or done."""
        return self.state in ENDED

    @property
    def stopped_by(self) -> str | None:
        """Why the run stopped by itself, None if it did not: the bound it exceeded, or its input's error."""
        failure = self._scheduler.failure
        if failure is not None:
            return redact_text(f"{type(failure).__name__}: {failure}")
        return self._halted

    def stats(self) -> RunStats:
        """Return a snapshot of the run."""
        return snapshot(
            self.state,
            self._recorder,
            self._scheduler,
            now=self._end_time or time.perf_counter(),
            usage=self._end_usage or process_usage(),
            cpu_start=self._cpu_start,
            started_at=self._started_at,
        )

    def tell(self) -> None:
        """Raise what stopped the run, to the first who asks."""
        with self._lock:
            failure = self._scheduler.failure
            if failure is not None and failure is not self._told:
                self._told = failure
                raise failure

    # from the beginning to the end

    def begin(self) -> None:
        """Start on the engine's thread and return at once."""
        self.state = "running"
        self._note_limit()
        self._launch(retry=False)

    def _launch(self, *, retry: bool) -> None:
        self._halted = None
        self._recorder.logbook.started(self._scheduler.total, self._scheduler.width, again=retry)
        self._pulse.begin()
        self._forget = loop.on_close(self._close, order=CLOSE_ORDER)
        loop.submit(self._drive(retry=retry))

    async def _drive(self, *, retry: bool) -> None:
        beats = [asyncio.ensure_future(self._pulse.beat())]
        if self._journal is not None:
            beats.append(asyncio.ensure_future(self._journal.beat(self.stats)))
        try:
            while True:
                if self._journal is not None:
                    await self._journal.ready()
                if self.state != "cancelling":  # else it was cancelled before it could begin
                    self._serving = True
                    await self._scheduler.run(self._recorder.to_retry() if retry else ())
                    self._serving = False
                await self._end_session()
                if self._end():
                    break
                retry = True
                if self._journal is not None:
                    self._journal.open()
        except Exception as error:
            self._scheduler.failure = error
            self._revive = False
            await self._end_session()
            self._end()
        finally:
            for beat in beats:
                beat.cancel()
            self._forget()
        if self._scheduler.failure is not None:
            self._recorder.logbook.stopped(self.stopped_by or "")
        self._recorder.logbook.ended(progress.line(self.stats()))
        self._at_end()
        self._news.ring()
        self.end.ring()

    async def _end_session(self) -> None:
        """Have everything in the journal before anybody is told that the run has ended."""
        if self._journal is None:
            return
        try:
            await self._journal.end(self._final_state(), self.stats())
        except Exception as error:
            if self._scheduler.failure is None:
                self._scheduler.failure = error

    def _final_state(self) -> str:
        if self._scheduler.failure is not None or self._halted is not None:
            return "stopped"
        return "cancelled" if self.state == "cancelling" else "done"

    def _end(self) -> bool:
        """Settle the final state; False if the run is to go on at once."""
        with self._lock:
            if self._revive:
                self._revive, self.state, self._halted = False, "running", None
                self._pulse.begin()
                return False
            self._end_time, self._end_usage = time.perf_counter(), process_usage()
            self.state = self._final_state()
            return True

    def _halt(self, why: str) -> None:
        """Stop because a bound is exceeded; everything done is kept."""
        with self._lock:
            if self.state not in ("running", "paused"):
                return
            self.state, self._halted = "cancelling", why
        self._recorder.logbook.stopped(why)
        self._scheduler.resume()
        self._scheduler.cancel(f"the run stopped ({why})")

    async def _close(self) -> None:
        """At exit: abort what is in flight, so that clients can be closed."""
        self.cancel()
        self._cancel()
        await self.end.heard(lambda: self.ended)

    # steering

    def pause(self) -> None:
        """Take no further items; what is in flight ends."""
        with self._lock:
            if self.state == "running":
                self.state = "paused"
                loop.call_soon(self._follow_state)

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        with self._lock:
            if self.state == "paused":
                self.state = "running"
                loop.call_soon(self._follow_state)

    def cancel(self) -> None:
        """Abort what is in flight, keep what is done."""
        with self._lock:
            if not self.ended:
                self.state, self._revive = "cancelling", False
                loop.call_soon(self._cancel)

    def retry_failed(self) -> None:
        """Try every failed item again, and go on with the input if the run was cancelled.

        Raises:
            JournalError: the run has ended, and its journal cannot be opened again now.
        """
        with self._lock:
            over = self.ended
            if over and self._journal is not None:
                self._journal.open()
                if isinstance(self._scheduler.failure, JournalError):  # over, perhaps: there is room again
                    self._scheduler.failure = None
            if self.state == "cancelling":
                self._revive = True  # once what is in flight has ended
            elif over:
                self._end_time, self._end_usage, self.state = None, None, "running"
                self._launch(retry=True)
            else:
                loop.call_soon(self._again)

    def resize(self, value: int | Adaptive) -> None:
        """Change the number of workers, fixed or adaptive."""
        if not isinstance(value, Adaptive):
            whole("workers", value, instead=" or fl.Adaptive()")
            self._scheduler.width = value
        elif self._scheduler.remote:
            raise ConfigError("workers", "is a whole number where attempts are made on a cluster")
        loop.call_soon(self._resize, value)

    def resized(self) -> None:
        """Note that the number of workers changed by itself; called on the loop, many times a second."""
        limits = self._recorder.limits
        now = time.perf_counter() - self._recorder.start
        if len(limits) > LIMITS_IN_FULL and now - limits[-1][0] < HEARTBEAT:
            return
        limits.append((now, self._scheduler.width))

    # on the loop

    def _follow_state(self) -> None:
        if self.state == "paused":
            self._scheduler.pause()
        elif self.state == "running":
            self._scheduler.resume()

    def _cancel(self) -> None:
        if self.state == "cancelling" and self._serving:
            self._scheduler.resume()
            self._scheduler.cancel()

    def _again(self) -> None:
        self._scheduler.again(self._recorder.to_retry())

    def _resize(self, value: int | Adaptive) -> None:
        self._scheduler.resize(value)
        self._note_limit()

    def _note_limit(self) -> None:
        self._recorder.limits.append((time.perf_counter() - self._recorder.start, self._scheduler.width))
