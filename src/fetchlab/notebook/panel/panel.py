"""``fl.Panel``: widgets around one job, written to by the one ticker, read by nobody but callbacks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from fetchlab.engine.progress import line
from fetchlab.errors import ConfigError
from fetchlab.notebook.panel import settings
from fetchlab.notebook.panel.actions import actions
from fetchlab.notebook.panel.beginning import begin
from fetchlab.notebook.panel.cells import place
from fetchlab.notebook.panel.controls import Controls
from fetchlab.notebook.panel.hearing import hear_at_once
from fetchlab.notebook.panel.jobs import Job
from fetchlab.notebook.panel.lab import Lab
from fetchlab.notebook.panel.sight import Sight
from fetchlab.notebook.ticker import ticker
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.run import Run
    from fetchlab.policy.concurrency import Adaptive
    from fetchlab.store.cache import Cache

__all__ = ["Panel"]

MOST = 200


class Panel:
    """Controls for a job: workers by a slider while it runs, start, pause, cancel, retry; charts and tables.

    Nothing is started before a person presses Start, or :meth:`start` or :meth:`wait` is called. A cell that
    is run again takes its old panel's place: a run that still goes on, and of the same work what was chosen
    and the run that ended, with its *Retry failed*.

    Args:
        work: a list of URLs or requests, ``(task, items)``, a study's method such as ``catalogue.ids``, or a
            function that returns a run. A function with one parameter that has no default, called
            ``settings`` or ``s`` or annotated with ``fl.Panel.Settings``, gets the settings as
            ``settings.workers, .strategy, .rate, .cache``; any other gets what it has of them by name, and
            its own plain parameters become controls. Give what else it needs by ``functools.partial``.
        workers: where the slider stands, or ``fl.Adaptive()`` for *auto*; the work's own default unless told,
            20 if it has none, ``most`` if that is less.
        most: where the slider ends.
        cache: what the cache control switches, an ``fl.Cache`` or a path, in its mode at first; unless told
            ``data/cache/panel.db`` of the project, off at first. Nothing is opened before it is used.
        knobs: further knobs of the call, fixed; those that a control holds, ``rate`` and ``strategy`` among
            them, are where it begins.

    Attributes:
        run: the run of the last start, None before the first.
        widget: all of it, None where there is no ipywidgets.

    Raises:
        ConfigError: the work is none of these, has no such knob, or a knob cannot work.
    """

    Settings = settings.Settings

    def __init__(
        self,
        work: Any,
        *,
        workers: int | Adaptive | None = None,
        most: int = MOST,
        cache: Cache | str | None = None,
        **knobs: Any,
    ) -> None:
        self._job = Job(work, knobs)
        cache = cache if cache is not None else self._job.usual("cache")
        self._first = begin(self._job, workers=workers, most=most, cache=cache)
        self.run: Run | None = None
        self._lock = threading.RLock()  # guards what is written: ticker, callbacks and a waiting cell all do
        self._trouble: BaseException | None = None
        self._watching = self._closed = self._inherited = False
        self.widget: Any = None
        self._controls: Controls | None = None
        self._sight: Sight | None = None
        self._lab: Lab | None = None
        self._make(most, cache)
        before = place(self)
        if before is not None:
            self._take_over(before)

    # what people call

    @property
    def code(self) -> str:
        """The one line that does the same without a panel.

        What has no source text, or is secret, stands there as a name: ``urls``, ``items``, ``client``.
        """
        return self._job.code(self._settings())

    def start(self) -> Run:
        """Start a run with what the controls say, as the button does; return it.

        Raises:
            ConfigError: a run or a measurement is going on, or a setting cannot work.
        """
        self._free()
        self.run = self._job.start(self._settings())
        self._trouble, self._inherited = None, False
        self._watch()
        return self.run

    def wait(self, timeout: float | None = None) -> Run:
        """Wait for the run, started here unless somebody has; leave its last figures in the notebook.

        Args:
            timeout: seconds at most, None for as long as it takes.

        Raises:
            TimeoutError: it has not ended by then; it goes on.
        """
        over = self.run is None or (self._inherited and self.run.ended)
        run = self.start() if over or self.run is None else self.run
        try:
            return run.wait(timeout)
        finally:
            self.refresh()

    def close(self) -> None:
        """Take the widgets away and end what is being measured; the run goes on."""
        if self._lab is not None:
            self._lab.measuring.cancel()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self.widget is not None:
                for widget in self._all():
                    for part in (widget.layout, getattr(widget, "style", None), widget):
                        if part is not None:
                            part.close()

    def refresh(self) -> bool:
        """Write what there is to see; return whether it can still change."""
        with self._lock:
            if self._closed:
                return False
            run, lab = self.run, self._lab
            moving = run is not None and not run.ended
            measuring = lab is not None and lab.measuring.place is not None
            if self.widget is not None:
                self._write(run, moving=moving, measuring=measuring)
            return moving or measuring

    # widgets

    def _make(self, most: int, cache: Cache | str | None) -> None:
        try:
            import ipywidgets as w
        except ImportError:
            return
        self._controls = Controls(
            self._job, self._first, most=most, cache=cache, on_workers=self._resize, on_change=self.refresh
        )
        self._buttons = {  # as they are before the first start: each change later is a message to the page
            "start": self._button(w, "Start", "play", self.start, disabled=False),
            "pause": self._button(w, "Pause", "pause", lambda: self._steer("pause")),
            "resume": self._button(w, "Resume", "step-forward", lambda: self._steer("resume")),
            "cancel": self._button(w, "Cancel", "stop", lambda: self._steer("cancel")),
            "retry": self._button(w, "Retry failed", "repeat", self._retry),
        }
        self._sight = Sight()
        box = w.VBox([self._controls.box, w.HBox(list(self._buttons.values())), *self._sight.widgets()])
        self._lab = Lab(self._job, self._measurable, most, self._pressed)
        self.widget = w.Tab([box, *self._lab.boxes], titles=("Run", *self._lab.titles))
        hear_at_once(self._all())
        self.refresh()

    def _button(
        self, w: Any, label: str, icon: str, act: Callable[[], object], *, disabled: bool = True
    ) -> Any:
        button = w.Button(
            description=label, icon=icon, tooltip=label, disabled=disabled, layout=w.Layout(width="auto")
        )
        button.on_click(lambda _: self._try(act))
        return button

    def _try(self, act: Callable[[], object]) -> None:
        """Do what a person asked for, and show what goes wrong: nobody sees what a callback raises."""
        self._trouble = None
        try:
            act()
        except Exception as error:
            self._trouble = error
        self.refresh()

    def _settings(self) -> settings.Settings:
        return self._first if self._controls is None else self._controls.settings

    def _measurable(self) -> settings.Settings:
        self._free()
        return self._settings()

    def _free(self) -> None:
        """Refuse to begin anything while something goes on."""
        if self.run is not None and not self.run.ended:
            raise ConfigError("start", "a run is going on: panel.run.cancel() ends it")
        if self._lab is not None and self._lab.measuring.place is not None:
            raise ConfigError("start", "a measurement is going on: Cancel in its tab ends it")

    def _resize(self, workers: int | Adaptive) -> None:
        """Follow the slider."""
        run = self.run
        if run is not None and not run.ended:
            self._try(lambda: setattr(run, "workers", workers))
        else:
            self.refresh()

    def _steer(self, what: str) -> None:
        if self.run is not None:
            getattr(self.run, what)()

    def _retry(self) -> None:
        if self.run is not None:
            self._free()
            self.run.retry_failed()
            self._inherited = False
            self._watch()

    def _pressed(self) -> None:
        """A tab's button: there may be something to watch."""
        self._watch()
        self.refresh()

    def _watch(self) -> None:
        with self._lock:
            if self._sight is not None:
                self._sight.anew()
            if self._watching:
                return
            self._watching = True
        ticker.add(lambda: self._tick())  # noqa: PLW0108  # of its own, so that one that ends ends no other

    def _tick(self) -> bool:
        with self._lock:
            self._watching = False  # also if the look fails
            self._watching = self.refresh()
            return self._watching

    def _write(self, run: Run | None, *, moving: bool, measuring: bool) -> None:
        assert self._controls is not None
        assert self._sight is not None
        assert self._lab is not None
        self._sight.write(run, moving=moving, trouble=self._trouble, code=self._told_code())
        state, failed = (None, 0) if run is None else (run.state, run.stats().failed)
        allowed = actions(state, failed, measuring=measuring)
        for name, button in self._buttons.items():
            wanted = not getattr(allowed, name)
            if button.disabled != wanted:
                button.disabled = wanted
        self._controls.enable(allowed)
        self._lab.refresh(allowed=allowed.choose)

    def _told_code(self) -> str:
        try:
            return self.code
        except Exception as error:  # a control holds what is no number; a value that cannot be compared
            return redact_text(str(error))

    def _all(self) -> list[Any]:
        assert self._controls is not None
        assert self._lab is not None
        box = self.widget.children[0]
        own = [*self._controls.widgets(), *self._buttons.values(), *box.children, box]
        return [*own, *self._lab.widgets(), self.widget]

    def _take_over(self, before: Panel) -> None:
        """Take an old panel's place and its widgets' room; see the class for what is kept."""
        run, same = before.run, self._job.same(before._job)
        before.close()
        going = run is not None and not run.ended and before._job.name == self._job.name
        if self._controls is not None and before._controls is not None and (same or going):
            self._controls.take(before._controls, None if same else ("workers", "auto"))
        if run is not None and (same or going):
            self.run, self._inherited = run, run.ended
            if self._controls is not None and before._controls is not None:
                workers = self._controls.workers
                if workers != before._controls.workers:  # the cell says something else now
                    self._resize(workers)
            self._watch()
            self.refresh()

    # showing

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.widget is not None and not self._closed:
            bundle |= self.widget._repr_mimebundle_()
            bundle["text/plain"] = repr(self)
        return bundle

    def __repr__(self) -> str:
        told = "ready" if self.run is None else line(self.run.stats())
        return f"Panel({self._job.name}): {told}"
