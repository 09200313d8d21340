"""``fetchlab notebooks``: execute notebooks headless."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fetchlab.cli.tables import say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="notebooks")(notebooks)


def notebooks(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Notebooks; all of notebooks/ unless told.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the executed copies; in place unless told.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", help="name=value for the parameters cell; repeatable."),
    ] = None,
) -> None:
    """Execute notebooks from top to bottom without a person, in place or into a folder."""
    from fetchlab.cli.knobs import parameters_of
    from fetchlab.notebook import execute

    given = parameters_of(parameter or [])
    for path in paths or sorted(Path("notebooks").glob("*.ipynb")):
        say(f"{path} …")
        say(f"  written to {execute(path, out / path.name if out else None, given)}")
