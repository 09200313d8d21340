"""The run a user holds: started at once, read and steered from any thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fetchlab import frame
from fetchlab.engine import progress, saved
from fetchlab.engine.life import Life
from fetchlab.engine.readings import Readings
from fetchlab.engine.signal import GroupBell
from fetchlab.engine.waiting import Waiting
from fetchlab.errors import ConfigError
from fetchlab.policy.bounds import Bounds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator
    from pathlib import Path

    import polars as pl

    from fetchlab.engine.journaling import Journaling
    from fetchlab.engine.recorder import Recorder
    from fetchlab.engine.scheduler import Scheduler
    from fetchlab.model import Result, RunStats
    from fetchlab.policy.concurrency import Adaptive

__all__ = ["Run"]


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
        self._scheduler = scheduler
        self._recorder = recorder
        self._show = show
        self._product = product
        self._notes: Callable[[], dict[str, object]] = dict
        self._news = GroupBell()
        self._life = Life(scheduler, recorder, bounds=bounds, journal=journal, at_end=at_end, news=self._news)
        self._waiting = Waiting(
            self._life, recorder, self._news, order=order, wake=scheduler.wake, seen=self._seen
        )

    # life

    def begin(self) -> Run:
        """Start on the engine's thread and return at once; called by whoever made the run."""
        self._life.begin()
        if Run.on_start is not None and self._show is not False:
            Run.on_start(self)
        return self

    # state

    @property
    def state(self) -> str:
        """One of ready, running, paused, cancelling, cancelled, stopped, done."""
        return self._life.state

    @property
    def ended(self) -> bool:
        """True once the run is cancelled, stopped or done."""
        return self._life.ended

    @property
    def stopped_by(self) -> str | None:
        """Why the run stopped by itself, None if it did not: the bound it exceeded, or its input's error."""
        return self._life.stopped_by

    @property
    def workers(self) -> int:
        """The number of worker slots now. Assign a number or ``fl.Adaptive()`` to resize a live run."""
        return self._scheduler.width

    @workers.setter
    def workers(self, value: int | Adaptive) -> None:
        self._life.resize(value)

    def pause(self) -> Run:
        """Take no further items; what is in flight ends."""
        self._life.pause()
        return self

    def resume(self) -> Run:
        """Go on after :meth:`pause`."""
        self._life.resume()
        return self

    def cancel(self) -> Run:
        """Abort what is in flight, keep what is done. :meth:`retry_failed` can go on later."""
        self._life.cancel()
        return self

    def retry_failed(self) -> Run:
        """Try every failed item again, and go on with the input if the run was cancelled.

        Raises:
            JournalError: the run has ended, and its journal cannot be opened again now.
        """
        self._life.retry_failed()
        return self

    def resized(self) -> None:
        """Note that the number of workers changed by itself; called on the loop, many times a second."""
        self._life.resized()

    @property
    def notes(self) -> dict[str, object]:
        """What a study observed beside its product.

        Of ``fetch`` and ``map``: ``values_of_another_version``, how many of a journal's values another
        version of the function made, if there are some.
        """
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
        self._waiting.until_end(timeout, show=self._show if Run.on_start is None else False)
        return self._seen()

    def __await__(self) -> Generator[Any, Any, Run]:
        return self._awaited().__await__()

    async def _awaited(self) -> Run:
        await self._waiting.end_heard()
        return self._seen()

    def wait_until_ended(self) -> None:
        """Block until the run has ended, and leave results and errors to those who wait for them."""
        self._waiting.leaving_results()

    def _seen(self) -> Run:
        if Run.on_end_seen is not None and self._show is not False:
            Run.on_end_seen(self)
        self._life.tell()
        return self

    # results

    def __iter__(self) -> Iterator[Result]:
        return self._waiting.results()

    def __aiter__(self) -> AsyncIterator[Result]:
        return self._waiting.results_heard()

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

    @property
    def has_product(self) -> bool:
        """Whether :meth:`result` is what a study is after, not the plain list of values."""
        return self._product is not None

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
        return self._life.stats()

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
        import html  # a megabyte of entities

        errors = ", ".join(f"{kind} {count:,}" for kind, count in self.stats().errors.items())
        detail = f"<br><small>{html.escape(errors)} · see run.errors()</small>" if errors else ""
        return f"<code>Run</code> {html.escape(progress.line(self.stats()))}{detail}"

    # the engine's side

    def changed(self) -> None:
        """Tell readers in groups that results came; called on the loop after every item."""
        self._news.changed()
