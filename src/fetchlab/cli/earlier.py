"""``--against LAST|FILE``: the earlier run of a bench, and what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.cli.tables import filled, say, show
from fetchlab.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from fetchlab.bench.change import Change
    from fetchlab.bench.saved import Saved

__all__ = ["earlier", "shown", "tell"]

LAST = "last"
KNOB = "against"


def earlier(against: str, names: Mapping[str, Any], folder: Path) -> dict[str, Saved]:
    """Return the earlier run of each bench, before anything is measured for an hour.

    Args:
        against: ``LAST``, or a file of one of the benches.
        names: of the benches that are about to be measured.
        folder: where their raw rows are kept.

    Raises:
        ConfigError: there is no earlier run, or the file is none of these benches'.
    """
    from fetchlab.bench.past import last
    from fetchlab.bench.saved import Saved

    if against.lower() == LAST:
        return {name: Saved.read(last(name, folder)) for name in names}
    try:
        found = Saved.read(against)
    except StoreError as error:
        raise ConfigError(KNOB, f"give LAST or a file of raw rows; {error}") from error
    if found.bench not in names:
        wanted = " or ".join(names)
        raise ConfigError(KNOB, f"{against} is a run of {found.bench or 'no named bench'}, not of {wanted}")
    return {found.bench: found}


def tell(before: Saved, now: Saved) -> None:
    """Print what has changed, row by row, and what may explain it."""
    from fetchlab.bench.change import ITSELF, against

    change = against(before, now)
    day = str(before.about.get("time", ""))[:16].replace("T", " ")
    say()
    show(shown(change), f"Since {day}; above 1 is slower")
    for reason in change.reasons:
        say(f"Not comparable: {reason}.")
    if (change.rows["measured by"] == ITSELF).any():
        say("What is measured by itself has the machine's mood in it; a ratio to another arm has not.")
    for what, old, new in change.differences.iter_rows():
        say(f"{what}: {new}, earlier {old}")


def shown(change: Change, rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return a change's rows without the columns that say nothing, or what is said below them anyway."""
    import polars as pl

    rows = change.rows if rows is None else rows
    rows = rows.drop("why") if change.reasons else rows
    return filled(rows.with_columns(pl.col(pl.String).replace("", None)))
