"""The run a user holds: started at once, read and steered from any thread."""

from __future__ import annotations

import asyncio
import html
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from fetchlab import frame, loop
from fetchlab.engine import progress, saved
from fetchlab.engine.pulse import HEARTBEAT, Pulse
from fetchlab.engine.readings import Readings
from fetchlab.engine.signal import Bell
from fetchlab.engine.snapshot import ENDED, process_usage, snapshot
from fetchlab.engine.takers import KeptTaker, OnceTaker, Taker
from fetchlab.errors import ConfigError, JournalError
from fetchlab.policy.bounds import Bounds
from fetchlab.policy.concurrency import Adaptive
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator
    from pathlib import Path

    import polars as pl

    from fetchlab.engine.journaling import Journaling
    from fetchlab.engine.recorder import Recorder
    from fetchlab.engine.scheduler import Scheduler
    from fetchlab.model import Result, RunStats

__all__ = ["Run"]

CLOSE_ORDER = 10
RESULTS_PER_RING = 64
RING_SECONDS = 0.05
LIMITS_IN_FULL = 10_000
"""So many changes of an adaptive limit are noted each, later ones four times a second."""


class Run(Readings):
    """One execution of a task over items. ``fl.fetch`` and ``fl.map`` make it; it is running already.

    ``await run`` in a notebook cell, ``run.wait()`` in a script, ``for result in run`` to take results as
    they come. An item's failure is a value and never raises from these; :meth:`raise_for_errors` does.
    Every method is safe from any thread.
    """

    on_start: ClassVar[Callable[[Run], None] | None] = None
    """Set by the notebook floor: shows a new run's progress."""
    on_end_seen: ClassVar[Callable[[Run], None] | None] = None
    """Set by the notebook floor: refreshes that progress in the cell that waited."""

    def __init__(
        self,
        scheduler: Scheduler,
        recorder: Recorder,
        *,
        bounds: Bounds = Bounds(),  # noqa: B008  # frozen
        order: str = "completed",
        show: bool | None = None,
        product: Callable[[Run], Any] | None = None,
        at_end: Callable[[], None] = lambda: None,
        journal: Journaling | None = None,
    ) -> None:
        self._journal = journal
        self._scheduler = scheduler
        self._recorder = recorder
        self._pulse = Pulse(scheduler, recorder, bounds, self._halt)
        self._halted: str | None = None
        self._order = order
        self._show = show
        self._product = product
        self._at_end = at_end
        self._results_bell = Bell()
        self._end_bell = Bell()
        self._unrung = 0
        self._ring_timer: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()  # guards _state, _revive and _told: the loop ends what others steer
        self._state = "ready"
        self._serving = False
        self._revive = False
        self._told: BaseException | None = None
        self._forget: Callable[[], None] = lambda: None
        self._reader = "none"
        self._cpu_start, _ = process_usage()
        self._started_at = datetime.now(UTC)
        self._end_time: float | None = None
        self._end_usage: tuple[float, int] | None = None
        self._notes: Callable[[], dict[str, object]] = dict

    # life

    def begin(self) -> Run:
        """Start on the engine's thread and return at once; called by whoever made the run."""
        self._state = "running"
        self._note_limit()
        self._launch(retry=False)
        if Run.on_start is not None and self._show is not False:
            Run.on_start(self)
        return self

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
                if self._state != "cancelling":  # else it was cancelled before it could begin
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
        self._ring()
        self._end_bell.ring()

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
        return "cancelled" if self._state == "cancelling" else "done"

    def _end(self) -> bool:
        """Settle the final state; False if the run is to go on at once."""
        with self._lock:
            if self._revive:
                self._revive, self._state, self._halted = False, "running", None
                self._pulse.begin()
                return False
            self._end_time, self._end_usage = time.perf_counter(), process_usage()
            self._state = self._final_state()
            return True

    def _halt(self, why: str) -> None:
        """Stop because a bound is exceeded; everything done is kept."""
        with self._lock:
            if self._state not in ("running", "paused"):
                return
            self._state, self._halted = "cancelling", why
        self._recorder.logbook.stopped(why)
        self._scheduler.resume()
        self._scheduler.cancel(f"the run stopped ({why})")

    async def _close(self) -> None:
        """At exit: abort what is in flight, so that clients can be closed."""
        self.cancel()
        self._cancel()
        await self._end_bell.heard(lambda: self.ended)

    # state

    @property
    def state(self) -> str:
        """One of ready, running, paused, cancelling, cancelled, stopped, done."""
        return self._state

    @property
    def ended(self) -> bool:
        """True once the run is cancelled, stopped or done."""
        return self._state in ENDED

    @property
    def stopped_by(self) -> str | None:
        """Why the run stopped by itself, None if it did not: the bound it exceeded, or its input's error."""
        failure = self._scheduler.failure
        if failure is not None:
            return redact_text(f"{type(failure).__name__}: {failure}")
        return self._halted

    @property
    def workers(self) -> int:
        """The number of worker slots now. Assign a number or ``fl.Adaptive()`` to resize a live run."""
        return self._scheduler.width

    @workers.setter
    def workers(self, value: int | Adaptive) -> None:
        if not isinstance(value, Adaptive):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(
                    "workers", f"must be a whole number of 1 or more or fl.Adaptive(), not {value!r}"
                )
            self._scheduler.width = value
        loop.call_soon(self._resize, value)

    def pause(self) -> Run:
        """Take no further items; what is in flight ends."""
        with self._lock:
            if self._state == "running":
                self._state = "paused"
                loop.call_soon(self._follow_state)
        return self

    def resume(self) -> Run:
        """Go on after :meth:`pause`."""
        with self._lock:
            if self._state == "paused":
                self._state = "running"
                loop.call_soon(self._follow_state)
        return self

    def cancel(self) -> Run:
        """Abort what is in flight, keep what is done. :meth:`retry_failed` can go on later."""
        with self._lock:
            if not self.ended:
                self._state, self._revive = "cancelling", False
                loop.call_soon(self._cancel)
        return self

    def retry_failed(self) -> Run:
        """Try every failed item again, and go on with the input if the run was cancelled.

        Raises:
            JournalError: the run has ended, and its journal cannot be opened again now.
        """
        with self._lock:
            over = self.ended
            if over and self._journal is not None:
                self._journal.open()
                if isinstance(
                    self._scheduler.failure, JournalError
                ):  # it may be over: there is room again, say
                    self._scheduler.failure = None
            if self._state == "cancelling":
                self._revive = True  # once what is in flight has ended
            elif over:
                self._end_time, self._end_usage, self._state = None, None, "running"
                self._launch(retry=True)
            else:
                loop.call_soon(self._again)
        return self

    def _resize(self, value: int | Adaptive) -> None:
        self._scheduler.resize(value)
        self._note_limit()

    def resized(self) -> None:
        """Note that the number of workers changed by itself; called on the loop, many times a second."""
        limits = self._recorder.limits
        now = time.perf_counter() - self._recorder.start
        if len(limits) > LIMITS_IN_FULL and now - limits[-1][0] < HEARTBEAT:
            return
        limits.append((now, self._scheduler.width))

    def _follow_state(self) -> None:
        if self._state == "paused":
            self._scheduler.pause()
        elif self._state == "running":
            self._scheduler.resume()

    def _cancel(self) -> None:
        if self._state == "cancelling" and self._serving:
            self._scheduler.resume()
            self._scheduler.cancel()

    def _again(self) -> None:
        self._scheduler.again(self._recorder.to_retry())

    def _note_limit(self) -> None:
        self._recorder.limits.append((time.perf_counter() - self._recorder.start, self._scheduler.width))

    @property
    def notes(self) -> dict[str, object]:
        """What a study observed beside its product; empty for ``fetch`` and ``map``."""
        return self._notes()

    def notes_from(self, source: Callable[[], dict[str, object]]) -> None:
        """Tell where :attr:`notes` come from; called by the study that made the run."""
        self._notes = source

    # waiting

    def wait(self, timeout: float | None = None) -> Run:
        """Block until the run has ended; return it. Interrupting the wait leaves the run going.

        Args:
            timeout: seconds, None for no limit.

        Raises:
            TimeoutError: it has not ended by then; it goes on.
            Exception: whatever the input iterable raised, once.
        """
        if not self.ended:
            self._may_block("wait", "await the run")
        self._discard_unread()
        shown = self.ended or Run.on_start is not None
        text = progress.TextProgress(wanted=False if shown else self._show)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.ended:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(
                    f"not ended after {timeout:g} s, it goes on: {progress.line(self.stats())}"
                )
            step = text.every if text.active else 1.0
            self._end_bell.wait(lambda: self.ended, step if left is None else min(step, left))
            if text.active and not self.ended:
                text.show(self.stats())
        if text.active:
            text.end(self.stats())
        return self._seen()

    def __await__(self) -> Generator[Any, Any, Run]:
        return self._awaited().__await__()

    async def _awaited(self) -> Run:
        self._discard_unread()
        await self._end_bell.heard(lambda: self.ended)
        return self._seen()

    def wait_until_ended(self) -> None:
        """Block until the run has ended, and leave results and errors to those who wait for them."""
        self._may_block("journal", "the run that is ending here uses the same journal")
        self._end_bell.wait(lambda: self.ended)

    def _seen(self) -> Run:
        if Run.on_end_seen is not None and self._show is not False:
            Run.on_end_seen(self)
        with self._lock:
            failure = self._scheduler.failure
            if failure is not None and failure is not self._told:
                self._told = failure
                raise failure
        return self

    def _discard_unread(self) -> None:
        """Nobody reads, so that nothing would ever make room for more."""
        if not self._recorder.keep and self._reader != "reading" and not self._recorder.discard:
            self._reader = "gone"
            self._recorder.discard = True
            self._recorder.unread.clear()
            loop.call_soon(self._scheduler.wake)

    @staticmethod
    def _may_block(what: str, instead: str) -> None:
        if loop.on_loop_thread():
            raise ConfigError(
                what, f"this is the engine's own thread, where waiting would be for ever; {instead}"
            )

    # results

    def __iter__(self) -> Iterator[Result]:
        self._may_block("for", "use async for")
        take = self._taker()
        try:
            while True:
                batch = take()
                yield from batch
                if batch:
                    continue
                if self.ended and not (batch := take(last=True)):
                    self._seen()
                    return
                yield from batch
                self._results_bell.wait(lambda: self.ended or take.ready())
        finally:
            self._leave_reader()

    async def __aiter__(self) -> AsyncIterator[Result]:
        take = self._taker()
        try:
            while True:
                batch = take()
                for result in batch:
                    yield result
                if batch:
                    continue
                if self.ended and not (batch := take(last=True)):
                    self._seen()
                    return
                for result in batch:
                    yield result
                await self._results_bell.heard(lambda: self.ended or take.ready())
        finally:
            self._leave_reader()

    def _leave_reader(self) -> None:
        if self._reader == "reading":
            self._reader = "gone"

    def _taker(self) -> Taker:
        if self._recorder.keep:
            return KeptTaker(self._recorder, ordered=self._order == "input")
        if self._reader != "none":
            raise ConfigError(
                "keep", "with keep=False values go to one reader only, and there has been one already"
            )
        self._reader = "reading"
        return OnceTaker(
            self._recorder, lambda: loop.call_soon(self._scheduler.wake), ordered=self._order == "input"
        )

    def results(self) -> list[Result]:
        """Wait, then return every item's latest result, sorted by ``index``."""
        self._needs_values("results()")
        self.wait()
        return sorted(self, key=lambda result: result.index)

    def result(self) -> Any:
        """Wait, then return the product.

        For ``fetch`` and ``map`` a list of values aligned with the input, None where an item failed; for a
        study what the study is after.

        Raises:
            ConfigError: the run keeps no values (``keep=False``).
        """
        self._needs_values("result()")
        self.wait()
        if self._product is not None:
            return self._product(self)
        values = self._recorder.every_value()
        return [values.get(index) for index in range(self._scheduler.extent)]

    def _needs_values(self, what: str) -> None:
        if not self._recorder.keep:
            raise ConfigError("keep", f"{what} needs values, and keep=False holds none; iterate over the run")

    def raise_for_errors(self) -> Run:
        """Wait, then raise the first failed item's error, if any."""
        self.wait()
        errors = self._recorder.errors.copy()
        if errors:
            raise errors[min(errors)]
        return self

    # readings

    def frame(self) -> pl.DataFrame:
        """Return the timings: one row per ended item, sorted by ``index``; see :class:`Readings`."""
        return self._recorder.ledger.timings()

    def attempts(self) -> pl.DataFrame:
        """Return one row per attempt; see :class:`Readings`."""
        return self._recorder.ledger.attempts()

    def table(self) -> pl.DataFrame:
        """Return the values joined to their timings; see :class:`Readings`."""
        self._needs_values("table()")
        values = dict(sorted(self._recorder.every_value().items()))
        return frame.join_timings(frame.values_frame(list(values), list(values.values())), self.frame())

    def limits(self) -> list[tuple[float, int]]:
        """Return the worker limit over time as (second, limit)."""
        return list(self._recorder.limits)

    def stats(self) -> RunStats:
        """Return a snapshot of the run."""
        return snapshot(
            self._state,
            self._recorder,
            self._scheduler,
            now=self._end_time or time.perf_counter(),
            usage=self._end_usage or process_usage(),
            cpu_start=self._cpu_start,
            started_at=self._started_at,
        )

    def save(self, folder: str | Path) -> Path:
        """Wait, then write timings, attempts and values as Parquet and ``run.json``, for ``fl.load``.

        Values that no Parquet column holds are written as JSON text where they are JSON; otherwise all but
        the values is written, and a warning says so. ``run.json`` has it under ``values``.
        """
        self.wait()
        return saved.write(self, folder, values=self._recorder.keep)

    def __repr__(self) -> str:
        return f"Run({progress.line(self.stats())})"

    def _repr_html_(self) -> str:
        errors = ", ".join(f"{kind} {count:,}" for kind, count in self.stats().errors.items())
        detail = f"<br><small>{html.escape(errors)} · see run.errors()</small>" if errors else ""
        return f"<code>Run</code> {html.escape(progress.line(self.stats()))}{detail}"

    # the engine's side

    def changed(self) -> None:
        """Tell readers in groups that results came; called on the loop after every item."""
        self._unrung += 1
        if not self._results_bell.waiting:
            return
        if self._unrung >= RESULTS_PER_RING:
            self._ring()
        elif self._ring_timer is None:
            self._ring_timer = asyncio.get_running_loop().call_later(RING_SECONDS, self._ring)

    def _ring(self) -> None:
        self._unrung = 0
        if self._ring_timer is not None:
            self._ring_timer.cancel()
            self._ring_timer = None
        self._results_bell.ring()
