"""The command line: thin, calls what a notebook would call."""

from __future__ import annotations

import sys

import typer

from fetchlab.errors import FetchlabError

__all__ = ["commands", "main"]

INTERRUPTED = 130


def commands() -> typer.Typer:
    """Return the command line with all its commands."""
    from fetchlab.cli import (
        bench,
        browser,
        cache,
        catalogue,
        charts,
        cluster,
        demo,
        doctor,
        fetch,
        journal,
        lab,
        library,
        monitor,
        notebooks,
        share,
        storyboard,
        sweep,
        testbed,
        timeline,
    )

    app = typer.Typer(
        name="fetchlab",
        help="Fetch tens of thousands of things: fast, polite, measured, nothing lost.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    runs = (fetch, sweep, catalogue, charts, library, timeline, storyboard, cache, journal, monitor)
    house = (demo, lab, notebooks, share, bench, testbed, browser, doctor, cluster)
    for module in (*runs, *house):
        module.register(app)
    return app


def main() -> None:
    """Run the command line; an error of our own is one line and exit code 1, Ctrl-C is 130."""
    try:
        commands()()
    except FetchlabError as error:
        sys.exit(f"fetchlab: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
