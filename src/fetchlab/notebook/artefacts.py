"""The files that a notebook names or has written, each with its SHA-256."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Artefact", "artefacts", "digest", "root_of"]

MOST = 200
"""Files of one folder; a cache of thousands is no list for readers."""
COARSE = 0.1
"""Seconds by which a file system's clock may be late."""
_NAME = re.compile(r"(?<![\w./:~-])[\w-][\w.-]*(?:/[\w.-]+)+(?![\w/])|(?<=[\"'`])[\w-]+\.\w{2,8}(?=[\"'`])")
_NO_DATA = frozenset({".ipynb", ".py", ".md", ".html", ".pdf", ".part", ".db-wal", ".db-shm", ".lock"})


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file.

    Attributes:
        path: below the project's folder, with slashes.
        bytes: its size.
        sha256: of its content, in hex.
        written: True if this execution wrote it, False if it was there before.
    """

    path: str
    bytes: int
    sha256: str
    written: bool


def root_of(notebook: Path) -> Path:
    """Return the project's folder: the nearest upwards that holds ``data/``, else the notebook's own."""
    folder = notebook.resolve().parent
    return next((above for above in (folder, *folder.parents) if (above / "data").is_dir()), folder)


def artefacts(book: Any, notebook: Path, since: float) -> list[Artefact]:
    """Return the data files that an executed notebook names, in cells or outputs, sorted by path.

    Of a folder that it names, those files that were written since.

    Args:
        book: the executed notebook.
        notebook: where it lies; names are below its folder or the project's.
        since: when the execution began, by the clock of files, in seconds.
    """
    root, folder = root_of(notebook), notebook.resolve().parent
    begun = since - COARSE
    found: dict[Path, bool] = {}
    for name in {match[0] for text in _texts(book) for match in _NAME.finditer(text)}:
        for place in {(folder / name).resolve(), (root / name).resolve()}:
            if not place.is_relative_to(root) or place == root:
                continue
            if place.is_file() and place.suffix not in _NO_DATA:
                found[place] = place.stat().st_mtime >= begun
            elif place.is_dir():
                found |= dict.fromkeys(_written(place, begun), True)
    return [
        Artefact(path.relative_to(root).as_posix(), path.stat().st_size, digest(path), written)
        for path, written in sorted(found.items())
    ]


def digest(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _written(folder: Path, begun: float) -> list[Path]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in _NO_DATA)
    return [path for path in files if path.stat().st_mtime >= begun][:MOST]


def _texts(book: Any) -> Iterator[str]:
    for cell in book.cells:
        yield cell.source
        for output in cell.get("outputs", []):
            yield "".join(output.get("text", ""))
            for kind in ("text/plain", "text/markdown"):
                yield "".join(output.get("data", {}).get(kind, ""))
