"""The published figures that the studies reproduce, as a frame.

Five documents, "seed 000" to "seed 004", state how fast their programs are. Every number in them is a row
of ``data/reference/``, contradicting ones included, so that a notebook computes "published against
measured" instead of typing it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SCHEMA", "SEEDS", "UNITS", "load"]

SEEDS = {"000": "catalogue", "001": "library", "002": "timeline", "003": "charts", "004": "storyboard"}
"""Seed number → the study that reproduces it."""

UNITS = (
    *("s", "min", "h", "days"),
    *("x", "percent"),
    *("items/s", "requests/s"),
    *("pages", "count", "px", "chars"),
    *("bytes", "MB"),
)
"""Every unit that occurs. ``x`` is a factor: ``20x`` is twenty times as fast."""

SCHEMA = pl.Schema(
    {
        "table": pl.String(),
        "row": pl.String(),
        "quantity": pl.String(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "unit": pl.Enum(UNITS),
        "seed": pl.String(),
        "line": pl.UInt16(),
    }
)


def load(seed: str | None = None, folder: str | Path | None = None) -> pl.DataFrame:
    """Read the published figures.

    Args:
        seed: ``"000"`` to ``"004"``, or the study's name (``"charts"``); None reads all five.
        folder: where the CSV files are: the folder itself or the ``data`` folder above it. None looks in
            ``$FETCHLAB_DATA``, then in ``data/reference`` here and in every folder above, then in the
            checkout this package is imported from.

    Returns:
        One row per published number, in the documents' order: ``table, row, quantity, low, high, unit, seed,
        line`` (see :data:`SCHEMA`). ``low`` and ``high`` are equal for a single figure and null at an
        open end.

    Raises:
        ConfigError: no such seed, or no folder holds the files.
    """
    names = [f"{number}-{SEEDS[number]}.csv" for number in _numbers(seed)]
    home = _find(names, folder)
    return pl.concat([pl.read_csv(home / name, schema=SCHEMA) for name in names])


def _numbers(seed: str | None) -> list[str]:
    if seed is None:
        return list(SEEDS)
    found = [number for number, study in SEEDS.items() if seed in (number, study)]
    if not found:
        known = ", ".join(f"{number!r} ({study})" for number, study in SEEDS.items())
        raise ConfigError("seed", f"{seed!r} is none of {known}")
    return found


def _find(names: list[str], folder: str | Path | None) -> Path:
    asked = {"folder": folder, "FETCHLAB_DATA": os.environ.get("FETCHLAB_DATA")}
    for knob, place in asked.items():
        if place:
            for home in (Path(place), Path(place) / "reference"):
                if _holds(home, names):
                    return home
            raise ConfigError(knob, f"{str(place)!r} does not hold {', '.join(names)}")
    for home in _usual_places():
        if _holds(home, names):
            return home
    raise ConfigError(
        "folder",
        f"no data/reference with {', '.join(names)} in {str(Path.cwd())!r} or above it: "
        "give folder=, or set FETCHLAB_DATA to the data folder of a fetchlab checkout",
    )


def _usual_places() -> Iterator[Path]:
    here = Path.cwd()
    for place in (here, *here.parents):
        yield place / "data" / "reference"
    yield Path(__file__).resolve().parents[2] / "data" / "reference"


def _holds(home: Path, names: list[str]) -> bool:
    return all((home / name).is_file() for name in names)
