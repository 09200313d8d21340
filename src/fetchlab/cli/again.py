"""``fetchlab bench again``: every committed table measured anew, and what became of its rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fetchlab.cli.earlier import shown
from fetchlab.cli.measured import RUNS, Out, report
from fetchlab.cli.tables import filled, say, show
from fetchlab.errors import FetchlabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.bench.repeat import Pace, Planned

__all__ = ["again"]

TABLES = Path("data/bench")
WORDS = ("reproduced", "faster", "slower", "less", "more", "inconclusive", "not comparable")


def again(
    names: Annotated[list[str] | None, typer.Argument(help="Tables to measure; all unless told.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Three rounds at most: only large changes can be told.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be measured, how long.")] = False,
    tables: Annotated[Path, typer.Option(help="Folder of the committed tables.")] = TABLES,
    out: Out = RUNS,
) -> None:
    """Measure the committed tables again, with their own settings: reproduced, faster or slower?

    Exit code 1 if a bench could not be measured; a slower row is an answer.
    """
    from fetchlab.bench.repeat import QUICK, Pace, planned

    found = planned(names or (), tables, rounds=QUICK if quick else None)
    _announce(found)
    if plan:
        return
    pace = Pace([one.seconds for one in found])
    results: list[dict[str, Any]] = []
    try:
        for step, one in enumerate(found):
            say()
            try:
                results.append(_repeat(one, _telling(found, step, pace), out))
            except Exception as error:  # whatever it is, the other tables are still to be measured
                why = str(error) if isinstance(error, FetchlabError) else f"{type(error).__name__}: {error}"
                say(f"{one.bench.name}: {why}")
                results.append({"bench": one.bench.name, "why": why})
    finally:  # also after Ctrl-C
        _conclude(results)
    if any("rows" not in one for one in results):
        raise typer.Exit(1)


def _announce(found: list[Planned]) -> None:
    import polars as pl

    from fetchlab.engine.progress import duration

    rows = [
        {
            "bench": one.bench.name,
            "measured": str(one.table.about["time"])[:10],
            "arms": one.table.rows["arm"].n_unique(),
            "rounds": one.settings["rounds"],
            "about": duration(one.seconds),
            "comparable": "no" if one.reasons else "yes",
        }
        for one in found
    ]
    say("Committed tables, measured again with their settings:")
    show(pl.DataFrame(rows))
    for reason, names in _grouped(found).items():
        say(f"{', '.join(names)}: not comparable: {reason}.")
    say(f"In all about {duration(sum(one.seconds for one in found))}; Ctrl-C keeps what is done.")


def _grouped(found: list[Planned]) -> dict[str, list[str]]:
    """Reasons with the benches that they hold for: another machine is one for all of them."""
    grouped: dict[str, list[str]] = {}
    for one in found:
        for reason in one.reasons:
            grouped.setdefault(reason, []).append(one.bench.name)
    return grouped


def _telling(found: list[Planned], step: int, pace: Pace) -> Callable[[int, str], None]:
    """Return a function that prints each measurement before it is made, and how long all will take yet."""
    from fetchlab.engine.progress import duration

    one, announced = found[step], 0
    head = f"[{step + 1}/{len(found)} {one.bench.name}]"

    def tell(number: int, arm: str) -> None:
        nonlocal announced
        left = pace.left(step, min(1.0, announced / max(one.measurements, 1)))
        announced += 1
        at = f"round {number}/{one.settings['rounds']}" if number > 0 else "warm-up"
        say(f"{head} {at}: {arm}; about {duration(left)} left")

    return tell


def _repeat(one: Planned, on_round: Callable[[int, str], None], out: Path) -> dict[str, Any]:
    from fetchlab.bench.change import against
    from fetchlab.bench.repeat import verdicts

    settings = one.settings | one.bench.facts()
    for note in one.bench.notes(**settings):
        say(note)
    done = one.measure(on_round)
    report(one.bench, done, out)
    change = against(one.table, done)
    rows = verdicts(change)
    show(shown(change, rows), f"{one.bench.name}: the committed table and now; above 1 is slower")
    for what, old, new in change.differences.iter_rows():
        say(f"{what}: {new}, then {old}")
    counts = Counter(rows["verdict"])
    return {"bench": one.bench.name, "rows": rows.height} | dict(counts) | {"why": "; ".join(change.reasons)}


def _conclude(results: list[dict[str, Any]]) -> None:
    import polars as pl

    columns = ("bench", "rows", *WORDS, "why")
    rows = [[one.get(column) or None for column in columns] for one in results]
    types: dict[str, Any] = {name: pl.String if name in ("bench", "why") else pl.Int64 for name in columns}
    say()
    say("What became of the committed tables, in rows:")
    show(filled(pl.DataFrame(rows, types, orient="row")))
