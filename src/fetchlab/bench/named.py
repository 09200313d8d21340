"""What every named bench has, so that one command, and one that measures all again, can run any of them."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from fetchlab.bench.costs import PER_ITEM, Cost
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

__all__ = ["HOMES", "Bench", "Table", "find"]

HOMES = {
    "ablation": "ablation.BENCH",
    "adaptive": "adaptive.BENCH",
    "cache": "cache.BENCH",
    "catalogue": "catalogue.BENCH",
    "charts": "charts.BENCH",
    "details": "catalogue.DETAILS",
    "download": "download.BENCH",
    "exits": "exits.BENCH",
    "fairness": "fairness.BENCH",
    "journal": "journal.BENCH",
    "latency": "latency.BENCH",
    "library": "library.BENCH",
    "layers": "layers.BENCH",
    "memory": "memory.BENCH",
    "overhead": "overhead.BENCH",
    "panel": "panel.BENCH",
    "resume": "journal.RESUME",
    "storyboard": "storyboard.BENCH",
    "timeline": "timeline.BENCH",
}
"""Name to module and variable, so that a list of benches loads none of them."""
SHARED = ("rounds", "seed")


class Table(NamedTuple):
    """A table of a bench: its title, its rows, and what its reader must know, empty if nothing."""

    title: str
    frame: pl.DataFrame
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A bench that can be run by its name and its settings.

    Settings are plain JSON values, since they are recorded with the rows and read from there to measure the
    same again.

    Attributes:
        name: also the first part of its files' names.
        collect: measures; takes the settings and those of :class:`~fetchlab.bench.measuring.Measuring` as
            keywords, serves what it needs, and returns the raw rows.
        tables: makes tables of raw rows and settings.
        notes: says, from the settings, what is to be known before the first round.
        facts: finds out what is not chosen and yet decides about the figures, such as which server is there.
        cost: what two runs are compared by.
        yardsticks: names, for an arm, the arms of the same run that its cost is best held against in such a
            comparison, the best one first; none if the cost itself says more.
    """

    name: str
    collect: Callable[..., pl.DataFrame]
    tables: Callable[..., Sequence[Table]]
    notes: Callable[..., Sequence[str]] = field(default=lambda **_: ())
    facts: Callable[[], dict[str, Any]] = dict
    cost: Cost = PER_ITEM
    yardsticks: Callable[[str], Sequence[str]] = field(default=lambda _arm: ())

    @property
    def knobs(self) -> set[str]:
        """The names of its settings."""
        parameters = inspect.signature(self.collect).parameters.values()
        own = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
        return {*SHARED, *own} - {"on_round"}


def find(name: str) -> Bench:
    """Return the bench of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in HOMES:
        raise ConfigError("bench", f"is one of {', '.join(HOMES)}, not {name!r}")
    module, _, variable = HOMES[name].partition(".")
    bench: Bench = getattr(importlib.import_module(f"fetchlab.bench.{module}"), variable)
    return bench
