"""One SQLite file of ours: opened, recognised, brought up to date, and its troubles told in our own errors.

A file says what it is by SQLite's own means: ``application_id`` tells whose it is, ``user_version`` which
schema it has. It is written in WAL mode, so that readers, also in other processes, never wait for the writer;
``synchronous=NORMAL`` means that a killed process loses nothing it committed, and a power cut at most the
last moments (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fetchlab.errors import StoreError

__all__ = ["OURS", "Layout", "check_owner", "connect", "move_aside", "read_only", "told"]

BUSY_SECONDS = 5.0
PAGE_BYTES = 8192
LOG_BYTES = 1 << 25
"""Of the write-ahead log before it is copied into the file; pages that many batches touch are copied once."""
COMPANIONS = ("-wal", "-shm", "-journal")
OURS = {0x464C4A4E: "journal", 0x666C6301: "cache", 0x666C7401: "timeline store"}
"""Our own kinds of files by their marks."""
_DAMAGE = (
    "malformed",
    "not a database",
    "disk image",
    "corrupt",
    "unsupported file format",
    "could not decode",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a kind of file holds.

    Attributes:
        kind: what people call it: ``"cache"``, ``"journal"``.
        mark: its ``application_id``.
        version: its newest schema.
        schema: statements that make that schema in an empty file.
        migrations: statements that lead from a version to the next one.
        shrinks: whether pages that became free can be given back; it makes writing an eighth slower.
        error: what is raised when it cannot be used.
    """

    kind: str
    mark: int
    version: int
    schema: tuple[str, ...]
    error: type[StoreError]
    migrations: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    shrinks: bool = True


def connect(path: Path, layout: Layout, *, log_bytes: int = LOG_BYTES) -> sqlite3.Connection:
    """Open a file for reading and writing; make it if there is none.

    The connection is in autocommit mode and may be handed from thread to thread, not shared.

    Args:
        path: the file.
        layout: what it is to hold.
        log_bytes: length of the write-ahead log at which it is copied into the file.

    Raises:
        StoreError: in the layout's own class; :func:`told` says of which kind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise told(error, path, layout) from error
    try:
        _prepare(connection, path, layout, log_bytes)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise told(error, path, layout) from error
        raise
    return connection


def read_only(path: Path, layout: Layout, *, partial: bool = False) -> sqlite3.Connection:
    """Open a file that is there, for reading; it may lie in a folder where nothing can be written.

    Args:
        path: the file.
        layout: what it should be.
        partial: where its write-ahead log cannot be read, do without what that holds.

    Raises:
        StoreError: in the layout's own class.
    """
    if not path.is_file():
        raise layout.error(f"{path}: there is no such {layout.kind}")
    trouble: Exception | None = None
    for mode in ("mode=ro", "mode=ro&immutable=1"):  # the second where WAL's own files cannot be made
        if "immutable" in mode and not (partial and _without_log(trouble)) and _log_of(path).exists():
            continue
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _recognise(connection, path, layout)
        except sqlite3.Error as error:
            connection.close()
            trouble = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    assert trouble is not None
    raise told(trouble, path, layout) from trouble


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _without_log(trouble: Exception | None) -> bool:
    """Say whether a file cannot be opened for want of what WAL keeps beside it; one that is locked can."""
    return trouble is not None and any(word in str(trouble) for word in ("unable to open", "readonly", "I/O"))


def told(error: Exception, path: Path, layout: Layout) -> StoreError:
    """Return an SQLite or file error in the layout's own class, saying what to do.

    Its ``reason`` says which kind of trouble it is; see :class:`~fetchlab.errors.StoreError`.
    """
    text = str(error)
    lowered = text.lower()
    damaged = isinstance(error, sqlite3.DatabaseError) and any(word in lowered for word in _DAMAGE)
    reason = ""
    if damaged:
        reason = "damaged"
        what = f"is no {layout.kind} or is damaged ({text})"
    elif "locked" in lowered or "busy" in lowered:
        reason = "locked"
        what = f"is locked by another process, for longer than {BUSY_SECONDS:g} s ({text})"
    elif "full" in lowered:
        reason = "full"
        what = f"cannot grow: {text}"
    elif "readonly" in lowered or "unable to open" in lowered or isinstance(error, PermissionError):
        reason = "readonly"
        what = f"cannot be opened for writing ({text})"
    elif "disk i/o" in lowered:
        reason = "io"
        what = f"cannot be used ({text}): is the disk full, or gone?"
    else:
        what = f"cannot be used ({text})"
    owned = layout.error(f"{path}: the {layout.kind} {what}")
    owned.damaged, owned.reason = damaged, reason
    return owned


def move_aside(path: Path) -> Path:
    """Rename a file, and what SQLite keeps beside it, out of the way; return its new name.

    Raises:
        OSError: it cannot be renamed.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S")
    number = 0
    while True:
        aside = path.with_name(f"{path.name}.aside-{stamp}{f'-{number}' if number else ''}")
        if not aside.exists():
            break
        number += 1
    path.rename(aside)
    for end in COMPANIONS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    return aside


