"""What a journal's file looks like, and how keys become row numbers.

====================  =====================================================================
``session``           a row per sitting: process, begin, end, final state and statistics, what made its values
``item``              a row per key: what became of it last, in which session
``value``             the values of items that are ok, apart from them so that scans stay quick
``attempt``           attempts that failed or were not an item's first, of all sessions
``pulse``             how a run stands, twice a second while it lives; the last hundreds of each session
``meta``              facts of the whole file by name
====================  =====================================================================

An item's row number is a hash of its key, so that a million items are known by a million integers. A value
has a checksum over itself and over what its item's row says of it, because SQLite has none: a bit that
flipped on the disk would pass for a value.
"""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from fetchlab.errors import JournalError
from fetchlab.store.database import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ATTEMPT", "ITEM", "LAYOUT", "WITNESS", "checksum", "ident", "is_whole", "readable"]

ITEM: Final = (
    "id",
    "key",
    "ok",
    "session",
    "idx",
    "host",
    "status",
    "error",
    "message",
    "attempts",
    "cached",
    "worker",
    "queued",
    "started",
    "first_byte",
    "finished",
    "bytes",
    "kind",
    "value",
)
"""Columns of ``item``; times are seconds since the begin of their session's run."""
ATTEMPT: Final = (
    "item",
    "session",
    "idx",
    "key",
    "host",
    "attempt",
    "worker",
    "started",
    "first_byte",
    "finished",
    "status",
    "error",
    "message",
    "bytes",
    "wait",
    "reason",
)
"""Columns of ``attempt``, of which ``item`` is an item's row number."""

WITNESS: Final = ("id", "key", "status", "bytes", "kind")
"""Columns of ``item`` that a value's checksum covers."""

_ITEM = """CREATE TABLE item (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, ok INTEGER NOT NULL, session INTEGER NOT NULL,
    idx INTEGER NOT NULL, host TEXT NOT NULL, status INTEGER, error TEXT, message TEXT,
    attempts INTEGER NOT NULL, cached INTEGER NOT NULL, worker INTEGER NOT NULL, queued REAL NOT NULL,
    started REAL NOT NULL, first_byte REAL, finished REAL NOT NULL, bytes INTEGER NOT NULL, kind TEXT,
    value INTEGER)"""
_VALUE_2 = "CREATE TABLE value (id INTEGER PRIMARY KEY, data BLOB NOT NULL)"
_VALUE = "CREATE TABLE value (id INTEGER PRIMARY KEY, data BLOB NOT NULL, checksum INTEGER)"
_PULSE = (
    "CREATE TABLE pulse (id INTEGER PRIMARY KEY, session INTEGER NOT NULL, at REAL NOT NULL,"
    " stats TEXT NOT NULL)"
)

_BLANK = blake2b(digest_size=8)
_UNPACK = Struct(">Q").unpack

_META = "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID"
_SESSION = """CREATE TABLE session (
    id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, machine TEXT NOT NULL, started REAL NOT NULL, ended REAL,
    state TEXT NOT NULL, workers INTEGER NOT NULL, stats TEXT, maker TEXT)"""
_ATTEMPT = """CREATE TABLE attempt (
    item INTEGER NOT NULL, session INTEGER NOT NULL, idx INTEGER NOT NULL, key TEXT NOT NULL,
    host TEXT NOT NULL, attempt INTEGER NOT NULL, worker INTEGER NOT NULL, started REAL NOT NULL,
    first_byte REAL, finished REAL NOT NULL, status INTEGER, error TEXT, message TEXT,
    bytes INTEGER NOT NULL, wait REAL NOT NULL, reason TEXT)"""

_MOVE = (
    f"INSERT INTO item SELECT {', '.join(ITEM[:-1])},"  # noqa: S608  # our own names
    " iif(value IS NULL, NULL, number) FROM item_1"
)

LAYOUT: Final = Layout(
    kind="journal",
    mark=0x464C4A4E,  # "FLJN"
    version=3,
    schema=(_META, _SESSION, _ITEM, _VALUE, _ATTEMPT, _PULSE),
    error=JournalError,
    shrinks=False,
    migrations={
        # Values stood in the item's own row, so that every look at the rows read all bodies; and nothing told
        # how a run stood while it lived.
        1: (
            "ALTER TABLE item RENAME TO item_1",
            _ITEM,
            _VALUE_2,
            "INSERT INTO value SELECT number, value FROM item_1 WHERE value IS NOT NULL",
            _MOVE,
            "DROP TABLE item_1",
            _PULSE,
        ),
        # A flipped bit gave a wrong value without a word, and so did another parser. Of values from before
        # neither is known: null.
        2: (
            "ALTER TABLE value ADD COLUMN checksum INTEGER",
            "ALTER TABLE session ADD COLUMN maker TEXT",
        ),
    },
)


def ident(key: str) -> int:
    """Return the row number of a key: 63 bits of its BLAKE2b.

    Among a million keys two share one with a chance of 1 in 18 million, which is noticed when it is written.
    """
    hashed = _BLANK.copy()  # at half the cost of a new one
    hashed.update(key.encode() if key.isascii() else key.encode("utf-8", "surrogatepass"))
    number: int = _UNPACK(hashed.digest())[0]
    return number >> 1


def checksum(row: Sequence[Any], data: bytes) -> int:
    """Return the CRC-32 of a value and of what its item's row says of it, in WITNESS order."""
    number, key, status, size, kind = row
    return crc32(data, crc32(f"{number} {key} {status} {size} {kind}".encode()))


def is_whole(row: Sequence[Any], data: object, noted: int | None) -> bool:
    """Say whether a value is what was written; one from before there were checksums is taken for it."""
    return isinstance(data, bytes) and (noted is None or noted == checksum(row, data))


readable = partial(str, encoding="utf-8", errors="replace")
"""A connection's ``text_factory``: a flipped bit in a key is no reason to read nothing at all."""
