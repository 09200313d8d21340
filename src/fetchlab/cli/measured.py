"""What the benches' commands share: their options, and what becomes of the rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

import typer

from fetchlab.cli.tables import say, show

if TYPE_CHECKING:
    import polars as pl

    from fetchlab.bench.named import Bench
    from fetchlab.bench.saved import Saved

__all__ = ["RUNS", "Items", "Plan", "Rounds", "Seed", "command", "telling"]

RUNS = Path("data/runs/bench")

Rounds: TypeAlias = Annotated[int, typer.Option(min=1, help="Measured rounds.")]
Items: TypeAlias = Annotated[int, typer.Option(min=10, help="Requests of each arm.")]
Seed: TypeAlias = Annotated[int, typer.Option(help="Of the order of the arms.")]
Out: TypeAlias = Annotated[Path, typer.Option(help="Folder for the raw rows.")]
Plan: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Names of benches to their settings."""


def command(settings: Callable[..., Plan | None]) -> Callable[..., None]:
    """Make a bench's command of a function that takes its settings.

    The function returns which benches with which settings are meant; None is the bench of its own name with
    all that it was given. What all of them share is added: ``--out``.
    """
    hints = get_type_hints(settings, include_extras=True) | {"return": None}
    shared = {"out": (Out, RUNS)}

    @wraps(settings)
    def run(**given: Any) -> None:
        more = {name: given.pop(name) for name in shared}
        for name, chosen in (settings(**given) or {settings.__name__: given}).items():
            _measure(name, chosen, **more)

    parameters = [
        *inspect.signature(settings).parameters.values(),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=usual)
            for name, (_, usual) in shared.items()
        ),
    ]
    run.__annotations__ = hints | {name: kind for name, (kind, _) in shared.items()}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what typer reads
        [one.replace(kind=one.KEYWORD_ONLY, annotation=run.__annotations__[one.name]) for one in parameters]
    )
    return run


def telling(rounds: int) -> Callable[[int, str], None]:
    """Return a function that prints each measurement before it is made; round 0 is the warm-up."""
    return lambda number, arm: say(f"{f'round {number}/{rounds}' if number > 0 else 'warm-up'}: {arm}")


def report(bench: Bench, done: Saved) -> None:
    """Print which measurements failed and why, then the bench's tables."""
    for number, arm, error in done.rows.drop_nulls("error").select("round", "arm", "error").iter_rows():
        say(f"round {number}, {arm}: {error}")
    for title, frame, note in bench.tables(done.rows, **done.settings):
        show(_filled(frame), title)
        if note:
            say(note)


def _measure(name: str, settings: Mapping[str, Any], *, out: Path) -> None:
    from fetchlab.bench import named, saved

    bench = named.find(name)
    for note in bench.notes(**settings):
        say(note)
    done = saved.measured(bench, settings, telling(settings["rounds"]))
    report(bench, done)
    say(f"raw rows: {done.save(out)}")


def _filled(table: pl.DataFrame) -> pl.DataFrame:
    """Leave out the columns that say nothing."""
    return table.select(name for name in table.columns if table[name].null_count() < table.height)
