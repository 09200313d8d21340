"""How items are put onto workers.

The scheduler knows three numbers: how many workers, whether there is a barrier after each chunk, and how
long a worker rests after an item. Every strategy is a choice of them.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fetchlab.engine.remote import Remote
from fetchlab.errors import ConfigError
from fetchlab.policy.concurrency import Adaptive, AdaptiveLimit

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = [
    "Async",
    "Batch",
    "Chunked",
    "Plan",
    "Processes",
    "Sequential",
    "Strategy",
    "Threads",
    "choose",
    "plan_of",
]

DEFAULT_WORKERS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """A strategy in the scheduler's numbers.

    Attributes:
        width: workers.
        chunk: items between two barriers, None for no barrier.
        delay: seconds a worker rests after each item.
        place: where tasks run.
        adaptive: bounds of the workers per host, None for a fixed number in all.
    """

    width: int
    chunk: int | None = None
    delay: float = 0.0
    place: Literal["loop", "threads", "processes", "elsewhere"] = "loop"
    adaptive: Adaptive | None = None


@dataclass(frozen=True, slots=True)
class Async:
    """``workers`` concurrent slots on one event loop, each taking the next item when it is free.

    Attributes:
        workers: how many in all, or :class:`Adaptive` for as many as each host serves well.
    """

    workers: int | Adaptive = DEFAULT_WORKERS

    def __post_init__(self) -> None:
        if not isinstance(self.workers, Adaptive):
            _at_least_one("workers", self.workers)


@dataclass(frozen=True, slots=True)
class Sequential:
    """One item after the other, with ``delay`` seconds after each."""

    delay: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.delay, int | float) or not 0 <= self.delay < math.inf:
            raise ConfigError("strategy", f"Sequential(delay=…) is seconds ≥ 0, not {self.delay!r}")


@dataclass(frozen=True, slots=True)
class Threads:
    """``n`` threads, each with one item at a time.

    ``fetch`` sends one blocking request per thread and parses there too. An async function given to
    ``map`` stays on the loop, with ``n`` slots. 0 is four per core, 32 at most.
    """

    n: int = 0

    def __post_init__(self) -> None:
        if self.n == 0:
            object.__setattr__(self, "n", min(32, (os.cpu_count() or 1) * 4))
        _at_least_one("strategy", self.n)


@dataclass(frozen=True, slots=True)
class Processes:
    """``n`` worker processes, each with one item at a time; for what keeps a core busy.

    ``fetch`` sends one blocking request per process and parses there too. ``map`` takes plain and async
    functions; an async one runs on a loop of the worker's own. The function crosses once per worker, with
    the globals it reads as they are at the call; items and values cross as plain data (pickle), and one
    that cannot cross is that item's ``TaskError``.

    A worker that dies is its item's ``TaskError``, which is not tried again (the item may well be what
    killed it), and is replaced. A worker whose item times out or is cancelled is killed. What a task
    prints goes to standard error. 0 is one per core.
    """

    n: int = 0

    def __post_init__(self) -> None:
        if self.n == 0:
            object.__setattr__(self, "n", os.cpu_count() or 1)
        _at_least_one("strategy", self.n)


@dataclass(frozen=True, slots=True)
class Chunked:
    """``size`` items at once, then wait until all of them have ended."""

    size: int

    def __post_init__(self) -> None:
        _at_least_one("strategy", self.size)


@dataclass(frozen=True, slots=True)
class Batch:
    """All items at once; the input must have a length."""


Strategy: TypeAlias = Async | Sequential | Threads | Processes | Chunked | Batch | Remote


def choose(workers: int | Adaptive | None, strategy: Strategy | None, *, plain: bool) -> Strategy:
    """Return the strategy the two knobs ask for.

    Args:
        workers: short for ``Async(workers)``, or ``Threads(workers)`` for a plain function.
        strategy: one of this module's strategies.
        plain: True if the task is a plain function.

    Raises:
        ConfigError: both were given, or a value of the wrong kind.
    """
    if workers is not None and strategy is not None:
        raise ConfigError("workers", "give workers or strategy, not both")
    if strategy is None:
        if isinstance(workers, Adaptive):
            return Async(workers)
        if workers is not None:
            _at_least_one("workers", workers)
        if plain:
            return Threads(workers or 0)
        return Async(workers or DEFAULT_WORKERS)
    if not isinstance(strategy, Strategy):
        raise ConfigError("strategy", f"give fl.Async(…), fl.Batch() or another strategy, not {strategy!r}")
    return strategy


def plan_of(strategy: Strategy, total: int | None, *, plain: bool) -> Plan:
    """Return the plan of a strategy for an input of ``total`` items.

    Raises:
        ConfigError: ``Batch`` for an input without a length.
    """
    place: Literal["loop", "threads"] = "threads" if plain else "loop"
    match strategy:
        case Sequential(delay):
            return Plan(1, delay=delay, place=place)
        case Chunked(size):
            return Plan(size, chunk=size, place=place)
        case Batch():
            if total is None:
                raise ConfigError(
                    "strategy", "Batch() needs an input of known length; give a list, or use workers="
                )
            return Plan(max(1, total), place=place)
        case Threads(n):
            return Plan(n, place="threads")
        case Processes(n):
            return Plan(n, place="processes")
        case Remote():
            return Plan(DEFAULT_WORKERS, place="elsewhere")
        case Async(workers):
            if isinstance(workers, Adaptive):
                return Plan(AdaptiveLimit(workers).limit, place=place, adaptive=workers)
            return Plan(workers, place=place)


def _at_least_one(knob: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(knob, f"must be a whole number of 1 or more, not {value!r}")
