"""``fetchlab browser``: find the browser, or install one."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from fetchlab.cli.tables import say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="browser")(browser)


def browser(
    install: Annotated[bool, typer.Option("--install", help="Install one where none is found.")] = False,
    windows: Annotated[bool, typer.Option("--windows", help="One that can show windows.")] = False,
) -> None:
    """Say which Chromium is used; with --install, get one where there is none.

    Without --windows that is a headless shell, got beside a whole Chromium, too: it takes about half the
    processor.
    """
    from fetchlab.transport import browser as finder

    found = finder.find(headless=not windows)
    light = windows or finder.VARIABLE in os.environ or finder.find_shell() is not None
    if install and (found is None or not light):
        say("No Chromium found: installing one …" if found is None else "Installing a headless shell …")
        found = finder.install(say, headless=not windows)
    if found is None:
        say("No Chromium found. `fetchlab browser --install` gets one, FETCHLAB_BROWSER names your own.")
        raise typer.Exit(1)
    say(f"Chromium: {found}")
