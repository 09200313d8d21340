"""What the benches' commands share: their options, and what becomes of the rows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from fetchlab.cli.tables import say

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

__all__ = ["RUNS", "Items", "Out", "Rounds", "Seed", "failed", "filled", "keep", "telling"]

RUNS = Path("data/runs/bench")

Rounds: TypeAlias = Annotated[int, typer.Option(min=1, help="Measured rounds.")]
Items: TypeAlias = Annotated[int, typer.Option(min=10, help="Requests of each arm.")]
Seed: TypeAlias = Annotated[int, typer.Option(help="Of the order of the arms.")]
Out: TypeAlias = Annotated[Path, typer.Option(help="Folder for the raw rows.")]


def telling(rounds: int, what: str = "") -> Callable[[int, str], None]:
    """Return a function that prints each measurement before it is made; round 0 is the warm-up."""
    start = f"{what}, " if what else ""
    return lambda number, arm: say(f"{start}{f'round {number}/{rounds}' if number else 'warm-up'}: {arm}")


def filled(table: pl.DataFrame) -> pl.DataFrame:
    """Leave out the columns that say nothing."""
    return table.select(name for name in table.columns if table[name].null_count() < table.height)


def failed(rows: pl.DataFrame) -> None:
    """Say which measurements failed, and why."""
    for number, arm, error in rows.drop_nulls("error").select("round", "arm", "error").iter_rows():
        say(f"round {number}, {arm}: {error}")


def keep(rows: pl.DataFrame, out: Path, bench: str, **settings: Any) -> None:
    """Write the raw rows with their settings, and say where."""
    from fetchlab.bench import record

    path = out / f"{bench}-{datetime.now(UTC):%Y%m%dT%H%M%S}.parquet"
    record.write(rows, path, bench=bench, **settings)
    say(f"raw rows: {path}")
