"""The state of every widget when a notebook has been executed, taken from the kernel itself.

The runner saves what a widget is told while a cell is running. A line moves four times a second, so what has
happened since would be lost when the last cell ends: a run that nobody awaited would be saved as half done.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["CELL", "TAG", "close", "take"]

TAG = "fetchlab-closing"
CELL = """try:
    from fetchlab.notebook.closing import close
except ImportError:
    pass
else:
    close()"""
KIND = "application/vnd.fetchlab.widget-state+json"
SAVED = "application/vnd.jupyter.widget-state+json"


def close() -> None:
    """Write every progress line as it stands and display the state of all widgets, for :func:`take`."""
    ipywidgets = sys.modules.get("ipywidgets")
    if ipywidgets is None:
        return
    from IPython.display import display

    from fetchlab.notebook import progress

    progress.settle()
    display({KIND: ipywidgets.Widget.get_manager_state()}, raw=True)


def take(book: Any) -> None:
    """Take the closing cell out of an executed notebook, and its states into the metadata."""
    for cell in [cell for cell in book.cells if TAG in cell.metadata.get("tags", [])]:
        book.cells.remove(cell)
        for output in cell.get("outputs", []):
            states = output.get("data", {}).get(KIND)
            if states and states["state"]:
                saved = book.metadata.setdefault("widgets", {}).setdefault(SAVED, states)
                saved["state"].update(states["state"])
