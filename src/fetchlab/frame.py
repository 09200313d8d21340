"""Results to polars: every schema of the package's own tables stands here."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.errors import StoreError
from fetchlab.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "ATTEMPTS",
    "CONCURRENCY",
    "ERRORS",
    "ROW",
    "SESSIONS",
    "TIMINGS",
    "attempts_at_once",
    "attempts_frame",
    "concurrency_frame",
    "errors_frame",
    "join_timings",
    "json_text",
    "knob_of",
    "plain",
    "seal_attempts",
    "seal_rows",
    "storable",
    "timings_frame",
    "utf8",
    "values_frame",
]

ROW = {
    "index": pl.UInt32,
    "key": pl.String,
    "host": pl.String,
    "ok": pl.Boolean,
    "status": pl.UInt16,
    "error": pl.String,
    "message": pl.String,
    "attempts": pl.UInt16,
    "cached": pl.Boolean,
    "session": pl.UInt16,
    "worker": pl.UInt32,
    "queued": pl.Float64,
    "started": pl.Float64,
    "first_byte": pl.Float64,
    "finished": pl.Float64,
    "bytes": pl.UInt64,
}
"""One ended item as the engine writes it, in this order."""

TIMINGS = pl.Schema(
    {name: dtype for name, dtype in ROW.items() if name != "bytes"}
    | {"wait": pl.Float64, "elapsed": pl.Float64, "bytes": pl.UInt64}
)
"""``run.frame()``: ROW plus ``wait`` (queued to started) and ``elapsed`` (started to finished)."""

ATTEMPTS = pl.Schema(
    {
        "index": pl.UInt32,
        "key": pl.String,
        "host": pl.String,
        "attempt": pl.UInt16,
        "worker": pl.UInt32,
        "started": pl.Float64,
        "first_byte": pl.Float64,
        "finished": pl.Float64,
        "status": pl.UInt16,
        "error": pl.String,
        "message": pl.String,
        "bytes": pl.UInt64,
        "wait": pl.Float64,
        "reason": pl.String,
    }
)
"""``run.attempts()``: ``wait`` is the seconds waited after this attempt and ``reason`` why."""

ERRORS = pl.Schema(
    {
        "error": pl.String,
        "host": pl.String,
        "count": pl.UInt32,
        "example_key": pl.String,
        "message": pl.String,
        "first": pl.Float64,
        "last": pl.Float64,
        "knob": pl.String,
    }
)
"""``run.errors()``: one row per error kind and host."""

_SESSIONS: dict[str, Any] = {
    "session": pl.UInt16,
    "started": pl.Datetime("us", "UTC"),
    "ended": pl.Datetime("us", "UTC"),
    "state": pl.String,
    "items": pl.UInt64,
    "ok": pl.UInt64,
    "failed": pl.UInt64,
    "retries": pl.UInt64,
    "bytes": pl.UInt64,
    "mean_rate": pl.Float64,
    "workers": pl.UInt32,
    "pid": pl.Int64,
}
SESSIONS = pl.Schema(_SESSIONS)
"""A journal's sessions, a row each."""

CONCURRENCY = pl.Schema({"time": pl.Float64, "in_flight": pl.UInt32, "limit": pl.UInt32})
"""``run.concurrency()``: a row whenever one of the two changed."""

_KNOBS = {
    "ConnectFailed": "the URL; verify= of fl.Client; fewer workers",
    "TimedOut": "timeout",
    "BodyTooLarge": "max_bytes",
    "BodyTruncated": "retry=fl.Retry(attempts=…)",
    "TooManyRedirects": "the URL; redirects, keep_cookies of fl.Client",
    "Disallowed": "robots of fl.Client",
    "StatusError": "the URL, or accept; fewer workers if the status is 429 or 503",
    "TransportError": "the URL, headers and method of the item",
    "ConfigError": "the one its message names",
    "RateLimited": "rate, or retry=fl.Retry(patience=…)",
    "ParseError": "parse",
    "DigestMismatch": "digest, or the URL",
    "WriteFailed": "to",
    "JournalError": "the task or parse: what can be stored is in the message",
    "StudyError": "the items: the service does not know them, or answered something else",
    "UnknownUser": "users",
    "ProtectedUser": "users",
    "SuspendedUser": "users",
    "LoginWall": "token, or fewer posts (max_posts)",
    "EmptyTimeline": "users; the saved screenshot shows the page",
    "MarkupChanged": "collector: another one; the saved screenshot and HTML show the page",
    "TaskError": "the task itself",
    "Retriable": "retry=fl.Retry(attempts=…)",
    "BrowserCrashed": "fewer workers; retry=fl.Retry(attempts=…)",
    "PageError": "the task and what it waits for; fewer workers",
    "CacheMiss": "cache=fl.Cache(mode='use')",
    "CacheError": "cache",
    "StoreError": "cache",
    "Cancelled": "run.retry_failed() goes on",
}


