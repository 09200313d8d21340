"""``fetchlab cache …``: what a cache's file or shared tier holds, and what to drop of it."""

from __future__ import annotations

import json
import re
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from fetchlab.cli.tables import say, show
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from fetchlab.store.cache import Cache

__all__ = ["register", "seconds_of"]

Place: TypeAlias = Annotated[
    str, typer.Argument(metavar="FILE|URL", help="The cache's file, or a shared tier: redis://host:6379/0.")
]
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_SPAN = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]*)", re.IGNORECASE)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    caches = typer.Typer(help="Look into a response cache, or drop what it holds.", no_args_is_help=True)
    for command in (stats, advice, clear, expire):
        caches.command()(command)
    app.add_typer(caches, name="cache")


def seconds_of(word: str, flag: str) -> float:
    """Return what a span of time such as ``90``, ``15min``, ``12h`` or ``7d`` is in seconds."""
    found = _SPAN.fullmatch(word.strip())
    if found is None or found["unit"].lower() not in UNITS:
        raise ConfigError(flag, f"give seconds, or a span such as 15min, 12h or 7d, not {word!r}")
    return float(found["count"]) * UNITS[found["unit"].lower()]


def stats(
    file: Place,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Count entries, bytes, hits and what they saved, in all and by host."""
    import polars as pl

    with _opened(file, mode="offline") as cache:
        held, frame = cache.stats(), cache.frame()
        name, file_bytes = _name(cache), 0 if cache.path is None else cache.path.stat().st_size
    told: dict[str, Any] = {
        "entries": held.entries,
        "bytes": held.bytes,
        "file_bytes": file_bytes,
        "hits": int(frame["hits"].sum()),
        "fetches": int(frame["fetches"].sum()),
        "seconds_saved": float((frame["hits"] * frame["seconds"]).sum()),
        "expired": frame.filter(pl.col("expires") <= datetime.now(UTC)).height,
        "evicted": held.evicted,
    }
    if as_json:
        print(json.dumps(told))
        return
    say(f"{name}: {told['entries']:,} entries, {(file_bytes or held.bytes) / 1e6:,.1f} MB")
    say(
        f"{told['hits']:,} hits saved as many requests and {told['seconds_saved']:,.1f} s; "
        f"{told['fetches']:,} fetches; {told['evicted']:,} entries dropped for room"
    )
    if not frame.is_empty():
        show(
            frame.group_by(pl.col("host").fill_null("–"))
            .agg(
                entries=pl.len(),
                MB=pl.col("bytes").sum() / 1e6,
                hits=pl.col("hits").sum(),
                saved_s=(pl.col("hits") * pl.col("seconds")).sum(),
                oldest=pl.col("stored").min().dt.strftime("%Y-%m-%d %H:%M"),
            )
            .sort("entries", "host", descending=[True, False])
        )


def advice(file: Place) -> None:
    """Say which settings would have saved requests, and how many."""
    with _opened(file, mode="offline") as cache:
        found = cache.advice()
    if found.is_empty():
        say("Nothing to advise.")
    else:
        show(found)


def clear(
    file: Place, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False
) -> None:
    """Drop every entry and give the room back; of a shared tier only what is fetchlab's."""
    with _opened(file) as cache:
        if not yes:
            typer.confirm(f"Drop {cache.stats().entries:,} entries of {_name(cache)}?", abort=True)
        say(f"{cache.clear():,} entries dropped")


def expire(
    file: Place,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Drop what was stored longer ago, too: 3600, 15min, 12h, 7d."),
    ] = None,
) -> None:
    """Drop the entries whose time is over."""
    before = None if older_than is None else seconds_of(older_than, "--older-than")
    with _opened(file) as cache:
        say(f"{cache.expire(before):,} entries dropped, {cache.stats().entries:,} left")


def _opened(place: str, **knobs: Any) -> Cache:
    """Open a cache that is there: a mistyped name makes none, and moves nobody's file away."""
    from fetchlab.store.cache import Cache
    from fetchlab.store.database import read_only
    from fetchlab.store.shared_address import is_address
    from fetchlab.store.shelf_sql import LAYOUT

    if not is_address(place):
        read_only(Path(place), LAYOUT, partial=True).close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what cannot be done is an error of one line
        return Cache(place, memory=0, **knobs)


def _name(cache: Cache) -> str:
    return cache.shared or str(cache.path)
