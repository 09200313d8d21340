"""A media library: walk its folders, parse names, look titles up, plan a better layout.

Names are loaded when first used: worker processes read names, and need none of the tables.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.studies.library.client import Library
    from fetchlab.studies.library.filters import Filter

__all__ = ["Filter", "Library"]

_HOMES = {"Filter": "filters", "Library": "client"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
