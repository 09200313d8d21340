"""Committed tables, measured again with the settings that are recorded in them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.bench import comparable, named, saved
from fetchlab.bench.saved import Saved
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import polars as pl

    from fetchlab.bench.change import Change
    from fetchlab.bench.named import Bench

__all__ = ["QUICK", "REPRODUCED", "TABLES", "Pace", "Planned", "committed", "planned", "verdicts"]

TABLES = "data/bench"
QUICK = 3
"""Rounds of a quick look: with five of the table they are the fewest that have an interval."""
REPRODUCED = "reproduced"
PATIENCE = 3.0
"""Seconds after which the pace of this machine counts, not the one recorded."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A committed table, and how it is measured again.

    Attributes:
        bench: which.
        table: what was committed.
        settings: those of the table; fewer rounds, if that was asked for.
        seconds: how long it took then, for as many rounds as now.
        reasons: why the figures will not be comparable, empty if they will.
    """

    bench: Bench
    table: Saved
    settings: dict[str, Any]
    seconds: float
    reasons: tuple[str, ...]

    @property
    def measurements(self) -> int:
        """How many will be announced, warm-ups included."""
        return round(self.table.rows.height * _share(self.table, self.settings["rounds"]))

    def measure(self, on_round: Callable[[int, str], None]) -> Saved:
        """Measure it again."""
        return saved.measured(self.bench, self.settings, on_round)


@dataclass(slots=True)
class Pace:
    """How long it will take yet: what is left, at the pace of what was done.

    Attributes:
        seconds: expected of each step.
        clock: tells the time in seconds.
    """

    seconds: Sequence[float]
    clock: Callable[[], float] = time.monotonic
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def left(self, step: int, share: float) -> float:
        """Return the seconds left when so many steps, and this share of the next, are done."""
        ahead = sum(self.seconds[step:]) - share * self.seconds[step]
        done, took = sum(self.seconds) - ahead, self.clock() - self._begun
        return ahead * (took / done if done > 0 and took > PATIENCE else 1.0)


def committed(folder: str | Path = TABLES) -> dict[str, Path]:
    """Return the files of the tables in a folder by name of the bench, none where there is no folder."""
    return {path.stem: path for path in sorted(Path(folder).glob("*.parquet"))}


def planned(
    names: Collection[str] = (), folder: str | Path = TABLES, *, rounds: int | None = None
) -> list[Planned]:
    """Return how tables are measured again, without measuring.

    Args:
        names: of the benches; all that are there unless told.
        folder: where the tables are.
        rounds: at most so many; as many as in the table unless told.

    Raises:
        ConfigError: there is no such table, or it is not of the bench that it is named after, or it has a
            setting that the bench has not.
        StoreError: it cannot be read.
    """
    known = committed(folder)
    if not known:
        raise ConfigError("tables", f"{folder} holds none; `fetchlab bench NAME --commit` makes one")
    for name in names:
        if name not in known:
            raise ConfigError("names", f"{folder} holds no table of {name!r}, only of {', '.join(known)}")
    return [_planned(name, known[name], rounds) for name in known if not names or name in names]


def verdicts(change: Change) -> pl.DataFrame:
    """Return a change's rows with *reproduced* for what is invariant."""
    import polars as pl

    return change.rows.with_columns(pl.col("verdict").replace("invariant", REPRODUCED))


def _planned(name: str, path: Path, rounds: int | None) -> Planned:
    bench, table = named.find(name), Saved.read(path)
    if table.bench != name:
        raise ConfigError("tables", f"{path} is a run of {table.bench or 'no named bench'}, not of {name}")
    settings = {knob: value for knob, value in table.settings.items() if knob in bench.knobs}
    unknown = table.settings.keys() - settings.keys() - bench.facts().keys()
    if unknown or "rounds" not in settings:
        what = ", ".join(sorted(unknown)) or "no rounds"
        why = f"{path} was measured with {what}, which {name} does not know: commit it anew"
        raise ConfigError("tables", why)
    settings["rounds"] = min(rounds or settings["rounds"], settings["rounds"])
    recorded = table.about.get("took_s") or float(table.rows["seconds"].sum() or 0.0)
    return Planned(
        bench,
        table,
        settings,
        recorded * _share(table, settings["rounds"]),
        tuple(comparable.reasons(table.about, saved.about(bench, settings))),
    )


def _share(table: Saved, rounds: int) -> float:
    """So much of the table's measurements are made with so many rounds; warm-ups stay."""
    warm = int(table.rows["warmup"].sum())
    then = int(table.settings["rounds"])
    return (warm + (table.rows.height - warm) * rounds / then) / max(table.rows.height, 1)
