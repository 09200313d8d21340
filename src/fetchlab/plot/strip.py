"""Pictures in rows, with a caption each: a storyboard, as SVG that holds the pictures and needs no file."""

from __future__ import annotations

import html
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

__all__ = ["Strip", "strip"]

_KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
_GAP, _LINE, _SIZE = 8, 14, 11
_CHARACTER = 5.6
"""Pixels that a caption's character takes, about."""


class Strip:
    """An SVG that a notebook shows.

    Attributes:
        svg: its text.
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Strip({len(self.svg):,} characters of SVG)"


def strip(
    pictures: Sequence[str | os.PathLike[str]],
    captions: Sequence[str] = (),
    *,
    columns: int = 4,
    width: int = 160,
    height: int = 90,
) -> Strip:
    """Lay pictures out in rows.

    Args:
        pictures: paths of PNG, JPEG or WebP files.
        captions: one for each, in as many lines of two at most as it takes; none unless told.
        columns: pictures in a row.
        width: of each, in pixels.
        height: of each, in pixels.

    Raises:
        ConfigError: a picture cannot be read, or captions are not as many as pictures.
    """
    if captions and len(captions) != len(pictures):
        raise ConfigError("captions", f"give one for each of {len(pictures)} pictures, not {len(captions)}")
    tall = height + _GAP + (2 * _LINE + _GAP if captions else 0)
    cells = []
    for place, picture in enumerate(pictures):
        x, y = place % columns * (width + _GAP), place // columns * tall
        cells.append(
            f'<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="xMidYMid slice" '
            f'href="{_data(Path(picture))}"/>'
        )
        for line, text in enumerate(_lines(captions[place], width) if captions else ()):
            at = y + height + (line + 1) * _LINE
            cells.append(f'<text x="{x}" y="{at}">{html.escape(text)}</text>')
    across = min(columns, max(1, len(pictures))) * (width + _GAP) - _GAP
    down = -(-len(pictures) // columns) * tall
    style = f'font-family="sans-serif" font-size="{_SIZE}" fill="#333333"'
    box = f'width="{across}" height="{down}" viewBox="0 0 {across} {down}"'
    return Strip(f'<svg xmlns="http://www.w3.org/2000/svg" {box} {style}>{"".join(cells)}</svg>')


def _data(path: Path) -> str:
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError("pictures", f"{path.name} is none of {', '.join(_KINDS)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError("pictures", f"{path.name} cannot be read: {error.strerror}") from error
    return f"data:{kind};base64,{b64encode(content).decode()}"


def _lines(text: str, width: int) -> list[str]:
    """Break a caption into two lines at most, at spaces."""
    most = max(4, int(width / _CHARACTER))
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    shown = lines[:2]
    if len(lines) > 2 or len(shown[-1]) > most:
        shown[-1] = shown[-1][: most - 1].rstrip() + "…"
    return shown