def _prepare(connection: sqlite3.Connection, path: Path, layout: Layout, log_bytes: int) -> None:
    if _pragma(connection, "page_count") == 0:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # both are heeded only before the first table
        if layout.shrinks:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    else:
        _check_mark(connection, path, layout)
    _log_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {max(1, log_bytes // PAGE_BYTES)}")
    connection.execute(f"PRAGMA journal_size_limit = {log_bytes}")
    connection.execute("BEGIN IMMEDIATE")  # of several processes that come at once, one makes the tables
    try:
        version = _pragma(connection, "user_version")
        if version == 0 and _is_empty(connection):
            _apply(connection, layout.schema)
            connection.execute(f"PRAGMA application_id = {layout.mark}")
        else:
            _check_mark(connection, path, layout)
            _check_version(version, path, layout)
            for old in range(version, layout.version):
                _apply(connection, layout.migrations[old])
        if version != layout.version:  # or every opening would write to the file
            connection.execute(f"PRAGMA user_version = {layout.version}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Bring a file into WAL mode, with patience of our own.

    Where several come to a new file together, SQLite tells some that it is locked without waiting at all:
    each holds what another one needs.
    """
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return


def _recognise(connection: sqlite3.Connection, path: Path, layout: Layout) -> None:
    _check_mark(connection, path, layout)
    version = _pragma(connection, "user_version")
    _check_version(version, path, layout)
    if version == 0 and _is_empty(connection):
        error = layout.error(f"{path}: this file is empty, and no {layout.kind} yet")
        error.reason = "empty"
        raise error
    if version < layout.version:
        raise layout.error(
            f"{path}: this {layout.kind} has schema {version}, which is brought to {layout.version} when it "
            "is opened for writing"
        )
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _apply(connection: sqlite3.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.execute(statement)


def _check_mark(connection: sqlite3.Connection, path: Path, layout: Layout) -> None:
    """Refuse a file that is not ours; one without tables may be ours in a moment: it is being made."""
    mark = _pragma(connection, "application_id")
    if mark == layout.mark or (mark == 0 and _is_empty(connection)):
        return
    if mark == 0 and _pragma(connection, "application_id") == layout.mark:  # made since: both come at once
        return
    tables = "not to be read"
    with (
        suppress(sqlite3.DatabaseError),
        closing(connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 3")) as rows,
    ):
        tables = ", ".join(name for (name,) in rows) or "none"
    raise _foreign(path, layout, mark, tables)


def check_owner(path: Path, layout: Layout) -> None:
    """Refuse a file that says, damaged or not, that it is somebody else's.

    Raises:
        StoreError: it does; in the layout's own class.
    """
    with suppress(OSError), path.open("rb") as file:
        head = file.read(72)
        mark = int.from_bytes(head[68:72], "big")
        if head.startswith(b"SQLite format 3\0") and mark not in (0, layout.mark):
            raise _foreign(path, layout, mark, "not to be read")


def _foreign(path: Path, layout: Layout, mark: int, tables: str) -> StoreError:
    owner = f", it is a fetchlab {OURS[mark]}" if mark in OURS else ""
    error = layout.error(
        f"{path}: this SQLite file is no fetchlab {layout.kind}{owner} (its tables: {tables})"
    )
    error.damaged, error.reason = True, "foreign"
    return error


def _check_version(version: int, path: Path, layout: Layout) -> None:
    if version > layout.version:
        error = layout.error(
            f"{path}: this {layout.kind} has schema {version}, this fetchlab knows {layout.version}: "
            "update fetchlab, or give another file"
        )
        error.reason = "version"
        raise error


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
