"""The panel's other tabs: strategies compared, and the best number of workers, by the benchmark lab."""

from __future__ import annotations

import html
import threading
from typing import TYPE_CHECKING, Any

from fetchlab import plot
from fetchlab.bench.compare import compare
from fetchlab.bench.sweep import sweep
from fetchlab.errors import FetchlabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.notebook.panel.jobs import Job

__all__ = ["Lab"]


class Lab:
    """Two tabs that measure in a thread of their own; none where the work is a function, which only it knows.

    Args:
        job: the panel's.
    """

    def __init__(self, job: Job) -> None:
        self._work = job.work
        self._busy = threading.Lock()  # one measurement at a time
        self._buttons: list[Any] = []
        self._answers: list[Any] = []
        self.boxes: list[Any] = []
        self.titles: tuple[str, ...] = ()
        if self._work is None:
            return
        self.titles = ("Compare strategies", "Find best worker count")
        self._tab("Compare", "one by one, in chunks, by threads and by a pool: what is faster", self._compare)
        self._tab("Sweep", "more and more workers: how many are worth having", self._sweep)

    def enable(self, *, allowed: bool) -> None:
        """Measure only while no run goes on, which would disturb it."""
        for button in self._buttons:
            wanted = not allowed or self._busy.locked()
            if button.disabled != wanted:
                button.disabled = wanted

    def widgets(self) -> list[Any]:
        """All of them, to be closed."""
        return [widget for box in self.boxes for widget in (*box.children, box)]

    def _tab(self, label: str, about: str, measure: Callable[[], str]) -> None:
        import ipywidgets as w

        button = w.Button(description=label, tooltip=about, layout=w.Layout(width="auto"))
        answer = w.HTML(value=f"<small>{html.escape(about)}</small>")
        button.on_click(lambda _: self._begin(answer, measure))
        self._buttons.append(button)
        self._answers.append(answer)
        self.boxes.append(w.VBox([button, answer]))

    def _begin(self, answer: Any, measure: Callable[[], str]) -> None:
        if not self._busy.acquire(blocking=False):
            return
        self.enable(allowed=False)
        answer.value = "measuring …"
        threading.Thread(
            target=self._measured, args=(answer, measure), name="fetchlab-panel", daemon=True
        ).start()

    def _measured(self, answer: Any, measure: Callable[[], str]) -> None:
        try:
            answer.value = measure()
        except FetchlabError as error:
            answer.value = html.escape(str(error))
        finally:
            self._busy.release()
            self.enable(allowed=True)

    def _compare(self) -> str:
        found = compare(self._work, progress=False)
        table: str = found.table().as_raw_html()
        return table + plot.svg(found.plot())

    def _sweep(self) -> str:
        found = sweep(self._work, progress=False)
        said = f"<p><b>{found.recommended} workers</b>: {html.escape(found.recommendation.why)}</p>"
        table: str = found.table().as_raw_html()
        return said + table + plot.svg(found.plot())
