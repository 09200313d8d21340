"""``fetchlab fetch``: any list of URLs, with all the knobs, to a file."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fetchlab.cli import inputs, knobs
from fetchlab.cli.cache import seconds_of
from fetchlab.cli.job import USAGE, Job, progress, stoppable
from fetchlab.cli.monitor import watch_line
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from fetchlab.engine.run import Run
    from fetchlab.policy.freshness import Mode
    from fetchlab.store.cache import Cache

__all__ = ["register"]


class Parse(StrEnum):
    """What to make of a body."""

    BYTES = "bytes"
    TEXT = "text"
    JSON = "json"


class Order(StrEnum):
    """The order of what is written."""

    COMPLETED = "completed"
    INPUT = "input"


class Wire(StrEnum):
    """Which HTTP implementation."""

    REQWEST = "reqwest"
    HTTPX = "httpx"


WHAT, HOW, KEPT, POLITE = "What", "How many, how long", "What is remembered", "Politeness"
SENT, SAID = "What is sent", "What is said"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="fetch")(fetch)


def fetch(
    urls: Annotated[
        str,
        typer.Argument(
            metavar="URLS",
            help="A text file with one URL per line (# comments), a .csv, .parquet or .jsonl file, or - for"
            " standard input.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for values and timings: .parquet, .csv or .jsonl. Bodies are binary in Parquet,"
            " elsewhere text, or base64 where the column encoding says so. JSON becomes columns, in .csv"
            " nested fields as JSON text. Without it the values are let go of.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    errors_out: Annotated[
        Path | None,
        typer.Option(
            help="File for what failed: .parquet, .csv, .jsonl, or .txt for the URLs alone as they were"
            " given, to be fetched again.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            help="Column of a table that has the URLs.",
            show_default="its only one, or url",
            rich_help_panel=WHAT,
        ),
    ] = None,
    parse: Annotated[
        Parse, typer.Option(help="What a value is; a body that is not that fails.", rich_help_panel=WHAT)
    ] = Parse.BYTES,
    accept: Annotated[
        list[int] | None,
        typer.Option(
            metavar="STATUS",
            help="A status of 400 or above that is no failure; repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(min=1, help="The largest decoded body.", rich_help_panel=WHAT)
    ] = 50_000_000,
    dedup: Annotated[
        bool, typer.Option("--dedup", help="Fetch equal URLs once.", rich_help_panel=WHAT)
    ] = False,
    order: Annotated[
        Order, typer.Option(help="The order of --out: as they come, or as in URLS.", rich_help_panel=WHAT)
    ] = Order.COMPLETED,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="File that remembers what came: the same command goes on where it was stopped or killed, and"
            " writes all of it to --out.",
            show_default="none",
            rich_help_panel=WHAT,
        ),
    ] = None,
    refetch: Annotated[
        bool,
        typer.Option("--refetch", help="Fetch anew what --journal has.", rich_help_panel=WHAT),
    ] = False,
    workers: Annotated[
        str,
        typer.Option(
            metavar="N|auto",
            help="Requests at a time; auto finds how many each host serves well. With --dask, in each process"
            " of the cluster.",
            rich_help_panel=HOW,
        ),
    ] = "20",
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Have the workers of a Dask cluster fetch: its scheduler's address, such as"
            " tcp://10.0.0.7:8786.",
            show_default="this machine",
            rich_help_panel=HOW,
        ),
    ] = None,
    retries: Annotated[
        int,
        typer.Option(
            min=0,
            help="Further attempts after a failure that can pass, with growing pauses.",
            rich_help_panel=HOW,
        ),
    ] = 3,
    timeout: Annotated[
        float | None,
        typer.Option(
            help="Seconds for one attempt in all.",
            show_default="60, of which 5 to connect and 30 between reads",
            rich_help_panel=HOW,
        ),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(
            help="Seconds after which all stops; what is done is written.",
            show_default="none",
            rich_help_panel=HOW,
        ),
    ] = None,
    max_error_rate: Annotated[
        float | None,
        typer.Option(
            help="Share of failures, 0 to 1, above which all stops, from 200 URLs on.",
            show_default="none",
            rich_help_panel=HOW,
        ),
    ] = None,
    cache: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="Remember what came in this SQLite file, or at redis://host:6379/0, and do not ask for it "
            "again while it is good.",
            rich_help_panel=KEPT,
        ),
    ] = None,
    ttl: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN",
            help="How long an entry is good: 90, 15min, 12h, 7d.",
            show_default="1h",
            rich_help_panel=KEPT,
        ),
    ] = None,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh", help="Ask again for everything the cache holds, and renew it.", rich_help_panel=KEPT
        ),
    ] = False,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Ask nobody: what the cache does not hold fails as CacheMiss.",
            rich_help_panel=KEPT,
        ),
    ] = False,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[HOST=]RATE",
            help="Requests per second and host: 50, 50/1s, 100/min; for one host example.org=5, repeatable."
            " A host's own 429 and Retry-After are heeded in any case.",
            rich_help_panel=POLITE,
        ),
    ] = None,
    robots: Annotated[
        bool,
        typer.Option("--robots", help="Leave out what a host's robots.txt forbids.", rich_help_panel=POLITE),
    ] = False,
    header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:VALUE",
            help="A request header; repeatable. 'Authorization: Bearer $TOKEN' in single quotes takes it from"
            " the environment, 'Cookie: @FILE' a value and '@FILE' whole lines from a file.",
            rich_help_panel=SENT,
        ),
    ] = None,
    user_agent: Annotated[
        str | None,
        typer.Option(
            help="Who you are; best with a way to reach you.",
            show_default="fetchlab/VERSION",
            rich_help_panel=SENT,
        ),
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option(
            help="URL of a proxy: http, https or socks5.",
            show_default="the environment's",
            rich_help_panel=SENT,
        ),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(help="PEM file of authorities to trust beside the usual ones.", rich_help_panel=SENT),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not check TLS certificates.", rich_help_panel=SENT)
    ] = False,
    http2: Annotated[
        bool, typer.Option("--http2", help="Offer HTTP/2 over TLS.", rich_help_panel=SENT)
    ] = False,
    transport: Annotated[
        Wire, typer.Option(help="Which HTTP implementation.", rich_help_panel=SENT)
    ] = Wire.REQWEST,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the final statistics as one line of JSON.", rich_help_panel=SAID),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel=SAID)
    ] = False,
) -> None:
    """Fetch a list of URLs, many at a time, to a Parquet, CSV or JSON Lines file.

    Memory stays flat, whatever the length of the list. Ctrl-C stops it and writes what is done. It exits with
    0 if all came, 1 if something failed, 2 if it was called wrongly, 130 if it was interrupted.
    """
    with ExitStack() as ends:
        try:
            for flag, path in (("--out", out), ("--errors-out", errors_out)):
                _check(flag, path, urls)
            if out is not None and errors_out is not None and out.resolve() == errors_out.resolve():
                raise ConfigError("--errors-out", "is the same file as --out")
            found = inputs.urls(urls, column)
            client = _client(
                transport.value,
                headers=knobs.headers_of(header or ()),
                user_agent=user_agent,
                proxy=proxy,
                verify=_verify(ca, no_verify=no_verify),
                http2=http2,
                robots=robots,
            )
            ends.enter_context(client)
            run = _start(
                found,
                client,
                **knobs.strategy_of(workers, dask),
                retries=retries,
                rate=knobs.rate_of(rate or ()),
                parse=parse.value,
                accept=frozenset(accept or ()),
                max_bytes=max_bytes,
                dedup=dedup,
                order=order.value,
                deadline=deadline,
                max_error_rate=max_error_rate,
                cache=_cache(cache, ttl, refresh=refresh, offline=offline),
                journal=knobs.journal_of(journal, refetch=refetch),
                **({} if timeout is None else {"timeout": timeout}),
            )
        except ConfigError as error:
            print(f"fetchlab: {knobs.flag_of(error, strategy='--dask')}", file=sys.stderr)
            raise typer.Exit(USAGE) from None
        if journal is not None and not quiet:
            print(watch_line(journal), file=sys.stderr)
        job = Job(run, out, errors_out, parse.value)
        with stoppable(run), progress(run, wanted=not quiet):
            job.take()
        code = job.report(urls, quiet=quiet or as_json)
        if as_json:
            print(job.as_json(code))
    raise typer.Exit(code)


def _check(flag: str, path: Path | None, urls: str) -> None:
    from fetchlab.cli import output

    if path is None:
        return
    output.check(flag, path, output.FORMATS if flag == "--out" else (*output.FORMATS, output.LIST))
    if urls != inputs.STDIN and path.exists() and path.resolve() == Path(urls).resolve():
        raise ConfigError(flag, f"{path} is the list itself")


def _verify(ca: Path | None, *, no_verify: bool) -> bool | Path:
    if ca is not None and no_verify:
        raise ConfigError("--no-verify", "give it or --ca, not both")
    return ca or not no_verify


def _cache(place: str | None, ttl: str | None, *, refresh: bool, offline: bool) -> Cache | None:
    from fetchlab.store.cache import Cache

    if refresh and offline:
        raise ConfigError("--offline", "give it or --refresh, not both")
    if place is None:
        given = {"--refresh": refresh, "--offline": offline, "--ttl": ttl is not None}
        for flag in filter(given.get, given):
            raise ConfigError("--cache", f"give the file or URL that {flag} means")
        return None
    mode: Mode = "offline" if offline else "refresh" if refresh else "use"
    return Cache(place, ttl=seconds_of(ttl or "1h", "--ttl"), mode=mode)


def _client(transport: str, **options: Any) -> Any:
    from fetchlab.transport.client import Client

    return Client(transport, **options)


def _start(found: Any, client: Any, *, retries: int, **rest: Any) -> Run:
    from fetchlab.engine.calls import fetch as start
    from fetchlab.policy.retry import Retry

    return start(found, client=client, retry=Retry(attempts=retries + 1), keep=False, progress=False, **rest)
