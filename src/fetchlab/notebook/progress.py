"""A run's progress line as one widget, made once and only written to."""

from __future__ import annotations

import html
import weakref
from typing import TYPE_CHECKING, Any

from fetchlab.engine.progress import in_kernel, line
from fetchlab.notebook.ticker import ticker

if TYPE_CHECKING:
    from fetchlab.engine.run import Run
    from fetchlab.model import RunStats

__all__ = ["ProgressLine", "bar", "finish", "in_kernel", "settle", "show"]

_lines: weakref.WeakKeyDictionary[Run, ProgressLine] = weakref.WeakKeyDictionary()


class ProgressLine:
    """A bar and the progress line, as one HTML widget.

    Args:
        run: the run to show; held weakly, so that a forgotten run is freed.
    """

    def __init__(self, run: Run) -> None:
        import ipywidgets

        self._run = weakref.ref(run)
        self.widget: Any = ipywidgets.HTML(value=bar(run.stats()))

    def refresh(self) -> bool:
        """Write the line as it stands; return whether it can still change."""
        run = self._run()
        if run is None:
            return False
        value = bar(run.stats())
        if self.widget.value != value:
            self.widget.value = value
        return not run.ended


def bar(stats: RunStats) -> str:
    """Return a bar and the progress line as HTML."""
    share = stats.done / stats.total if stats.total else 0.0
    return (
        '<div style="display:flex;gap:.6em;align-items:center;font-family:monospace;font-size:90%">'
        f'<progress aria-label="progress" value="{share:.4f}" max="1" style="width:9em"></progress>'
        f"<span>{html.escape(line(stats))}</span></div>"
    )


def show(run: Run) -> None:
    """Display a new run's line in the current cell and keep it moving."""
    from IPython.display import display

    progress = _lines[run] = ProgressLine(run)
    display(progress.widget)
    ticker.add(progress.refresh)


def finish(run: Run) -> None:
    """Write the last line from the cell that waited, so that a saved notebook holds it."""
    progress = _lines.get(run)
    if progress is not None:
        progress.refresh()


def settle() -> None:
    """Write every line that is there as its run stands now."""
    for progress in list(_lines.values()):
        progress.refresh()
