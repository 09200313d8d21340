"""The store's tables, and the statements that put rows into them.

What a poorer source says of a post never takes the place of what a richer one said: it only fills gaps.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from fetchlab.errors import StoreError
from fetchlab.store.database import Layout
from fetchlab.studies.timeline.rows import EDGES, MEDIA, POSTS, USERS, WINDOWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.studies.timeline.rows import Account, Post

__all__ = ["LAYOUT", "TABLES", "account_row", "inserts", "moved", "post_rows", "table_of", "upsert"]

TABLES = {"posts": POSTS, "media": MEDIA, "edges": EDGES, "users": USERS}
KEYS = {"posts": ("id",), "media": ("post", "number"), "edges": ("post", "kind"), "users": ("user",)}
WEAK = frozenset({"rss"})
"""Sources that leave things out, or shorten them."""
SMALL = frozenset({"dom"})
"""Sources that show media small, and of videos not every file."""
_TYPES = {pl.Int64: "INTEGER", pl.Float64: "REAL", pl.Boolean: "INTEGER", pl.Datetime: "INTEGER"}
_JSON = ("links", "variants")
_MOST = ("own", "gone")
"""What is so once it has been seen so."""
_EXACT = ("began", "ended")
"""Times in microseconds; the others are in seconds, as services tell them."""
_UNKNOWN = ("verified", "protected")
"""Flags that a source may leave open."""


def _columns(table: str) -> str:
    return ", ".join(
        f'"{name}" {_TYPES.get(type(dtype), "TEXT")}{" NOT NULL" if name in KEYS[table] else ""}'
        for name, dtype in TABLES[table].items()
    )


def _key(names: Sequence[str]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f"PRIMARY KEY ({columns})) WITHOUT ROWID"


def _create(table: str) -> tuple[str, str]:
    return (
        f"CREATE TABLE {table} ({_columns(table)}, {_key(KEYS[table])}",
        f'CREATE TABLE fresh_{table} ("of" TEXT NOT NULL, {_columns(table)}, {_key(("of", *KEYS[table]))}',
    )


_WINDOWS = (
    "CREATE TABLE windows (user TEXT NOT NULL, source TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER,"
    " newest INTEGER, oldest INTEGER, posts INTEGER NOT NULL, whole INTEGER NOT NULL, cursor TEXT,"
    " PRIMARY KEY (user, source, began)) WITHOUT ROWID"
)
LAYOUT = Layout(
    kind="timeline store",
    mark=0x666C7401,
    version=1,
    schema=(
        *(statement for table in TABLES for statement in _create(table)),
        "CREATE INDEX posts_of ON posts (user, id)",
        "CREATE INDEX edges_to ON edges (other)",
        _WINDOWS,
    ),
    error=StoreError,
    shrinks=False,
)


def upsert(table: str, *, fresh: bool = False, weak: bool = False) -> str:
    """Return the statement that puts a row into a table.

    Args:
        table: one of TABLES.
        fresh: into the table beside it, after the user of whom it is.
        weak: it fills gaps only.
    """
    names = [f'"{name}"' for name in (*(("of",) if fresh else ()), *TABLES[table])]
    home = f"fresh_{table}" if fresh else table
    values = ", ".join("?" * len(names))
    return f"INSERT INTO {home} ({', '.join(names)}) VALUES ({values}) {_merge(table, home, weak=weak)}"  # noqa: S608


def moved(table: str, *, weak: bool = False) -> str:
    """Return the statement that brings a user's fresh rows to the others; ``weak`` ones fill gaps only."""
    names = ", ".join(f'"{name}"' for name in TABLES[table])
    return (
        f"INSERT INTO {table} ({names}) SELECT {names} FROM fresh_{table}"  # noqa: S608
        f' WHERE "of" = ? {_merge(table, table, weak=weak)}'
    )


def _merge(table: str, home: str, *, weak: bool) -> str:
    keys = KEYS[table]
    first, second = (home, "excluded") if weak else ("excluded", home)
    sets = [
        f'"{name}" = max({first}."{name}", {second}."{name}")'
        if name in _MOST
        else f'"{name}" = coalesce({first}."{name}", {second}."{name}")'
        for name in TABLES[table]
        if name not in keys and not (table == "posts" and name == "kind" and not weak)
    ]
    if table == "posts" and not weak:  # who does not tell what a post answers calls it a post
        sets.append(f"kind = iif(excluded.kind = 'post', {home}.kind, excluded.kind)")
    conflict = ", ".join(f'"{key}"' for key in ((*(("of",) if home != table else ()), *keys)))
    return f"ON CONFLICT ({conflict}) DO UPDATE SET {', '.join(sets)}"


def post_rows(post: Post, source: str, at: int | None = None) -> list[tuple[str, tuple[Any, ...]]]:
    """Return a post's rows: each a table and its values, the post's own first."""
    seen = int(time.time()) if at is None else at
    known = {**msgspec.structs.asdict(post), "source": source, "seen_at": seen}
    if not post.own:
        known["pinned"] = None  # who quotes it does not say
    rows = [("posts", _values("posts", known))]
    for number, medium in enumerate(post.media):
        told = {**msgspec.structs.asdict(medium), "post": post.id, "number": number}
        rows.append(("media", _values("media", told)))
    edges = [{**msgspec.structs.asdict(edge), "post": post.id} for edge in post.edges]
    return rows + [("edges", _values("edges", told)) for told in edges]


def account_row(account: Account, at: int | None = None) -> tuple[str, tuple[Any, ...]]:
    """Return an account's row: the table and its values."""
    seen = int(time.time()) if at is None else at
    return "users", _values("users", {**msgspec.structs.asdict(account), "seen_at": seen})


def inserts(
    rows: Sequence[tuple[str, tuple[Any, ...]]], *, of: str | None, source: str, weak: bool = False
) -> list[Any]:
    """Return rows as statements with their values.

    Args:
        rows: of :func:`post_rows` and :func:`account_row`.
        of: the user whose rows these are, if they go beside the others.
        source: the collector that brought them.
        weak: they fill gaps only, as those of poorer sources do in any case.
    """
    weak |= source in WEAK
    return [
        (
            upsert(table, fresh=of is not None, weak=weak or (table == "media" and source in SMALL)),
            values if of is None else (of, *values),
        )
        for table, values in rows
    ]


def table_of(name: str, rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Return rows of a table as polars has them."""
    schema = WINDOWS if name == "windows" else TABLES[name]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pl.DataFrame(
        [
            _series(column, dtype, values)
            for (column, dtype), values in zip(schema.items(), columns, strict=True)
        ]
    )


def _series(name: str, dtype: Any, values: Sequence[Any]) -> pl.Series:
    if name in _JSON:
        return pl.Series(name, [value and json.loads(value) for value in values], dtype)
    if isinstance(dtype, pl.Datetime):
        seconds = pl.Series(name, values, pl.Int64)
        return (seconds if name in _EXACT else seconds * 1_000_000).cast(dtype)
    if isinstance(dtype, pl.Boolean):
        flags = pl.Series(name, values, pl.Int64).cast(dtype)
        return flags if name in _UNKNOWN else flags.fill_null(value=False)
    return pl.Series(name, values, dtype)


def _values(table: str, known: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(_plain(name, known[name]) for name in TABLES[table])


def _plain(name: str, value: Any) -> Any:
    if name in _JSON and value is not None:
        return msgspec.json.encode(value).decode()
    return int(value) if isinstance(value, bool) else value
