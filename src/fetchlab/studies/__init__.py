"""Five studies: a client for a real wire, the published table it is held against, a notebook."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.studies import catalogue, charts, library, timeline

__all__ = ["catalogue", "charts", "library", "timeline"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"fetchlab.studies.{name}")
    raise AttributeError(f"module 'fetchlab.studies' has no attribute {name!r}")
