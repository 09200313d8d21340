"""``fetchlab charts``: an app store's charts by country and category, to Parquet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fetchlab.cli import INTERRUPTED
from fetchlab.cli.beds import base_url as serving
from fetchlab.cli.knobs import flag_of, journal_of
from fetchlab.cli.monitor import watch_line
from fetchlab.cli.study import interrupted, of_another, remembered, tell, writable, write
from fetchlab.cli.tables import say
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from fetchlab.engine.run import Run
    from fetchlab.studies.charts import How, ListRequest

__all__ = ["register"]

OUT = Path("data/runs/charts.parquet")
JOURNAL = Path("data/runs/charts.db")
ALL = "all"
USAGE = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="charts")(charts)


def charts(
    base_url: Annotated[
        str | None, typer.Option(help="The service's root. Without it, a local testbed is started.")
    ] = None,
    countries: Annotated[
        str, typer.Option(help="Codes of countries, with commas between them, or 'all'.")
    ] = "us,kr,jp",
    categories: Annotated[
        str, typer.Option(help="Categories, with commas between them, or 'all'.")
    ] = "GAME_ACTION,SOCIAL",
    num_results: Annotated[int, typer.Option(help="Apps of each chart, 1 to 500.")] = 100,
    collection: Annotated[
        str, typer.Option(help="topselling_free, topselling_paid or topgrossing.")
    ] = "topselling_free",
    lang: Annotated[str, typer.Option(help="Language of titles and texts.")] = "en",
    strategy: Annotated[
        str,
        typer.Option(
            help="adaptive and multiplexed let several lists ride in one call; batch (all at once), chunked, "
            "threads and sequential ask for one list in each."
        ),
    ] = "adaptive",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Threads, lists of a chunk, or lists at a time.",
            show_default="10 threads, chunks of 5, else found out",
        ),
    ] = None,
    batch_size: Annotated[
        str | None,
        typer.Option(
            help="Lists that ride in one call at most, or 'auto'.", show_default="the strategy's own"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Parquet file: a row per country, category and rank.")] = OUT,
    journal: Annotated[
        Path,
        typer.Option(help="File that remembers every list, so that the same command goes on."),
    ] = JOURNAL,
    no_journal: Annotated[
        bool, typer.Option("--no-journal", help="Remember nothing, begin anew each time.")
    ] = False,
    refetch: Annotated[bool, typer.Option("--refetch", help="Fetch anew what the journal has.")] = False,
    latency: Annotated[
        float, typer.Option(min=0, help="Seconds per answer of the testbed, if it is started.")
    ] = 0.05,
) -> None:
    """Fetch the chart of each category in each country, to a Parquet file.

    Ctrl-C stops it and writes what is done; the same command goes on from there, also after it was killed. It
    exits with 1 if a list did not come, with 130 if it was interrupted.
    """
    from fetchlab.studies import charts as study
    from fetchlab.studies.charts.knobs import root_of

    try:
        requests = _requests(countries, categories, num_results, collection, lang)
        how = _how(strategy, workers, batch_size)
        given = None if base_url is None else root_of(base_url)
    except ConfigError as error:
        print(f"fetchlab: {flag_of(error)}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
    writable(out)
    with serving(given, "play", latency) as url:
        remembers = None
        if not no_journal and not (base_url is None and of_another(journal, url)):
            remembers = journal_of(journal, refetch=refetch)
            say(watch_line(journal))
        how |= {"base_url": url, "journal": remembers, "progress": True}
        run: Run = study.fetch_and_parse_list_batch(requests, wait=False, **how)
        stopped = interrupted(run)
        lists = run.result()
    came = [one for one in lists if one.error is None]
    apps = sum(map(len, came))
    say(f"{len(came):,} of {len(lists):,} lists, {apps:,} apps{remembered(run, 'lists')}{_called(run)}")
    tell(run, "lists that failed")
    complete = len(came) == len(lists)
    write(study.frame(came if stopped else lists), out, complete=complete)
    again = "begins anew" if remembers is None else f"goes on from there, by {journal}"
    if stopped:
        say(f"The same command {again}.")
        raise typer.Exit(INTERRUPTED)
    if not complete:
        say(f"Not everything came; running the command again {again}.")
        raise typer.Exit(1)


def _requests(
    countries: str, categories: str, num_results: int, collection: str, lang: str
) -> list[ListRequest]:
    from fetchlab.studies.charts import CATEGORIES, COUNTRIES, BatchRequestBuilder

    where = COUNTRIES if countries == ALL else _split("countries", countries)
    what = CATEGORIES if categories == ALL else _split("categories", categories)
    return list(BatchRequestBuilder(collection, lang).build_list_requests(where, what, num_results))


def _how(strategy: str, workers: int | None, batch_size: str | None) -> How:
    from fetchlab.studies.charts.ways import way

    how = way(strategy, workers)
    if batch_size is None:
        return how
    if batch_size != "auto" and not (batch_size.isdecimal() and int(batch_size)):
        raise ConfigError("batch_size", f"give a whole number of 1 or more, or auto, not {batch_size!r}")
    if strategy in ("threads", "sequential") and batch_size not in ("auto", "1"):
        raise ConfigError("batch_size", f"{strategy} has one list at a time in hand; leave it out")
    return how | {"batch_size": "auto" if batch_size == "auto" else int(batch_size)}


def _split(knob: str, text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ConfigError(knob, "give at least one, or all")
    return parts


def _called(run: Run) -> str:
    calls = run.notes.get("http_calls")
    if not isinstance(calls, int) or not calls:
        return ""
    return f" · {calls:,} HTTP call{'s' * (calls > 1)}"
