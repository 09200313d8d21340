"""Raw rows on disk: one Parquet file per benchmark run, its environment in the file's own metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from fetchlab.bench.machine import environment
from fetchlab.errors import StoreError

__all__ = ["keep", "read", "write"]

KEY = "fetchlab"


def write(rows: pl.DataFrame, path: str | Path, **settings: Any) -> Path:
    """Write raw rows with the environment record and the settings they were measured with."""
    return keep(rows, path, environment(settings=settings))


def keep(rows: pl.DataFrame, path: str | Path, about: dict[str, Any]) -> Path:
    """Write raw rows with the record that was made when they were measured."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    rows.write_parquet(part, metadata={KEY: json.dumps(about)})
    part.replace(target)
    return target


def read(path: str | Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the rows and the environment record of a benchmark run.

    Raises:
        StoreError: the file is no benchmark run of this package.
    """
    try:
        record = pl.read_parquet_metadata(path).get(KEY)
        rows = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(f"{path}: cannot be read ({error})") from error
    if record is None:
        raise StoreError(f"{path}: holds no environment record, so it is no benchmark run")
    return rows, json.loads(record)
