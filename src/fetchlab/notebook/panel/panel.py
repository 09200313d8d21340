"""``fl.Panel``: widgets around one job, written to by the one ticker, read by nobody but callbacks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from fetchlab.engine.progress import line
from fetchlab.errors import ConfigError, FetchlabError
from fetchlab.notebook.panel import views
from fetchlab.notebook.panel.actions import Actions, actions
from fetchlab.notebook.panel.cells import place
from fetchlab.notebook.panel.controls import Controls
from fetchlab.notebook.panel.hearing import hear_at_once
from fetchlab.notebook.panel.jobs import Job
from fetchlab.notebook.panel.lab import Lab
from fetchlab.notebook.ticker import ticker
from fetchlab.policy.concurrency import Adaptive

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.run import Run
    from fetchlab.store.cache import Cache

__all__ = ["Panel"]

MOST = 200
CHART_EVERY = 2
"""Ticks from one chart to the next: twice a second at four ticks."""


class Panel:
    """Controls for a job: workers by a slider while it runs, start, pause, cancel, retry; charts and tables.

    Nothing is started before a person presses Start, or :meth:`start` or :meth:`wait` is called. A cell that
    is run again takes its old panel's place, and a run that still goes on.

    Args:
        work: a list of URLs or requests, ``(task, items)``, a study's method such as ``catalogue.ids``, or a
            function that returns a run: with one parameter that has no default it gets the settings as
            ``settings.workers, .strategy, .rate, .cache``; otherwise what it has of them by name, and its own
            plain parameters become controls.
        workers: where the slider stands, or ``fl.Adaptive()`` for *auto*.
        most: where the slider ends.
        cache: what the cache control switches, an ``fl.Cache`` or a path; ``data/cache/panel.db`` of the
            project unless told. Nothing is opened before it is used.
        knobs: further knobs of the call, fixed; those that a control holds are where it begins.

    Attributes:
        run: the run of the last start, None before the first.
        widget: all of it, None where there is no ipywidgets.

    Raises:
        ConfigError: the work is none of these, or a knob cannot work.
    """

    def __init__(
        self,
        work: Any,
        *,
        workers: int | Adaptive = 20,
        most: int = MOST,
        cache: Cache | str | None = None,
        **knobs: Any,
    ) -> None:
        if not isinstance(workers, Adaptive) and not 1 <= workers <= most:
            raise ConfigError("workers", f"is from 1 to most={most}, or fl.Adaptive(), not {workers!r}")
        self._job = Job(work, knobs)
        self.run: Run | None = None
        self._trace = views.Trace()
        self._lock = threading.Lock()  # guards what is written: the ticker and a waiting cell both do
        self._told = ""
        self._ticks = 0
        self._watching = self._closed = False
        self._shown: tuple[str, int] | None = None
        self._failed = -1
        self.widget: Any = None
        self._controls: Controls | None = None
        self._make(workers, most, cache)
        before = place(self)
        if before is not None:
            self._take_over(before)

    # what people call

    @property
    def code(self) -> str:
        """The one line that does the same without a panel."""
        return self._job.code(self._settings())

    def start(self) -> Run:
        """Start a run with what the controls say, as the button does; return it.

        Raises:
            ConfigError: a run is going on, or a setting cannot work.
        """
        if self.run is not None and not self.run.ended:
            raise ConfigError("start", "a run is going on: panel.run.cancel() ends it")
        self.run = self._job.start(self._settings())
        self._told = ""
        self._watch()
        return self.run

    def wait(self, timeout: float | None = None) -> Run:
        """Wait for the run, started here unless somebody has; leave its last figures in the notebook.

        Args:
            timeout: seconds at most, None for as long as it takes.

        Raises:
            TimeoutError: it has not ended by then; it goes on.
        """
        run = self.run or self.start()
        try:
            return run.wait(timeout)
        finally:
            self.refresh()

    def close(self) -> None:
        """Take the widgets away; the run goes on."""
        self._closed = True
        if self.widget is not None:
            for widget in self._all():
                for part in (widget.layout, getattr(widget, "style", None), widget):
                    if part is not None:
                        part.close()

    def refresh(self) -> bool:
        """Write what there is to see; return whether it can still change. The ticker calls this."""
        if self._closed or self.run is None or self.widget is None:
            return not self._closed and self.run is not None and not self.run.ended
        with self._lock:
            run, ended = self.run, self.run.ended
            self._write(run, ended=ended)
            self._watching = not ended
        return not ended

    # widgets

    def _make(self, workers: int | Adaptive, most: int, cache: Cache | str | None) -> None:
        try:
            import ipywidgets as w
        except ImportError:
            self._fixed = workers
            return
        self._controls = Controls(self._job, workers=workers, most=most, cache=cache, on_workers=self._resize)
        self._buttons = {
            "start": self._button(w, "Start", "play", self.start),
            "pause": self._button(w, "Pause", "pause", lambda: self._steer("pause")),
            "resume": self._button(w, "Resume", "step-forward", lambda: self._steer("resume")),
            "cancel": self._button(w, "Cancel", "stop", lambda: self._steer("cancel")),
            "retry": self._button(w, "Retry failed", "repeat", self._retry),
        }
        self._bar, self._chart, self._strip, self._errors, self._tables = (w.HTML() for _ in range(5))
        for text in (self._errors, self._tables):
            text.add_class(views.PROSE)
        self._code = w.HTML()
        self._bar.value = views.progress(None)
        box = w.VBox(
            [
                self._controls.box, w.HBox(list(self._buttons.values())), self._bar, self._chart, self._strip,
                self._errors, self._code, self._tables,
            ]
        )  # fmt: skip
        self._lab = Lab(self._job, self._settings, most)
        self.widget = w.Tab([box, *self._lab.boxes], titles=("Run", *self._lab.titles))
        hear_at_once(self._all())
        self._enable(actions(None, 0))
        self._write_code()

    def _button(self, w: Any, label: str, icon: str, act: Callable[[], object]) -> Any:
        button = w.Button(description=label, icon=icon, tooltip=label, layout=w.Layout(width="auto"))

        def pressed(_: object) -> None:
            try:
                act()
            except FetchlabError as error:
                self._told = str(error)
            self._refresh_soon()

        button.on_click(pressed)
        return button

    def _settings(self) -> Any:
        if self._controls is not None:
            return self._controls.settings
        from fetchlab.engine.strategies import Async
        from fetchlab.notebook.panel.jobs import Settings

        return Settings(Async(self._fixed))

    def _resize(self, workers: int | Adaptive) -> None:
        """Follow the slider: thread-safe, and nothing else is done in the callback."""
        run = self.run
        if run is not None and not run.ended:
            run.workers = workers
        self._write_code()

    def _steer(self, what: str) -> None:
        if self.run is not None:
            getattr(self.run, what)()

    def _retry(self) -> None:
        if self.run is not None:
            self.run.retry_failed()
            self._watch()

    def _watch(self) -> None:
        self._shown = None
        if not self._watching:
            self._watching = True
            ticker.add(self.refresh)

    def _refresh_soon(self) -> None:
        if self.run is not None:
            self.refresh()
        elif self.widget is not None:
            self._put(self._bar, views.progress(None, self._told))

    def _write(self, run: Run, *, ended: bool) -> None:
        stats = run.stats()
        self._ticks += 1
        self._trace.add(stats)
        self._put(self._bar, views.progress(stats, self._told))
        self._enable(actions(run.state, stats.failed))
        if ended or self._ticks % CHART_EVERY == 0:
            self._put(self._chart, self._trace.svg())
            self._put(self._strip, views.strip(stats))
            if stats.failed != self._failed:
                self._failed = stats.failed
                self._put(self._errors, views.failures(run))
        shown = (run.state, stats.done)
        if ended and self._shown != shown:
            self._shown = shown
            self._put(self._tables, views.tables(run))
        elif not ended and self._tables.value:
            self._put(self._tables, "")

    def _write_code(self) -> None:
        import html

        try:
            code = self.code
        except FetchlabError as error:
            code = str(error)
        self._put(self._code, f"<small>The same in code:</small> <code>{html.escape(code)}</code>")

    def _enable(self, allowed: Actions) -> None:
        assert self._controls is not None
        for name, button in self._buttons.items():
            wanted = not getattr(allowed, name)
            if button.disabled != wanted:
                button.disabled = wanted
        self._controls.enable(allowed)
        self._lab.enable(allowed=allowed.choose)

    @staticmethod
    def _put(widget: Any, value: str) -> None:
        if widget.value != value:
            widget.value = value

    def _all(self) -> list[Any]:
        assert self._controls is not None
        box = self.widget.children[0]
        own = [*self._controls.widgets(), *self._buttons.values(), *box.children, box]
        return [*own, *self._lab.widgets(), self.widget]

    def _take_over(self, before: Panel) -> None:
        """Take an old panel's place: its run, if that still goes on, and its widgets' room."""
        run = before.run
        before.close()
        if run is not None and not run.ended and before._job.name == self._job.name:
            self.run = run
            self._watch()

    # showing

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.widget is not None:
            bundle |= self.widget._repr_mimebundle_()
            bundle["text/plain"] = repr(self)
        return bundle

    def __repr__(self) -> str:
        told = "ready" if self.run is None else line(self.run.stats())
        return f"Panel({self._job.name}): {told}"
