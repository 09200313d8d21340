"""``fetchlab bench NAME``: measured tables, each with its ideal."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from fetchlab.cli import benches as engine
from fetchlab.cli.beds import base_url as serving
from fetchlab.cli.tables import say, show

__all__ = ["register"]

RUNS = Path("data/runs/bench")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    benches = typer.Typer(
        help="Measure, in rounds, with intervals; raw rows go to Parquet.", no_args_is_help=True
    )
    benches.command(name="catalogue")(catalogue)
    benches.command(name="download")(download)
    engine.register(benches)
    benches.callback()(lambda: None)
    app.add_typer(benches, name="bench")


def catalogue(
    pages: Annotated[
        list[int] | None,
        typer.Option(
            min=1, help="A row's number of pages; repeatable. 10, 100, 1,000 and 1,413 unless told."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds.")] = 5,
    workers: Annotated[int, typer.Option(min=1, help="Pages at a time.")] = 20,
    latency: Annotated[float, typer.Option(min=0, help="Seconds per answer of the testbed.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of the order of the arms.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the raw rows.")] = RUNS,
    all_details: Annotated[
        bool, typer.Option("--all-details", help="Also fetch the details of all movies at 200 workers, once.")
    ] = False,
) -> None:
    """List pages in parallel and one by one, beside the published figures and the ideal."""
    from fetchlab.bench import catalogue as bench
    from fetchlab.bench import ideal, record
    from fetchlab.engine.strategies import Async
    from fetchlab.studies.catalogue import Catalogue

    with serving(None, "catalogue", latency) as url:
        client = Catalogue(url)
        rows = bench.pages(
            client,
            counts=pages or bench.COUNTS,
            workers=workers,
            rounds=rounds,
            seed=seed,
            on_round=lambda number, arm: say(f"round {number}/{rounds}: {arm}"),
        )
        show(bench.pages_table(rows, latency=latency, workers=workers), "List pages, seconds")
        path = out / f"catalogue-{datetime.now(UTC):%Y%m%dT%H%M%S}.parquet"
        record.write(
            rows, path, bench="catalogue", latency=latency, workers=workers, rounds=rounds, seed=seed
        )
        say(f"raw rows: {path}")
        if all_details:
            run = client.details(client.ids(progress=False).result(), workers=200, progress=False).wait()
            least = ideal(run.stats().done, latency, Async(200))
            took = run.stats().elapsed
            say(f"all details: {run}")
            say(
                f"ideal {least:.1f} s, measured {took:.1f} s, efficiency {least / took:.0%}; "
                f"table {run.result().shape}"
            )


def download(
    files: Annotated[int, typer.Option(min=1, help="Files, all at a time.")] = 5,
    mb: Annotated[int, typer.Option(min=1, max=250, help="Megabytes of each.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the order of the arms.")] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="Where files are made and put; the temporary folder unless told.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the raw rows.")] = RUNS,
) -> None:
    """Download large files, beside curl doing the same."""
    from fetchlab.bench import download as bench
    from fetchlab.bench import nginx, record

    size = mb * 1_000_000
    with ExitStack() as stack:
        if nginx.find() is not None:
            server = "nginx"
            urls = stack.enter_context(bench.served(files, size, folder))
        else:
            server = "testbed"
            say("There is no nginx (apt-get install nginx-light); the testbed serves and may be the limit.")
            base = stack.enter_context(serving(None, "echo", 0.0))
            urls = [f"{base}/download/{size}?etag={number}" for number in range(files)]
        rows = bench.downloads(
            urls,
            size,
            folder=folder,
            rounds=rounds,
            seed=seed,
            on_round=lambda number, arm: say(f"round {number}/{rounds}: {arm}"),
        )
    show(bench.table(rows), f"{files} files of {mb} MB from {server}, all at a time")
    path = out / f"download-{datetime.now(UTC):%Y%m%dT%H%M%S}.parquet"
    record.write(
        rows, path, bench="download", server=server, files=files, size=size, rounds=rounds, seed=seed
    )
    say(f"raw rows: {path}")
