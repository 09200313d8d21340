"""What a panel starts: urls, a function and its items, a study's method, or a function of the settings."""

from __future__ import annotations

import inspect
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab.bench.work import Work
from fetchlab.engine.calls import fetch
from fetchlab.engine.calls import map as map_items
from fetchlab.engine.run import Run
from fetchlab.engine.sameness import described
from fetchlab.errors import ConfigError
from fetchlab.notebook.panel.own import Own, own_of
from fetchlab.notebook.panel.settings import Settings
from fetchlab.notebook.panel.spelling import arguments, callee, spelled
from fetchlab.policy.concurrency import Adaptive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["WORKERS", "Job"]

WORKERS = ("workers", "parallel_pages", "concurrency")
"""Names that studies have for the number of workers."""
SAY_AUTO = frozenset({"parallel_pages"})
"""Those that bound themselves, and take ``"auto"`` for as many as the service serves well."""
SHARED = ("strategy", "rate", "cache")
HIDDEN = frozenset({*WORKERS, *SHARED, "progress", "journal", "client", "self"})
REMEMBERING = ("cache", "journal")
INPUTS = frozenset({"requests", "task", "items"})
BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Job:
    """Makes a run of the settings.

    Args:
        work: a list of URLs or requests, ``(task, items)``, a method or function that returns a run. A
            function with one parameter that has no default and is called ``settings`` or ``s``, or annotated
            with ``Settings``, gets the :class:`Settings`; any other gets those of its parameters that
            controls hold, by name.
        knobs: further knobs for every run; those that a control holds are where it begins.

    Attributes:
        name: what people call it.
        own: knobs of its own.
        work: the work for the benchmark lab; None for a function.

    Raises:
        ConfigError: it is none of these, or has no such knob.
    """

    def __init__(self, work: Any, knobs: Mapping[str, Any]) -> None:
        self._knobs = dict(knobs)
        self._call: Callable[..., Any] | None = None
        self.work: Work | None = None
        self.own: tuple[Own, ...] = ()
        self._settings: inspect.Parameter | None = None
        if callable(work) and not isinstance(work, Work):
            self._call = work
            self.name = callee(work, "work")
            self._parameters = _parameters(work, self.name)
            self._settings = self._wanted()
        else:
            self.work = Work.of(work, **knobs)
            self._knobs = dict(self.work.knobs)
            task = self.work.task
            self.name = "fetch" if task is None else f"map({callee(task, 'task')}, …)"
            known = _parameters(fetch if task is None else map_items, self.name)
            self._parameters = {name: one for name, one in known.items() if name not in INPUTS}
        for knob in self._knobs:
            self.check(knob)
        self._usual = {knob: self._pop(knob) for knob in SHARED}
        if self._call is not None and self._settings is None:
            found = (own_of(one, self._knobs) for name, one in self._parameters.items() if name not in HIDDEN)
            self.own = tuple(own for own in found if own is not None)
            for own in self.own:  # the control has it now
                self._knobs.pop(own.name, None)

    def check(self, knob: str) -> None:
        """Refuse a knob that was given and that there is not; with ``**knobs`` a function has all of them.

        Raises:
            ConfigError: there is none of this name.
        """
        if knob in self._parameters or self.takes(knob):
            return
        if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in self._parameters.values()):
            self._parameters[knob] = inspect.Parameter(knob, inspect.Parameter.KEYWORD_ONLY)
            return
        near = get_close_matches(knob, self._parameters, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(knob, f"is no knob of {self.name}{meant}")

    def takes(self, knob: str) -> bool:
        """Say whether a control means anything to it: ``workers``, ``strategy``, ``rate`` or ``cache``."""
        if self._settings is not None:
            return knob in ("workers", *SHARED)
        if knob == "workers":
            return self._worker_name is not None or "strategy" in self._parameters
        return knob in self._parameters

    def usual(self, knob: str) -> Any:
        """Return what holds unless a control says otherwise: what was given, else the function's default."""
        if knob == "workers":
            name = self._worker_name
            return None if name is None else self._knobs.get(name, _default(self._parameters[name]))
        return self._usual[knob]

    def same(self, other: Job) -> bool:
        """Say whether this is the same work on the same objects with the same fixed knobs, made once more."""
        mine, others = self._identity(), other._identity()
        return self._owner() is other._owner() and mine == others

    def start(self, settings: Settings, *, fresh: bool = False) -> Run:
        """Start a run.

        Args:
            settings: what the controls say.
            fresh: without a cache or a journal, which would answer what is to be measured.

        Raises:
            ConfigError: a setting has a value that cannot work, or the function returned no run.
        """
        settings = replace(settings, cache=None) if fresh else settings.opened()
        knobs = {**self._knobs, **self._given(settings)}
        if fresh:
            knobs |= {name: None for name in REMEMBERING if name in knobs or self._has_default(name)}
        made = self._started(settings, knobs)
        if not isinstance(made, Run):
            raise ConfigError("work", f"{self.name} returned {type(made).__name__}, not a Run")
        return made

    def measured(self, settings: Settings, wait: Callable[[Run], Run]) -> Work | None:
        """Return the work for the benchmark lab, with what holds for every strategy; None for a function.

        Args:
            settings: what the controls say.
            wait: waits for each run.
        """
        if self.work is None:
            return None
        ours = {*WORKERS, "strategy", *REMEMBERING}
        knobs = {**self._knobs, **self._given(settings)}
        knobs = {name: value for name, value in knobs.items() if name not in ours}
        return Work(self.work.items, self.work.task, wait=wait, **knobs)

    def code(self, settings: Settings) -> str:
        """Return the one line that does the same; what has no source text stands there as a name."""
        given = {**self._knobs, **self._given(settings)}
        given.pop("progress", None)
        if self.work is not None:
            task = self.work.task
            first = ["urls"] if task is None else [spelled("task", task), "items"]
            return _call("fl.fetch" if task is None else "fl.map", first, given)
        name = callee(self._call, "work")
        by_name = dict(self._call.keywords) if isinstance(self._call, partial) else {}
        first = arguments(self._call)
        if self._settings is not None:
            names = ("strategy", "rate", "cache")
            said = {knob: value for knob in names if (value := getattr(settings, knob)) is not None}
            one = _call("fl.Panel.Settings", [], said)
            by_place = self._settings.kind in BY_PLACE
            first.append(one if by_place else f"{self._settings.name}={one}")
        return _call(name, first, by_name | given)

    def _started(self, settings: Settings, knobs: dict[str, Any]) -> Any:
        if self.work is not None:
            if self.work.task is None:
                return fetch(self.work.items, **knobs)
            return map_items(self.work.task, self.work.items, **knobs)
        assert self._call is not None
        if self._settings is None:
            return self._call(**knobs)
        if self._settings.kind in BY_PLACE:
            return self._call(settings, **knobs)
        return self._call(**{self._settings.name: settings}, **knobs)

    def _given(self, settings: Settings) -> dict[str, Any]:
        """The settings as knobs of the call."""
        if self._settings is not None:
            return {}
        given: dict[str, Any] = dict(settings.own)
        name = self._worker_name
        if settings.workers is not None and name is not None:
            auto = name in SAY_AUTO and isinstance(settings.workers, Adaptive)
            given[name] = "auto" if auto else settings.workers
            if self._has_default("strategy"):
                given["strategy"] = None
        elif "strategy" in self._parameters:
            given["strategy"] = settings.strategy
        for knob in ("rate", "cache"):
            value = getattr(settings, knob)
            if knob in self._parameters and (value is not None or self._has_default(knob)):
                given[knob] = value
        if "progress" in self._parameters:
            given["progress"] = False
        return given

    @property
    def _worker_name(self) -> str | None:
        return next((name for name in WORKERS if name in self._parameters), None)

    def _has_default(self, knob: str) -> bool:
        one = self._parameters.get(knob)
        return one is not None and _default(one) is not None

    def _pop(self, knob: str) -> Any:
        one = self._parameters.get(knob)
        return self._knobs.pop(knob, None if one is None else _default(one))

    def _wanted(self) -> inspect.Parameter | None:
        """The parameter that takes the settings, None if the function has all that it needs."""
        missing = [
            one
            for one in self._parameters.values()
            if one.default is one.empty
            and one.kind in (*BY_PLACE, inspect.Parameter.KEYWORD_ONLY)
            and one.name not in self._knobs
        ]
        if not missing:
            return None
        if len(missing) == 1 and _is_for_settings(missing[0]):
            return missing[0]
        names = ", ".join(one.name for one in missing)
        raise ConfigError(
            "work",
            f"{self.name} also needs {names}: give functools.partial({self.name}, …), or a function of one "
            "parameter called settings",
        )

    def _owner(self) -> Any:
        call: Any = self._call if self.work is None else self.work.task
        call = call.func if isinstance(call, partial) else call
        return getattr(call, "__self__", None)

    def _identity(self) -> tuple[object, ...]:
        work: object = self._call if self.work is None else (self.work.task, self.work.items)
        return self.name, described((work, tuple(self._knobs.items()))), _call("", [], self._knobs)


def _parameters(call: Callable[..., Any], name: str) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(call).parameters)
    except (TypeError, ValueError):  # some builtins have none
        raise ConfigError(
            "work", f"{name} does not say what parameters it has: give a function of yours"
        ) from None


def _default(parameter: inspect.Parameter) -> Any:
    return None if parameter.default is parameter.empty else parameter.default


def _is_for_settings(parameter: inspect.Parameter) -> bool:
    annotation = parameter.annotation
    kind = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return parameter.name in ("settings", "s") or kind.rpartition(".")[2] == Settings.__name__


def _call(name: str, by_place: list[str], knobs: Mapping[str, Any]) -> str:
    by_name = [f"{knob}={spelled(knob, value)}" for knob, value in knobs.items()]
    return f"{name}({', '.join([*by_place, *by_name])})"
