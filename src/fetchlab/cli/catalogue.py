"""``fetchlab catalogue``: ids from list pages, then details, to Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fetchlab.cli import INTERRUPTED
from fetchlab.cli.beds import base_url as serving
from fetchlab.cli.knobs import journal_of
from fetchlab.cli.monitor import watch_line
from fetchlab.cli.study import interrupted, of_another, remembered, tell, writable, write
from fetchlab.cli.tables import say

if TYPE_CHECKING:
    from fetchlab.engine.run import Run

__all__ = ["register"]

SLOW, RESTRAINT = 4, 50
OUT = Path("data/runs/catalogue.parquet")
JOURNAL = Path("data/runs/catalogue.db")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="catalogue")(catalogue)


def catalogue(
    base_url: Annotated[
        str | None, typer.Option(help="The service's root. Without it, a local testbed is started.")
    ] = None,
    max_pages: Annotated[
        int | None, typer.Option(min=1, help="Pages of 50 movies to fetch at most.", show_default="all")
    ] = None,
    parallel_pages: Annotated[
        str, typer.Option(help="Pages fetched at a time while collecting ids, 5 to 50, or 'auto'.")
    ] = "20",
    workers: Annotated[int, typer.Option(min=1, help="Details fetched at a time.")] = 20,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Details per write; workers never wait for it.")
    ] = 50,
    out: Annotated[Path, typer.Option(help="Parquet file for the details.")] = OUT,
    ids_only: Annotated[bool, typer.Option("--ids-only", help="Stop after the ids and write those.")] = False,
    journal: Annotated[
        Path,
        typer.Option(
            help="File that remembers pages and movies, so that the same command goes on where it stopped."
        ),
    ] = JOURNAL,
    no_journal: Annotated[
        bool, typer.Option("--no-journal", help="Remember nothing, begin anew each time.")
    ] = False,
    refetch: Annotated[bool, typer.Option("--refetch", help="Fetch anew what the journal has.")] = False,
    latency: Annotated[
        float, typer.Option(min=0, help="Seconds per answer of the testbed, if it is started.")
    ] = 0.05,
) -> None:
    """Collect the ids of all movies from list pages, then fetch their details, to a Parquet file.

    The catalogue speaks the YTS API v2; metadata only. Ctrl-C stops it and writes what is done; the same
    command goes on from there, also after it was killed. It exits with 1 if something did not come, with 130
    if it was interrupted.
    """
    import polars as pl

    from fetchlab.studies.catalogue import Catalogue

    pages = _pages(parallel_pages)
    writable(out)
    with serving(base_url, "catalogue", latency) as url:
        client = Catalogue(url)
        remembers = None
        if not no_journal and not (base_url is None and of_another(journal, url)):
            remembers = journal_of(journal, refetch=refetch)
            say(watch_line(journal))
        listing = client.ids(max_pages, pages, journal=remembers, progress=True)
        stopped = interrupted(listing)
        ids = listing.result()
        say(f"{len(ids):,} movie ids · {_found(listing)}{remembered(listing, 'pages')}")
        tell(listing, "pages that failed at least once")
        if ids_only or stopped:
            if stopped and not ids_only:
                say("Interrupted: what is written are the ids alone.")
            complete = not (stopped or listing.notes["failed_pages"] or listing.notes["missing"])
            write(pl.DataFrame({"id": ids}, {"id": pl.Int64}), out, complete=complete)
        else:
            details = client.details(ids, workers, batch_size, journal=remembers, progress=True)
            stopped = interrupted(details)
            if stopped:
                say(f"Interrupted: {details.stats().ok:,} of {len(ids):,} details are kept.")
            elif details.stats().earlier:
                say(f"{details.stats().ok:,} details{remembered(details, 'details')}")
            tell(details, "details that failed")
            lost = listing.notes["failed_pages"] or listing.notes["missing"] or details.stats().failed
            complete = not (stopped or lost)
            write(details.result(), out, complete=complete)
    again = "begins anew" if remembers is None else f"goes on from there, by {journal}"
    if stopped:
        if remembers is not None:
            say(f"The same command {again}.")
        raise typer.Exit(INTERRUPTED)
    if not complete:
        say(f"Not everything came; running the command again {again}.")
        raise typer.Exit(1)


def _pages(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    pages = int(text) if text.isdigit() else 0
    if pages < 1:
        raise typer.BadParameter(
            f"give a number of 1 or more, or auto, not {text!r}", param_hint="--parallel-pages"
        )
    if pages <= SLOW:
        say(f"Note: --parallel-pages {pages} will be slow; 20 is the default, 5 to 50 is sensible.")
    elif pages > RESTRAINT:
        say(f"Warning: --parallel-pages {pages}: the service asks for {RESTRAINT} at most.")
    return pages


def _found(run: Run) -> str:
    notes = run.notes
    told = (name for name in notes if notes[name] and name not in ("ids", "pages"))
    return " · ".join(f"{name.replace('_', ' ')} {_short(notes[name])}" for name in told)


def _short(note: object) -> str:
    if isinstance(note, list):
        return ", ".join(map(str, note[:10])) + (f" and {len(note) - 10:,} more" if len(note) > 10 else "")
    return f"{note:,}" if isinstance(note, int) and not isinstance(note, bool) else str(note)
