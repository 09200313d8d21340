"""``fetchlab sweep``: how many workers a list of URLs deserves."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  # typer reads it at run time
from typing import Annotated

import typer

from fetchlab.cli import inputs, knobs
from fetchlab.cli.job import USAGE
from fetchlab.cli.tables import say, show
from fetchlab.errors import ConfigError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="sweep")(sweep)


def sweep(
    urls: Annotated[
        str,
        typer.Argument(
            metavar="URLS",
            help="A text file with one URL per line (# comments), a .csv, .parquet or .jsonl file, or - for"
            " standard input. They are fetched again and again.",
        ),
    ],
    workers: Annotated[
        str, typer.Option(metavar="N,N,…", help="Numbers of workers to try.")
    ] = "1,2,4,8,16,32,64",
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds.")] = 3,
    seconds: Annotated[float, typer.Option(help="About how long one measurement takes.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Of the order in each round.")] = 0,
    items: Annotated[
        int | None,
        typer.Option(min=1, help="Predict how long so many take.", show_default="as many as URLS has"),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(help="Column of a table that has the URLs.", show_default="its only one, or url"),
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[HOST=]RATE", help="Requests per second and host, as in fetchlab fetch; repeatable."
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:VALUE", help="A request header, as in fetchlab fetch; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the raw rows, read again by fl.Sweep.load.", show_default="none"),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="File for the chart: .svg, .png or .html.", show_default="none")
    ] = None,
) -> None:
    """Measure throughput over numbers of workers, and recommend one.

    It asks a host that refuses requests no further. It exits with 0, with 1 if no number of workers could be
    measured, 2 if it was called wrongly.
    """
    from fetchlab.bench.sweep import sweep as measure
    from fetchlab.plot import save

    try:
        if plot is not None and plot.suffix.lower() not in (".svg", ".png", ".html"):
            raise ConfigError("--plot", f"{plot.name} is none of .svg, .png, .html")
        listed = list(inputs.urls(urls, column))
        done = measure(
            [_request(url, knobs.headers_of(header or ())) for url in listed],
            _counts(workers),
            rounds=rounds,
            seconds=seconds,
            seed=seed,
            rate=knobs.rate_of(rate or ()),
        )
    except ConfigError as error:
        print(f"fetchlab: {knobs.flag_of(error)}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
    show(done.summary())
    for note in done.notes:
        say(note)
    if out is not None:
        say(f"raw rows: {done.save(out)}")
    if done.verdict == "failed":
        raise typer.Exit(1)
    told = done.predict(items or len(listed))
    say(
        f"Predicted: {told.items:,} items in {told.seconds:,.3g} s [{told.low:,.3g}, {told.high:,.3g}]"
        f" with {told.workers} workers."
    )
    if plot is not None:
        say(f"chart: {save(done.plot(), plot)}")


def _counts(word: str) -> list[int]:
    try:
        return [int(part) for part in word.split(",")]
    except ValueError:
        raise ConfigError("--workers", f"give numbers such as 1,2,4,8, not {word!r}") from None


def _request(url: str, headers: dict[str, str]) -> object:
    from fetchlab.model import Request

    return Request(url, headers=headers) if headers else url
