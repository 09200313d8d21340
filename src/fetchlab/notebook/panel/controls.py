"""The controls: what can be chosen before a run, and the workers while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fetchlab.engine.strategies import Async, Batch, Chunked, Processes, Sequential, Strategy, Threads
from fetchlab.errors import ConfigError
from fetchlab.notebook.panel.beginning import USUAL, width_of
from fetchlab.notebook.panel.settings import CacheChoice, Settings
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.rate import RateKnob, RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fetchlab.notebook.panel.actions import Actions
    from fetchlab.notebook.panel.jobs import Job
    from fetchlab.notebook.panel.own import Own
    from fetchlab.store.cache import Cache

__all__ = ["STRATEGIES", "Controls"]

STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "a pool of workers": Async,
    "threads": Threads,
    "processes": Processes,
    "chunks, one after another": Chunked,
    "one item after another": lambda _: Sequential(),
    "all at once": lambda _: Batch(),
}
KINDS = (Async, Threads, Processes, Chunked, Sequential, Batch)
"""Of strategies, in the order of their names."""
MODES = ("off", "use", "refresh", "offline")
WIDE = "30em"


class Controls:
    """Widgets for the settings of a job; a control that means nothing to the job is not there.

    A control that nobody has touched stands for exactly what it began with, a burst of the rate included.

    Args:
        job: what will be started.
        first: what they say at first.
        most: where the slider ends.
        cache: what the cache control switches; the panel's own file unless told.
        on_workers: told of a number of workers or ``Adaptive()`` that a person has chosen.
        on_change: called when anything else has been chosen.
    """

    def __init__(
        self,
        job: Job,
        first: Settings,
        *,
        most: int,
        cache: Cache | str | None,
        on_workers: Callable[[int | Adaptive], None],
        on_change: Callable[[], object],
    ) -> None:
        import ipywidgets as w

        self._first = first
        self._cache = cache
        self._on_workers = on_workers
        workers = first.workers
        auto = isinstance(workers, Adaptive)
        self._adaptive = workers if isinstance(workers, Adaptive) else Adaptive(max=most)
        self.slider = w.IntSlider(
            value=width_of(first.strategy) or min(USUAL, most), min=1, max=most,
            description="Workers", continuous_update=False, disabled=auto, **_wide(w),
        )  # fmt: skip
        self.auto = w.Checkbox(value=auto, description="auto: as many as each host serves well", indent=False)
        kind = list(STRATEGIES)[KINDS.index(type(first.strategy))]
        self.strategy = w.Dropdown(options=list(STRATEGIES), value=kind, description="Strategy", **_wide(w))
        a_second = first.rate.rate / first.rate.per if isinstance(first.rate, RateLimit) else 0
        self.rate = w.BoundedFloatText(
            value=a_second, min=0, max=1e9,
            description="At most per second and host (0: no limit)", **_wide(w),
        )  # fmt: skip
        mode = first.cache.mode if isinstance(first.cache, CacheChoice) else "off"
        self.cache = w.Dropdown(options=list(MODES), value=mode, description="Cache", **_wide(w))
        self._own = {own.name: (own, _control(w, own)) for own in job.own}
        own_ones = {name: control for name, (_, control) in self._own.items()}
        whole_run = {"strategy": self.strategy, "rate": self.rate, "cache": self.cache} | own_ones
        self._whole_run = list(whole_run.values())
        self._all = {"workers": self.slider, "auto": self.auto} | whole_run
        self._began = {name: control.value for name, control in self._all.items()}
        rows = [w.HBox([self.slider, self.auto])] if job.takes("workers") else []
        one_rate = not isinstance(first.rate, Mapping)  # limits by host stay as they are given
        shown = {"strategy": True, "rate": one_rate, "cache": True}
        rows += [whole_run[knob] for knob, shows in shown.items() if shows and job.takes(knob)]
        self.box = w.VBox([*rows, *own_ones.values()])
        self.slider.observe(self._resized, "value")
        self.auto.observe(self._resized, "value")
        for control in self._whole_run:
            control.observe(lambda _: on_change(), "value")

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
        return Settings(
            self._strategy(),
            self._rate(),
            None if self.cache.value == "off" else CacheChoice(self._cache, self.cache.value),
            {name: _value(own, control) for name, (own, control) in self._own.items()},
        )

    def take(self, before: Controls, names: Collection[str] | None = None) -> None:
        """Take over what a person had chosen in controls of an earlier panel.

        What its cell gives now counts where that is not what it gave then.

        Args:
            before: the earlier ones.
            names: of these controls alone; all unless told.
        """
        for name, control in self._all.items():
            if name in before._all and (names is None or name in names):
                unchanged = self._began[name] == before._began[name]
                chosen = before._all[name].value
                if unchanged and type(control) is type(before._all[name]):
                    control.value = chosen

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

    def _strategy(self) -> Strategy:
        touched = any(self._all[name].value != self._began[name] for name in ("workers", "auto", "strategy"))
        if not touched:
            return self._first.strategy
        pool = STRATEGIES[self.strategy.value]
        return Async(self.workers) if pool is Async else pool(int(self.slider.value))

    def _rate(self) -> RateKnob:
        if self.rate.value == self._began["rate"]:
            return self._first.rate
        return RateLimit(self.rate.value) if self.rate.value else None


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
