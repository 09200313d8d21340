"""``fetchlab library scan|plan|apply|undo``: a media library into Plex's layout, and back."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from fetchlab.cli import INTERRUPTED
from fetchlab.cli.beds import base_url as serving
from fetchlab.cli.cache import seconds_of
from fetchlab.cli.knobs import flag_of
from fetchlab.cli.monitor import watch_line
from fetchlab.cli.study import interrupted, tell, writable, write
from fetchlab.cli.tables import say, seen
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from fetchlab.engine.run import Run
    from fetchlab.store.cache import Cache
    from fetchlab.studies.library import Library

__all__ = ["register"]

CACHE = "data/cache/library.db"
KEY = "TMDB_API_KEY"
TESTBED_KEY = "0123456789abcdef0123456789abcdef"  # the testbed takes any
USAGE = 2

Where: TypeAlias = Annotated[
    Path | None, typer.Argument(metavar="PATH", help="The library's folder.", show_default=False)
]
To: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder of the new layout.", show_default="PATH itself"),
]
Url: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Root of a service that speaks TMDB's API. Without it, a local testbed is started."),
]
ApiKey: TypeAlias = Annotated[
    str | None, typer.Option(help=f"Its key or token; else {KEY} of the environment.", show_default=False)
]
Concurrency: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Folders and requests at a time, where that helps.")
]
Confidence: TypeAlias = Annotated[
    float, typer.Option(min=0, max=1, help="Videos whose match is less sure are not moved.")
]
Threshold: TypeAlias = Annotated[
    int, typer.Option(min=0, help="Up to so many videos are read in this process, without any other.")
]
CacheFile: TypeAlias = Annotated[
    str, typer.Option("--cache", metavar="FILE|URL", help="Remembers names and the service's answers.")
]
Ttl: TypeAlias = Annotated[
    str, typer.Option(metavar="SPAN", help="How long an answer is good: 3600, 15min, 12h, 7d.")
]
Demo: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="FILES",
        min=1,
        help="Make a library of so many sparse files first, in PATH or a temporary folder, to try it on.",
    ),
]
Latency: TypeAlias = Annotated[
    float, typer.Option(min=0, help="Seconds per answer of the testbed, if it is started.")
]
JournalFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Remembers what was moved, for undo.",
        show_default="one for each library, in data/runs",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(
        help="Bring a media library into Plex's layout: look, plan, move, take back.", no_args_is_help=True
    )
    for command in (scan, plan, apply, undo):
        commands.command()(command)
    app.add_typer(commands, name="library")


def scan(
    path: Where = None,
    *,
    demo: Demo = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file: a row for each file.")] = None,
    concurrency: Concurrency = 16,
    threshold: Threshold = 10,
    cache: CacheFile = CACHE,
) -> None:
    """Find a library's videos and sidecars, and read what their names say. Nothing is moved.

    Exits with 130 if it was interrupted.
    """
    from fetchlab.cli.library_said import said_cache, said_scan

    with _usage():
        _writable(out)
        root = _folder(path, demo)
    with _usage(), _cache(cache) as remembers:
        from fetchlab.studies.library import Library

        library = Library(root, cache=remembers, concurrency=concurrency, threshold=threshold)
        table = _scanned(library)
        said_scan(library, table.notes)
        said_cache(remembers)
    if out is not None:
        write(table.result(), out, complete=True)


def plan(
    path: Where = None,
    *,
    to: To = None,
    tmdb_url: Url = None,
    api_key: ApiKey = None,
    confidence: Confidence = 0.8,
    out: Annotated[Path | None, typer.Option(help="Parquet file for the plan, for apply --plan.")] = None,
    demo: Demo = None,
    concurrency: Concurrency = 16,
    threshold: Threshold = 10,
    cache: CacheFile = CACHE,
    ttl: Ttl = "3600",
    latency: Latency = 0.05,
) -> None:
    """Say where every file would go, and what stays and why. Nothing is moved.

    Exits with 1 if the service did not answer some request, with 130 if it was interrupted.
    """
    from fetchlab.cli.library_said import said_cache, said_plan

    with _usage():
        _writable(out)
        root = _folder(path, demo)
    with _usage(), _cache(cache, ttl) as remembers, serving(tmdb_url, "tmdb", latency) as url:
        _said_made_up(tmdb_url, demo)
        knobs = {"cache": remembers, "concurrency": concurrency, "threshold": threshold}
        library = _library(root, to, url, api_key or _key(tmdb_url), knobs)
        table, answered = _planned(library, confidence)
        said_plan(table)
        said_cache(remembers)
    if out is not None:
        write(table, out, complete=True)
    if out is not None and table.height:
        words = ["fetchlab", "library", "apply", str(root), *_to_words(to), "--plan", str(out)]
        say(f"To move them: {shlex.join(words)}")
    if not answered:
        raise typer.Exit(1)


def apply(
    path: Where = None,
    *,
    to: To = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What plan --out wrote.", show_default="it is planned now"),
    ] = None,
    journal: JournalFile = None,
    tmdb_url: Url = None,
    api_key: ApiKey = None,
    confidence: Confidence = 0.8,
    demo: Demo = None,
    concurrency: Concurrency = 16,
    threshold: Threshold = 10,
    cache: CacheFile = CACHE,
    ttl: Ttl = "3600",
    latency: Latency = 0.05,
) -> None:
    """Move files as a plan says. Nothing is overwritten, and undo takes it back.

    Killed or interrupted, the same command goes on. Exits with 1 if a file could not be moved or the service
    did not answer some request, with 130 if it was interrupted.
    """
    from fetchlab.cli.library_said import said_cache, said_moved, said_plan

    answered = True
    with _usage():
        root = _folder(path, demo)
        knobs: dict[str, Any] = {"concurrency": concurrency, "threshold": threshold}
        if plan is not None:
            table = _read(plan)
            library = _library(root, to, None, None, knobs)
        else:
            with _cache(cache, ttl) as remembers, serving(tmdb_url, "tmdb", latency) as url:
                _said_made_up(tmdb_url, demo)
                key = api_key or _key(tmdb_url)
                library = _library(root, to, url, key, knobs | {"cache": remembers})
                table, answered = _planned(library, confidence)
                said_plan(table, moves=0)
                said_cache(remembers)
        file = journal or library.journal
        say(watch_line(file))
        run = library.apply(table, file, progress=True)
    stopped = interrupted(run)
    said_moved(run)
    tell(run, "files that were not moved")
    words = ["fetchlab", "library", "undo", str(root), *_to_words(to), "--journal", str(file)]
    say(f"The journal is {file}. To take it back: {shlex.join(words)}")
    _end(run, stopped)
    if not answered:
        raise typer.Exit(1)


def undo(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The library's folder.", show_default=False)],
    *,
    to: To = None,
    journal: JournalFile = None,
) -> None:
    """Take back what apply moved: every file to where it was, and the made folders away.

    Exits with 1 if a file could not be taken back, with 130 if it was interrupted.
    """
    from fetchlab.cli.library_said import said_moved

    with _usage():
        library = _library(path, to, None, None, {})
        run = library.undo(journal or library.journal, progress=True)
    stopped = interrupted(run)
    said_moved(run)
    tell(run, "files that were not taken back")
    _end(run, stopped)


def _end(run: Run, stopped: bool) -> None:
    if stopped:
        say("What was half copied is given up. The same command goes on from there.")
        raise typer.Exit(INTERRUPTED)
    if run.stats().failed:
        raise typer.Exit(1)


def _library(root: Path, to: Path | None, url: str | None, key: str | None, knobs: dict[str, Any]) -> Library:
    from fetchlab.studies.library import Library

    if url is not None and not key:  # said before the scan, which may take a while
        raise ConfigError("api_key", f"give the service's key or token, or set {KEY}")
    return Library(root, url, key, to, **knobs)


def _planned(library: Library, confidence: float) -> tuple[pl.DataFrame, bool]:
    """Scan, match and plan, each with its progress; say whether the service answered everything."""
    from fetchlab.cli.library_said import said_match, said_scan

    scanning = _scanned(library)
    said_scan(library, scanning.notes)
    matching = library.match(scanning.result(), progress=True)
    if interrupted(matching):
        say("Interrupted: nothing was moved. What was answered is in the cache.")
        raise typer.Exit(INTERRUPTED)
    said_match(matching.notes)
    tell(matching, "requests without an answer")
    table = library.plan(confidence, scanned=scanning.result(), matched=matching.result())
    return table, not matching.stats().failed


def _scanned(library: Library) -> Run:
    run = library.scan(progress=True)
    if interrupted(run):
        say("Interrupted: nothing was moved.")
        raise typer.Exit(INTERRUPTED)
    return run.raise_for_errors()


def _folder(path: Path | None, demo: int | None) -> Path:
    """The library's folder, filled first if that was asked for."""
    if demo is None:
        if path is None:
            raise typer.BadParameter(
                "give the library's folder, or --demo FILES for one to try it on", param_hint="PATH"
            )
        if not path.expanduser().is_dir():
            raise ConfigError("PATH", f"{seen(path)} is no folder")
        return path
    from fetchlab import testbed

    root = path or Path(tempfile.mkdtemp(prefix="fetchlab-library-")) / "media"
    made = testbed.media_tree(root, demo)
    say(f"{len(made):,} files of a made-up library are in {root}; they are sparse and take no room.")
    return root


