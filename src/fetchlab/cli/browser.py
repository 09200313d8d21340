"""``fetchlab browser``: find the browser, or install one."""

from __future__ import annotations

from typing import Annotated

import typer

from fetchlab.cli.tables import say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="browser")(browser)


def browser(
    install: Annotated[bool, typer.Option("--install", help="Install one where none is found.")] = False,
) -> None:
    """Say which Chromium is used; with --install, get one where there is none."""
    from fetchlab.transport import browser as finder

    found = finder.find()
    if found is None and install:
        say("No Chromium found: installing one …")
        found = finder.install(say)
    if found is None:
        say("No Chromium found. `fetchlab browser --install` gets one, FETCHLAB_BROWSER names your own.")
        raise typer.Exit(1)
    say(f"Chromium: {found}")
