"""What ``fl.compare`` returns: raw rounds, and what they allow to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench import record
from fetchlab.bench.bounds import Ideal
from fetchlab.bench.publish import published
from fetchlab.bench.stability import flagged, reasons
from fetchlab.bench.summary import summarise
from fetchlab.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike
    from typing import Self

    import altair as alt
    import great_tables

__all__ = ["Comparison"]

ROUNDS, REQUESTS = "rounds.parquet", "requests.parquet"
MEDIANS = ("attempts", "bytes", "cpu_s", "rss_peak")
LABELS = {
    "median_s": "median, s",
    "mad_s": "MAD, s",
    "low": "95 % from",
    "high": "to",
    "ideal_s": "ideal, s",
    "items_per_s": "items/s",
    "units_per_s": "units/s",
    "cpu_s": "CPU, s",
    "rss_peak": "peak memory",
}


class Comparison:
    """Arms measured in the same rounds. Made by ``fl.compare``, or read from disk by :meth:`load`.

    Args:
        rounds: a row per arm and round.
        requests: a row per arm, round and item.
        ideals: the least seconds of each arm.
        settings: what it was measured with.
        environment: the machine's record from before the first round.
        again: does it once more.

    Attributes:
        settings: what it was measured with: arms, baseline, rounds, seed.
        environment: machine, software and state before the first round.
    """

    def __init__(
        self,
        rounds: pl.DataFrame,
        requests: pl.DataFrame,
        ideals: Mapping[str, Ideal],
        settings: dict[str, Any],
        environment: dict[str, Any],
        *,
        again: Callable[[], Comparison] | None = None,
    ) -> None:
        self._rounds = flagged(rounds)
        self._requests = requests
        self.ideals = dict(ideals)
        self.settings = settings
        self.environment = environment
        self._again = again

    def frame(self) -> pl.DataFrame:
        """Return the raw rows, one per arm and round.

        Columns: ``round i32`` (0 and below are warm-ups)``, warmup bool, position u16, arm str, seconds f64?,
        items u64, ok u64, attempts u64, bytes u64, cpu_s f64, rss_peak u64, error str?, units f64?, workers
        f64, outlier bool``. Outliers are flagged and kept.
        """
        return self._rounds

    def requests(self) -> pl.DataFrame:
        """Return a row per arm, round and item, with the times of ``run.frame()``."""
        return self._requests

    def summary(self) -> pl.DataFrame:
        """Return a row per arm, in the order they were given.

        Columns: ``arm str, rounds u32, median_s f64, mad_s f64, ratio f64`` (of times, to the baseline's in
        the same rounds)``, low f64, high f64`` (its 95 % interval)``, verdict str, ideal_s f64, efficiency
        f64`` (ideal / median)``, items_per_s f64, units_per_s f64?, attempts f64, bytes f64, cpu_s f64,
        rss_peak f64`` (medians)``, outliers u32, error str?`` (the first).
        """
        ideals = {arm: float(least) for arm, least in self.ideals.items()}
        table = summarise(self._rounds, baseline=self.baseline, ideals=ideals)
        measured = self._rounds.filter(~pl.col("warmup"))
        kept = measured.filter(pl.col("seconds").is_not_null())
        units = (
            pl.col("units").median() / pl.col("seconds").median()
            if "units" in kept.columns
            else pl.lit(None, pl.Float64)
        )
        more = kept.group_by("arm").agg(
            units.alias("units_per_s"),
            pl.col(MEDIANS).cast(pl.Float64).median(),
            outliers=pl.col("outlier").sum(),
        )
        order = pl.DataFrame({"arm": [*self.settings["arms"], self.settings["same"]]})
        return (
            order.join(table, on="arm", how="left", maintain_order="left")
            .join(more, on="arm", how="left", maintain_order="left")
            .select(pl.exclude("error"), "error")
        )

    @property
    def baseline(self) -> str:
        """The arm that ratios are to."""
        return str(self.settings["baseline"])

    @property
    def unstable(self) -> list[str]:
        """Why the figures may not be what they seem, a sentence each; empty where nothing was odd."""
        found = reasons(
            self._rounds, self.summary(), self.environment, self.baseline, str(self.settings["same"])
        )
        if self.settings.get("interrupted"):
            found.append("it was interrupted: there are fewer rounds than asked for")
        return found

    def table(self) -> great_tables.GT:
        """Return the summary as a table worth publishing, as plain HTML, with what was odd below it."""
        summary = self.summary().drop("error", "rounds")
        shown = summary.select(
            name for name in summary.columns if summary[name].null_count() < summary.height
        )
        machine, settings = self.environment, self.settings
        return published(
            shown,
            "Comparison",
            f"{settings['work']}, {settings['rounds']} rounds, ratios of times to {self.baseline}; "
            f"{machine.get('cpu')}, {machine.get('cores')} cores, Python {machine.get('python')}",
            labels=LABELS,
            numbers=(
                "median_s",
                "mad_s",
                "ratio",
                "low",
                "high",
                "ideal_s",
                "items_per_s",
                "units_per_s",
                "cpu_s",
            ),
            integers=("attempts", "outliers"),
            shares=("efficiency",),
            volumes=("bytes", "rss_peak"),
            notes=[*self._failures(), *(f"Unstable: {reason}." for reason in self.unstable)],
        )

    def plot(self) -> alt.VConcatChart:
        """Draw the ratios with their intervals, and every arm's time in every round below."""
        import altair as alt

        from fetchlab import plot

        parts = [plot.rounds(self._rounds)]
        summary = self.summary()
        if summary["ratio"].is_not_null().any():
            parts.insert(0, plot.intervals(summary))
        chart: alt.VConcatChart = alt.vconcat(*parts, spacing=24).resolve_scale(
            color="independent", shape="independent"
        )
        return chart

    def rerun(self) -> Comparison:
        """Measure the same again.

        Raises:
            ConfigError: it was read from disk, which knows no functions: call ``fl.compare`` again.
        """
        if self._again is None:
            raise ConfigError(
                "rerun", "this one was loaded; call fl.compare(work, …) with the same work again"
            )
        return self._again()

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write raw rows, the record of settings and machine; return the folder, made if there is none.

        Raises:
            ConfigError: there is a file of that name.
        """
        target = Path(folder)
        if target.exists() and not target.is_dir():
            raise ConfigError("folder", f"{folder} is a file; give a folder")
        target.mkdir(parents=True, exist_ok=True)
        ideals = {arm: [float(least), least.why] for arm, least in self.ideals.items()}
        told = {"settings": self.settings, "ideals": ideals}
        self._requests.write_parquet(target / REQUESTS)
        self._rounds.drop("outlier").write_parquet(
            target / ROUNDS, metadata={record.KEY: json.dumps(self.environment | told)}
        )
        return target

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; it needs no server.

        Raises:
            StoreError: there is no saved comparison.
        """
        rows, environment = record.read(Path(folder) / ROUNDS)
        settings = environment.pop("settings", {})
        if settings.get("bench") != "compare":
            raise StoreError(f"{folder}: holds no comparison saved by fetchlab")
        try:
            requests = pl.read_parquet(Path(folder) / REQUESTS)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise StoreError(f"{folder}: {REQUESTS} cannot be read ({error})") from error
        ideals = {arm: Ideal(*least) for arm, least in environment.pop("ideals").items()}
        return cls(rows, requests, ideals, settings, environment)

    def _failures(self) -> list[str]:
        failed = self.summary().drop_nulls("error")
        return [f"{arm}: {error}." for arm, error in failed.select("arm", "error").iter_rows()]

    def __repr__(self) -> str:
        arms, rounds = len(self.settings["arms"]), self.settings["rounds"]
        lines = [f"Comparison of {arms} arms, {rounds} rounds, times relative to {self.baseline}"]
        for row in self.summary().iter_rows(named=True):
            if row["median_s"] is None:
                lines.append(f"  {row['arm']}: {row['verdict'] or 'failed'} ({row['error']})")
                continue
            held = (
                "" if row["ratio"] is None else f"{row['ratio']:.3g} [{row['low']:.3g}, {row['high']:.3g}] "
            )
            efficiency = "" if row["efficiency"] is None else f", {row['efficiency']:.0%} of the ideal"
            lines.append(f"  {row['arm']}: {row['median_s']:.3g} s, {held}{row['verdict']}{efficiency}")
        return "\n".join([*lines, *(f"  unstable: {reason}" for reason in self.unstable)])

    def _repr_html_(self) -> str:
        return self.table().as_raw_html()
