"""What a shared tier holds, and every command that is said to it.

An entry is a hash under ``fetchlab:entry:`` and its key's digest, with the columns that a file's row has; a
lease is a string under ``fetchlab:lease:`` and the same digest, its holder's token. What must not be torn
apart is a script: an entry ends the lease that was held for it in the same moment, and only its own.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeAlias

from fetchlab.store.entry import Entry, spelt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ENTRIES",
    "PROBE",
    "SCRIPTS",
    "Command",
    "drop_over",
    "entry_of",
    "extend",
    "fetch",
    "lease",
    "leased",
    "name_of",
    "probe",
    "put",
    "release",
    "renew",
    "row_of",
    "rows",
    "taken",
    "times",
    "touch",
]

Command: TypeAlias = tuple[Any, ...]
"""A command's words; one that begins with the name of a script is said as ``EVALSHA``."""
ENTRY, LEASE = "fetchlab:entry:", "fetchlab:lease:"
ENTRIES = ENTRY + "*"
PROBE = LEASE + "probe"
COLUMNS = ("key", "kind", "head", "body", "stored", "expires", "seconds", "crc_all")
ROW = ("key", "kind", "size", "stored", "expires", "seconds", "hits", "fetches", "changes", "crc", "first")

_FREE = "if ARGV[1] ~= '' and redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end"
_KEEP = """
if ARGV[2] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end"""
SCRIPTS = {
    "put": f"""
local old = redis.call('HGET', KEYS[1], 'crc')
if not old then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'key', ARGV[3], 'kind', ARGV[4], 'head', ARGV[5], 'body', ARGV[6],
  'stored', ARGV[7], 'expires', ARGV[8], 'seconds', ARGV[9], 'size', ARGV[10], 'crc', ARGV[11],
  'crc_all', ARGV[12])
redis.call('HSETNX', KEYS[1], 'first', ARGV[7])
redis.call('HINCRBY', KEYS[1], 'fetches', 1)
redis.call('HINCRBY', KEYS[1], 'hits', 0)
redis.call('HINCRBY', KEYS[1], 'changes', (old and old ~= ARGV[11]) and 1 or 0){_KEEP}
{_FREE}
return 1""",
    "renew": f"""
local found = redis.call('EXISTS', KEYS[1])
if found == 1 then
  redis.call('HSET', KEYS[1], 'stored', ARGV[3], 'expires', ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'fetches', 1){_KEEP}
  {_FREE}
end
return found""",
    "touch": """
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then redis.call('HINCRBY', key, 'hits', ARGV[i]) end
end""",
    "release": "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
    "extend": """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[i + 1] then redis.call('PEXPIRE', key, ARGV[1]) end
end""",
    "drop_over": """
local dropped = 0
for _, key in ipairs(KEYS) do
  local times = redis.call('HMGET', key, 'stored', 'expires')
  local stored, expires = tonumber(times[1] or ''), tonumber(times[2] or '')
  if not stored or stored < tonumber(ARGV[2]) or (expires and expires <= tonumber(ARGV[1])) then
    dropped = dropped + redis.call('UNLINK', key)
  end
end
return dropped""",
}
"""Lua, by name; loaded once per server."""


