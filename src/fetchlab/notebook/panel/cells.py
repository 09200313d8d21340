"""Which panel a cell has: one that is run again closes the panel it made before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.notebook.panel.panel import Panel

__all__ = ["place"]

_panels: dict[str, Panel] = {}


def place(panel: Panel) -> Panel | None:
    """Give a panel to the cell that runs; return the one it had before, None if it had none.

    A front end says which cell it is. Where none does, panels stay until they are closed.
    """
    cell = _cell()
    if cell is None:
        return None
    before = _panels.get(cell)
    _panels[cell] = panel
    return before


def _cell() -> str | None:
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    parent = kernel.get_parent("shell") or {}
    return (parent.get("metadata") or {}).get("cellId")
