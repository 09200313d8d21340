"""What can be read of a run, live or saved: its tables and plots."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from fetchlab import frame
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

    from fetchlab.model import RunStats

__all__ = ["Readings"]


class Readings(ABC):
    """The tables of a run. Times are seconds since its start, sizes are decoded bytes."""

    @abstractmethod
    def frame(self) -> pl.DataFrame:
        """Return the timings: one row per ended item, sorted by ``index``.

        Columns: ``index u32, key str, host str, ok bool, status u16?, error str?, message str?,
        attempts u16, cached bool, session u16, worker u32, queued f64, started f64, first_byte f64?,
        finished f64, wait f64, elapsed f64, bytes u64``. ``started`` is that of the first attempt,
        ``first_byte`` that of the last; ``wait`` is queued to started, ``elapsed`` started to finished.
        """

    @abstractmethod
    def attempts(self) -> pl.DataFrame:
        """Return one row per attempt, with its own times, status and error.

        ``wait`` is the seconds waited after the attempt and ``reason`` why, null where none followed.
        """

    @abstractmethod
    def table(self) -> pl.DataFrame:
        """Return the values, one row per item that has one, joined to its timings by ``index``.

        Dicts, dataclasses and models become columns, anything else one column ``value``. A timing whose
        name a value has too is prefixed ``run.``.
        """

    @abstractmethod
    def stats(self) -> RunStats:
        """Return a snapshot of the run."""

    @abstractmethod
    def limits(self) -> list[tuple[float, int]]:
        """Return the worker limit over time as (second, limit)."""

    def errors(self) -> pl.DataFrame:
        """Return the failed items grouped by error kind and host, with an example and the knob that helps."""
        return frame.errors_frame(self.frame())

    def concurrency(self) -> pl.DataFrame:
        """Return attempts in flight and the worker limit over time, a row whenever either changed."""
        return frame.concurrency_frame(self.attempts(), self.limits())

    def plot(self) -> alt.VConcatChart:
        """Return throughput and in-flight over time, the latency histogram and a sampled Gantt chart.

        Raises:
            ConfigError: no item has ended.
        """
        import altair as alt

        from fetchlab import plot

        timings = self.frame()
        if timings.is_empty():
            raise ConfigError("plot", "there is nothing to draw, because no item of this run has ended")
        charts = [plot.throughput(timings), plot.latency(timings), plot.gantt(timings, self.attempts())]
        return alt.vconcat(*charts)
