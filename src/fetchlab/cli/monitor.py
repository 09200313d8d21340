"""``fetchlab monitor``: how a run stands, seen from a second terminal by its journal."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from fetchlab.cli import INTERRUPTED
from fetchlab.errors import JournalError

if TYPE_CHECKING:
    import os

    from rich.console import Console

    from fetchlab.engine.standing import Standing
    from fetchlab.engine.watcher import Watcher

__all__ = ["register", "watch_line"]

LIVE, PLAIN = 0.5, 5.0
USAGE = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="monitor")(monitor)


def watch_line(journal: str | os.PathLike[str]) -> str:
    """Return the line by which a command with a journal tells how to watch it."""
    return f"To watch it, in another terminal: fetchlab monitor {shlex.quote(str(journal))}"


def monitor(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The journal of a run that goes on or has ended.")
    ],
    once: Annotated[bool, typer.Option("--once", help="Show how it stands now, and end.")] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One line of JSON at each look instead of a picture; its keys are told above."
        ),
    ] = False,
    interval: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Seconds between two looks.", show_default="0.5 in a terminal, 5 elsewhere"
        ),
    ] = None,
) -> None:
    """Watch a run by its journal: progress, rate, errors and what helps against them, limits per host.

    It reads only, and never keeps the run waiting. It ends with the run; Ctrl-C ends the watching alone. It
    exits with 0 if all came, or with --once while the run goes on, 1 if something failed or the run was
    cancelled, stopped or killed, 2 if FILE cannot be read as a journal, 130 after Ctrl-C.

    Keys of --json, times in seconds and moments in UTC:

    file, session, sessions, pid, machine, started, ended, silence (since the last sign of life), over,
    state (running, paused, cancelling, done, cancelled, stopped; starting, silent, killed, empty);

    total, done, ok, failed, earlier, cancelled: items; rate, mean_rate: items per second; eta, elapsed;
    cached, cache_hit_rate (0 to 1); retries, refused; bytes, bytes_per_second;

    in_flight, workers, limits (by host), parked, waits (by reason);
    errors: error, count, example_key, message, host, knob of each kind;
    hosts: host, limit, failed_attempts, median of each; rates: seconds between values, items_per_second.
    """
    from rich.console import Console

    from fetchlab.cli.tables import WIDE
    from fetchlab.engine.watcher import Watcher

    watcher = Watcher(file)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    live = console.is_terminal and not console.is_dumb_terminal
    try:
        standing = _first(watcher)
        if once or watcher.finished(standing):
            _show(console, standing, as_json=as_json)
        elif as_json or not live:
            standing = _told(console, watcher, standing, interval or PLAIN, as_json=as_json)
        else:
            standing = _drawn(console, watcher, standing, interval or LIVE)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(standing.code)


def _first(watcher: Watcher) -> Standing:
    try:
        return watcher.look()
    except JournalError as error:
        print(f"fetchlab: FILE: {error}", file=sys.stderr)
        raise typer.Exit(USAGE) from None


def _show(console: Console, standing: Standing, *, as_json: bool) -> None:
    from fetchlab.cli.picture import Picture

    if as_json:
        print(standing.as_json(), flush=True)
    else:
        console.print(Picture(standing))


def _told(
    console: Console, watcher: Watcher, standing: Standing, interval: float, *, as_json: bool
) -> Standing:
    """Say a line at each look, where nothing can be drawn over; the picture at the end."""
    from fetchlab.engine.progress import line

    while not watcher.finished(standing):
        if not standing.over:
            print(standing.as_json() if as_json else line(standing.stats), flush=True)
        time.sleep(min(interval, LIVE) if standing.over else interval)
        standing = watcher.look()
    _show(console, standing, as_json=as_json)
    return standing


def _drawn(console: Console, watcher: Watcher, standing: Standing, interval: float) -> Standing:
    """Draw the picture over itself until the run has ended."""
    from rich.live import Live

    from fetchlab.cli.picture import Picture

    with Live(Picture(standing, fits=True), console=console, auto_refresh=False) as live:
        live.refresh()
        while not watcher.finished(standing):
            time.sleep(interval)
            standing = watcher.look()
            live.update(Picture(standing, fits=True), refresh=True)
        live.update(Picture(standing))  # the last one stays, so it may be longer than the terminal
    return standing
