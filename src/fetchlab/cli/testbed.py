"""``fetchlab testbed``: the local server, until Ctrl-C."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from fetchlab.cli.tables import say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="testbed")(serve)


def serve(
    port: Annotated[
        int, typer.Option(min=0, help="First port of the block, one per wire; 0 for any.")
    ] = 8700,
    latency: Annotated[float, typer.Option(min=0, help="Seconds before each answer.")] = 0.0,
    profile: Annotated[str, typer.Option(help="A named set of settings.")] = "flat",
    seed: Annotated[int, typer.Option(help="Of all data.")] = 0,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting as name=value, such as jitter=0.5; repeatable."),
    ] = None,
) -> None:
    """Serve every wire on 127.0.0.1 until Ctrl-C: real formats, known truth, faults on demand."""
    import json

    from fetchlab import testbed
    from fetchlab.errors import ConfigError

    settings = {}
    for pair in setting or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError("--set", f"give name=value, not {pair!r}")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            raise ConfigError(
                "--set", f"the value of {name} must be a number or JSON, not {value!r}"
            ) from None
    with testbed.serve(port=port, latency=latency, profile=profile, seed=seed, **settings) as bed:
        if bed.moved:
            say(f"Port {port} is taken, so other ports are used.")
        for wire, url in bed.urls.items():
            say(f"{wire:10} {url}")
        say("Ctrl-C ends it.")
        end = threading.Thread(target=bed.wait, daemon=True)
        end.start()
        while end.is_alive():  # in steps: a signal that another thread received is seen between them
            end.join(0.25)
