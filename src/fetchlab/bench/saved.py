"""One measured run of a bench: its raw rows, and the record of settings and machine from before it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.bench import record
from fetchlab.bench.machine import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from fetchlab.bench.named import Bench

__all__ = ["Saved", "about", "measured"]


@dataclass(frozen=True, slots=True)
class Saved:
    """A run that was measured, now or earlier.

    Attributes:
        rows: the raw rounds.
        about: the environment record, with the settings.
    """

    rows: pl.DataFrame
    about: dict[str, Any]

    @classmethod
    def read(cls, path: str | Path) -> Saved:
        """Read one back.

        Raises:
            StoreError: the file is no benchmark run of this package.
        """
        return cls(*record.read(path))

    @property
    def bench(self) -> str:
        """The name of the bench, empty where the record has none."""
        return str(self.about.get("settings", {}).get("bench", ""))

    @property
    def settings(self) -> dict[str, Any]:
        """What it was measured with, facts included, without the bench's name."""
        return {name: value for name, value in self.about.get("settings", {}).items() if name != "bench"}

    def save(self, folder: str | Path) -> Path:
        """Write it as ``NAME-TIME.parquet``; a run of the same second gets a number."""
        stamp = f"{self.bench}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        names = (f"{stamp}{f'-{number}' * (number > 1)}.parquet" for number in range(1, 1000))
        path = next(path for name in names if not (path := Path(folder) / name).exists())
        return self.save_as(path)

    def save_as(self, path: str | Path) -> Path:
        """Write it to this file."""
        return record.keep(self.rows, path, self.about)


def measured(bench: Bench, settings: Mapping[str, Any], on_round: Callable[[int, str], None]) -> Saved:
    """Measure a bench; the machine's load is that from before the first round.

    Args:
        bench: which.
        settings: of the bench, and ``rounds`` and ``seed``. Folders are used and not recorded.
        on_round: called before each measurement.
    """
    written = about(bench, settings)
    begun = time.perf_counter()
    rows = bench.collect(**settings, on_round=on_round)
    return Saved(rows, written | {"took_s": round(time.perf_counter() - begun, 1)})


def about(bench: Bench, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record that a run with these settings would have, were it measured now."""
    chosen = {name: value for name, value in settings.items() if not isinstance(value, Path)}
    plain = json.loads(json.dumps({"bench": bench.name, **bench.facts(), **chosen}))
    return environment(settings=plain)
