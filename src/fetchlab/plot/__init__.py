"""Charts of runs and comparisons, drawn by Altair from plain frames.

- ``concurrency``: the limit and the requests in flight, beside the time to the first byte
- ``gantt``: what each worker did, request by request, in one window of the run
- ``latency``: how long requests took, with median, p95 and p99
- ``throughput``: items per second, and how many were in flight
- ``intervals``: ratios of a comparison with their intervals and verdicts
- ``sessions``: what a journalled job had done when, with its interruptions
- ``rounds``: every arm's time in every round of a comparison
- ``scaling``: throughput over the number of workers, with curves and a recommendation
- ``strip``: pictures in rows, as SVG that holds them
- ``save``: a chart as ``.svg``, ``.png`` or offline ``.html``
- ``svg``: a chart as SVG text
- ``use_svg``: let a notebook show charts as SVG, in the house theme

Everything large is counted or sampled in polars first, so a chart of 70,000 requests is as small as a chart
of 700. Importing this package does not import Altair; drawing does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.plot.control import concurrency
    from fetchlab.plot.flow import throughput
    from fetchlab.plot.histogram import latency
    from fetchlab.plot.job import sessions
    from fetchlab.plot.output import save, svg
    from fetchlab.plot.ratios import intervals
    from fetchlab.plot.requests import gantt
    from fetchlab.plot.rounds import rounds
    from fetchlab.plot.scaling import scaling
    from fetchlab.plot.strip import strip
    from fetchlab.plot.theme import use_svg

__all__ = [
    "concurrency",
    "gantt",
    "intervals",
    "latency",
    "rounds",
    "save",
    "scaling",
    "sessions",
    "strip",
    "svg",
    "throughput",
    "use_svg",
]

_HOME = {
    "concurrency": "control",
    "gantt": "requests",
    "intervals": "ratios",
    "latency": "histogram",
    "rounds": "rounds",
    "save": "output",
    "sessions": "job",
    "scaling": "scaling",
    "strip": "strip",
    "svg": "output",
    "throughput": "flow",
    "use_svg": "theme",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
