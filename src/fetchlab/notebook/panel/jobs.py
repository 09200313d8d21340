"""What a panel starts: urls, a function and its items, a study's method, or a function of the settings."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fetchlab.bench.work import Work
from fetchlab.engine.calls import fetch
from fetchlab.engine.calls import map as map_items
from fetchlab.engine.run import Run
from fetchlab.engine.strategies import Async
from fetchlab.errors import ConfigError
from fetchlab.policy.concurrency import Adaptive
from fetchlab.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fetchlab.engine.strategies import Strategy
    from fetchlab.policy.rate import RateLimit

__all__ = ["WORKERS", "Job", "Own", "Settings"]

WORKERS = ("workers", "parallel_pages", "concurrency")
"""Names that studies have for the number of workers."""
SAY_AUTO = frozenset({"parallel_pages"})
"""Those that bound themselves, and take ``"auto"`` for as many as the service serves well."""
SHARED = ("strategy", "rate", "cache")
HIDDEN = frozenset({*WORKERS, *SHARED, "progress", "journal", "client", "self"})


@dataclass(frozen=True, slots=True)
class Own:
    """A knob of the study's own that a control can hold.

    Attributes:
        name: the parameter's.
        value: what the control begins with.
        kind: ``"flag"``, ``"count"``, ``"number"`` or ``"text"``.
        optional: a count that may be left out.
    """

    name: str
    value: Any
    kind: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What the controls say.

    Attributes:
        strategy: how items are put onto workers, the number of them included.
        rate: at most so many a second per host, None for no limit.
        cache: where answers are looked up, None for nowhere.
        own: the study's own knobs.
    """

    strategy: Strategy
    rate: RateLimit | None = None
    cache: Cache | None = None
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workers(self) -> Any:
        """The number of workers or ``Adaptive()``, None for a strategy that has none to choose."""
        return self.strategy.workers if isinstance(self.strategy, Async) else None


