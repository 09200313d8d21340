"""Does the controller find the knee? ``Adaptive()`` beside the best fixed number of workers, per profile.

First a sweep: every fixed number once, for about as long as it takes to see its speed. Then the rounds:
the best of the sweep and ``Adaptive()`` with the same items, shuffled. A testbed's profile starts anew before
every measurement, so that all of them meet the same drift, the same outage and the same faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench.costs import PER_ITEM, Cost, per_item
from fetchlab.bench.heap import collect_garbage
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.speed import Budget, speed_ratio, speeds
from fetchlab.engine.calls import fetch
from fetchlab.errors import StudyError
from fetchlab.policy.concurrency import Adaptive
from fetchlab.testbed import serve
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.engine.run import Run
    from fetchlab.testbed import Testbed

__all__ = ["ARM", "CASES", "COUNTS", "REFUSED", "Case", "collect", "fixed", "requests", "run_on", "table"]

COUNTS = (1, 2, 4, 8, 16, 24, 32, 40, 48, 64)
ARM = "Adaptive()"
AT_LEAST = 0.9
REFUSED = 2.0
"""Per cent of the attempts that may be answered with 429 or 503."""
ROUND_TRIPS = 40
"""The sweep gives each worker so many items: two seconds at 50 ms."""


@dataclass(frozen=True, slots=True)
class Case:
    """How much is asked of one profile.

    Attributes:
        items: in the rounds.
        sweep: the most in an arm of the sweep.
        note: what the reader of the table must know.
    """

    items: int = 5_000
    sweep: int = 2_560
    note: str = ""


_CAPPED = "1,000 items, since the service takes 50 a second; fixed numbers of workers find that rate, too"
CASES = {
    "flat": Case(note="no latency: this machine itself is the limit"),
    "knee": Case(),
    "rate-capped": Case(1_000, 150, _CAPPED),
    "rate-capped-mute": Case(1_000, 150, _CAPPED),
    "collapse": Case(),
    "drift": Case(note="half a swing: latency rises to 80 ms and falls again"),
    "outage": Case(
        sweep=480, note="30 s are the outage, whose 503 are the refusals; the sweep ends before it"
    ),
    "two-hosts": Case(note="one item in 64 goes to the slow host"),
    "flaky": Case(
        3_000, note="2 % of the answers are 503, whoever asks; 0.5 % are oversized and fail for good"
    ),
}
SLOW_SHARE = 64


def collect(
    bed: Testbed,
    profile: str,
    *,
    counts: Sequence[int] = COUNTS,
    items: int | None = None,
    rounds: int = 5,
    seed: int = 0,
    on_round: Callable[[int, str], None] = lambda _round, _arm: None,
) -> pl.DataFrame:
    """Measure one profile: a sweep over fixed numbers, then the best of them beside ``Adaptive()``.

    Args:
        bed: a testbed; its settings are changed.
        profile: one of the testbed's profiles.
        counts: fixed numbers of workers.
        items: in the rounds; as many as :data:`CASES` says unless told.
        rounds: measured rounds.
        seed: of the order.
        on_round: called before each measurement; the sweep is round 0.

    Returns:
        The raw rows, with columns ``profile``, ``workers`` (0 is adaptive), ``refused``, ``lost`` and
        ``limit`` (where the adaptive limit stood at the end). The sweep is the warm-up round.

    Raises:
        StudyError: the sweep measured nothing.
    """
    case = CASES.get(profile, Case())
    wanted = items or case.items
    sweep = measure(
        {
            fixed(count): partial(_arm, bed, profile, count, min(wanted, case.sweep, count * ROUND_TRIPS))
            for count in counts
        },
        rounds=1,
        warmup=0,
        seed=seed,
        on_round=lambda _, arm: on_round(0, arm),
    )
    best = _best(sweep)
    arms = {
        fixed(best): partial(_arm, bed, profile, best, wanted),
        ARM: partial(_arm, bed, profile, Adaptive(), wanted),
    }
    finals = measure(arms, rounds=rounds, warmup=0, seed=seed, on_round=on_round)
    swept = sweep.with_columns(round=pl.lit(0, pl.Int32), warmup=pl.lit(value=True))
    return pl.concat([swept, finals], how="diagonal").insert_column(0, pl.lit(profile).alias("profile"))


def table(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a row per profile: best fixed number, ``Adaptive()``, their ratio, what was refused or lost.

    Args:
        rows: what :func:`collect` returned, of one profile or several.

    Returns:
        ``ratio`` is of speeds, adaptive to best fixed; ``limit`` is where it stood at the end; ``refused %``
        is of attempts, and an item is ``lost`` if it has no value although it could have one.
    """
    return pl.DataFrame(
        [
            _row(profile, part)
            for profile in rows["profile"].unique(maintain_order=True)
            for part in [rows.filter(profile=profile)]
        ],
        infer_schema_length=None,
    )


def fixed(count: int) -> str:
    """Name the arm of a fixed number of workers."""
    return f"{count} workers"


