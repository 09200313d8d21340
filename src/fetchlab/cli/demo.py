"""``fetchlab demo``: the main job on the embedded testbed, in a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fetchlab.cli.beds import base_url as serving
from fetchlab.cli.tables import say, show

__all__ = ["register"]

LATENCY = 0.05
NOTEBOOK = Path("notebooks/01-quickstart.ipynb")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="demo")(demo)


def demo(
    details: Annotated[int, typer.Option(min=1, help="Movies whose details are fetched.")] = 2000,
    out: Annotated[Path, typer.Option(help="Folder for what is written.")] = Path("data/runs"),
    notebook: Annotated[bool, typer.Option(help="Execute the quickstart notebook as well.")] = True,
) -> None:
    """Fetch a catalogue's 70,613 movie ids from 1,413 pages, then some details, and say what was found."""
    import polars as pl

    from fetchlab import plot
    from fetchlab.bench import catalogue as bench
    from fetchlab.studies.catalogue import Catalogue

    with serving(None, "catalogue", LATENCY) as url:
        client = Catalogue(url)
        say("Collecting the ids of all movies, 20 pages at a time …")
        listing = client.ids(progress=True).wait()
        ids = listing.result()
        say(f"Fetching the details of {min(details, len(ids)):,} movies, 200 at a time …")
        # every 35th movie, so that the sample spans the whole catalogue
        detailing = client.details(
            ids[:: max(1, len(ids) // details)][:details], workers=200, progress=True
        ).wait()
        movies = detailing.result()
        say()
        show(bench.phases(listing, detailing, latency=LATENCY), "What it took")
    say()
    say(
        f"{len(ids):,} unique ids, {listing.notes['missing']} missing, {listing.stats().failed} pages failed."
    )
    best = (
        movies.filter(pl.col("rating") > 0)
        .group_by(pl.col("year") // 10 * 10)
        .agg(movies=pl.len(), mean_rating=pl.col("rating").mean())
    )
    show(
        best.sort("year").select(pl.format("{}s", "year").alias("decade"), pl.exclude("year")).tail(5),
        "The sample by decade",
    )
    saved = listing.save(out / "demo-ids")
    movies.write_parquet(out / "demo-movies.parquet")
    chart = out / "demo-ids" / "requests.svg"
    plot.save(listing.plot(), chart)
    say()
    if notebook and NOTEBOOK.exists():
        from fetchlab.notebook import execute

        say(f"Executing {NOTEBOOK} …")
        executed = execute(NOTEBOOK, out / NOTEBOOK.name)
        say(f"{executed}  the quickstart, executed just now: `make lab` opens it")
    say(f"{saved}  timings and attempts of every request: fl.load({str(saved)!r}).frame()")
    say(f"{chart}  throughput, latency and a Gantt chart of the {listing.stats().done:,} requests")
    say(f"{out / 'demo-movies.parquet'}  the details table: polars.read_parquet(…)")
    say("README.md  the three commands to try next")
