"""The controls: what can be chosen before a run, and the workers while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.engine.strategies import Async, Batch, Chunked, Processes, Sequential, Strategy, Threads
from fetchlab.errors import ConfigError
from fetchlab.notebook import here
from fetchlab.notebook.panel.jobs import Settings
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.rate import RateLimit
from fetchlab.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fetchlab.notebook.panel.actions import Actions
    from fetchlab.notebook.panel.jobs import Job, Own

__all__ = ["STRATEGIES", "Controls"]

STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "a pool of workers": Async,
    "threads": Threads,
    "processes": Processes,
    "chunks, one after another": Chunked,
    "one item after another": lambda _: Sequential(),
    "all at once": lambda _: Batch(),
}
MODES = ("off", "use", "refresh", "offline")
WIDE = "30em"
FILE = "data/cache/panel.db"


class Controls:
    """Widgets for the settings of a job; a control that means nothing to the job is not there.

    Args:
        job: what will be started.
        workers: where the slider stands at first.
        most: where it ends.
        cache: whose file the cache control uses, opened when it is first used.
        on_workers: told of a number of workers or ``Adaptive()`` that a person has chosen.
    """

    def __init__(
        self,
        job: Job,
        *,
        workers: int | Adaptive,
        most: int,
        cache: Cache | str | Path | None,
        on_workers: Callable[[int | Adaptive], None],
    ) -> None:
        import ipywidgets as w

        auto = isinstance(workers, Adaptive)
        self._adaptive = workers if isinstance(workers, Adaptive) else Adaptive(max=most)
        self._on_workers = on_workers
        self._cache = cache
        self.slider = w.IntSlider(
            value=20 if isinstance(workers, Adaptive) else workers, min=1, max=most,
            description="Workers", continuous_update=False, disabled=auto, **_wide(w),
        )  # fmt: skip
        self.auto = w.Checkbox(value=auto, description="auto: as many as each host serves well", indent=False)
        self.strategy = w.Dropdown(options=list(STRATEGIES), description="Strategy", **_wide(w))
        self.rate = w.BoundedFloatText(
            value=0, min=0, max=1e6, description="At most per second and host (0: no limit)", **_wide(w)
        )
        self.cache = w.Dropdown(options=list(MODES), description="Cache", **_wide(w))
        self._own = {own.name: (own, _control(w, own)) for own in job.own}
        self._whole_run = [
            self.strategy,
            self.rate,
            self.cache,
            *(control for _, control in self._own.values()),
        ]
        rows = []
        if job.takes("workers"):
            rows.append(w.HBox([self.slider, self.auto]))
        shown = (("strategy", self.strategy), ("rate", self.rate), ("cache", self.cache))
        rows += [control for knob, control in shown if job.takes(knob)]
        rows += [control for _, control in self._own.values()]
        self.box = w.VBox(rows)
        self.slider.observe(self._resized, "value")
        self.auto.observe(self._resized, "value")

    @property
    def workers(self) -> int | Adaptive:
        """What slider and checkbox say."""
        return self._adaptive if self.auto.value else int(self.slider.value)

    @property
    def settings(self) -> Settings:
        """What all controls say.

        Raises:
            ConfigError: the study's own knob holds what is no number.
        """
        workers = self.workers
        pool = STRATEGIES[self.strategy.value]
        if pool is Async:
            strategy: Strategy = Async(workers)
        else:
            strategy = pool(int(self.slider.value))
        return Settings(
            strategy,
            RateLimit(self.rate.value) if self.rate.value else None,
            None if self.cache.value == "off" else self._cached(self.cache.value),
            {name: _value(own, control) for name, (own, control) in self._own.items()},
        )

    def enable(self, allowed: Actions) -> None:
        """Enable what makes sense now."""
        for control in self._whole_run:
            _set(control, "disabled", not allowed.choose)
        _set(self.auto, "disabled", not allowed.resize)
        _set(self.slider, "disabled", not allowed.resize or self.auto.value)

    def widgets(self) -> list[Any]:
        """All of them, to be closed."""
        return [self.slider, self.auto, *self._whole_run, *self.box.children, self.box]

    def _resized(self, _: object) -> None:
        self.slider.disabled = self.auto.value
        self._on_workers(self.workers)

    def _cached(self, mode: Any) -> Cache:
        if self._cache is None:
            self._cache = here(FILE)
        if not isinstance(self._cache, Cache):
            return Cache(self._cache, mode=mode)
        rules = self._cache.rules
        return Cache(self._cache.path, rules.ttl, mode=mode, vary=rules.vary, ignore=rules.ignore)


def _control(w: Any, own: Own) -> Any:
    label = own.name.replace("_", " ")
    label = label[:1].upper() + label[1:]
    if own.kind == "flag":
        return w.Checkbox(value=own.value, description=label, indent=False)
    if own.kind == "count" and not own.optional:
        return w.IntText(value=own.value, description=label, **_wide(w))
    if own.kind == "number":
        return w.FloatText(value=own.value, description=label, **_wide(w))
    text = "" if own.value is None else str(own.value)
    hint = "a number, or empty for all" if own.kind == "count" else ""
    return w.Text(value=text, description=label, placeholder=hint, **_wide(w))


def _value(own: Own, control: Any) -> Any:
    if not own.optional:
        return control.value
    text = control.value.strip().replace(",", "")
    if not text:
        return None
    if not text.isdecimal():
        raise ConfigError(own.name, f"give a whole number, or nothing for all, not {control.value!r}")
    return int(text)


def _wide(w: Any) -> dict[str, Any]:
    return {"style": {"description_width": "initial"}, "layout": w.Layout(width=WIDE)}


def _set(widget: Any, name: str, value: Any) -> None:
    """Set a trait if it differs: each setting is a message to the page."""
    if getattr(widget, name) != value:
        setattr(widget, name, value)
