"""What the benches' commands share: their options, and what becomes of the rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

import typer

from fetchlab.cli.earlier import earlier, tell
from fetchlab.cli.tables import filled, say, show

if TYPE_CHECKING:
    from fetchlab.bench.named import Bench
    from fetchlab.bench.saved import Saved

__all__ = ["RUNS", "Items", "Plan", "Rounds", "Seed", "command", "report", "telling"]

RUNS = Path("data/runs/bench")

Rounds: TypeAlias = Annotated[int, typer.Option(min=1, help="Measured rounds.")]
Items: TypeAlias = Annotated[int, typer.Option(min=10, help="Requests of each arm.")]
Seed: TypeAlias = Annotated[int, typer.Option(help="Of the order of the arms.")]
Out: TypeAlias = Annotated[Path, typer.Option(help="Folder for the raw rows.")]
Against: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="LAST|FILE",
        help="Also say what became faster or slower since an earlier run: the last one in --out, or a file.",
    ),
]
Commit: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--commit", help="Also keep it in data/bench, as the table that `fetchlab bench again` measures anew."
    ),
]
Plan: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Names of benches to their settings."""


def command(settings: Callable[..., Plan | None]) -> Callable[..., None]:
    """Make a bench's command of a function that takes its settings.

    The function returns which benches with which settings are meant; None is the bench of its own name with
    all that it was given. What all of them share is added: ``--out``, ``--against`` and ``--commit``.
    """
    hints = get_type_hints(settings, include_extras=True) | {"return": None}
    shared: dict[str, tuple[Any, Any]] = {
        "out": (Out, RUNS),
        "against": (Against, None),
        "commit": (Commit, False),
    }

    @wraps(settings)
    def run(**given: Any) -> None:
        out, against, commit = (given.pop(name) for name in shared)
        plan = settings(**given) or {settings.__name__: given}
        before = earlier(against, plan, out) if against else {}
        for name, chosen in plan.items():
            done = _measure(name, chosen, out, before.get(name))
            if commit:
                _commit(done)
            if name in before:
                tell(before[name], done)

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

    def tell_round(number: int, arm: str) -> None:
        of = f"/{rounds}" if number <= rounds else ""  # some of a bench's tables have more
        say(f"{f'round {number}{of}' if number > 0 else 'warm-up'}: {arm}")

    return tell_round


def report(bench: Bench, done: Saved, out: Path) -> None:
    """Keep the rows first, then print which measurements failed and why, and the bench's tables."""
    path = done.save(out)
    for number, arm, error in done.rows.drop_nulls("error").select("round", "arm", "error").iter_rows():
        say(f"round {number}, {arm}: {error}")
    for title, frame, note in bench.tables(done.rows, **done.settings):
        show(filled(frame), title)
        if note:
            say(note)
    say(f"raw rows: {path}")


def _measure(name: str, settings: Mapping[str, Any], out: Path, before: Saved | None) -> Saved:
    from fetchlab.bench import named, saved
    from fetchlab.bench.comparable import reasons

    bench = named.find(name)
    for note in bench.notes(**settings):
        say(note)
    for reason in reasons(before.about, saved.about(bench, settings)) if before else ():
        say(f"This will not be comparable with the earlier run: {reason}.")
    done = saved.measured(bench, settings, telling(settings["rounds"]))
    report(bench, done, out)
    return done


def _commit(done: Saved) -> None:
    from fetchlab.bench.repeat import TABLES

    failures = done.rows["error"].count()
    if failures:
        say(f"Not kept as a table: {failures} of its measurements failed.")
        return
    say(f"table: {done.save_as(Path(TABLES) / f'{done.bench}.parquet')}")
