"""Charts as files and as SVG text, through vl-convert: no browser and no network."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError
from fetchlab.plot.theme import house

if TYPE_CHECKING:
    from fetchlab.plot.frames import Chart

__all__ = ["save", "svg"]


def save(chart: Chart, path: str | Path) -> Path:
    """Write a chart to a file; its suffix says how.

    Args:
        chart: what a function of ``fetchlab.plot`` returned, or any Altair chart.
        path: ``.svg``, ``.png`` (at twice the size) or ``.html`` (interactive, everything inside the file,
            works offline). Missing folders are made.

    Returns:
        The path written.

    Raises:
        ConfigError: another suffix.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".svg", ".png", ".html"):
        raise ConfigError("path", f"suffix {suffix!r} of {path.name!r} is none of .svg, .png, .html")
    path.parent.mkdir(parents=True, exist_ok=True)
    with house():
        if suffix == ".svg":
            chart.save(path, format="svg")
        elif suffix == ".png":
            chart.save(path, format="png", scale_factor=2)
        else:
            chart.save(path, format="html", inline=True)
    return path


def svg(chart: Chart) -> str:
    """A chart as SVG text, ready to be put into a page."""
    text = StringIO()
    with house():
        chart.save(text, format="svg")
    return text.getvalue()
