"""What a cache's file holds, and every statement that is said to it.

Bodies lie apart from entries, so that a scan of these is quick, and in the order they came, so that a batch
of them is written to one place. ``fetches`` and ``changes`` tell whether the
ttl fits; ``crc`` is the body's, ``crc_all`` the body's and the head's: SQLite does not see a flipped bit.
Triggers keep the tally, so that a file of a million entries is opened as quickly as one of ten, and end the
lease on what has come.
"""

from __future__ import annotations

from fetchlab.errors import CacheError
from fetchlab.store.database import Layout

__all__ = [
    "ALL",
    "DELETE",
    "DROP",
    "GET",
    "LAYOUT",
    "OLDEST",
    "OVER",
    "PUT",
    "PUT_BODY",
    "RENEW",
    "TALLY",
    "TIMES",
    "TOUCH",
]

ENTRY = """
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, head BLOB,
    body INTEGER NOT NULL, stored REAL NOT NULL,
    expires REAL, seconds REAL NOT NULL, size INTEGER NOT NULL,
    crc INTEGER NOT NULL, crc_all INTEGER NOT NULL,
    used REAL NOT NULL, first REAL NOT NULL, hits INTEGER NOT NULL DEFAULT 0,
    fetches INTEGER NOT NULL DEFAULT 1, changes INTEGER NOT NULL DEFAULT 0)"""
BODY = "CREATE TABLE body (id INTEGER PRIMARY KEY, data BLOB NOT NULL)"
COUNTS = "CREATE TABLE tally (entries INTEGER NOT NULL, bytes INTEGER NOT NULL, evicted INTEGER NOT NULL)"
FIRST_COUNTS = "INSERT INTO tally VALUES (0, 0, 0)"
ADDED = """
CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
    UPDATE tally SET entries = entries + 1, bytes = bytes + new.size;
    DELETE FROM lease WHERE id = new.id;
END"""
CHANGED = """
CREATE TRIGGER entry_changed AFTER UPDATE OF stored ON entry BEGIN
    UPDATE tally SET bytes = bytes + new.size - old.size;
    DELETE FROM body WHERE id = old.body AND old.body <> new.body;
    DELETE FROM lease WHERE id = new.id;
END"""
REMOVED = """
CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
    DELETE FROM body WHERE id = old.body;
    UPDATE tally SET entries = entries - 1, bytes = bytes - old.size;
END"""
HOLDER = "CREATE TABLE holder (name TEXT PRIMARY KEY, pid INTEGER NOT NULL, beat REAL NOT NULL) WITHOUT ROWID"
LEASE = "CREATE TABLE lease (id INTEGER PRIMARY KEY, holder TEXT NOT NULL)"

LAYOUT = Layout(
    kind="cache",
    mark=0x666C6301,
    version=1,
    schema=(ENTRY, BODY, COUNTS, FIRST_COUNTS, HOLDER, LEASE, ADDED, CHANGED, REMOVED),
    error=CacheError,
)

PUT = (
    "INSERT INTO entry (id, key, kind, head, stored, expires, seconds, size, crc, crc_all, body, used, first)"
    " VALUES {} ON CONFLICT (id) DO UPDATE SET key = excluded.key, kind = excluded.kind,"
    " head = excluded.head, stored = excluded.stored, expires = excluded.expires,"
    " seconds = excluded.seconds, size = excluded.size, crc = excluded.crc, crc_all = excluded.crc_all,"
    " body = excluded.body, used = excluded.used, fetches = fetches + 1,"
    " changes = changes + (crc <> excluded.crc)"
)
PUT_BODY = "INSERT INTO body VALUES {} ON CONFLICT (id) DO UPDATE SET data = excluded.data"
RENEW = "UPDATE entry SET stored = ?2, expires = ?3, used = ?2, fetches = fetches + 1 WHERE id = ?1"
TOUCH = (
    "UPDATE entry SET used = max(entry.used, seen.used), hits = entry.hits + seen.hits FROM"
    " (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS used,"
    " json_extract(value, '$[2]') AS hits FROM json_each(?)) AS seen WHERE entry.id = seen.id"
)
GET = (
    "SELECT key, kind, head, data, stored, expires, seconds, crc_all"
    " FROM entry LEFT JOIN body ON body.id = entry.body WHERE entry.id = ?"
)
TIMES = "SELECT stored, expires FROM entry WHERE id = ? AND key = ?"
DELETE = "DELETE FROM entry WHERE id = ?"
DROP = "DELETE FROM entry WHERE id = ? AND used <= ?"
ALL = "SELECT id FROM entry WHERE id > ?1 ORDER BY id LIMIT ?2"
OVER = "SELECT id FROM entry WHERE id > ?1 AND (expires <= ?3 OR stored < ?4) ORDER BY id LIMIT ?2"
OLDEST = "SELECT id, size, used FROM entry ORDER BY used LIMIT ?"
TALLY = "SELECT entries, bytes, evicted FROM tally"
