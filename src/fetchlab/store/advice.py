"""What a cache's own history says about its settings.

* *ttl is too short*: entries were fetched again after their time, and each time the body was the same. Every
  fetch but the first would have been saved.
* *ttl is too long*: entries had another body every time they were fetched again, and were used meanwhile. A
  shorter ttl costs requests (a negative number: one for each of those uses at most) and shows what changed.
* *a parameter makes no difference*: whichever keys differ only by the value of one query parameter have one
  body, everywhere at the host. All but one per group would have been saved. A single pair with two bodies
  speaks against it, for an ignored parameter would give one page in place of another.
* *bodies are too large*: few entries take most of the room, were never used, and others were dropped for
  them.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from fetchlab.policy.keys import host_of
from fetchlab.store.cache_keys import without

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from fetchlab.store.cache_stats import CacheStats

__all__ = ["SELECT", "advice_frame", "entries_frame"]

SELECT = (
    "SELECT key, kind, size, stored, expires, seconds, hits, fetches, changes, crc, first FROM entry"
    " ORDER BY stored DESC"
)
KEY, KIND, SIZE, STORED, EXPIRES, SECONDS, HITS, FETCHES, CHANGES, CRC, FIRST = range(11)
LARGE = 10.0
"""Times the median: a body of that size is large."""
Row = tuple[Any, ...]


def entries_frame(rows: list[Row]) -> pl.DataFrame:
    """Return a row per entry; see :meth:`Cache.frame`."""
    import polars as pl

    moment = pl.Datetime("us", "UTC")
    schema: dict[str, Any] = {
        "key": pl.String, "host": pl.String, "kind": pl.String, "bytes": pl.UInt64, "stored": moment,
        "expires": moment, "seconds": pl.Float64, "hits": pl.UInt64, "fetches": pl.UInt64,
        "changes": pl.UInt64, "first": moment,
    }  # fmt: skip
    return pl.DataFrame(
        [
            (
                row[KEY],
                _host(row[KEY]) or None,
                row[KIND],
                row[SIZE],
                _moment(row[STORED]),
                _moment(row[EXPIRES]),
                *row[SECONDS : CHANGES + 1],
                _moment(row[FIRST]),
            )
            for row in rows
        ],
        schema=schema,
        orient="row",
    )


def advice_frame(rows: list[Row], stats: CacheStats, max_bytes: int | None) -> pl.DataFrame:
    """Return a row per piece of advice and host, the most requests first; see :meth:`Cache.advice`."""
    import polars as pl

    by_host: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_host[_host(row[KEY])].append(row)
    found = [
        (what, host, entries, requests, knob, example, detail)
        for host, own in by_host.items()
        for what, entries, requests, knob, example, detail in (*_ttl(own), *_volatile(own))
    ]
    found += _large(rows, stats, max_bytes)
    schema: dict[str, Any] = {
        "advice": pl.String, "host": pl.String, "entries": pl.UInt32, "requests": pl.Int64,
        "knob": pl.String, "example_key": pl.String, "detail": pl.String,
    }  # fmt: skip
    return pl.DataFrame(found, schema=schema, orient="row").sort("requests", "host", descending=[True, False])


def _ttl(rows: list[Row]) -> Iterator[tuple[str, int, int, str, str, str]]:
    again = [row for row in rows if row[FETCHES] > 1]
    same = [row for row in again if row[CHANGES] == 0]
    if same:
        longest = max(same, key=lambda row: row[STORED] - row[FIRST])
        held = longest[STORED] - longest[FIRST]
        saved = sum(row[FETCHES] - 1 for row in same)
        detail = f"unchanged for up to {_span(held)} and fetched {saved:,} times again"
        yield "ttl is too short", len(same), saved, f"ttl={_round(held)}", longest[KEY], detail
    other = [row for row in again if row[CHANGES] == row[FETCHES] - 1 and row[HITS]]
    if other:
        shortest = min(other, key=lambda row: (row[STORED] - row[FIRST]) / row[CHANGES])
        span = (shortest[STORED] - shortest[FIRST]) / shortest[CHANGES]
        used = sum(row[HITS] for row in other)
        detail = f"another body at every fetch, as soon as {_span(span)} after; used {used:,} times between"
        yield "ttl is too long", len(other), -used, f"ttl={_round(span)}", shortest[KEY], detail


def _volatile(rows: list[Row]) -> Iterator[tuple[str, int, int, str, str, str]]:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        for name in _parameters(row[KEY]):
            groups[name, without(row[KEY], frozenset({name}))].append(row)
    saved: dict[str, list[list[Row]]] = defaultdict(list)
    differs: set[str] = set()
    for (name, _), group in groups.items():
        if len({row[CRC] for row in group}) > 1:
            differs.add(name)
        elif len(group) > 1:
            saved[name].append(group)
    for name, found in saved.items():
        if name in differs:
            continue
        requests = sum(row[FETCHES] for group in found for row in group) - len(found)
        entries = sum(map(len, found))
        detail = f"{entries:,} entries have {len(found):,} different bodies without it"
        yield (
            "a parameter makes no difference",
            entries,
            requests,
            f'ignore=("{name}",)',
            found[0][0][KEY],
            detail,
        )


def _large(
    rows: list[Row], stats: CacheStats, max_bytes: int | None
) -> Iterable[tuple[str, str, int, int, str, str, str]]:
    sizes = sorted(row[SIZE] for row in rows)
    if not sizes:
        return []
    median = sizes[len(sizes) // 2]
    large = [row for row in rows if row[SIZE] > LARGE * median and not row[HITS]]
    taken = sum(row[SIZE] for row in large)
    if not large or taken < sum(sizes) / 2:
        return []
    room = int(taken / median)
    requests = min(room, stats.evicted) if max_bytes is not None else 0
    most = max(large, key=lambda row: row[SIZE])
    least = min(row[SIZE] for row in large)
    detail = (
        f"{len(large):,} of {len(rows):,} entries take {taken / 1e6:,.1f} of {sum(sizes) / 1e6:,.1f} MB "
        f"and were never used; {room:,} of the usual size would fit there"
    )
    knob = f"ttl=lambda response: 0 if len(response.content) >= {least} else …"
    return [("bodies are too large", _host(most[KEY]), len(large), requests, knob, most[KEY], detail)]


def _parameters(key: str) -> set[str]:
    query = key.partition("?")[2].partition(" ")[0]
    return {unquote_plus(part.partition("=")[0]) for part in query.split("&") if "=" in part}


def _host(key: str) -> str:
    method, _, url = key.partition(" ")
    return host_of(url.partition(" ")[0]) if method.isupper() and "://" in url else ""


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _span(seconds: float) -> str:
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} s"


def _round(seconds: float) -> str:
    """Two digits are as many as such a guess bears."""
    return f"{float(f'{seconds:.2g}'):,.10g}".replace(",", "_")
