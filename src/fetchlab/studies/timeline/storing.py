"""The file that remembers timelines: written in batches by one thread, read by anybody."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError, StoreError
from fetchlab.store.database import connect, read_only, told
from fetchlab.store.writer import Writer
from fetchlab.studies.timeline.layout import (
    LAYOUT,
    TABLES,
    WEAK,
    account_row,
    inserts,
    moved,
    post_rows,
    table_of,
)
from fetchlab.studies.timeline.rows import WINDOWS, Found, Post

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Future

    import polars as pl

    from fetchlab.store.writer import Row

__all__ = ["Store", "Window"]

log = logging.getLogger("fetchlab.timeline")

KINDS = {".parquet": "write_parquet", ".csv": "write_csv", ".ndjson": "write_ndjson"}
_WINDOW = (
    "INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user, source, began) DO UPDATE SET"
    " ended = excluded.ended, newest = excluded.newest, oldest = excluded.oldest, posts = excluded.posts,"
    " whole = excluded.whole, cursor = excluded.cursor"
)
_OF_USER = "user = ? AND own"


class Window:
    """One reading of a timeline, as far as it has come.

    Attributes:
        began: microseconds in Unix time; with user and source what it is known by.
        newest, oldest: ids between which nothing is missing, None at first.
        posts: how many of the timeline it has found.
        whole: the timeline was read to its end.
        cursor: what brings the next page.
    """

    def __init__(self, user: str, source: str, began: int | None = None) -> None:
        self.user = user
        self.source = source
        self.began = time.time_ns() // 1_000 if began is None else began
        self.newest: int | None = None
        self.oldest: int | None = None
        self.posts = 0
        self.whole = False
        self.cursor: str | None = None

    def widen(self, posts: Iterable[Post]) -> None:
        """Hear of posts that were found, one after the other."""
        ids = [post.id for post in posts]
        if ids:
            self.newest = max([*ids, *([self.newest] if self.newest is not None else [])])
            self.oldest = min([*ids, *([self.oldest] if self.oldest is not None else [])])

    def values(self) -> tuple[Any, ...]:
        """Its row."""
        return (
            self.user,
            self.source,
            self.began,
            time.time_ns() // 1_000,
            self.newest,
            self.oldest,
            self.posts,
            int(self.whole),
            self.cursor,
        )


class Store:
    """Posts, media, edges and users in a file. Safe from any thread.

    Args:
        path: the file, made with the first row.
        batch_size: posts per commit.

    Attributes:
        rejected: what could not be stored, and why: a row that fails costs nobody else anything.
    """

    def __init__(self, path: str | Path, *, batch_size: int = 50) -> None:
        self.path = Path(path)
        self.rejected: list[tuple[str, str]] = []
        self.error: StoreError | None = None
        self._lock = threading.Lock()  # guards error and rejected
        self._where = self.path.absolute()  # a notebook may change its folder
        self._writer = Writer(
            lambda: connect(self._where, LAYOUT),
            name="fetchlab-timeline",
            batch_size=batch_size,
            on_trouble=self._failed,
            write_rows=self._write,
        )

    # writing

    def add(self, found: Found, source: str, *, of: str | None = None) -> None:
        """Write what was found with the next batch.

        Args:
            found: posts and accounts.
            source: the collector that found it.
            of: the user whose rows are to be replaced once all of them are there; until then they lie beside.

        Raises:
            StoreError: the file cannot be written.
        """
        self.check()
        units: list[Row] = [
            (post.user, inserts(post_rows(post, source), of=of, weak=source in WEAK or post.truncated))
            for post in found.posts
        ]
        units += [
            (account.user, inserts([account_row(account)], of=of, weak=source in WEAK))
            for account in found.accounts
        ]
        if units:
            self._writer.write_all(units)

    def note(self, window: Window) -> None:
        """Write how far a reading has come, after the posts that it has found."""
        self.check()
        self._writer.write(window.user, [(_WINDOW, window.values())])

    def begin_anew(self, user: str) -> None:
        """Forget what an earlier attempt at replacing a user's rows left beside them."""
        self._writer.write(user, [(f'DELETE FROM fresh_{table} WHERE "of" = ?', (user,)) for table in TABLES])  # noqa: S608

    def replace(self, user: str) -> None:
        """Put a user's fresh rows into the place of the old ones; all of it or, at a crash, nothing."""
        self.check()
        self._writer.call(lambda connection: _replace(connection, user)).add_done_callback(self._replaced)

    def flush(self) -> None:
        """Wait until everything so far is committed.

        Raises:
            StoreError: it could not be.
        """
        try:
            self._writer.flush()
        except sqlite3.Error as error:
            raise told(error, self.path, LAYOUT) from error
        self.check()

    def check(self) -> None:
        """Raise what keeps the file from being written, if anything does."""
        with self._lock:
            if self.error is not None:
                raise self.error

    def rest(self) -> None:
        """Commit, and let go of the file until there is more to write."""
        self._writer.rest()

    # reading

    def table(self, name: str, users: Sequence[str] | None = None) -> pl.DataFrame:
        """Return a table; an empty one where nothing was stored yet.

        Args:
            name: ``posts``, ``media``, ``edges``, ``users`` or ``windows``.
            users: only what belongs to posts in these users' timelines; of all unless told.

        Raises:
            ConfigError: there is no such table.
            StoreError: the file cannot be read.
        """
        if name not in (*TABLES, "windows"):
            raise ConfigError("table", f"is one of {', '.join(TABLES)} and windows, not {name!r}")
        columns = ", ".join(f'"{column}"' for column in (WINDOWS if name == "windows" else TABLES[name]))
        where, values = _belonging(name, users)
        order = {"posts": "user, id DESC", "media": "post, number", "edges": "post, kind"}.get(name, "user")
        rows = self._read(f"SELECT {columns} FROM {name}{where} ORDER BY {order}", values)  # noqa: S608
        return table_of(name, rows)

    def window(self, user: str, source: str) -> Window | None:
        """Return the latest reading of a timeline from a source, None if there was none."""
        rows = self._read(
            "SELECT began, newest, oldest, posts, whole, cursor FROM windows"
            " WHERE user = ? AND source = ? ORDER BY began DESC LIMIT 1",
            (user, source),
        )
        if not rows:
            return None
        window = Window(user, source, rows[0][0])
        window.newest, window.oldest, window.posts, whole, window.cursor = rows[0][1:]
        window.whole = bool(whole)
        return window

    def known(self, user: str) -> set[int]:
        """Return the ids of a user's posts that are stored."""
        return {row[0] for row in self._read(f"SELECT id FROM posts WHERE {_OF_USER}", (user,))}  # noqa: S608

    def author(self, post: int) -> str | None:
        """Return whose a stored post is."""
        rows = self._read("SELECT user FROM posts WHERE id = ?", (post,))
        return rows[0][0] if rows else None

    def counts(self, users: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return how many rows users' timelines have: ``posts``, ``media``, ``edges`` and ``windows``."""
        marks = ", ".join("?" * len(users))
        own = f"p.own AND p.user IN ({marks}) GROUP BY p.user"
        asked = {
            "posts": f"SELECT p.user, count(*) FROM posts p WHERE {own}",  # noqa: S608
            "windows": f"SELECT user, count(*) FROM windows WHERE user IN ({marks}) GROUP BY user",  # noqa: S608
        } | {
            name: f"SELECT p.user, count(*) FROM {name} t JOIN posts p ON p.id = t.post WHERE {own}"  # noqa: S608
            for name in ("media", "edges")
        }
        found = {name: dict(self._read(sql, users)) for name, sql in asked.items()}
        return {user: {name: counted.get(user, 0) for name, counted in found.items()} for user in users}

    def export(self, folder: str | Path, kind: str = "parquet") -> list[Path]:
        """Write every table into a file of its own; returns the files.

        Args:
            folder: where to, made if there is none.
            kind: ``"parquet"``, ``"csv"`` (lists as JSON) or ``"ndjson"``.

        Raises:
            ConfigError: there is no such kind.
        """
        if f".{kind}" not in KINDS:
            raise ConfigError("kind", f"is one of {', '.join(one[1:] for one in KINDS)}, not {kind!r}")
        to = Path(folder)
        to.mkdir(parents=True, exist_ok=True)
        paths = []
        for name in (*TABLES, "windows"):
            table = self.table(name)
            path, part = to / f"{name}.{kind}", to / f".{name}.{kind}.part"
            getattr(_flat(table) if kind == "csv" else table, KINDS[f".{kind}"])(part)
            paths.append(part.replace(path))
        return paths

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self._writer.waiting:
            self.flush()
        if not self._where.exists():
            return []
        try:
            with closing(read_only(self._where, LAYOUT)) as connection:
                return connection.execute(sql, values).fetchall()
        except StoreError as error:
            if error.reason == "empty":  # the writer is making it
                return []
            raise
        except sqlite3.Error as error:
            raise told(error, self.path, LAYOUT) from error

    # on the writer's thread

    def _write(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        """Write a batch; where one thing fails, the others one by one."""
        connection.execute("SAVEPOINT batch")
        try:
            for _, statements in rows:
                _execute(connection, statements)
        except _UNFIT:
            connection.execute("ROLLBACK TO batch")
            for name, statements in rows:
                self._write_one(connection, name, statements)
        connection.execute("RELEASE batch")

    def _write_one(self, connection: sqlite3.Connection, name: str, statements: Sequence[Any]) -> None:
        connection.execute("SAVEPOINT one")
        try:
            _execute(connection, statements)
        except _UNFIT as error:
            connection.execute("ROLLBACK TO one")
            with self._lock:
                self.rejected.append((name, f"{type(error).__name__}: {error}"))
            log.warning("a row of %s cannot be stored: %s", name, error)
        connection.execute("RELEASE one")

    def _replaced(self, future: Future[None]) -> None:
        error = future.exception()
        if isinstance(error, Exception):
            self._failed(error, [])

    def _failed(self, error: Exception, rows: list[Row]) -> None:
        trouble = error if isinstance(error, StoreError) else told(error, self.path, LAYOUT)
        with self._lock:
            self.error = trouble
        log.warning("%s; %d rows are not stored", trouble, len(rows))


_UNFIT = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeError,
    ValueError,
)
"""What says that a row is not as it should be, and nothing about the file."""


def _execute(connection: sqlite3.Connection, statements: Iterable[tuple[str, Sequence[Any]]]) -> None:
    for sql, values in statements:
        connection.execute(sql, values)


def _replace(connection: sqlite3.Connection, user: str) -> None:
    old = f"SELECT id FROM posts WHERE {_OF_USER}"  # noqa: S608
    for table in ("media", "edges"):
        connection.execute(f"DELETE FROM {table} WHERE post IN ({old})", (user,))  # noqa: S608
    connection.execute(f"DELETE FROM posts WHERE {_OF_USER}", (user,))  # noqa: S608
    for table in TABLES:
        connection.execute(moved(table), (user,))
        connection.execute(f'DELETE FROM fresh_{table} WHERE "of" = ?', (user,))  # noqa: S608


def _belonging(name: str, users: Sequence[str] | None) -> tuple[str, tuple[Any, ...]]:
    """The condition for rows that belong to some users' timelines."""
    if users is None:
        return "", ()
    marks = ", ".join("?" * len(users))
    values = tuple(user.lower() for user in users)
    own = f"SELECT id FROM posts WHERE own AND user IN ({marks})"  # noqa: S608
    if name == "posts":
        return f" WHERE own AND user IN ({marks})", values
    if name in ("media", "edges"):
        return f" WHERE post IN ({own})", values
    return f" WHERE user IN ({marks})", values


def _flat(table: pl.DataFrame) -> pl.DataFrame:
    """Lists as JSON, for files that have none."""
    import msgspec
    import polars as pl

    return table.with_columns(
        pl.Series(
            name,
            [None if one is None else msgspec.json.encode(one).decode() for one in table[name].to_list()],
        )
        for name, dtype in table.schema.items()
        if isinstance(dtype, pl.List)
    )
