"""``fetchlab journal show|export FILE``: what a job's journal holds, also while it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fetchlab.cli.tables import say, show

__all__ = ["register"]

File = Annotated[Path, typer.Argument(metavar="FILE", help="The journal.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    journals = typer.Typer(help="Read the journal of a job.", no_args_is_help=True)
    journals.command(name="show")(show_sessions)
    journals.command(name="export")(export)
    app.add_typer(journals, name="journal")


def show_sessions(file: File) -> None:
    """Show a journal's sessions and what failed last."""
    from fetchlab import frame
    from fetchlab.engine.journal import Journal

    with Journal.open(file) as journal:
        timings = journal.frame()
        ok = int(timings["ok"].sum())
        say(f"{file}: {timings.height:,} items, {ok:,} ok, {timings.height - ok:,} failed")
        show(journal.sessions(), "sessions")
        failed = frame.errors_frame(timings)
    if failed.height:
        show(failed.select("error", "count", "example_key", "message", "host", "knob"), "what failed")


def export(
    file: File,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A Parquet file.", show_default=False)],
) -> None:
    """Write values and timings of a journal to one Parquet file; of what failed the timings alone."""
    from fetchlab.engine.journal import Journal

    with Journal.open(file) as journal:
        say(f"{journal.export(out)}  {len(journal):,} items")
