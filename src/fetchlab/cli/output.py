"""Results to a file as they come: memory does not grow with their number."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Self

import polars as pl

from fetchlab import frame
from fetchlab.errors import ConfigError, StoreError
from fetchlab.shape import MOST_FIELDS, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetchlab.model import Result

__all__ = ["FORMATS", "LIST", "Output", "check", "write_errors"]

FORMATS = (".parquet", ".csv", ".jsonl")
LIST = ".txt"
ROWS, BYTES = 5_000, 16_000_000
"""What is held of results before it is written to a part."""
_JSON, _BYTES = "json", "bytes"


def check(flag: str, path: Path, formats: tuple[str, ...] = FORMATS) -> None:
    """Refuse before the first request what would fail after the last."""
    if path.suffix.lower() not in formats:
        raise ConfigError(flag, f"{path} must end in {', '.join(formats[:-1])} or {formats[-1]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(flag, f"{path.parent} cannot be made: {error.strerror}") from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ConfigError(flag, f"{path} is not a file that can be written")


class Output:
    """A file of values joined to their timings.

    Results gather in parts beside the file; :meth:`close` makes the file of them. A folder of parts rather
    than a growing file: whoever reads never sees half a table, and JSON's columns are known at the end only.

    Args:
        path: the file; its suffix says the format.
        parse: what the values are: ``bytes``, ``text`` or ``json``.

    Attributes:
        rows: results added.
        texts: columns that became JSON text, because no column type holds all their values.
    """

    def __init__(self, path: Path, parse: str) -> None:
        self.path = path
        self.rows = 0
        self.texts: list[str] = []
        self._parse = parse
        self._flat = path.suffix.lower() != ".parquet"
        self._held: list[Result] = []
        self._bytes = 0
        self._shape = Shape()
        self._parts: list[Path] = []
        self._folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, result: Result) -> None:
        """Take one result that is ok."""
        if self._parse == _JSON:
            self._shape.add(result.value)
        self._held.append(result)
        self._bytes += result.bytes
        self.rows += 1
        if len(self._held) >= ROWS or self._bytes >= BYTES:
            self._flush()

    def close(self, *, complete: bool) -> Path | None:
        """Write the file; return its name, None if there is nothing to write.

        Args:
            complete: False where the run was cut short: then a file that is there already is not replaced.
        """
        self._flush()
        if not self._parts:
            return None
        path = self.path
        if not complete and path.exists():
            path = path.with_suffix(f".partial{path.suffix}")
        whole = self._folder / f"whole{path.suffix}"
        with _writing(path):
            self._join(whole)
            whole.replace(path)
        return path

    def _flush(self) -> None:
        if not self._held:
            return
        part = self._folder / f"{len(self._parts):06}.parquet"
        with _writing(self.path):
            _part(self._held, self._values()).write_parquet(part)
        self._parts.append(part)
        self._held, self._bytes = [], 0

    def _values(self) -> list[pl.Series]:
        values = [result.value for result in self._held]
        if self._parse == _JSON:
            return [pl.Series("value", map(json.dumps, values), pl.String)]
        if self._parse != _BYTES:
            return [pl.Series("value", values, pl.String)]
        if not self._flat:
            return [pl.Series("value", values, pl.Binary)]
        texts, encodings = zip(*map(_as_text, values), strict=True)
        return [pl.Series("encoding", encodings, pl.String), pl.Series("value", texts, pl.String)]

    def _join(self, whole: Path) -> None:
        """Make one file of the parts, holding one part at a time."""
        suffix = whole.suffix.lower()
        lines = suffix == ".jsonl"
        parts = self._unnested() if self._parse == _JSON and not lines else self._parts
        if suffix == ".parquet":
            rows = pl.concat([pl.scan_parquet(part) for part in parts], how="diagonal_relaxed")
            # by itself it would gather a quarter of a million rows before it writes any
            rows.sink_parquet(whole, row_group_size=max(16, self.rows // len(parts)))
            return
        with whole.open("wb") as file:
            for number, part in enumerate(parts):
                table = pl.read_parquet(part)
                if not lines:
                    table.write_csv(file, include_header=number == 0)
                elif self._parse == _JSON:
                    file.writelines(_json_lines(table))
                else:
                    table.write_ndjson(file)

    def _unnested(self) -> list[Path]:
        """Give the parts with a column for each field of the values, where all of them are dicts."""
        fields = self._shape.fields
        if set(self._shape.kinds) != {"dict"} or len(fields) > MOST_FIELDS:
            self.texts = ["value"]
            return self._parts
        texts = {name for name, field in fields.items() if field.mixed or (self._flat and field.nested)}
        made: list[Path] = []
        while len(made) < len(self._parts):
            part = self._parts[len(made)]
            table, more = self._table(pl.read_parquet(part), texts)
            if more:  # what one part cannot hold must be text in all of them
                texts.update(more)
                made.clear()
                continue
            made.append(part.with_suffix(".unnested"))
            table.write_parquet(made[-1])
        self.texts = sorted(texts)
        return made

    def _table(self, part: pl.DataFrame, texts: set[str]) -> tuple[pl.DataFrame, list[str]]:
        names = self._shape.fields
        values = [{name: value.get(name) for name in names} for value in map(json.loads, part["value"])]
        for name in texts:
            for value in values:
                value[name] = frame.json_text(value[name])
        columns, more = frame.storable(frame.values_frame(part["index"].to_list(), values))
        return frame.join_timings(columns, part.drop("value")), more


def _json_lines(part: pl.DataFrame) -> Iterator[bytes]:
    """The values are JSON text already: put them into the lines as they are."""
    timings = part.drop("value").write_ndjson().splitlines()
    for timing, value in zip(timings, part["value"], strict=True):
        yield f'{timing[:-1]},"value":{value}}}\n'.encode()


def write_errors(path: Path, failed: pl.DataFrame | list[str]) -> None:
    """Write what failed: its rows of the timings, or the items alone, one per line."""
    part = path.with_name(f".{path.name}.part")
    with _writing(path):
        if isinstance(failed, list):
            text = "".join(f"{item}\n" for item in failed)
            part.write_text(text, encoding="utf-8", errors="surrogateescape")
        else:
            rows = failed.filter(~pl.col("ok"))
            suffix = path.suffix.lower()
            if suffix == ".parquet":
                rows.write_parquet(part)
            elif suffix == ".csv":
                rows.write_csv(part)
            else:
                rows.write_ndjson(part)
        part.replace(path)


def _part(results: list[Result], values: list[pl.Series]) -> pl.DataFrame:
    rows = [
        tuple(getattr(result, name, None) for name in frame.ROW if name not in _NOT_OF_A_RESULT)
        for result in results
    ]
    schema = {name: dtype for name, dtype in frame.ROW.items() if name not in _NOT_OF_A_RESULT}
    timings = pl.DataFrame(rows, schema, orient="row").with_columns(
        wait=pl.col("started") - pl.col("queued"), elapsed=pl.col("finished") - pl.col("started")
    )
    return timings.hstack(values)


_NOT_OF_A_RESULT = frozenset({"ok", "error", "message", "session"})


def _as_text(body: bytes) -> tuple[str, str]:
    try:
        return body.decode(), "utf-8"
    except UnicodeDecodeError:
        return b64encode(body).decode(), "base64"


class _writing:  # noqa: N801  # reads as a word
    """What a full disk says, in our own tree, with the file's name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError | pl.exceptions.PolarsError):
            raise StoreError(f"{self._path} cannot be written: {error}") from error
