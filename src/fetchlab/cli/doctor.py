"""``fetchlab doctor``: this machine as it is recorded with figures, and what is missing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fetchlab.cli.tables import say, show

if TYPE_CHECKING:
    from fetchlab.bench.checkup import Check

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="doctor")(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")] = False,
) -> None:
    """Show machine and software as they are recorded with every figure, what is missing and how to get it.

    Exit code 1 if something is missing that fetchlab needs, else 0.
    """
    from fetchlab.bench import checkup, environment

    about, checks = environment(), checkup.checkup()
    ready = checkup.ready(checks)
    if as_json:
        found = {"ready": ready, "environment": about, "checks": [asdict(check) for check in checks]}
        typer.echo(json.dumps(found, indent=2))
    else:
        _print(about, checks, ready=ready)
    if not ready:
        raise typer.Exit(1)


def _print(about: dict[str, Any], checks: list[Check], *, ready: bool) -> None:
    import polars as pl

    show(pl.DataFrame(_rows(about), ["what", "here"], orient="row"), "Recorded with every figure")
    say()
    columns = ("what", "state", "found", "purpose", "remedy")
    rows = [[getattr(check, column) for column in columns] for check in checks]
    show(pl.DataFrame(rows, columns, orient="row"), "Looked at")
    say()
    say(_conclusion(checks, ready=ready))


def _rows(about: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), ", ".join(f"{key} {one}" for key, one in value.items()))
        if isinstance(value, dict)
        else (name.replace("_", " "), "–" if value is None else str(value))
        for name, value in about.items()
    ]


def _conclusion(checks: list[Check], *, ready: bool) -> str:
    from fetchlab.bench.checkup import GOOD

    if not ready:
        return "Something that fetchlab needs is missing."
    others = [check.what for check in checks if check.state != GOOD]
    return (
        f"Ready. To look at, if you need it: {', '.join(others)}." if others else "Ready, nothing is missing."
    )