def requests(bed: Testbed, profile: str, items: int) -> list[str]:
    """Return different URLs; of two hosts every 64th is the slow one's."""
    hosts = [bed.urls["echo"]] * SLOW_SHARE
    if profile == "two-hosts":
        hosts[SLOW_SHARE // 2] = bed.urls["echo2"]
    return [f"{hosts[number % SLOW_SHARE]}/json?n={number}" for number in range(items)]


def run_on(bed: Testbed, profile: str, workers: int | Adaptive, items: int) -> Run:
    """Start the profile anew, and fetch from it until the end."""
    bed.configure(profile=profile)
    with Client() as client:
        return fetch(requests(bed, profile, items), workers=workers, client=client, progress=False).wait()


def _arm(bed: Testbed, profile: str, workers: int | Adaptive, items: int) -> Measurement:
    collect_garbage()
    run = run_on(bed, profile, workers, items)
    stats = run.stats()
    return Measurement.of(
        run,
        workers=workers if isinstance(workers, int) else 0,
        refused=stats.refused,
        lost=items - stats.ok - stats.errors.get("BodyTooLarge", 0),
        limit=max(stats.limits.values(), default=stats.workers),
    )


def _best(sweep: pl.DataFrame) -> int:
    kept = sweep.filter(pl.col("seconds") > 0)
    if kept.is_empty():
        raise StudyError(f"no number of workers could be measured: {sweep['error'][0]}")
    return int(kept.sort(pl.col("items") / pl.col("seconds"), descending=True)["workers"][0])


def _row(profile: str, part: pl.DataFrame) -> dict[str, object]:
    final = part.filter(~pl.col("warmup"))
    ours = final.filter(arm=ARM)
    (best,) = set(final["arm"]) - {ARM}
    rates = speeds(final, baseline=ARM)
    known = dict(zip(rates["arm"], rates["per_s"], strict=True))
    ratio = speed_ratio(final, ARM, best)
    refused, lost = _refused(ours), int(ours["lost"].sum() or 0)
    return {
        "profile": profile,
        "items": ours["items"].max(),
        "best fixed": best.removesuffix(" workers"),
        "best/s": known[best],
        "adaptive/s": known[ARM],
        "limit": ours["limit"].median(),
        "ratio": ratio and ratio.median,
        "low": ratio and ratio.low,
        "high": ratio and ratio.high,
        "budget": AT_LEAST,
        "refused %": refused,
        "fixed, refused %": _refused(final.filter(arm=best)),
        "lost": lost,
        "met": _met(Budget(ARM, best, AT_LEAST).met(ratio), refused, lost),
    }


def _refused(rows: pl.DataFrame) -> float:
    """Refusals in per cent of the attempts."""
    attempts = float(rows["attempts"].sum())
    return 100 * float(rows["refused"].sum()) / attempts if attempts else 0.0


def _met(speed: str, refused: float, lost: int) -> str:
    wrong = [word for word, is_so in (("lost", lost > 0), ("refused", refused > REFUSED)) if is_so]
    wrong += ["slower"] if speed == "no" else []
    return f"no: {', '.join(wrong)}" if wrong else speed


def _collect(
    *,
    profile: Sequence[str] = tuple(CASES),
    items: int | None = None,
    rounds: int = 5,
    seed: int = 0,
    on_round: Callable[[int, str], None] = lambda _round, _arm: None,
) -> pl.DataFrame:
    with serve(port=0, seed=seed) as bed:
        parts = [
            collect(
                bed,
                name,
                items=items,
                rounds=rounds,
                seed=seed,
                on_round=lambda number, arm, name=name: on_round(number, f"{name}, {arm}"),  # type: ignore[misc]
            )
            for name in profile
        ]
    return pl.concat(parts, how="diagonal")


def _tables(rows: pl.DataFrame, **_: Any) -> list[Table]:
    notes = [
        f"{name}: {CASES[name].note}."
        for name in rows["profile"].unique(maintain_order=True)
        if CASES[name].note
    ]
    title = "Adaptive() and, as its ideal, the best fixed number of workers, items per second"
    return [Table(title, table(rows), "\n".join(notes))]


BEST = "best fixed number"


def _costs(rows: pl.DataFrame) -> pl.DataFrame:
    """By profile; whichever fixed number was the best goes by one name, for it may be another next time."""
    arm = pl.when(pl.col("arm") == ARM).then(pl.lit(ARM)).otherwise(pl.lit(BEST))
    return per_item(rows.with_columns(arm=pl.format("{}: {}", "profile", arm)))


def _yardsticks(arm: str) -> tuple[str, ...]:
    profile, _, way = arm.rpartition(": ")
    return (f"{profile}: {BEST}",) if way == ARM else ()


BENCH = Bench(
    name="adaptive",
    collect=_collect,
    tables=_tables,
    cost=Cost(PER_ITEM.unit, _costs),
    yardsticks=_yardsticks,
)