def name_of(key: str) -> str:
    """Return the digest under which a key's entry and lease are: 128 bits of BLAKE2b."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# entries; every time is the server's, ``ahead`` is how far its clock is ahead of ours


def fetch(name: str) -> Command:
    """Read an entry; :func:`entry_of` reads the answer."""
    return ("HMGET", ENTRY + name, *COLUMNS)


def entry_of(key: str, found: Sequence[bytes | None], ahead: float) -> Entry | None:
    """Return the entry that was found under a key, None if there is none.

    Raises:
        ValueError: it is damaged.
    """
    if not any(part is not None for part in found):
        return None
    if any(part is None for part in found):
        raise ValueError("a column is missing")
    spelling, kind, head, body, stored, expires, seconds, checksum = (bytes(part or b"") for part in found)
    if spelling.decode() != spelt(key):
        raise ValueError("it is another key's")
    entry = Entry(
        key,
        kind.decode(),
        head if kind == b"response" else None,
        body,
        stored=float(stored) - ahead,
        expires=float(expires) - ahead if expires else None,
        seconds=float(seconds),
    )
    if entry.checksums()[1] != int(checksum):
        raise ValueError("its checksum is another one")
    return entry


def put(entry: Entry, *, token: str, keep: float | None, ahead: float) -> Command:
    """Store an entry and end the lease that this token holds.

    Args:
        entry: what to store.
        token: the lease's, empty where there is none.
        keep: seconds after which the server may forget it, None for never.
        ahead: of the server's clock, seconds.
    """
    name = name_of(entry.key)
    return (
        *("put", 2, ENTRY + name, LEASE + name, token, _milliseconds(keep)),
        *(spelt(entry.key), entry.kind, entry.head or b"", entry.body),
        *(repr(entry.stored + ahead), _moment(entry.expires, ahead), repr(entry.seconds), entry.size),
        *entry.checksums(),
    )


def renew(entry: Entry, *, token: str, keep: float | None, ahead: float) -> Command:
    """Note that an entry is unchanged; the answer is 0 where the server has forgotten it."""
    name = name_of(entry.key)
    return (
        *("renew", 2, ENTRY + name, LEASE + name, token, _milliseconds(keep)),
        *(repr(entry.stored + ahead), _moment(entry.expires, ahead)),
    )


def times(name: str) -> Command:
    """Read when an entry was stored and when its time is over."""
    return ("HMGET", ENTRY + name, "stored", "expires")


def touch(hits: dict[str, int]) -> Command:
    """Count hits, by name."""
    return ("touch", len(hits), *(ENTRY + name for name in hits), *hits.values())


def drop_over(keys: list[str], now: float, before: float) -> Command:
    """Drop of these entries what is over at a moment, was stored before another, or is none."""
    return ("drop_over", len(keys), *keys, repr(now), repr(before))


def rows(key: str) -> Command:
    """Read what a table tells of an entry; :func:`row_of` reads the answer."""
    return ("HMGET", key, *ROW)


def row_of(found: Sequence[bytes | None], ahead: float) -> tuple[Any, ...] | None:
    """Return an entry's row as :mod:`~fetchlab.store.advice` reads it, None for what is none."""
    try:
        key, kind, size, stored, expires, seconds, hits, fetches, changes, crc, first = (
            (part or b"").decode("utf-8", "replace") for part in found
        )
        return (
            *(key, kind, int(size), float(stored) - ahead, float(expires) - ahead if expires else None),
            *(float(seconds), int(hits), int(fetches), int(changes), int(crc), float(first) - ahead),
        )
    except ValueError:
        return None


def probe() -> Command:
    """Write something, to see whether that is possible."""
    return ("SET", PROBE, "", "PX", 1)


# leases


def lease(name: str, token: str, seconds: float) -> Command:
    """Take a lease unless somebody has it; the answer is None then."""
    return ("SET", LEASE + name, token, "NX", "PX", _milliseconds(seconds))


def leased(name: str) -> Command:
    """Ask whether anybody has a lease."""
    return ("EXISTS", LEASE + name)


def taken(answer: Any) -> bool:
    """Say whether :func:`lease` was answered with a lease."""
    return answer is True or answer == b"OK"


def release(name: str, token: str) -> Command:
    """Give a lease back, if it is still the token's."""
    return ("release", 1, LEASE + name, token)


def extend(held: dict[str, str], seconds: float) -> Command:
    """Hold leases for so many seconds from now on, those that are still their tokens'."""
    return ("extend", len(held), *(LEASE + name for name in held), _milliseconds(seconds), *held.values())


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else str(max(1, int(seconds * 1000)))


def _moment(moment: float | None, ahead: float) -> str:
    return "" if moment is None else repr(moment + ahead)
