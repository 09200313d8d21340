"""The panel's other tabs: strategies compared, and the best number of workers, by the benchmark lab."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fetchlab import plot
from fetchlab.bench.compare import compare
from fetchlab.bench.sweep import COUNTS as SWEPT
from fetchlab.bench.sweep import sweep
from fetchlab.bench.work import named
from fetchlab.engine.strategies import Async, Chunked, Sequential, Threads
from fetchlab.errors import StudyError
from fetchlab.notebook.panel.beginning import USUAL, width_of
from fetchlab.notebook.panel.measuring import Measuring
from fetchlab.notebook.panel.views import PROSE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.bench.comparison import Comparison
    from fetchlab.engine.run import Run
    from fetchlab.engine.strategies import Strategy
    from fetchlab.notebook.panel.jobs import Job
    from fetchlab.notebook.panel.settings import Settings

__all__ = ["Lab", "fewest"]

COUNTS = (1, 2, 5, 10, 20, 50, 100, 200)
ROUNDS = 3
ENOUGH = 1.05
"""Times the fastest arm's time that still counts as fast: as in a sweep, 95 % of the peak."""
COMPARING, SWEEPING = "Compare strategies", "Best worker count"


class Lab:
    """Tabs that measure in a thread of their own, with the knobs that the controls showed at the press.

    Args:
        job: the panel's.
        settings: what the controls say now; raises where nothing may be measured now.
        most: where the slider ends.
        on_change: called when something has been pressed.
    """

    def __init__(
        self, job: Job, settings: Callable[[], Settings], most: int, on_change: Callable[[], None]
    ) -> None:
        self._job = job
        self._settings = settings
        self._most = most
        self._on_change = on_change
        self.measuring = Measuring()
        self._tabs: dict[str, tuple[Any, Any, Any]] = {}
        self.boxes: list[Any] = []
        if job.takes("strategy"):
            about = "one by one, in chunks, by threads and by a pool of as many workers as the slider says"
            self._tab(COMPARING, about, self._compare)
        if job.takes("workers"):
            about = "more and more workers: how many are worth having"
            self._tab(SWEEPING, about, self._sweep)

    @property
    def titles(self) -> tuple[str, ...]:
        """Of the tabs."""
        return tuple(self._tabs)

    def refresh(self, *, allowed: bool) -> None:
        """Write what there is to see; measure only while no run goes on, which would disturb it."""
        busy = self.measuring.place
        for title, (button, cancel, answer) in self._tabs.items():
            _put(answer, "value", self.measuring.shown(title) or answer.value)
            _put(button, "disabled", not allowed or busy is not None)
            _put(cancel, "disabled", busy != title)

    def widgets(self) -> list[Any]:
        """All of them, to be closed."""
        rows = [box.children[0] for box in self.boxes]
        return [*(one for tab in self._tabs.values() for one in tab), *rows, *self.boxes]

    def _tab(self, label: str, about: str, measure: Callable[[Settings], str]) -> None:
        import ipywidgets as w

        button = w.Button(description=label, tooltip=about, layout=w.Layout(width="auto"))
        cancel = w.Button(
            description="Cancel", icon="stop", tooltip="Cancel", disabled=True, layout=w.Layout(width="auto")
        )
        answer = w.HTML(value=f"<small>{html.escape(about)}</small>", _dom_classes=(PROSE,))
        button.on_click(lambda _: self._begin(label, measure))
        cancel.on_click(lambda _: self.measuring.cancel())
        self._tabs[label] = button, cancel, answer
        self.boxes.append(w.VBox([w.HBox([button, cancel]), answer]))

    def _begin(self, label: str, measure: Callable[[Settings], str]) -> None:
        try:
            settings = self._settings()
            self.measuring.begin(label, lambda: measure(settings))
        except Exception as error:
            self.measuring.refuse(label, error)
        self._on_change()

    def _compare(self, settings: Settings) -> str:
        count = width_of(settings.strategy) or min(USUAL, self._most)
        ways: list[Strategy] = [Sequential(), Chunked(count), Threads(count), Async(count)]
        work = self._job.measured(settings, self.measuring.wait_for)
        if work is not None:
            return _shown(compare(work, ways, progress=self.measuring.tell))
        arms = {named(way): self._start(settings, way) for way in ways}
        return _shown(compare(arms, rounds=ROUNDS, progress=self.measuring.tell))

    def _sweep(self, settings: Settings) -> str:
        work = self._job.measured(settings, self.measuring.wait_for)
        if work is not None:
            counts = [count for count in SWEPT if count <= self._most]
            swept = sweep(work, counts, progress=self.measuring.tell)
            _refuse_failed(swept.frame()["error"].to_list())
            said = f"<p><b>{swept.recommended} workers</b>: {html.escape(swept.recommendation.why)}</p>"
            table: str = swept.table().as_raw_html()
            return said + table + plot.svg(swept.plot())
        counts = [count for count in COUNTS if count <= self._most]
        arms = {str(count): self._start(settings, Async(count)) for count in reversed(counts)}
        timed = compare(arms, rounds=ROUNDS, progress=self.measuring.tell)
        shown = _shown(timed)
        best = fewest(timed, counts)
        return f"<p><b>{best} workers</b>: the fewest within {ENOUGH - 1:.0%} of the least time</p>" + shown

    def _start(self, settings: Settings, way: Strategy) -> Callable[[], Run]:
        """What does the job once by a strategy, with the controls' own knobs."""
        by_it = replace(settings, strategy=way)
        return lambda: self.measuring.wait_for(self._job.start(by_it, fresh=True))


def fewest(timed: Comparison, counts: list[int]) -> int:
    """Return the smallest number of workers whose median time is as good as the best one's.

    Raises:
        StudyError: no number of workers got through.
    """
    _refuse_failed(timed.frame()["error"].to_list())
    medians = dict(timed.summary().select("arm", "median_s").drop_nulls().iter_rows())
    took = {count: medians[str(count)] for count in counts if str(count) in medians}
    if not took:
        raise StudyError("no number of workers has a whole round: let it go on for longer")
    return min(count for count, seconds in took.items() if seconds <= ENOUGH * min(took.values()))


def _refuse_failed(errors: list[str | None]) -> None:
    """Say what went wrong where nothing went well."""
    if errors and all(error is not None for error in errors):
        raise StudyError(f"nothing was measured: {errors[0]}")


def _shown(found: Comparison) -> str:
    _refuse_failed(found.frame()["error"].to_list())
    table: str = found.table().as_raw_html()
    return table + plot.svg(found.plot())


def _put(widget: Any, name: str, value: Any) -> None:
    if getattr(widget, name) != value:
        setattr(widget, name, value)