_UNFIT = (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError)
_HALVES = re.compile("[\ud800-\udfff]")


def seal_rows(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Turn rows in ROW order into columns; the host as a category, to hold it once."""
    return _frame_of(rows, ROW).with_columns(pl.col("host").cast(pl.Categorical))


def seal_attempts(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Turn rows in ATTEMPTS order into columns."""
    return _frame_of(rows, ATTEMPTS)


def _frame_of(rows: Sequence[tuple[Any, ...]], schema: Mapping[str, Any]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    parts = zip(schema.items(), columns, strict=True)
    return pl.DataFrame([_series(name, column, dtype) for (name, dtype), column in parts])


def _series(name: str, column: Sequence[Any], dtype: Any) -> pl.Series:
    try:
        return pl.Series(name, column, dtype)
    except UnicodeEncodeError:
        return pl.Series(name, [utf8(text) for text in column], dtype)


def utf8(text: str | None) -> str | None:
    """Return text as UTF-8 can hold it: lone surrogates, as in odd file names, are spelled out."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def timings_frame(chunks: Iterable[pl.DataFrame], *, sessions: bool = False) -> pl.DataFrame:
    """Return the timings of sealed chunks, one row per item (its latest), sorted by ``index``.

    Args:
        chunks: from :func:`seal_rows`.
        sessions: the chunks are of several runs, each with indices of its own: all rows stay, sorted by
            ``session`` first.
    """
    parts = [chunk.with_columns(pl.col("host").cast(pl.String)) for chunk in chunks]
    if not parts:
        return TIMINGS.to_frame()
    frame = pl.concat(parts)
    if not sessions and frame["index"].n_unique() < frame.height:
        frame = frame.unique("index", keep="last", maintain_order=True)
    return (frame.sort("session", "index", "key") if sessions else frame.sort("index")).pipe(_with_durations)


def _with_durations(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        wait=pl.col("started") - pl.col("queued"), elapsed=pl.col("finished") - pl.col("started")
    ).select(TIMINGS.names())


def attempts_frame(timings: pl.DataFrame, recorded: pl.DataFrame) -> pl.DataFrame:
    """Return a row per attempt.

    Items that succeeded at once are not recorded a second time: their one attempt is their timing.

    Args:
        timings: ``run.frame()``.
        recorded: the attempts of all other items, in ATTEMPTS order.
    """
    at_once = attempts_at_once(timings)
    known = recorded.select("index", "attempt").unique()
    at_once = at_once.join(known, on=["index", "attempt"], how="anti")
    return pl.concat([at_once, recorded]).sort("index", "started", "attempt")


def attempts_at_once(timings: pl.DataFrame, *more: str) -> pl.DataFrame:
    """Return the one attempt of every item that succeeded at once, and more columns of its timings."""
    return timings.filter((pl.col("attempts") == 1) & pl.col("ok") & ~pl.col("cached")).select(
        *[pl.col(name) for name in ("index", "key", "host")],
        pl.lit(1, pl.UInt16).alias("attempt"),
        *[
            pl.col(name)
            for name in ("worker", "started", "first_byte", "finished", "status", "error", "message")
        ],
        pl.col("bytes"),
        pl.lit(0.0).alias("wait"),
        pl.lit(None, pl.String).alias("reason"),
        *more,
    )


def knob_of(error: str) -> str:
    """Return the knob that helps against errors of this kind."""
    return _KNOBS.get(error, "")


def errors_frame(timings: pl.DataFrame) -> pl.DataFrame:
    """Group the failed items by error kind and host, most frequent first."""
    grouped = (
        timings.filter(~pl.col("ok"))
        .sort("finished")
        .group_by("error", "host", maintain_order=True)
        .agg(
            pl.len().alias("count"),
            pl.col("key").first().alias("example_key"),
            pl.col("message").first(),
            pl.col("finished").min().alias("first"),
            pl.col("finished").max().alias("last"),
        )
    )
    knob = pl.col("error").replace_strict(_KNOBS, default="", return_dtype=pl.String)
    return (
        grouped.with_columns(knob.alias("knob"))
        .sort("count", "error", "host", descending=[True, False, False])
        .select(pl.col(name).cast(dtype) for name, dtype in ERRORS.items())
    )


def concurrency_frame(attempts: pl.DataFrame, limits: Sequence[tuple[float, int]]) -> pl.DataFrame:
    """Return attempts in flight and the limit on them, a row whenever either changed.

    Args:
        attempts: ``run.attempts()``.
        limits: the worker limit and the second from which it held.
    """
    steps = pl.concat(
        [
            attempts.select(time="started", step=pl.lit(1, pl.Int32)),
            attempts.select(time="finished", step=pl.lit(-1, pl.Int32)),
        ]
    )
    moments = pl.DataFrame(
        list(limits) or [(0.0, 0)], pl.Schema({"time": pl.Float64, "limit": pl.UInt32}), orient="row"
    )
    flight = (
        pl.concat([steps, moments.select("time", step=pl.lit(0, pl.Int32))])
        .sort("time", "step", descending=[False, True])
        .select("time", in_flight=pl.col("step").cum_sum())
        .group_by("time", maintain_order=True)
        .last()
    )
    return flight.join_asof(moments.sort("time"), on="time").select(
        pl.col(name).cast(dtype) for name, dtype in CONCURRENCY.items()
    )


def values_frame(indices: Sequence[int], values: Sequence[Any]) -> pl.DataFrame:
    """Return values as columns beside their ``index``: dicts, dataclasses and models unnested.

    Anything else is one column named ``value``. Where no column type holds all values of a field, say
    numbers and dicts, its column holds the Python objects themselves.
    """
    rows = [plain(value) for value in values]
    index = pl.Series("index", indices, pl.UInt32)
    if rows and all(isinstance(value, dict) for value in rows):
        columns = _columns(rows)
        if "index" in columns.columns:
            free = "value.index"
            while free in columns.columns:
                free = f"value.{free}"
            columns = columns.rename({"index": free})
        return pl.DataFrame([index]).hstack(columns)
    return pl.DataFrame([index, _column("value", rows) if rows else pl.Series("value", [])])


def storable(table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Return the table as a file can hold it, and the columns that became JSON text for that.

    Raises:
        StoreError: a column holds what is no JSON either; the message names it.
    """
    odd = [name for name, dtype in table.schema.items() if dtype == pl.Object or _is_hollow(dtype)]
    return table.with_columns(_as_text(table[name]) for name in odd), odd


def json_text(value: Any) -> str | None:
    """Return a value as JSON, readable where that can be written, None for None."""
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if _HALVES.search(text) else text


def _as_text(column: pl.Series) -> pl.Series:
    try:
        return pl.Series(column.name, [json_text(value) for value in column.to_list()], pl.String)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"no table can hold them: column {column.name!r}: {error}") from error


def _is_hollow(dtype: pl.DataType) -> bool:
    """Say whether it has a struct without fields, which Parquet does not know."""
    if isinstance(dtype, pl.Struct):
        return not dtype.fields or any(_is_hollow(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    return isinstance(dtype, pl.List) and _is_hollow(dtype.inner)  # type: ignore[arg-type]


def _columns(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Dicts as columns; what no column type holds stays as it is."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    try:
        table = pl.from_dicts(rows, infer_schema_length=None, strict=False)
    except _UNFIT:
        return pl.DataFrame([_column(name, [row.get(name) for row in rows]) for name in names])
    lossy = [name for name in names if not _holds(table[name], [row.get(name) for row in rows])]
    return table.with_columns(pl.Series(name, [row.get(name) for row in rows], pl.Object) for name in lossy)


def _column(name: str, values: list[Any]) -> pl.Series:
    try:
        column = pl.from_dicts([{name: value} for value in values], infer_schema_length=None, strict=False)[
            name
        ]
    except _UNFIT:
        return pl.Series(name, values, pl.Object)
    return column if _holds(column, values) else pl.Series(name, values, pl.Object)


def _holds(column: pl.Series, values: list[Any]) -> bool:
    """Say whether a column has every value: polars makes null of a number beside dicts, or a dict of it."""
    lost = column.null_count()
    if lost and lost != sum(value is None for value in values):
        return False
    if not column.dtype.is_nested():
        return True
    shape = Shape()
    try:
        for value in values:
            shape.add(value)
    except RecursionError:
        return False
    return not shape.mixed


def join_timings(values: pl.DataFrame, timings: pl.DataFrame) -> pl.DataFrame:
    """Join values to timings by ``index``; a timing named like a value gets the prefix ``run.``."""
    clashes = {name: f"run.{name}" for name in timings.columns if name in values.columns and name != "index"}
    return values.join(timings.rename(clashes), on="index", how="left").sort("index")


def plain(value: Any) -> Any:
    """Return models and dataclasses, also those of a list, as dicts; paths in them as text, others as is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.asdict(value)
        return {name: str(one) if isinstance(one, PurePath) else one for name, one in fields.items()}
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump()
    if hasattr(value, "__struct_fields__"):
        import msgspec

        return msgspec.to_builtins(value, builtin_types=(bytes,))
    if isinstance(value, dict):
        mapping: Mapping[Any, Any] = value
        return {str(name): item for name, item in mapping.items()}
    if isinstance(value, list) and value and _is_model(value[0]):
        return [plain(one) for one in value]
    return value


def _is_model(value: Any) -> bool:
    return (
        dataclasses.is_dataclass(value) or hasattr(value, "__struct_fields__") or hasattr(value, "model_dump")
    )
