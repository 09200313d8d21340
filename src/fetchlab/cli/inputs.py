"""Lists of URLs: text, a column of a table, standard input."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

__all__ = ["STDIN", "Lines", "stream", "urls"]

STDIN = "-"
TABLES = (".csv", ".parquet", ".jsonl", ".ndjson")
USUAL = "url"
CHUNK = 65_536


def urls(where: str, column: str | None) -> Iterable[str]:
    """Return the URLs of a list: with a length if it is a file, read as they come from standard input.

    Args:
        where: a text file (one URL per line), a .csv, .parquet or .jsonl file, or ``-``.
        column: which column of a table; its only one, or ``url``, unless told.

    Raises:
        ConfigError: there is no such file or column, or no URL in it.
    """
    path = Path(where)
    table = path.suffix.lower() in TABLES
    if column is not None and not table:
        raise ConfigError("--column", f"{where} is read as text, a URL per line; columns are for {_listed()}")
    if where == STDIN:
        return stream(0)
    if where.lower().startswith(("http://", "https://")):
        raise ConfigError("URLS", f"give a file of URLs; for a single one: echo '{where}' | fetchlab fetch -")
    if not path.is_file():
        raise ConfigError("URLS", f"{where} is not a file; - reads standard input")
    found = _column(path, column) if table else Lines(path)
    if not len(found):
        raise ConfigError("URLS", f"no URLs in {where}{'' if table else ', one per line'}")
    return found


class Lines:
    """The URLs of a text file, read anew by every iteration: the file is counted, not held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._count = sum(1 for _ in self)
        except OSError as error:
            raise ConfigError("URLS", f"{path} cannot be read: {error.strerror}") from error

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        with self._path.open("rb") as file:
            yield from _wanted(file)


def stream(descriptor: int) -> Iterator[str]:
    """Give the URLs of a pipe as they come.

    ``sys.stdin`` is left alone: a thread that waits inside it keeps the interpreter from ending.
    """
    return _wanted(_lines(descriptor))


def _lines(descriptor: int) -> Iterator[bytes]:
    rest = b""
    while chunk := os.read(descriptor, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    yield rest


def _wanted(lines: Iterable[bytes]) -> Iterator[str]:
    for line in lines:
        url = line.decode("utf-8", "surrogateescape").strip("\ufeff \t\r\n\v\f")
        if url and not url.startswith("#"):
            yield url


def _column(path: Path, name: str | None) -> pl.Series:
    import polars as pl

    try:
        if path.suffix.lower() == ".parquet":
            table = pl.scan_parquet(path)
        elif path.suffix.lower() == ".csv":
            table = pl.scan_csv(path, infer_schema=False)
        else:
            table = pl.scan_ndjson(path, infer_schema_length=None)
        columns = table.collect_schema().names()
        if name is None:
            name = columns[0] if len(columns) == 1 else USUAL
        if name not in columns:
            raise ConfigError("--column", f"{path} has no column {name!r}, but {', '.join(columns)}")
        chosen = table.select(pl.col(name).cast(pl.String).str.strip_chars())
        return chosen.filter(pl.col(name) != "").collect()[name]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ConfigError("URLS", f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def _listed() -> str:
    return f"{', '.join(TABLES[:-1])} and {TABLES[-1]}"
