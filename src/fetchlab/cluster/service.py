"""How long one item takes on one node, as measured: by a sweep, or by a run on one machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench.prediction import BEYOND
from fetchlab.bench.swept import Sweep
from fetchlab.engine.knobs import whole
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Service", "positive"]

MANY = 10**9
"""Items of which a run's start and end are nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The service time of an item on a node of so many workers, and what else an item needs there.

    Attributes:
        seconds: mean, with that many workers.
        workers: of the node.
        spread: standard deviation of the service time as a share of its mean; where nobody knows, 1, that of
            an exponential, is taken.
        bytes: that an item's answer has, decoded.
        cpu_seconds: that an item keeps a core of the node busy; 0 where nobody knows.
        source: what it was measured by.

    Raises:
        ConfigError: a value cannot be.
    """

    seconds: float
    workers: int
    spread: float | None = None
    bytes: float = 0.0
    cpu_seconds: float = 0.0
    source: str = "given"

    def __post_init__(self) -> None:
        positive("seconds", self.seconds)
        whole("workers", self.workers)
        for name in ("variation", "bytes", "cpu_seconds"):
            positive("spread" if name == "variation" else name, getattr(self, name), or_zero=True)

    @property
    def variation(self) -> float:
        """The spread that is reckoned with."""
        return 1.0 if self.spread is None else self.spread

    @property
    def per_s(self) -> float:
        """Items that a node serves in a second: by Little's law, its workers over the service time."""
        return self.workers / self.seconds

    @classmethod
    def of(cls, measured: Sweep | pl.DataFrame, workers: int | None = None) -> Self:
        """Return what a sweep or a run's frame says of one item.

        A sweep knows throughput by workers, bytes and CPU, and nothing of the spread.
        A frame knows the service times themselves, of the workers it had, and no CPU.

        Args:
            measured: a sweep, or ``run.frame()`` of a run on one machine.
            workers: of a node; as many as recommended or seen unless told, at most 1.5 times the largest
                number measured, as everywhere.

        Raises:
            ConfigError: nothing is known about so many workers, or nothing was measured.
            StudyError: no number of workers of the sweep could be measured.
        """
        if isinstance(measured, Sweep):
            return cls._of_sweep(measured, workers)
        if isinstance(measured, pl.DataFrame) and {"worker", "elapsed", "ok", "cached", "bytes"} <= set(
            measured.columns
        ):
            return cls._of_frame(measured, workers)
        raise ConfigError("service", "give a sweep or a run's frame()")

    @classmethod
    def _of_sweep(cls, sweep: Sweep, workers: int | None) -> Self:
        count = sweep.recommended if workers is None else workers
        predicted = sweep.predict(MANY, count)
        sums = sweep.frame().filter(~pl.col("warmup")).select(pl.col("items", "bytes", "cpu_s").sum()).row(0)
        items, size, cpu = (float(value or 0) for value in sums)
        return cls(
            seconds=count * predicted.seconds / MANY,
            workers=count,
            bytes=size / items,
            cpu_seconds=cpu / items,
            source=f"a sweep, {predicted.model}",
        )

    @classmethod
    def _of_frame(cls, frame: pl.DataFrame, workers: int | None) -> Self:
        rows = frame.filter("ok", ~pl.col("cached"), pl.col("elapsed") > 0)
        if rows.is_empty():
            raise ConfigError("service", "no item of the frame was served")
        seen = rows["worker"].n_unique()
        count = seen if workers is None else workers
        whole("workers", count)
        if count > math.floor(BEYOND * seen):
            raise ConfigError(
                "workers", f"at most {math.floor(BEYOND * seen)}, 1.5 × those of the frame, not {count}"
            )
        mean, deviation, size = rows.select(
            mean=pl.col("elapsed").mean(),
            deviation=pl.col("elapsed").std(ddof=0),
            size=pl.col("bytes").mean(),
        ).row(0)
        return cls(
            seconds=mean,
            workers=count,
            spread=deviation / mean,
            bytes=size,
            source=f"a run of {rows.height:,} items",
        )


def positive(knob: str, value: object, *, or_zero: bool = False) -> None:
    """Refuse what is no finite number above 0; with ``or_zero`` 0 will do."""
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fine or not (value > 0 or (or_zero and value == 0)):  # type: ignore[operator]
        raise ConfigError(knob, f"must be a number {'of 0 or more' if or_zero else 'above 0'}, not {value!r}")
