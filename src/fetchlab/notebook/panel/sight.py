"""What the Run tab shows of a run: made once, and only written to."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from fetchlab.notebook.panel import views

if TYPE_CHECKING:
    from fetchlab.engine.run import Run

__all__ = ["Sight"]

CHART_EVERY = 2
"""Looks from one chart to the next: twice a second at four ticks."""


class Sight:
    """Bar, chart, workers, errors, code and tables; whoever calls holds the panel's lock."""

    def __init__(self) -> None:
        import ipywidgets as w

        self.bar, self.chart, self.strip, self.code = (w.HTML() for _ in range(4))
        self.errors, self.tables = (w.HTML(_dom_classes=(views.PROSE,)) for _ in range(2))
        self._trace = views.Trace()
        self._looks = 0
        self._failed = -1
        self._shown: tuple[str, int] | None = None

    def widgets(self) -> list[Any]:
        """In the order in which they stand on the page."""
        return [self.bar, self.chart, self.strip, self.errors, self.code, self.tables]

    def anew(self) -> None:
        """Write the tables again, though the run may end with as many items as the one before."""
        self._shown = None

    def write(self, run: Run | None, *, moving: bool, trouble: BaseException | None, code: str) -> None:
        """Write what there is to see.

        Args:
            run: the run, None before the first.
            moving: it goes on.
            trouble: what went wrong when a person asked for something.
            code: the call that does the same.
        """
        self._looks += 1
        stats = None if run is None else run.stats()
        _put(self.bar, views.progress(stats, trouble))
        _put(self.code, f"<small>The same in code:</small> <code>{html.escape(code)}</code>")
        if run is None or stats is None:
            return
        self._trace.add(stats)
        if not moving or self._looks % CHART_EVERY == 0:
            _put(self.chart, self._trace.svg())
            _put(self.strip, views.strip(stats))
            if stats.failed != self._failed:
                self._failed = stats.failed
                _put(self.errors, views.failures(run))
        shown = (run.state, stats.done)
        if not moving and self._shown != shown:
            self._shown = shown
            _put(self.tables, views.tables(run))
        elif moving:
            _put(self.tables, "")


def _put(widget: Any, value: str) -> None:
    if widget.value != value:
        widget.value = value
