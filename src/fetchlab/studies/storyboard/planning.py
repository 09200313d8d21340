"""How many scenes there are, and which of them may be written at the same time. Sans I/O.

Scenes that are written together do not see each other. What a scene sees of those before it, as a share, is
its *coverage*; the mean over a script is what two ways of working are compared by.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fetchlab.engine.knobs import whole
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MOST",
    "PER_KEY",
    "REACH",
    "Plan",
    "batch_at",
    "batch_coverage",
    "coverage",
    "size_for",
    "weights",
    "windows",
]

PER_KEY, MOST = 5, 10
"""Scenes at a time: for each key of which no limit is known, and at most where that is found out. Above ten,
scenes see too little of each other."""
REACH = 2
"""Batches: in ``rolling`` no scene begins while one so far before it is unfinished."""
LONGEST = 100_000
"""Scenes of a script, at most: each is told of all before it."""
LIGHTEST, HEAVIEST = 0.5, 2.0
"""A scene's weight in a batch lies between these, an average one weighs 1."""

Context = Literal["batch", "rolling"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written, and in which steps.

    Attributes:
        scenes: how many.
        seconds: of film in each.
        at_once: one request writes all of them.
        batch_size: scenes written at a time; ``"auto"`` goes by keys, their limits and the scenes.
        context: ``"batch"``: a batch begins when the one before is finished. ``"rolling"``: a scene begins
            when few enough before it are under way.
    """

    scenes: int
    seconds: float
    at_once: bool
    batch_size: int | Literal["auto"]
    context: Context

    @classmethod
    def of(
        cls,
        duration: float,
        scene_seconds: float,
        scenes: int | None,
        batch_size: int | Literal["auto"],
        threshold: float,
        context: Context,
    ) -> Plan:
        """Return the plan that the knobs mean.

        Every scene has its full length: 300 s are 37 scenes of 8 s.

        Raises:
            ConfigError: a knob has a value that cannot work.
        """
        for knob, value in (("duration", duration), ("scene_seconds", scene_seconds)):
            _seconds(knob, value, least="above 0", ok=lambda number: number > 0)
        _seconds("threshold", threshold, least="of 0 or more", ok=lambda number: number >= 0)
        if scenes is not None:
            whole("scenes", scenes)
        wanted = duration / scene_seconds if scenes is None else scenes
        if wanted > LONGEST:
            knob = "duration" if scenes is None else "scenes"
            raise ConfigError(knob, f"means more than {LONGEST:,} scenes, the most of a script")
        if batch_size != "auto":
            whole("batch_size", batch_size, instead=" or 'auto'")
        if context not in ("batch", "rolling"):
            raise ConfigError("context", f"is 'batch' or 'rolling', not {context!r}")
        count = max(1, int(duration / scene_seconds + 1e-9)) if scenes is None else scenes
        seconds = float(scene_seconds if scenes is None else duration / scenes)
        return cls(count, seconds, duration <= threshold, batch_size, context)


def size_for(rates: Sequence[float | None], latency: float | None) -> int:
    """Return how many scenes keys can take at a time without one waiting for a limit.

    A key that allows *r* requests a second, each taking *l* seconds, keeps *r* · *l* under way (J. D. C.
    Little, "A Proof for the Queuing Formula L = λW", 1961).

    Args:
        rates: each usable key's limit in requests per second, None where none is known.
        latency: seconds that a request takes, None before one was seen.
    """
    each = (
        PER_KEY if rate is None or latency is None else min(PER_KEY, max(1, int(rate * latency)))
        for rate in rates
    )
    return max(1, min(MOST, sum(each)))


def weights(complexities: Sequence[float]) -> list[float]:
    """Return how much each scene weighs in a batch, by how complex it is; an average one weighs 1."""
    known = [max(0.0, one) for one in complexities]
    mean = sum(known) / len(known) if known else 0.0
    return [min(HEAVIEST, max(LIGHTEST, one / mean if mean else 1.0)) for one in known]


def batch_at(first: int, scenes: int, size: int, weighs: Sequence[float] | None = None) -> range:
    """Return the numbers of the batch that begins with scene ``first``.

    Args:
        first: its first scene, from 1.
        scenes: how many there are in all.
        size: scenes in a batch.
        weighs: every scene's weight; then the batch ends where the weights exceed ``size``, so that scenes
            with much in them are written by fewer at a time and see more of each other.
    """
    if weighs is None:
        return range(first, min(first + size, scenes + 1))
    load, end = 0.0, first
    while end <= scenes and end - first < MOST and (end == first or load + weighs[end - 1] <= size + 1e-9):
        load += weighs[end - 1]
        end += 1
    return range(first, end)


def coverage(missing: Sequence[float]) -> float:
    """Return the mean share of earlier scenes that scenes see, 1.0 for all; the first one has none.

    Args:
        missing: for each scene, in order, how many earlier ones it does not see.
    """
    shares = [1.0 - left / (number - 1) for number, left in enumerate(missing, 1) if number > 1]
    return sum(shares) / len(shares) if shares else 1.0


def batch_coverage(scenes: int, size: int) -> float:
    """Return the coverage of batches of this size."""
    return coverage([(number - 1) % size for number in range(1, scenes + 1)])


def windows(scenes: int, size: int) -> list[int]:
    """Return for each scene how many may be under way with it in ``rolling``, itself included.

    The widest that keep the coverage of batches of ``size``. A scene far on loses little by not seeing four
    of seventy, one at the beginning nearly all: with the sum of shares given, time is least where windows
    grow with the square root of a scene's place, up to ``size``.
    """
    wanted = batch_coverage(scenes, size)
    low, high = 0.0, 2.0 * size
    for _ in range(40):
        middle = (low + high) / 2
        if coverage([width - 1 for width in _growing(scenes, size, middle)]) >= wanted:
            low = middle
        else:
            high = middle
    return _growing(scenes, size, low)


def _growing(scenes: int, size: int, factor: float) -> list[int]:
    return [
        max(1, min(size, number, round(factor * math.sqrt(number - 1)))) for number in range(1, scenes + 1)
    ]


def _seconds(knob: str, value: object, *, least: str, ok: object) -> None:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fine or not ok(value):  # type: ignore[operator]
        raise ConfigError(knob, f"is seconds {least}, not {value!r}")