class Job:
    """Makes a run of the settings.

    Args:
        work: a list of URLs or requests, ``(task, items)``, a method or function that returns a run. A
            function with one parameter that has no default gets the :class:`Settings`; any other gets those
            of its parameters that controls hold, by name.
        knobs: further knobs for every run; those of the function's own plain parameters are where their
            controls begin.

    Attributes:
        name: what people call it.
        own: knobs of its own.
        work: the work for the benchmark lab; None for a function.

    Raises:
        ConfigError: it is none of these.
    """

    def __init__(self, work: Any, knobs: Mapping[str, Any]) -> None:
        self._knobs = dict(knobs)
        self._call: Callable[..., Any] | None = None
        self.work: Work | None = None
        self.own: tuple[Own, ...] = ()
        self._wants_settings = False
        self._names: frozenset[str] = frozenset({"workers", *SHARED})
        if callable(work) and not isinstance(work, Work):
            self._call = work
            self.name = _name(work)
            self._look_at(work)
        else:
            self.work = Work.of(work, **knobs)
            self._knobs = dict(self.work.knobs)
            self.name = "fetch" if self.work.task is None else f"map({_name(self.work.task)}, …)"

    def takes(self, knob: str) -> bool:
        """Say whether a control means anything to it: ``workers``, ``strategy``, ``rate`` or ``cache``."""
        if knob == "workers":
            return self._wants_settings or self._worker_name is not None
        return self._wants_settings or knob in self._names

    def start(self, settings: Settings, *, fresh: bool = False) -> Run:
        """Start a run.

        Args:
            settings: what the controls say.
            fresh: without a cache or a journal, which would answer what is to be measured.

        Raises:
            ConfigError: a setting has a value that cannot work, or the function returned no run.
        """
        made = self._started(settings, ("cache", "journal") if fresh else ())
        if not isinstance(made, Run):
            raise ConfigError("work", f"{self.name} returned {type(made).__name__}, not a Run")
        return made

    def code(self, settings: Settings) -> str:
        """Return the one line that does the same."""
        given = {**self._knobs, **self._given(settings)}
        given.pop("progress", None)
        parts = [f"{name}={_code(value)}" for name, value in given.items()]
        if self.work is not None:
            first = "urls" if self.work.task is None else f"{_name(self.work.task)}, items"
            call = "fl.fetch" if self.work.task is None else "fl.map"
            return f"{call}({', '.join([first, *parts])})"
        if self._wants_settings:
            return f"{self.name}(settings)"
        return f"{self.name}({', '.join(parts)})"

    def _started(self, settings: Settings, without: tuple[str, ...]) -> Any:
        if self._wants_settings:
            assert self._call is not None
            own = SimpleNamespace(
                strategy=settings.strategy, workers=settings.workers, rate=settings.rate,
                cache=None if "cache" in without else settings.cache, **settings.own,
            )  # fmt: skip
            return self._call(own)
        knobs = {**self._knobs, **self._given(settings)}
        knobs = {name: value for name, value in knobs.items() if name not in without}
        if self._call is not None:
            return self._call(**knobs)
        assert self.work is not None
        if self.work.task is None:
            return fetch(self.work.items, **knobs)
        return map_items(self.work.task, self.work.items, **knobs)

    def _given(self, settings: Settings) -> dict[str, Any]:
        """The settings as knobs of the call."""
        given: dict[str, Any] = dict(settings.own)
        name = self._worker_name
        if settings.workers is not None and name is not None:
            auto = name in SAY_AUTO and isinstance(settings.workers, Adaptive)
            given[name] = "auto" if auto else settings.workers
        elif self.takes("strategy"):
            given["strategy"] = settings.strategy
        if settings.rate is not None and self.takes("rate"):
            given["rate"] = settings.rate
        if settings.cache is not None and self.takes("cache"):
            given["cache"] = settings.cache
        if self.work is not None or "progress" in self._names:
            given["progress"] = False
        return given

    @property
    def _worker_name(self) -> str | None:
        return next((name for name in WORKERS if name in self._names), None)

    def _look_at(self, call: Callable[..., Any]) -> None:
        """See which knobs a function has."""
        parameters = inspect.signature(call).parameters.values()
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        needed = [
            one.name
            for one in parameters
            if one.default is inspect.Parameter.empty
            and one.kind in (*positional, inspect.Parameter.KEYWORD_ONLY)
        ]
        missing = [name for name in needed if name not in self._knobs]
        if len(missing) > 1:
            raise ConfigError(
                "work", f"{self.name} also needs {', '.join(missing)}: give functools.partial({self.name}, …)"
            )
        self._wants_settings = bool(missing)
        self._names = frozenset(one.name for one in parameters)
        if not self._wants_settings:
            found = (_own(one, self._knobs) for one in parameters if one.name not in HIDDEN)
            self.own = tuple(own for own in found if own is not None)
            for own in self.own:  # the control has it now
                self._knobs.pop(own.name, None)


def _own(parameter: inspect.Parameter, knobs: Mapping[str, Any]) -> Own | None:
    """A parameter as a control, which begins with what is given for it; None if no control can hold that."""
    own = _plain(parameter)
    if own is None or parameter.name not in knobs:
        return own
    given = knobs[parameter.name]
    if own.value is None:  # may be left out
        return Own(own.name, given, own.kind, optional=True) if given is None or _whole(given) else None
    return Own(own.name, given, own.kind) if type(given) is type(own.value) else None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(parameter: inspect.Parameter) -> Own | None:
    value = parameter.default
    if isinstance(value, bool):
        return Own(parameter.name, value, "flag")
    if isinstance(value, int):
        return Own(parameter.name, value, "count")
    if isinstance(value, float):
        return Own(parameter.name, value, "number")
    if isinstance(value, str):
        return Own(parameter.name, value, "text")
    if value is None and "int" in str(parameter.annotation):
        return Own(parameter.name, None, "count", optional=True)
    return None


def _name(call: Any) -> str:
    if isinstance(call, partial):
        return _name(call.func)
    owner = getattr(call, "__self__", None)
    name = str(getattr(call, "__name__", type(call).__name__))
    return name if owner is None or inspect.ismodule(owner) else f"{type(owner).__name__.lower()}.{name}"


def _code(value: Any) -> str:
    """A value as code that a user would write."""
    if isinstance(value, Cache):
        return f"fl.Cache({None if value.path is None else str(value.path)!r}, mode={value.rules.mode!r})"
    if is_dataclass(value) and not isinstance(value, type):
        changed = [
            f"{one.name}={_code(given)}"
            for one in fields(value)
            if (given := getattr(value, one.name)) != one.default
        ]
        return f"fl.{type(value).__name__}({', '.join(changed)})"
    if callable(value):
        return str(getattr(value, "__name__", "…"))
    return repr(value)
