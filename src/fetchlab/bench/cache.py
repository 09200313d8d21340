"""A warm cache replayed: everything is there already, so what is measured is the finding of it.

Peers are the caches people put under their requests: requests-cache and hishel, both on SQLite as ours is,
and plain SQLite without a client as the limit. Each fills its own file from the same server before the first
round; so does the tier that machines share, where a Redis or Valkey server is installed. Nobody keeps the
bodies.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import time
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Unpack

from fetchlab.bench import redis_server
from fetchlab.bench.arms import fetching
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.speed import Budget, budgets, speeds
from fetchlab.engine.calls import fetch
from fetchlab.errors import StudyError
from fetchlab.store.cache import Cache
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from fetchlab.bench.measuring import Measuring

__all__ = ["FILE", "MEMORY", "PEERS", "SHARED", "collect", "missing", "shares", "table"]

FILE = "fetchlab, file"
MEMORY = "fetchlab, memory"
SHARED = "fetchlab, shared tier"
COLD = "fetchlab, nothing cached yet"
BARE = "fetchlab, no cache"
PLAIN = "plain SQLite"
PEERS = {"requests-cache": "requests_cache", "hishel": "hishel"}
AT_LEAST = 10.0
SHARE = 5
"""Peers replay one item of so many: they take that much longer."""


def missing() -> list[str]:
    """Return the peers that are not installed: ``pip install fetchlab[bench]``."""
    return [name for name, module in PEERS.items() if importlib.util.find_spec(module) is None]


def shares() -> bool:
    """Say whether there is a server to share by, and its client: ``pip install fetchlab[redis]``."""
    return redis_server.find() is not None and importlib.util.find_spec("redis") is not None


def collect(
    url: str,
    *,
    items: int = 10_000,
    workers: int = 20,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure replays, and beside them the same items without a cache and with a new one.

    Args:
        url: what to ask for, the same for every query string.
        items: items of an arm; of the peers' a fifth.
        workers: of the engine's arms.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; :func:`table` makes the table of them.

    Raises:
        StudyError: somebody had to ask the server again.
    """
    urls = [f"{url}?n={number}" for number in range(items)]
    with TemporaryDirectory(prefix="fetchlab-bench-") as folder, ExitStack() as stack:
        path = Path(folder) / "ours.db"
        warm = stack.enter_context(Cache(path, memory=items))
        fetch(urls, workers=workers, cache=warm, progress=False).wait()
        warm.flush()
        arms: dict[str, Callable[[], Measurement]] = {
            FILE: fetching(urls, workers=workers, keep=False, cache=Cache(path, memory=0)),
            MEMORY: fetching(urls, workers=workers, keep=False, cache=warm),
            BARE: fetching(urls, workers=workers, keep=False),
            COLD: partial(_cold, urls, workers, Path(folder) / "cold.db"),
            PLAIN: partial(_plain, path, items),
        }
        if shares():
            server = stack.enter_context(redis_server.RedisServer(folder))
            shared = stack.enter_context(Cache(server.url(), memory=0))
            fetch(urls, workers=workers, cache=shared, progress=False).wait()
            arms[SHARED] = fetching(urls, workers=workers, keep=False, cache=shared)
        few = urls[::SHARE]
        for name, fill in (("requests-cache", _requests_cache), ("hishel", _hishel)):
            if name not in missing():
                arms[name] = partial(_replay, stack.enter_context(closing(fill(Path(folder)))), few)
                arms[name]()
        return measure(arms, warmup=1, **how)


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per arm: items per second, and the ratio to the replay from the file.

    Returns:
        ``ideal`` is what plain SQLite reads per second without a client, for those that read from a file.
    """
    import polars as pl

    found = speeds(rounds, baseline=FILE)
    limit = found.filter(arm=PLAIN)["per_s"].first()
    least = pl.when(pl.col("arm").is_in([FILE, *PEERS])).then(pl.lit(limit, pl.Float64))
    return found.select(
        "arm",
        pl.col("per_s").alias("items/s"),
        least.alias("ideal"),
        (pl.col("per_s") / least).alias("efficiency"),
        *("us_per_item", "ratio", "low", "high", "error"),
    )


def budget_table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return the ratios that are asked for."""
    wanted = [Budget(arm, name, AT_LEAST) for arm in (MEMORY, FILE) for name in PEERS]
    wanted.append(Budget(COLD, BARE, None))
    return budgets(rounds, wanted)


def _cold(urls: Sequence[str], workers: int, path: Path) -> Measurement:
    with Cache(path) as cache:
        cache.clear()
        return fetching(urls, workers=workers, keep=False, cache=cache)()


def _plain(path: Path, items: int) -> Measurement:
    """Read the same rows by their numbers."""
    with closing(sqlite3.connect(path)) as connection:
        numbers = [number for (number,) in connection.execute("SELECT id FROM entry")]
        begun = time.perf_counter()
        size = 0
        for number in numbers:
            (body,) = connection.execute(
                "SELECT data FROM body WHERE id = (SELECT body FROM entry WHERE id = ?)", (number,)
            ).fetchone()
            size += len(body)
        seconds = time.perf_counter() - begun
    return Measurement(seconds, items=len(numbers), ok=min(items, len(numbers)), bytes=size)


def _requests_cache(folder: Path) -> Any:
    import requests_cache

    return requests_cache.CachedSession(folder / "requests", backend="sqlite", expire_after=3600)


def _hishel(folder: Path) -> Any:
    import hishel
    import hishel.httpx

    storage = hishel.SqliteStorage(database_path=folder / "hishel.db", default_ttl=3600)
    return hishel.httpx.CacheClient(storage=storage)


def _replay(client: Any, urls: Sequence[str]) -> Measurement:
    """One after the other, which is how these clients are used."""
    begun = time.perf_counter()
    size = 0
    for url in urls:
        answer = client.get(url)
        if answer.status_code != 200:
            raise StudyError(f"HTTP {answer.status_code} for {url}")
        size += len(answer.content)
    return Measurement(time.perf_counter() - begun, items=len(urls), ok=len(urls), bytes=size)


def _collect(
    *, items: int = 10_000, size: int = 11_000, workers: int = 20, **how: Unpack[Measuring]
) -> pl.DataFrame:
    with serve(port=0) as bed:
        return collect(f"{bed.urls['echo']}/bytes/{size}", items=items, workers=workers, **how)


def _notes(**_: Any) -> list[str]:
    said = [
        f"There is no {name} (pip install 'fetchlab[bench]'): its rows and budgets are missing."
        for name in missing()
    ]
    if not shares():
        said.append(f"There is {redis_server.HINT}, pip install 'fetchlab[redis]': its row is missing.")
    return said


def _tables(rows: pl.DataFrame, *, size: int = 11_000, workers: int = 20, **_: Any) -> list[Table]:
    return [
        Table(f"Items per second, {size:,} bytes each, {workers} workers", table(rows)),
        Table("Budgets: ratios of speeds", budget_table(rows)),
    ]


def _yardsticks(arm: str) -> tuple[str, ...]:
    return {FILE: (PLAIN,), MEMORY: (PLAIN,), SHARED: (PLAIN,), COLD: (BARE,)}.get(arm, ())


BENCH = Bench(name="cache", collect=_collect, tables=_tables, notes=_notes, yardsticks=_yardsticks)
