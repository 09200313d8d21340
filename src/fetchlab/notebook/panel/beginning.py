"""Where the controls begin: what was given, what the work's own defaults are, what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.engine.knobs import whole
from fetchlab.engine.remote import Remote
from fetchlab.engine.strategies import Async, Chunked, Processes, Strategy, Threads, choose
from fetchlab.errors import ConfigError
from fetchlab.notebook.panel.settings import CacheChoice, Settings, cache_mode
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.rate import RateRules

if TYPE_CHECKING:
    from fetchlab.notebook.panel.jobs import Job

__all__ = ["USUAL", "begin", "width_of"]

USUAL = 20


def begin(job: Job, *, workers: Any, most: Any, cache: Any) -> Settings:
    """Return what the controls say before anybody has touched them.

    Args:
        job: what will be started.
        workers: where the slider stands, or ``Adaptive()``; None for the work's own default or 20.
        most: where the slider ends.
        cache: a cache or its file, whose mode the cache control begins with.

    Raises:
        ConfigError: a knob has a value that cannot work, or means nothing to the job.
    """
    whole("most", most)
    for knob, value in (("workers", workers), ("cache", cache)):
        if value is not None:
            job.check(knob)
    rate = job.usual("rate")
    RateRules(rate)
    mode = cache_mode(cache)
    return Settings(
        _strategy(job, workers, most),
        rate,
        None if mode == "off" else CacheChoice(cache, mode),
        {own.name: own.value for own in job.own},
    )


def _strategy(job: Job, workers: Any, most: int) -> Strategy:
    given = job.usual("strategy")
    if given is not None:
        if workers is not None:
            raise ConfigError("workers", "give workers or strategy, not both")
        chosen = choose(None, given, plain=False)
        if isinstance(chosen, Remote):
            raise ConfigError(
                "strategy", "a panel works on this machine; on a cluster call fl.fetch or fl.map in a cell"
            )
        if (width := width_of(chosen)) is not None and width > most:
            raise ConfigError("strategy", f"{chosen!r} has more workers than the slider: give most={width}")
        return chosen
    if workers is None:
        own = job.usual("workers")
        fits = isinstance(own, Adaptive) or (isinstance(own, int) and not isinstance(own, bool) and own > 0)
        workers = own if fits else USUAL
        workers = workers if isinstance(workers, Adaptive) else min(workers, most)
    if isinstance(workers, Adaptive):
        return Async(workers)
    if not isinstance(workers, int) or isinstance(workers, bool) or not 1 <= workers <= most:
        raise ConfigError(
            "workers", f"is a whole number from 1 to most={most}, or fl.Adaptive(), not {workers!r}"
        )
    return Async(workers)


def width_of(strategy: Strategy) -> int | None:
    """Return the number that the slider shows for a strategy; None for one that has none to choose."""
    match strategy:
        case Async(int(width)) | Threads(width) | Processes(width) | Chunked(width):
            return width
        case _:
            return None
