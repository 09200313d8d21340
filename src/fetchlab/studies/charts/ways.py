"""The published strategies and ours, by name, as knobs of the study's calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.engine.strategies import Batch, Chunked, Sequential, Threads
from fetchlab.errors import ConfigError
from fetchlab.studies.charts.knobs import RPCS
from fetchlab.studies.charts.sizing import MOST

if TYPE_CHECKING:
    from fetchlab.studies.charts.knobs import How

__all__ = ["WAYS", "way"]

WAYS = ("adaptive", "multiplexed", "batch", "chunked", "threads", "sequential")
"""``adaptive`` finds out how many requests at a time and how many in a call; ``multiplexed`` has all at once,
those of a country in one call. The other four are the published ones: one request in each call."""
THREADS, CHUNK = 10, 5


def way(name: str, workers: int | None = None) -> How:
    """Return the knobs of a strategy.

    Args:
        name: one of WAYS.
        workers: threads, or requests of a chunk, or the most at a time of ``adaptive``.

    Raises:
        ConfigError: there is no such strategy, or it has no number of workers.
    """
    if workers is not None and name in ("multiplexed", "batch", "sequential"):
        raise ConfigError("workers", f"of {name} are as many as it needs; leave it out")
    match name:
        case "adaptive":
            return {"workers": RPCS if workers is None else workers}
        case "multiplexed":
            return {"strategy": Batch(), "batch_size": MOST}
        case "batch":
            return {"strategy": Batch(), "batch_size": 1}
        case "chunked":
            return {"strategy": Chunked(workers or CHUNK), "batch_size": 1}
        case "threads":
            return {"strategy": Threads(workers or THREADS), "batch_size": 1}
        case "sequential":
            return {"strategy": Sequential(), "batch_size": 1}
    raise ConfigError("strategy", f"{name!r} is none of {', '.join(WAYS)}")
