"""A folder's notebooks at a glance: title, a figure in small, the one line that says what was measured."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Contents", "Entry", "contents"]

FIGURE, LINE = "thumbnail", "headline"
"""Tags of the cells whose figure and whose sentence stand for their notebook."""
WIDTH = 220
_EMPHASIS = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`")
_STARTS = re.compile(r"^\d+-")


@dataclass(frozen=True, slots=True)
class Entry:
    """A notebook as its reader meets it in the list.

    Attributes:
        path: the file.
        title: its first heading.
        line: the sentence that the cell tagged ``headline`` says, as Markdown; empty if there is none.
        figure: the figure of the cell tagged ``thumbnail``, as PNG; None if there is none.
    """

    path: Path
    title: str
    line: str
    figure: bytes | None


class Contents(tuple[Entry, ...]):
    """Entries that a notebook shows as a table with links."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        if not self:
            return "<p>No other notebooks here.</p>"
        rows = "".join(_row(entry) for entry in self)
        titles = ("notebook", "one figure of it", "one line of it")
        head = "".join(f'<th style="text-align:left">{title}</th>' for title in titles)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def __repr__(self) -> str:
        return (
            "\n".join(f"{one.path.name}: {one.title}. {one.line}".strip() for one in self) or "no notebooks"
        )


def contents(folder: str | Path = ".") -> Contents:
    """Return the notebooks of a folder, numbered ones in their order, without the one numbered 00.

    What is shown is read from their saved outputs, so it is what was measured when they were executed.

    Args:
        folder: where they are; a notebook's kernel runs in the notebook's own folder.
    """
    return Contents(_entries(sorted(Path(folder).glob("*.ipynb"))))


def _entries(paths: Iterable[Path]) -> Iterable[Entry]:
    import nbformat

    for path in paths:
        if path.name.startswith("00-"):
            continue
        cells = nbformat.read(path, as_version=4).cells
        figure = _output(cells, FIGURE, "image/svg+xml")
        yield Entry(
            Path(path.name),
            _title(cells, path),
            " ".join(_output(cells, LINE, "text/markdown").split()),
            _thumbnail(figure) if figure else None,
        )


def _title(cells: list[Any], path: Path) -> str:
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return str(cell.source.splitlines()[0][2:].strip())
    return _STARTS.sub("", path.stem).replace("-", " ").capitalize()


def _output(cells: list[Any], tag: str, kind: str) -> str:
    """The first output of this kind of the cells with this tag; empty if there is none."""
    for cell in cells:
        if tag in cell.metadata.get("tags", []):
            for output in cell.get("outputs", []):
                if kind in output.get("data", {}):
                    return str(output.data[kind])
    return ""


def _thumbnail(svg: str) -> bytes:
    import vl_convert

    width = re.search(r'<svg[^>]*\swidth="([\d.]+)', svg)
    scale = WIDTH / float(width.group(1)) if width else 0.4
    png: bytes = vl_convert.svg_to_png(svg, scale=scale * 1.5)  # finer than shown, for dense screens
    return png


def _row(entry: Entry) -> str:
    name, title = html.escape(entry.path.name, quote=True), html.escape(entry.title)
    figure = ""
    if entry.figure is not None:
        data = base64.b64encode(entry.figure).decode()
        figure = f'<img alt="a figure of {name}" width="{WIDTH}" src="data:image/png;base64,{data}">'
    told = f'<td style="text-align:left"><a href="{name}">{title}</a><br><small>{name}</small></td>'
    line = f'<td style="text-align:left;max-width:32em">{_inline(entry.line)}</td>'
    return f"<tr>{told}<td>{figure}</td>{line}</tr>"


def _inline(markdown: str) -> str:
    """Bold, italics and code of one line; all else as it is."""

    def marked(found: re.Match[str]) -> str:
        for tag, text in zip(("b", "i", "code"), found.groups(), strict=True):
            if text is not None:
                return f"<{tag}>{text}</{tag}>"
        return found.group()

    return _EMPHASIS.sub(marked, html.escape(markdown, quote=False))
