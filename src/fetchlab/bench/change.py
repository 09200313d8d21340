"""An earlier run of a bench held against a later one: faster, slower, invariant, or not to be said."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench import comparable, named
from fetchlab.bench.costs import PER_ITEM
from fetchlab.bench.publish import published
from fetchlab.bench.saved import Saved
from fetchlab.bench.shifts import shift
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import great_tables

    from fetchlab.bench.costs import Cost
    from fetchlab.bench.named import Bench
    from fetchlab.bench.ratios import Ratio

__all__ = ["CHANGES", "INCOMPARABLE", "Change", "against"]

CHANGES = pl.Schema(
    {
        "arm": pl.String,
        "earlier": pl.Float64,
        "later": pl.Float64,
        "unit": pl.String,
        "times": pl.Float64,
        "measured by": pl.String,
        "change": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "verdict": pl.String,
        "why": pl.String,
    }
)
"""``earlier`` and ``later`` are medians of the cost in ``unit``, ``times`` the later one in terms of the
earlier. ``change`` has the verdict: of the cost itself, or, where another arm of the same run is a yardstick,
of the ratio to it, which the machine's mood leaves alone. Its interval is of 95 %; above 1 is slower."""
INCOMPARABLE = "not comparable"
ITSELF = "itself"
FEW = "too few rounds: four and four have an interval, or three and five"


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What became of a bench's figures between two runs. Made by :func:`against`.

    Attributes:
        earlier: the run that came first.
        later: the run held against it.
        reasons: why they cannot be compared, empty if they can.
        rows: a row per arm, CHANGES schema.
    """

    earlier: Saved
    later: Saved
    reasons: tuple[str, ...]
    rows: pl.DataFrame

    @property
    def differences(self) -> pl.DataFrame:
        """What differs and may explain a change: columns ``what``, ``earlier`` and ``later``."""
        return comparable.differences(self.earlier.about, self.later.about)

    @property
    def verdicts(self) -> dict[str, int]:
        """How many arms have which verdict, the most frequent first."""
        return dict(Counter(self.rows["verdict"]).most_common())

    def table(self) -> great_tables.GT:
        """Return the rows as a table worth publishing, with reasons and differences below it."""
        notes = [f"Not comparable: {reason}." for reason in self.reasons]
        notes += [f"{what}: {new}, earlier {old}." for what, old, new in self.differences.iter_rows()]
        return published(
            self.rows.select(name for name in CHANGES if self.rows[name].null_count() < self.rows.height),
            f"{self.later.bench}: then and now",
            f"{_when(self.earlier)} and {_when(self.later)}; above 1 is slower",
            numbers=("earlier", "later", "times", "change", "low", "high"),
            notes=notes,
        )

    def __repr__(self) -> str:
        head = f"Change of {self.later.bench} from {_when(self.earlier)} to {_when(self.later)}"
        lines = [f"{head}: {', '.join(f'{count} {word}' for word, count in self.verdicts.items())}"]
        lines += [f"  not comparable: {reason}" for reason in self.reasons]
        for row in self.rows.iter_rows(named=True):
            change = (
                "" if row["change"] is None else f"{row['change']:.3g} [{row['low']:.3g}, {row['high']:.3g}] "
            )
            why = f" ({row['why']})" if row["why"] and not self.reasons else ""
            lines.append(f"  {row['arm']}: {change}{row['verdict']}{why}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return self.table().as_raw_html()


def against(earlier: str | Path | Saved, later: str | Path | Saved) -> Change:
    """Hold a later run of a bench against an earlier one, arm by arm.

    Args:
        earlier: a file of raw rows, or what was read from it.
        later: likewise.

    Raises:
        ConfigError: they are of different benches.
        StoreError: a file is no benchmark run of this package.
    """
    old, new = (one if isinstance(one, Saved) else Saved.read(one) for one in (earlier, later))
    if old.bench != new.bench:
        raise ConfigError(
            "earlier", f"is a run of {old.bench or 'no named bench'}, the later one of {new.bench or 'none'}"
        )
    reasons = tuple(comparable.reasons(old.about, new.about))
    bench = named.find(new.bench) if new.bench in named.HOMES else None
    rows = _rows(bench, old, new)
    if reasons:
        said = {"verdict": INCOMPARABLE, "why": "; ".join(reasons)}
        rows = [{**{name: row[name] for name in ("arm", "unit", "earlier", "later")}, **said} for row in rows]
    return Change(old, new, reasons, pl.DataFrame(rows, CHANGES))


def _rows(bench: Bench | None, old: Saved, new: Saved) -> list[dict[str, Any]]:
    cost = bench.cost if bench else PER_ITEM
    before, after = _costs(cost, old.rows), _costs(cost, new.rows)
    rows = []
    for arm in dict.fromkeys([*before, *after]):
        row: dict[str, Any] = {"arm": arm, "unit": cost.unit}
        row |= {"earlier": _median(before.get(arm)), "later": _median(after.get(arm))}
        if arm not in before or arm not in after:
            rows.append(row | {"verdict": INCOMPARABLE, "why": _missing(arm, before, new.rows)})
            continue
        itself = shift(list(before[arm].values()), list(after[arm].values()))
        yardstick = _yardstick(bench, arm, before, after)
        found = (
            itself
            if yardstick is None
            else shift(_relative(before, arm, yardstick), _relative(after, arm, yardstick))
        )
        by = ITSELF if yardstick is None else f"ratio to {yardstick}"
        rows.append(
            row | {"times": itself.median, "measured by": by} | _said(found, cost.call(found.verdict))
        )
    return rows


def _missing(arm: str, before: Mapping[str, dict[int, float]], rows: pl.DataFrame) -> str:
    """Why an arm is in one of the runs only."""
    if arm not in before:
        return "not measured earlier"
    errors = rows.filter(pl.col("arm") == arm)["error"].drop_nulls().to_list()
    return f"not measured now: {errors[0]}" if errors else "not measured now"


def _said(found: Ratio, verdict: str) -> dict[str, Any]:
    few = math.isinf(found.high)
    interval = {"change": found.median, "low": found.low, "high": found.high}
    return {**interval, "verdict": verdict, "why": FEW if few else ""}


def _costs(cost: Cost, rows: pl.DataFrame) -> dict[str, dict[int, float]]:
    """Arm to round to cost."""
    found: dict[str, dict[int, float]] = {}
    try:
        read = cost.of(rows).select("round", "arm", "cost").drop_nulls()
    except pl.exceptions.ColumnNotFoundError:  # what is measured beside the time has no column if all failed
        return found
    for number, arm, value in read.iter_rows():
        if value > 0:
            found.setdefault(arm, {})[number] = value
    return found


def _yardstick(
    bench: Bench | None,
    arm: str,
    before: Mapping[str, dict[int, float]],
    after: Mapping[str, dict[int, float]],
) -> str | None:
    """The first arm to measure by that shares a round with this one in both runs."""
    for other in bench.yardsticks(arm) if bench else ():
        if other != arm and all(
            other in run and run[other].keys() & run[arm].keys() for run in (before, after)
        ):
            return other
    return None


def _relative(run: Mapping[str, dict[int, float]], arm: str, yardstick: str) -> list[float]:
    ours, theirs = run[arm], run[yardstick]
    return [ours[number] / theirs[number] for number in sorted(ours.keys() & theirs.keys())]


def _median(costs: dict[int, float] | None) -> float | None:
    middle: float | None = pl.Series(list((costs or {}).values()), dtype=pl.Float64).median()  # type: ignore[assignment]  # of floats
    return middle


def _when(run: Saved) -> str:
    return str(run.about.get("time", "an unknown day"))[:16].replace("T", " ")
