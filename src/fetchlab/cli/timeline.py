"""``fetchlab timeline fetch``: users' posts, with media, quotes and threads, into one SQLite store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fetchlab.cli import INTERRUPTED
from fetchlab.cli.beds import base_urls
from fetchlab.cli.inputs import urls as lines_of
from fetchlab.cli.knobs import flag_of, journal_of, rate_of
from fetchlab.cli.monitor import watch_line
from fetchlab.cli.study import interrupted, of_another, tell, writable, write
from fetchlab.cli.tables import say
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetchlab.engine.run import Run
    from fetchlab.studies.timeline import Timeline

__all__ = ["register"]

STORE, TESTBED_STORE = Path("data/runs/timeline.db"), Path("data/runs/timeline-testbed.db")
TOKEN = "TIMELINE_TOKEN"  # noqa: S105  # the name of a variable
TESTBED_TOKEN = "testbed"  # noqa: S105  # the testbed takes any
WHAT, HOW, WHERE = "What is collected", "How", "Where from, and where to"
USAGE = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    commands = typer.Typer(
        help="Collect users' posts, from sites and accounts that you are allowed to collect from.",
        no_args_is_help=True,
    )
    commands.command()(fetch)
    commands.callback()(lambda: None)
    app.add_typer(commands, name="timeline")


def fetch(
    user: Annotated[
        list[str] | None,
        typer.Option(help="A handle, with or without @; repeatable.", rich_help_panel=WHAT),
    ] = None,
    users_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Handles, one a line; or a .csv, .parquet or .jsonl file with a column user.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    collector: Annotated[
        str,
        typer.Option(
            help="network: what the page's own interface answers a browser. dom: what the page shows, in "
            "small steps. api, rss: the service's API, a frontend's feeds. auto: the cheapest that carries "
            "every --field.",
            rich_help_panel=WHAT,
        ),
    ] = "network",
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="With --collector auto, what is wanted: text, photos, quotes, videos, counts, language, "
            "replies, reposts, threads or history; repeatable.",
            show_default="all but history",
            rich_help_panel=WHAT,
        ),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(
            "--max", min=1, help="Posts of each user, the newest.", show_default="all", rich_help_panel=WHAT
        ),
    ] = None,
    latest: Annotated[
        bool,
        typer.Option("--latest", help="Only what is newer than what is stored.", rich_help_panel=WHAT),
    ] = False,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            "--no-threads",
            help="Do not visit the pages of threads that the timeline shortens.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    no_resume: Annotated[
        bool,
        typer.Option("--no-resume", help="Read again what is stored.", rich_help_panel=WHAT),
    ] = False,
    refetch_all: Annotated[
        bool,
        typer.Option(
            "--refetch-all",
            help="Read all anew; a user's rows are replaced when that user is complete, not before.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    refetch: Annotated[
        list[int] | None,
        typer.Option(
            metavar="ID",
            help="Instead: read this stored post anew, on its own page; repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Users at a time.", rich_help_panel=HOW)] = 4,
    asynchronous: Annotated[
        bool,
        typer.Option("--async", help="Everything is asynchronous: the only mode.", rich_help_panel=HOW),
    ] = False,
    min_delay: Annotated[
        float,
        typer.Option(min=0, help="Seconds from a browser's step to the next, at least.", rich_help_panel=HOW),
    ] = 0.5,
    max_delay: Annotated[float, typer.Option(min=0, help="The same, at most.", rich_help_panel=HOW)] = 1.5,
    batch_write_size: Annotated[int, typer.Option(min=1, help="Posts per commit.", rich_help_panel=HOW)] = 50,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[HOST=]RATE",
            help="Requests per second: 5, 100/min; of api and rss. Repeatable by host.",
            rich_help_panel=HOW,
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            help="The site's root. Without any of the three, a local testbed is started.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    api_url: Annotated[
        str | None,
        typer.Option(help=f"Root of its API, whose token is in {TOKEN}.", rich_help_panel=WHERE),
    ] = None,
    rss_url: Annotated[
        str | None, typer.Option(help="Root of a frontend that gives feeds.", rich_help_panel=WHERE)
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="SQLite file of all posts, by which the same command goes on.",
            show_default=f"{STORE}; {TESTBED_STORE.name} beside it for the testbed's",
            rich_help_panel=WHERE,
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="At the end: these users' posts to a .parquet file, or every table to a folder.",
            show_default="none",
            rich_help_panel=WHERE,
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File by which the run can be watched.",
            show_default="beside the store",
            rich_help_panel=WHERE,
        ),
    ] = None,
    no_journal: Annotated[
        bool, typer.Option("--no-journal", help="Write none.", rich_help_panel=WHERE)
    ] = False,
    latency: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds per answer of the testbed, if it is started.", rich_help_panel=WHERE
        ),
    ] = 0.05,
) -> None:
    """Collect users' timelines into a store: whole texts, quotes and threads, addresses of videos that play.

    For sites and accounts that you are allowed to collect from. Pacing is politeness; nothing here hides what
    it is. Ctrl-C stops it and keeps what is done; the same command goes on from there, also after it was
    killed. It exits with 1 if some user's timeline did not come, with 130 if it was interrupted.
    """
    from fetchlab.cli.timeline_said import said_users, watching

    given = {"timeline": base_url, "api": api_url, "rss": rss_url}
    local = not any(given.values())
    try:
        users = _users(user, users_file, refetch)
        if refetch_all and (most or latest or no_resume or field):
            raise ConfigError(
                "--refetch-all", "reads all: leave out --max, --latest, --no-resume and --field"
            )
        rates = rate_of(rate or ())
        where = store or (TESTBED_STORE if local else STORE)
        if export is not None:
            writable(export if export.suffix else export / "posts.parquet")
        if asynchronous:
            say("--async: everything is asynchronous here; there is no other mode.")
        pace: dict[str, Any] = {"workers": workers, "min_delay": min_delay, "max_delay": max_delay}
        knobs = {**pace, "threads": not fast, "batch_write_size": batch_write_size, "rate": rates}
        if not refetch_all:
            knobs |= {"max_posts": most, "latest": latest, "resume": not no_resume, "fields": field or ()}
        with base_urls(given, latency) as urls, _timeline(urls, collector, where, local=local) as timeline:
            file = journal or where.with_name(f"{where.stem}-journal.db")
            remembers = None
            if not no_journal and not (local and of_another(file, timeline.base_url)):
                remembers = journal_of(file, refetch=True)
                say(watch_line(file))
            if refetch:
                run = timeline.refetch(refetch, **pace, journal=remembers, progress=True)
                stopped = interrupted(run)
                say(f"{run.stats().ok:,} of {len(refetch):,} posts read anew.")
                tell(run, "posts that were not read")
            else:
                call: Any = timeline.refetch_all if refetch_all else timeline.collect
                run = call(users, collector, **knobs, journal=remembers, progress=False)
                with watching(run, users, most):
                    stopped = interrupted(run)
                said_users(timeline.by_user(run), run, where)
            complete = not (stopped or run.stats().failed)
            _export(timeline, run, export, complete=complete)
    except ConfigError as error:
        print(f"fetchlab: {flag_of(error)}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
    if not complete:
        ended = "Interrupted" if stopped else "Not everything came"
        say(f"{ended}; what came is stored, and the same command goes on from there.")
        raise typer.Exit(INTERRUPTED if stopped else 1)


def _users(names: list[str] | None, file: Path | None, refetch: list[int] | None) -> list[str]:
    found = list(names or ())
    if file is not None:
        try:
            found.extend(lines_of(str(file), "user" if file.suffix.lower() in (".csv", ".parquet") else None))
        except ConfigError as error:
            raise ConfigError("--users-file", str(error).partition(": ")[2]) from None
    if refetch and found:
        raise ConfigError("--refetch", "is of posts that are stored: leave out --user and --users-file")
    if not (found or refetch):
        raise ConfigError("--user", "give at least one, or --users-file")
    return list(dict.fromkeys(name.removeprefix("@").lower() for name in found))


def _timeline(urls: Mapping[str, str | None], collector: str, store: Path, *, local: bool) -> Timeline:
    """The client; a site need not be named where no page is opened."""
    from fetchlab.studies.timeline import Timeline

    site, api, rss = (urls[wire] for wire in ("timeline", "api", "rss"))
    root = site or (urls.get(collector) if collector in ("api", "rss") else None)
    if root is None:
        raise ConfigError("base_url", f"give the site's root, whose pages --collector {collector} opens")
    return Timeline(root, api, rss, token=TESTBED_TOKEN if local else None, store=store)


def _export(timeline: Timeline, run: Run, to: Path | None, *, complete: bool) -> None:
    if to is None:
        return
    if to.suffix:
        write(run.result(), to, complete=complete)
        return
    paths = timeline.export(to)
    say(f"The store's tables are in {to}: {', '.join(path.name for path in paths)}")
