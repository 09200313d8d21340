"""The runs of benches that were kept: which there are, and the last one of a bench."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from fetchlab.bench.record import KEY
from fetchlab.errors import ConfigError

__all__ = ["HISTORY", "RUNS", "history", "last"]

RUNS = "data/runs/bench"
HISTORY = pl.Schema(
    {
        "bench": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "git": pl.String(),
        "rounds": pl.Int64(),
        "settings": pl.String(),
        "rows": pl.UInt32(),
        "file": pl.String(),
    }
)


def history(name: str | None = None, folder: str | Path = RUNS) -> pl.DataFrame:
    """Return the runs of benches that were kept in a folder and those below it, oldest first.

    Args:
        name: of one bench; all of them unless told.
        folder: where ``fetchlab bench`` has put raw rows.

    Returns:
        Columns ``bench str, time datetime`` (UTC, of the start)``, git str?`` (``+`` where the source had
        changes)``, rounds i64?, settings str, rows u32, file str``. Files of others are left out; a folder
        that is not there holds none.
    """
    found = []
    for path in sorted(Path(folder).rglob("*.parquet"), key=lambda path: (path.stat().st_mtime_ns, path)):
        about = _about(path)
        settings = about.get("settings", {})
        bench = settings.pop("bench", None)
        if "time" in about and name in (None, bench):
            found.append(
                {
                    "bench": bench,
                    "time": datetime.fromisoformat(about["time"]),
                    "git": about.get("git"),
                    "rounds": settings.pop("rounds", None),
                    "settings": ", ".join(f"{knob}={value}" for knob, value in settings.items()),
                    "rows": pl.scan_parquet(path).select(pl.len()).collect().item(),
                    "file": str(path),
                }
            )
    return pl.DataFrame(found, HISTORY).sort("time", maintain_order=True)


def last(name: str, folder: str | Path = RUNS) -> Path:
    """Return the file of a bench's last run.

    Raises:
        ConfigError: there is none.
    """
    files = history(name, folder)["file"]
    if files.is_empty():
        raise ConfigError(
            "against",
            f"LAST: there is no earlier run of {name} in {folder}; the first one has nothing before it",
        )
    return Path(files[-1])


def _about(path: Path) -> dict[str, Any]:
    """The record in a file, empty if it has none."""
    try:
        written = pl.read_parquet_metadata(path).get(KEY)
    except (OSError, pl.exceptions.PolarsError):
        return {}
    about: dict[str, Any] = json.loads(written) if written else {}
    return about
