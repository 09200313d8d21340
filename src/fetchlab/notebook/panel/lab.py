"""The panel's other tabs: strategies compared, and the best number of workers, by the benchmark lab."""

from __future__ import annotations

import html
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab import plot
from fetchlab.bench.compare import compare
from fetchlab.bench.sweep import sweep
from fetchlab.bench.work import Work, named
from fetchlab.engine.strategies import Async, Chunked, Sequential, Threads
from fetchlab.errors import FetchlabError
from fetchlab.notebook.panel.views import PROSE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.bench.comparison import Comparison
    from fetchlab.engine.strategies import Strategy
    from fetchlab.notebook.panel.jobs import Job, Settings

__all__ = ["Lab", "fewest"]

COUNTS = (1, 2, 5, 10, 20, 50, 100, 200)
ROUNDS = 3
ENOUGH = 1.05
"""Times the fastest arm's time that still counts as fast: as in a sweep, 95 % of the peak."""
USUAL = 20


class Lab:
    """Tabs that measure in a thread of their own, with the knobs that the controls show.

    Args:
        job: the panel's.
        settings: what the controls say now.
        most: where the slider ends.
    """

    def __init__(self, job: Job, settings: Callable[[], Settings], most: int) -> None:
        self._job = job
        self._work = None if job.work is None else _unremembered(job.work)
        self._settings = settings
        self._most = most
        self._busy = threading.Lock()  # one measurement at a time
        self._buttons: list[Any] = []
        self._answers: list[Any] = []
        self.boxes: list[Any] = []
        self.titles: tuple[str, ...] = ()
        if job.takes("strategy"):
            about = "one by one, in chunks, by threads and by a pool of as many workers as the slider says"
            self._tab("Compare strategies", about, self._compare)
        if job.takes("workers"):
            about = "more and more workers: how many are worth having"
            self._tab("Best worker count", about, self._sweep)

    def enable(self, *, allowed: bool) -> None:
        """Measure only while no run goes on, which would disturb it."""
        for button in self._buttons:
            wanted = not allowed or self._busy.locked()
            if button.disabled != wanted:
                button.disabled = wanted

    def widgets(self) -> list[Any]:
        """All of them, to be closed."""
        return [widget for box in self.boxes for widget in (*box.children, box)]

    def _tab(self, label: str, about: str, measure: Callable[[Callable[[str], None]], str]) -> None:
        import ipywidgets as w

        button = w.Button(description=label, tooltip=about, layout=w.Layout(width="auto"))
        answer = w.HTML(value=f"<small>{html.escape(about)}</small>")
        answer.add_class(PROSE)
        button.on_click(lambda _: self._begin(answer, measure))
        self._buttons.append(button)
        self._answers.append(answer)
        self.boxes.append(w.VBox([button, answer]))
        self.titles = (*self.titles, label)

    def _begin(self, answer: Any, measure: Callable[[Callable[[str], None]], str]) -> None:
        if not self._busy.acquire(blocking=False):
            return
        self.enable(allowed=False)
        answer.value = "measuring …"
        threading.Thread(
            target=self._measured, args=(answer, measure), name="fetchlab-panel", daemon=True
        ).start()

    def _measured(self, answer: Any, measure: Callable[[Callable[[str], None]], str]) -> None:
        def tell(line: str) -> None:
            answer.value = f'<div style="font-family:monospace">{html.escape(line)}</div>'

        try:
            answer.value = measure(tell)
        except FetchlabError as error:
            answer.value = html.escape(str(error))
        finally:
            self._busy.release()
            self.enable(allowed=True)

    def _compare(self, tell: Callable[[str], None]) -> str:
        workers = self._settings().workers
        count = workers if isinstance(workers, int) else USUAL
        ways: list[Strategy] = [Sequential(), Chunked(count), Threads(count), Async(count)]
        if self._work is not None:
            found = compare(self._work, ways, progress=tell)
        else:
            found = compare({named(way): self._start(way) for way in ways}, rounds=ROUNDS, progress=tell)
        return _shown(found)

    def _sweep(self, tell: Callable[[str], None]) -> str:
        if self._work is not None:
            found = sweep(self._work, progress=tell)
            said = f"<p><b>{found.recommended} workers</b>: {html.escape(found.recommendation.why)}</p>"
            table: str = found.table().as_raw_html()
            return said + table + plot.svg(found.plot())
        counts = [count for count in COUNTS if count <= self._most]
        arms = {str(count): self._start(Async(count)) for count in reversed(counts)}
        timed = compare(arms, rounds=ROUNDS, progress=tell)
        said = (
            f"<p><b>{fewest(timed, counts)} workers</b>: the fewest within {ENOUGH - 1:.0%} of the least time"
            "</p>"
        )
        return said + _shown(timed)

    def _start(self, way: Strategy) -> Callable[[], Any]:
        """What starts the job by a strategy, with the controls' own knobs."""
        return partial(self._job.start, replace(self._settings(), strategy=way), fresh=True)


def _unremembered(work: Work) -> Work:
    """The same work without what would answer every round after the first."""
    knobs = {name: value for name, value in work.knobs.items() if name not in ("cache", "journal")}
    return Work(work.items, work.task, **knobs)


def fewest(timed: Comparison, counts: list[int]) -> int:
    """Return the smallest number of workers whose median time is as good as the best one's."""
    medians = dict(timed.summary().select("arm", "median_s").drop_nulls().iter_rows())
    best = min(medians.values())
    return min(count for count in counts if medians.get(str(count), float("inf")) <= ENOUGH * best)


def _shown(found: Comparison) -> str:
    table: str = found.table().as_raw_html()
    return table + plot.svg(found.plot())
