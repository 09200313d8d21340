"""A phase of the library off and on, by ``fl.compare``: its table, with ideals and what was counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench.compare import compare
from fetchlab.bench.library_arms import CAP, LATENCY, ways
from fetchlab.bench.library_shelf import settle
from fetchlab.bench.library_tables import PHASES, summed
from fetchlab.bench.work import ended
from fetchlab.engine.calls import map as map_items
from fetchlab.engine.strategies import Threads
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.bench.comparison import Comparison
    from fetchlab.bench.library_arms import Way
    from fetchlab.bench.library_shelf import Shelf
    from fetchlab.engine.run import Run
    from fetchlab.testbed import Testbed

__all__ = ["Case", "case"]


@dataclass(frozen=True, slots=True)
class Case:
    """A phase on a library, and what was measured of it.

    Attributes:
        phase: which.
        count: videos.
        comparison: the rounds; each way is a run of one item.
        ways: by name, with their ideals.
        counted: what each way counted, the last time.
    """

    phase: str
    count: int
    comparison: Comparison
    ways: dict[str, Way]
    counted: dict[str, dict[str, float]]

    def table(self) -> pl.DataFrame:
        """Return the columns of :func:`~fetchlab.bench.library_tables.phase`, *off* measured twice."""
        figures = [
            {"arm": arm, "ideal": float(self.ways[name].least), **self.counted.get(name, {})}
            for name in self.ways
            for arm in ((name, f"{name} (A/A)") if name == "off" else (name,))
        ]
        known = pl.DataFrame(figures, infer_schema_length=None)
        rows = self.comparison.frame().with_columns(items=pl.lit(self.count, pl.UInt64))
        rows = rows.join(known, on="arm", how="left", maintain_order="left")
        return summed(rows, self.count, self.phase).drop("error")


def case(
    bed: Testbed,
    shelf: Shelf,
    phase: str,
    *,
    rounds: int = 5,
    latency: float = LATENCY,
    progress: bool | None = None,
) -> Case:
    """Measure every way to do a phase on a library.

    Args:
        bed: a testbed; its latency is set.
        shelf: the library.
        phase: one of PHASES.
        rounds: measured rounds.
        latency: seconds of an answer.
        progress: tell how far it is.

    Raises:
        ConfigError: there is no such phase.
    """
    if phase not in PHASES:
        raise ConfigError("phase", f"is one of {', '.join(PHASES)}, not {phase!r}")
    known = ways(shelf, off=True, capped=False, latency=latency, cap=CAP)
    chosen = {name.partition(": ")[2]: way for name, way in known.items() if name.partition(": ")[0] == phase}
    counted: dict[str, dict[str, float]] = {}
    bed.configure("tmdb", latency=latency, rate=None)
    arms = {name: _started(name, way, counted) for name, way in chosen.items()}
    found = compare(arms, rounds=rounds, warmup=0, baseline="off", check=_videos, progress=progress)
    return Case(phase, shelf.count, found, chosen, counted)


def _started(name: str, way: Way, counted: dict[str, dict[str, float]]) -> Callable[[], Run]:
    def once(_: str) -> int:
        done = way.start()
        counted[name] = done.more
        return done.ok

    def begin() -> Run:
        settle()
        return ended(map_items(once, [name], strategy=Threads(1), key=str, progress=False))

    return begin


def _videos(values: Any) -> Any:
    """What ways must agree on: how many videos they have done."""
    return values[0]