@contextmanager
def _cache(place: str, ttl: str = "3600") -> Iterator[Cache]:
    from fetchlab.store.cache import Cache

    age = seconds_of(ttl, "--ttl")
    try:
        made = Cache(place, ttl=age, memory=256)
    except ConfigError as error:
        raise ConfigError("--cache", str(error).removeprefix(f"{error.knob}: ")) from None
    with made as cache:
        yield cache


def _writable(out: Path | None) -> None:
    """Refuse before the scan what would fail after it."""
    if out is None:
        return
    if out.suffix.lower() != ".parquet":
        raise ConfigError("--out", f"{seen(out)} must end in .parquet, for that is what is written")
    writable(out)


def _said_made_up(url: str | None, demo: int | None) -> None:
    """Nobody should sort films of their own by the testbed's titles."""
    if url is None and demo is None:
        say("Its titles are made up. For films and series of your own, give --tmdb-url and your key.")


def _key(url: str | None) -> str | None:
    """The environment's key; the testbed needs none."""
    return os.environ.get(KEY) or (TESTBED_KEY if url is None else None)


def _read(file: Path) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigError("--plan", f"{file} cannot be read as a plan: {error}") from error


def _to_words(to: Path | None) -> list[str]:
    return [] if to is None else ["--to", str(to)]


@contextmanager
def _usage() -> Iterator[None]:
    """A knob that cannot work is told by its flag's name."""
    try:
        yield
    except ConfigError as error:
        print(f"fetchlab: {flag_of(error)}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
