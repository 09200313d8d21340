"""``fetchlab bench NAME``: measured tables, each with its ideal."""

from __future__ import annotations

import typer

from fetchlab.cli import benches
from fetchlab.cli.again import again

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Measure, in rounds, with intervals; raw rows go to Parquet.", no_args_is_help=True
    )
    for command in benches.COMMANDS:
        group.command(name=command.__name__)(command)
    group.command(name="again")(again)
    group.callback()(lambda: None)
    app.add_typer(group, name="bench")
