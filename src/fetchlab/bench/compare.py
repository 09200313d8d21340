"""``fl.compare``: the same work by several strategies, in shuffled rounds, checked before it is timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

import polars as pl

from fetchlab.bench.announcing import Announcer, Wanted
from fetchlab.bench.comparison import Comparison
from fetchlab.bench.differences import first_difference
from fetchlab.bench.leasts import leasts
from fetchlab.bench.machine import environment
from fetchlab.bench.peak import forget_peak
from fetchlab.bench.rounds import Halt, Measurement, measured, table_of, until_interrupted
from fetchlab.bench.work import How, Work, ended, knobs_of, named
from fetchlab.engine.run import Run
from fetchlab.engine.strategies import Async, Chunked, Sequential, Threads
from fetchlab.errors import ConfigError, ResultsDiffer, StudyError
from fetchlab.frame import TIMINGS

__all__ = ["DEFAULT", "compare"]

DEFAULT: tuple[How, ...] = (Sequential(), Chunked(20), Threads(20), Async(20))
Start: TypeAlias = Callable[[], Run]
SAME = " (A/A)"
"""After the name of the baseline where it is measured against itself."""
REQUESTS = ("index", "host", "ok", "status", "attempts", "cached", "worker", "queued", "started",
            "first_byte", "finished", "bytes")  # fmt: skip
_NONE = pl.DataFrame(
    schema={"arm": pl.String, "round": pl.Int32, **{name: TIMINGS[name] for name in REQUESTS}}
)
_ADVICE = "; give check=… (a function of the result whose values are compared) or check=False"


def compare(
    work: Any,
    strategies: Iterable[How] | Mapping[str, How] | None = None,
    rounds: int = 5,
    warmup: int = 1,
    seed: int = 0,
    *,
    baseline: str | None = None,
    check: bool | Callable[[Any], Any] = True,
    units: Callable[[Any], float] | None = None,
    progress: Wanted = None,
    **knobs: Any,
) -> Comparison:
    """Do the same work by several strategies, again and again, and say which is faster by how much.

    All arms are measured in every round, in an order shuffled anew, so that the machine's moods hit all of
    them alike; the baseline is measured twice, as itself and as ``… (A/A)``, which shows what this machine
    can tell apart. Before any time counts the results are compared. Each arm has a fresh client, and neither
    cache nor journal unless its knobs name one. What an interrupt leaves is returned if two rounds are whole.

    Args:
        work: a list of URLs or requests to fetch; ``(task, items)`` for :func:`fetchlab.map`; or a dict of
            names and functions that each start a :class:`Run` (a study's method, say): these are the arms.
        strategies: how it is done: ``fl.Async(20)``, a number of workers, ``fl.Adaptive()``, or a dict of
            knobs; in a list, or a dict by name. One by one, in chunks of 20, 20 threads and 20 workers unless
            told.
        rounds: measured rounds, 2 or more; from 5 on the intervals assume no distribution.
        warmup: rounds before them, kept and marked.
        seed: of the order.
        baseline: the name of the arm that ratios are to; the first one unless told.
        check: compare what the arms return (``run.result()``): True, False, or a function of it whose values
            are compared.
        units: makes a number of what an arm returns, for a column of units per second: apps, files, posts.
        progress: tell how far it is; None does where a person looks; a function is told each line.
        **knobs: of :func:`fetchlab.fetch` or :func:`fetchlab.map`, for every arm.

    Raises:
        ConfigError: no arms or items, fewer than two rounds, an unknown baseline.
        ResultsDiffer: an arm returned something else than another, or another number of items.
    """
    starts, ways = _arms(work, strategies, knobs)
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 2:
        raise ConfigError("rounds", f"one round shows no noise: give 2 or more, better 5, not {rounds!r}")
    if isinstance(warmup, bool) or not isinstance(warmup, int) or warmup < 0:
        raise ConfigError("warmup", f"give a whole number of 0 or more, not {warmup!r}")
    if knobs.get("keep") is False and (check or units):
        raise ConfigError("keep", "results are compared, and keep=False holds none; or give check=False")
    base = next(iter(starts)) if baseline is None else baseline
    if base not in starts:
        raise ConfigError("baseline", f"is one of {', '.join(map(repr, starts))}, not {baseline!r}")
    again = partial(
        compare, work, strategies, rounds, warmup, seed,
        baseline=baseline, check=check, units=units, progress=progress, **knobs,
    )  # fmt: skip
    if base + SAME in starts:
        raise ConfigError("strategies", f"{base + SAME!r} is the baseline's own twin; give it another name")
    arms = {**starts, base + SAME: starts[base]}
    before = environment()
    sitting = _Sitting(check, units, Announcer("compare", len(arms) * (rounds + warmup), wanted=progress))
    made = measured(
        {name: partial(sitting.arm, name, start) for name, start in arms.items()},
        rounds=rounds,
        warmup=warmup,
        seed=seed,
        on_round=partial(sitting.begin, rounds),
    )
    rows, interrupted = until_interrupted(made, len(arms), warmup + 2)
    sitting.announcer.end(f"{len(starts)} arms" + (", interrupted" if interrupted else ""))
    requests = pl.concat(sitting.requests or [_NONE])
    settings = {
        "bench": "compare",
        "work": _described(work),
        "hosts": sorted(requests["host"].unique()) if requests.height else [],
        "arms": list(starts),
        "knobs": {name: repr(value) for name, value in knobs.items()},
        "baseline": base,
        "same": base + SAME,
        "rounds": rounds,
        "warmup": warmup,
        "seed": seed,
        "interrupted": interrupted,
    }
    table = table_of(rows)
    if base in ways:
        ways[base + SAME] = ways[base]
    workers = {row["arm"]: int(row["workers"]) for row in table.drop_nulls("seconds").iter_rows(named=True)}
    ideals = leasts(requests, ways, workers, shared=bool(ways))
    return Comparison(table, requests, ideals, settings, before, again=again)


class _Sitting:
    """One call of compare: hears of every measurement, checks and keeps what comes of it."""

    def __init__(
        self, check: bool | Callable[[Any], Any], units: Callable[[Any], float] | None, announcer: Announcer
    ) -> None:
        self._check = check
        self._units = units
        self._reference: tuple[str, Any] | None = None
        self._items: tuple[str, int] | None = None
        self.announcer = announcer
        self.requests: list[pl.DataFrame] = []
        self._round = 0

    def begin(self, rounds: int, number: int, arm: str) -> None:
        """Hear that an arm is about to be measured."""
        self._round = number
        self.announcer.measuring(arm, f"{f'round {number}/{rounds}' if number > 0 else 'warm-up'}: {arm}")

    def arm(self, name: str, start: Start) -> Measurement:
        """Measure one arm once."""
        forget_peak()
        run = start()
        if not isinstance(run, Run):
            raise ConfigError("work", f"arm {name!r} returned {type(run).__name__}, not a Run")
        stats = ended(run).stats()
        timings = run.frame().select(REQUESTS)
        head = [pl.lit(name).alias("arm"), pl.lit(self._round, pl.Int32).alias("round")]
        self.requests.append(timings.select(*head, *REQUESTS))
        if stats.failed:
            worst = run.errors().row(0, named=True)
            raise StudyError(
                f"{stats.failed:,} of {stats.done:,} items failed, such as {worst['example_key']} "
                f"({worst['error']}); what is compared must go well: leave such items out, or see accept="
            )
        if not stats.done:
            raise StudyError("it did no items: there is nothing to compare")
        if not stats.elapsed > 0:
            raise StudyError("it took no measurable time: give it more items")
        product = run.result() if self._check or self._units else None
        self._compare(name, product, stats.done)
        more = {"workers": float(stats.workers)}
        if self._units is not None:
            more["units"] = float(_called("units", self._units, product))
        return Measurement.of(run, **more)

    def _compare(self, name: str, product: Any, items: int) -> None:
        if not self._check:
            return
        if self._items is None:
            self._items = name, items
        if callable(self._check):
            product = _called("check", self._check, product)
        elif items != self._items[1]:
            raise ResultsDiffer(
                f"{name!r} did {items:,} items, {self._items[0]!r} {self._items[1]:,}{_ADVICE}"
            )
        if self._reference is None:
            self._reference = name, product
            return
        difference = first_difference(self._reference[1], product)
        if difference is not None:
            raise ResultsDiffer(
                f"{self._reference[0]!r} and {name!r} did not return the same; {difference}{_ADVICE}"
            )


def _called(knob: str, function: Callable[[Any], Any], product: Any) -> Any:
    """Call a function of the user's; what it raises is no arm's failure."""
    try:
        return function(product)
    except Exception as error:
        raise Halt(knob, f"raised {type(error).__name__} for a result: {error}") from error


def _arms(
    work: Any, strategies: Iterable[How] | Mapping[str, How] | None, knobs: dict[str, Any]
) -> tuple[dict[str, Start], dict[str, Any]]:
    """Return what starts each arm's run, and the strategies that are known of them."""
    if isinstance(work, Mapping):
        if strategies is not None or knobs:
            raise ConfigError(
                "strategies", "the arms of a dict are its functions; they choose their own knobs"
            )
        if not work:
            raise ConfigError("work", "give at least one arm")
        if not all(isinstance(name, str) and callable(start) for name, start in work.items()):
            raise ConfigError("work", "give a dict of names and functions that each start a Run")
        return dict(work), {}
    known = Work.of(work, **knobs)
    ways = DEFAULT if strategies is None else strategies
    if isinstance(ways, str | bytes) or not isinstance(ways, Iterable):
        raise ConfigError("strategies", f"give a list of strategies, or a dict by name, not {ways!r}")
    pairs = list(ways.items()) if isinstance(ways, Mapping) else [(None, way) for way in ways]
    if not pairs:
        raise ConfigError("strategies", "give at least one")
    given: dict[str, dict[str, Any]] = {}
    for name, way in pairs:
        its_knobs = known.checked(knobs_of(way))
        own = named(way) if name is None else name
        if own in given:
            raise ConfigError("strategies", f"{own!r} stands there twice; the baseline has a twin anyway")
        given[own] = its_knobs
    return (
        {name: partial(known.run, one) for name, one in given.items()},
        {name: one.get("strategy") or one.get("workers", 20) for name, one in given.items()},
    )


def _described(work: Any) -> str:
    if isinstance(work, Mapping):
        return f"{len(work)} functions"
    known = Work.of(work)
    return f"{len(known):,} items" + (
        "" if known.task is None else f" for {getattr(known.task, '__name__', 'a task')}"
    )
