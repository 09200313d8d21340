"""Benchmarks a referee would accept: paired rounds, intervals, and the ideal beside every time."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.bench.bounds import Ideal, ideal
    from fetchlab.bench.comparison import Comparison
    from fetchlab.bench.detection import power
    from fetchlab.bench.machine import environment
    from fetchlab.bench.rounds import Measurement, measure
    from fetchlab.bench.summary import summarise

__all__ = ["Comparison", "Ideal", "Measurement", "environment", "ideal", "measure", "power", "summarise"]

_HOME = {
    "Comparison": "comparison",
    "Ideal": "bounds",
    "Measurement": "rounds",
    "environment": "machine",
    "ideal": "bounds",
    "measure": "rounds",
    "power": "detection",
    "summarise": "summary",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = globals()[name] = getattr(importlib.import_module(f"fetchlab.bench.{_HOME[name]}"), name)
        return value
    raise AttributeError(f"module 'fetchlab.bench' has no attribute {name!r}")
