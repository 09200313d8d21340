"""A run on disk: Parquet for its tables, JSON for the rest."""

from __future__ import annotations

import dataclasses
import json
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.engine import progress
from fetchlab.engine.readings import Readings
from fetchlab.errors import StoreError
from fetchlab.frame import storable
from fetchlab.model import RunStats

if TYPE_CHECKING:
    from fetchlab.engine.run import Run

__all__ = ["SavedRun", "load", "write"]

FORMAT = 1
META, TIMINGS, ATTEMPTS, TABLE = "run.json", "timings.parquet", "attempts.parquet", "table.parquet"


class SavedRun(Readings):
    """A run read back by ``fl.load``: the same tables and plots, nothing to steer."""

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.folder = folder
        self._meta = meta

    def frame(self) -> pl.DataFrame:
        """Return the timings; see :class:`Readings`."""
        return pl.read_parquet(self.folder / TIMINGS)

    def attempts(self) -> pl.DataFrame:
        """Return one row per attempt; see :class:`Readings`."""
        return pl.read_parquet(self.folder / ATTEMPTS)

    def table(self) -> pl.DataFrame:
        """Return the values joined to their timings; see :class:`Readings`."""
        path = self.folder / TABLE
        if not path.exists():
            raise StoreError(f"{self.folder}: the values were not saved ({self._meta.get('values')})")
        return pl.read_parquet(path)

    def limits(self) -> list[tuple[float, int]]:
        """Return the worker limit over time as (second, limit)."""
        return [(second, limit) for second, limit in self._meta["limits"]]

    def stats(self) -> RunStats:
        """Return the run's last snapshot."""
        stats = dict(self._meta["stats"])
        if stats["started_at"]:
            stats["started_at"] = datetime.fromisoformat(stats["started_at"])
        return RunStats(**stats)

    def __repr__(self) -> str:
        return f"SavedRun({progress.line(self.stats())})"


def write(run: Run, folder: str | Path, *, values: bool) -> Path:
    """Write a run that has ended; return the folder."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / META).unlink(missing_ok=True)  # an older run's: half of one and half of another is no run
    (target / TABLE).unlink(missing_ok=True)
    kept = "keep=False"
    if values:
        kept = "saved"
        try:
            table, texts = storable(run.table())
            _parquet(table, target / TABLE)
            if texts:
                kept = f"saved; as JSON text, because a file has no type for them: {', '.join(texts)}"
        except (StoreError, pl.exceptions.PolarsError) as error:
            kept = str(error) if isinstance(error, StoreError) else f"no table can hold them: {error}"
            warnings.warn(f"{target}: the values are not saved: {kept}", stacklevel=3)
    _parquet(run.frame(), target / TIMINGS)
    _parquet(run.attempts(), target / ATTEMPTS)
    meta = {
        "format": FORMAT,
        "stats": dataclasses.asdict(run.stats()),
        "limits": run.limits(),
        "values": kept,
    }
    (target / META).write_text(json.dumps(meta, indent=2, default=datetime.isoformat), encoding="utf-8")
    return target


def load(folder: str | Path) -> SavedRun:
    """Return a run that ``run.save(folder)`` wrote.

    Raises:
        StoreError: there is none, or a newer version of fetchlab wrote it.
    """
    path = Path(folder) / META
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder}: no saved run here ({error})") from error
    if meta.get("format") != FORMAT:
        raise StoreError(f"{folder}: written in format {meta.get('format')}, this version reads {FORMAT}")
    return SavedRun(Path(folder), meta)


def _parquet(table: pl.DataFrame, path: Path) -> None:
    """Write beside and rename, so that no reader ever sees half a file."""
    part = path.with_suffix(".part")
    table.write_parquet(part)
    part.replace(path)
