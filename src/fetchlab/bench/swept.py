"""What a sweep found: its rows, its fits, the recommendation, and what they predict."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from fetchlab.bench import record
from fetchlab.bench.bounds import ideal
from fetchlab.bench.prediction import BEYOND, Prediction, predict
from fetchlab.bench.publish import published
from fetchlab.bench.recommendation import Recommendation, recommend
from fetchlab.bench.scaling import Fit, Points, chosen, fit_all, fits_frame
from fetchlab.engine.strategies import Async
from fetchlab.errors import StoreError, StudyError

if TYPE_CHECKING:
    from os import PathLike
    from typing import Self

    import altair as alt
    import great_tables

__all__ = ["ROWS", "Sweep"]

ROWS = pl.Schema(
    {
        "workers": pl.UInt32,
        "round": pl.Int32,
        "warmup": pl.Boolean,
        "position": pl.UInt16,
        "seconds": pl.Float64,
        "items": pl.UInt64,
        "ok": pl.UInt64,
        "failed": pl.UInt64,
        "throughput": pl.Float64,
        "overhead": pl.Float64,
        "in_flight": pl.Float64,
        "attempts": pl.UInt64,
        "refused": pl.UInt64,
        "bytes": pl.UInt64,
        "cpu_s": pl.Float64,
        "error": pl.String,
    }
)
FILE = "sweep.parquet"
CURVE_POINTS = 80


class Sweep:
    """Throughput over numbers of workers. Made by ``fl.sweep``, or read from disk by :meth:`load`.

    Args:
        rows: a row per number of workers and round, ROWS schema; see :meth:`frame`.
        settings: what it was measured with.
        environment: the machine's record from before the first measurement.

    Attributes:
        settings: what it was measured with: work, workers, rounds, seconds, seed; numbers ``skipped`` for
            want of items; numbers ``beyond`` where it ``stopped``, and why.
        environment: machine, software and state before the first measurement.
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        settings: dict[str, Any] | None = None,
        environment: dict[str, Any] | None = None,
    ) -> None:
        self._rows = rows
        self.settings = settings or {}
        self.environment = environment or {}

    def frame(self) -> pl.DataFrame:
        """Return the raw rows, one per number of workers and round, in the order they were measured.

        Columns: ``workers u32, round i32`` (0 and below are warm-ups, of which one number may have two)``,
        warmup bool, position u16`` (in its round)``, seconds f64?, items u64?, ok u64?, failed u64?,
        throughput f64?`` (items with a value per second, while all workers were busy)``, overhead f64?``
        (seconds that the run took beside)``, in_flight f64?`` (requests, on average)``, attempts u64?,
        refused u64?, bytes u64?, cpu_s f64?, error str?``. A measurement that failed has its error and nulls.
        """
        return self._rows

    def fits(self) -> pl.DataFrame:
        """Return a row per model: parameters with 95 % intervals, AICc, and which one is chosen.

        Models: ``usl`` is λN / (1 + σ(N-1) + κN(N-1)), the Universal Scalability Law (Gunther 2007);
        ``roofline`` is min(λN, cap) (Williams et al. 2009); ``linear`` is λN. Intervals are by profile
        likelihood; AICc is Hurvich and Tsai's (1989).

        Columns: ``model str, chosen bool, aicc f64?, weight f64?`` (Akaike's)``, lambda, sigma, kappa, cap
        f64?``, each followed by ``…_low`` and ``…_high`` (λ and cap in items/s)``, peak_at f64?``
        (workers)``, noise f64?`` (residual standard deviation as a share)``, misfit f64?`` (the most by which
        the curve misses a number of workers, as a share)``, note str?`` (why there is no fit).
        """
        return fits_frame(self._fits, self._points)

    @property
    def recommended(self) -> int:
        """The smallest number of workers within 95 % of the peak in the range measured.

        Raises:
            StudyError: no number of workers could be measured.
        """
        return self.recommendation.workers

    @cached_property
    def recommendation(self) -> Recommendation:
        """The recommended number with its interval, the verdict, and why.

        Raises:
            StudyError: no number of workers could be measured.
        """
        if not len(self._points.counts):
            errors = self._rows["error"].drop_nulls()
            why = f": {errors[0]}" if len(errors) else ""
            raise StudyError(f"no number of workers could be measured{why}")
        return recommend(self._fits, self._points)

    @property
    def verdict(self) -> str:
        """``not saturated in range``, ``levels off``, ``falls beyond the peak``, ``too few``, ``failed``."""
        return self.recommendation.verdict if len(self._points.counts) else "failed"

    def predict(self, items: int, workers: int | None = None) -> Prediction:
        """Predict how long a run will take, with a 95 % interval.

        Args:
            items: how many; may be far more than were measured.
            workers: how many, the recommended number unless told; at most 1.5 × the largest measured.

        Raises:
            ConfigError: fewer than one item, or a number of workers that nothing is known about.
            StudyError: no number of workers could be measured.
        """
        count = self.recommended if workers is None else workers
        good = self._measured
        overheads: dict[int, list[float]] = {}
        for number, seconds in good.select("workers", "overhead").iter_rows():
            overheads.setdefault(number, []).append(seconds or 0.0)
        share = float(good["ok"].sum()) / float(good["items"].sum())
        return predict(self._fits, self._points, overheads, items=items, workers=count, ok_share=share)

    def summary(self) -> pl.DataFrame:
        """Return a row per number of workers, ascending.

        Columns: ``workers u32, rounds u32, items u64?, seconds f64?, throughput f64?`` (medians; items/s)``,
        ideal f64?`` (seconds: the least that so many workers can need for the items, with the shortest
        service time seen)``, efficiency f64?`` (ideal / seconds)``, refused u64?, failed u64?`` (sums)``,
        error str?`` (the first).
        """
        good = self._measured.group_by("workers").agg(
            pl.len().alias("rounds"),
            pl.col("items").max(),
            pl.col("seconds", "throughput").median(),
            pl.col("refused", "failed").sum(),
        )
        errors = (
            self._rows.filter(pl.col("error").is_not_null())
            .group_by("workers", maintain_order=True)
            .agg(pl.col("error").first())
        )
        tried = self._rows.select(pl.col("workers").unique().sort())
        table = tried.join(good, on="workers", how="left").join(errors, on="workers", how="left")
        service = (table["workers"] / table["throughput"]).min()
        least = [
            None if items is None else ideal(items, float(service), Async(workers))  # type: ignore[arg-type]
            for workers, items in table.select("workers", "items").iter_rows()
        ]
        return (
            table.with_columns(pl.Series("ideal", least, pl.Float64), pl.col("rounds").fill_null(0))
            .with_columns(efficiency=pl.col("ideal") / pl.col("seconds"))
            .select(
                "workers",
                "rounds",
                "items",
                "seconds",
                "throughput",
                "ideal",
                "efficiency",
                "refused",
                "failed",
                "error",
            )
            .sort("workers")
        )

    def table(self) -> great_tables.GT:
        """Return the summary as a table worth publishing: plain HTML, the recommendation below it."""
        summary = self.summary().drop("rounds")
        empty = [name for name in ("refused", "failed", "error") if not _says_something(summary[name])]
        machine = self.environment
        about = f"{self.settings.get('work', '')}, {self.settings.get('rounds', '?')} rounds"
        if machine:
            about += f"; {machine.get('cpu')}, {machine.get('cores')} cores, Python {machine.get('python')}"
        return published(
            summary.drop(empty),
            "Sweep over workers",
            about,
            labels={"throughput": "items/s", "ideal": "ideal, s"},
            numbers=("seconds", "throughput", "ideal"),
            integers=("workers", "items"),
            shares=("efficiency",),
            notes=self.notes,
        )

    @property
    def notes(self) -> list[str]:
        """What a reader must know: the recommendation and why, and what was not tried."""
        found = []
        if len(self._points.counts):
            advice = self.recommendation
            found.append(f"Recommended: {advice.workers} workers {advice.interval}; {advice.why}.")
        if skipped := self.settings.get("skipped"):
            found.append(f"Too few items for {_listed(skipped)} workers: give more.")
        if beyond := self.settings.get("beyond"):
            found.append(f"Not tried: {_listed(beyond)} workers, because {self.settings.get('stopped')}.")
        if self.settings.get("interrupted"):
            found.append("The sweep was interrupted: only the rounds that were whole are here.")
        failed = sorted(set(self._rows["workers"]) - set(self._measured["workers"]))
        if failed:
            found.append(f"Failed: {_listed(failed)} workers ({self._rows['error'].drop_nulls()[0]}).")
        return found

    def plot(self) -> alt.LayerChart:
        """Draw every measurement, the fits, the knee and the recommendation.

        Raises:
            ConfigError: no number of workers could be measured.
        """
        from fetchlab import plot

        points = self._rows.filter(~pl.col("warmup") | pl.col("error").is_not_null())
        if not len(self._points.counts):
            return plot.scaling(points)
        advice, best = self.recommendation, chosen(self._fits)
        largest = float(self._points.counts[-1])
        evenly = np.geomspace(float(self._points.counts[0]), largest * BEYOND, CURVE_POINTS)
        corners = [fit.peak_at for fit in self._fits.values() if evenly[0] < fit.peak_at < evenly[-1]]
        grid = np.unique(np.concatenate([evenly, corners]))
        curves = [_curve(fit, grid, chosen=fit is best) for fit in self._fits.values() if best is not None]
        return plot.scaling(
            points,
            pl.concat(curves) if curves else None,
            recommended=advice.workers,
            low=advice.low,
            high=advice.high,
            knee=None if best is None or advice.high is None or advice.model == "measured" else best.peak_at,
            subtitle=advice.why,
        )

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write raw rows, settings and the machine's record; return the folder, made if there is none."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        told = json.dumps(self.environment | {"bench": "sweep", "settings": self.settings})
        part = target / f"{FILE}.part"
        self._rows.write_parquet(part, metadata={record.KEY: told})
        part.replace(target / FILE)
        return target

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; nothing is measured, and no server is needed.

        Raises:
            StoreError: the folder holds no sweep.
        """
        path = Path(folder) / FILE
        rows, told = record.read(path)
        if told.pop("bench", None) != "sweep" or set(ROWS) - set(rows.columns):
            raise StoreError(f"{path}: is no sweep")
        return cls(rows, told.pop("settings", {}), told)

    @property
    def _measured(self) -> pl.DataFrame:
        return self._rows.filter(~pl.col("warmup") & (pl.col("throughput") > 0))

    @cached_property
    def _points(self) -> Points:
        return Points.of(self._measured)

    @cached_property
    def _fits(self) -> dict[str, Fit]:
        return fit_all(self._points)

    def __repr__(self) -> str:
        counts = self._rows["workers"].n_unique()
        head = f"<Sweep over {counts} number{'s' if counts != 1 else ''} of workers: {self.verdict}>"
        return "\n".join([head, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return str(self.table().as_raw_html())


def _curve(fit: Fit, grid: np.ndarray[Any, np.dtype[np.float64]], *, chosen: bool) -> pl.DataFrame:
    values = fit.throughput(grid)
    return pl.DataFrame(
        {
            "model": [fit.model.name] * len(grid),
            "chosen": [chosen] * len(grid),
            "workers": grid,
            "throughput": values[0],
            "low": values.min(axis=0),
            "high": values.max(axis=0),
        }
    )


def _says_something(column: pl.Series) -> bool:
    some = column.drop_nulls()
    return bool(len(some)) and (column.dtype == pl.String or bool(some.sum()))


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
