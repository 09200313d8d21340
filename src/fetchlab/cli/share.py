"""``fetchlab share``: a notebook executed, inspected, and written as files that anybody can open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fetchlab.cli.tables import say
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from fetchlab.notebook.sharing import Shared

__all__ = ["register"]

USAGE = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="share")(share)


def share(
    notebook: Annotated[Path, typer.Argument(help="The notebook; it stays as it is.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", help="name=value for the parameters cell; repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for what is written.")] = Path("shared"),
    pdf: Annotated[bool, typer.Option("--pdf", help="As PDF too, printed by the browser.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Share it in spite of paths, names or errors; never of secrets.")
    ] = False,
) -> None:
    """Execute a notebook and write it as .ipynb and as one .html file that opens anywhere, offline.

    Figures are SVG, tables plain HTML, progress stands as it ended; there is no script in the page. The
    environment and the SHA-256 of the data files stand at its end.

    It is refused, with a list, if cells, outputs or metadata hold secrets, paths or names of this machine, or
    errors. Exit code 0: written. 1: refused, nothing was written. 2: the call cannot work.
    """
    from fetchlab.cli.knobs import flag_of, parameters_of
    from fetchlab.notebook import share as shared

    try:
        given = parameters_of(parameter or [])
        say(f"{notebook} …")
        done = shared(notebook, out, given, pdf=pdf, force=force, say=say)
    except ConfigError as error:
        print(f"fetchlab: {flag_of(error)}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
    _tell(done)


def _tell(done: Shared) -> None:
    for finding in done.findings:
        say(f"  shared in spite of {finding}")
    for note in done.notes:
        say(f"  {note}")
    for file in (done.notebook, done.html, done.pdf):
        if file is not None:
            say(f"  written to {file}, {file.stat().st_size / 1e3:,.0f} KB, SHA-256 {done.sha256[file.name]}")
