"""Frames as terminal tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["filled", "say", "seen", "show"]

WIDE = 160
"""Columns where nobody's screen sets a limit: in a file or a pipe."""

_console = Console(highlight=False, soft_wrap=True)


def say(text: str = "") -> None:
    """Print a line as it is."""
    _console.print(text, markup=False)


def seen(name: object) -> str:
    """Return a name from a disk on one line, with what a terminal would obey spelled out."""
    text = str(name)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def show(frame: pl.DataFrame, title: str | None = None) -> None:
    """Print a frame as a table: numbers to the right with three significant digits."""
    table = Table(
        title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold"
    )
    for name, dtype in frame.schema.items():
        least = max(map(len, name.split()), default=0)
        table.add_column(
            name, justify="right" if dtype.is_numeric() else "left", overflow="fold", min_width=least
        )
    for row in frame.iter_rows():
        table.add_row(*(escape(_cell(value)) for value in row))
    console = _console if _console.is_terminal else Console(highlight=False, width=WIDE)
    console.print(table)


def filled(table: pl.DataFrame) -> pl.DataFrame:
    """Leave out the columns that say nothing."""
    return table.select(name for name in table.columns if table[name].null_count() < table.height)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _lines(str(value))


def _lines(text: str) -> str:
    return text if text.isprintable() else "\n".join(map(seen, text.split("\n")))
