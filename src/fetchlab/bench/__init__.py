"""Benchmarks a referee would accept: paired rounds, intervals, and the ideal beside every time."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.bench.bounds import Ideal, ideal
    from fetchlab.bench.change import Change, against
    from fetchlab.bench.comparison import Comparison
    from fetchlab.bench.detection import power
    from fetchlab.bench.machine import environment
    from fetchlab.bench.past import history
    from fetchlab.bench.rounds import Measurement, measure
    from fetchlab.bench.summary import summarise

__all__ = [
    "Change",
    "Comparison",
    "Ideal",
    "Measurement",
    "against",
    "environment",
    "history",
    "ideal",
    "measure",
    "power",
    "summarise",
]

_HOME = {
    "Change": "change",
    "Comparison": "comparison",
    "Ideal": "bounds",
    "Measurement": "rounds",
    "against": "change",
    "environment": "machine",
    "history": "past",
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
