"""The work that is measured: the same items again and again, by one strategy or another."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

from fetchlab.bench.heap import collect_garbage
from fetchlab.engine.calls import fetch
from fetchlab.engine.calls import map as map_items
from fetchlab.engine.remote import Remote
from fetchlab.engine.strategies import Async, Batch, Chunked, Processes, Sequential, Strategy, Threads
from fetchlab.errors import ConfigError
from fetchlab.model import Request
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.keys import host_of
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from fetchlab.engine.run import Run

__all__ = ["How", "Work", "ended", "knobs_of", "named"]

How: TypeAlias = int | Adaptive | Strategy | Mapping[str, Any]
"""How a piece of work is done: a number of workers, a strategy, or several knobs of the call."""


class Work:
    """Items, and what is done with each: fetched, or given to a function.

    Every run has a fresh client, closed at its end, and no cache and no journal unless the knobs name one.

    Args:
        items: read anew in every run.
        task: what is called with each item; None fetches them.
        wait: waits for the end of a run; :func:`ended` unless told.
        knobs: of :func:`~fetchlab.engine.calls.fetch` or :func:`~fetchlab.engine.calls.map`, for every run.

    Raises:
        ConfigError: a knob is none of that call's.
    """

    def __init__(
        self,
        items: Collection[Any],
        task: Callable[[Any], Any] | None = None,
        *,
        wait: Callable[[Run], Run] | None = None,
        **knobs: Any,
    ) -> None:
        self.items = items
        self.task = task
        self.wait = wait or ended
        self.knobs = self.checked(knobs)

    def checked(self, knobs: dict[str, Any]) -> dict[str, Any]:
        """Return the knobs, all of which the call has.

        Raises:
            ConfigError: it has no such knob.
        """
        call = fetch if self.task is None else map_items
        names = inspect.signature(call).parameters
        for name in knobs:
            if name not in names:
                near = get_close_matches(name, names, 1)
                meant = f"; did you mean {near[0]}?" if near else ""
                raise ConfigError(name, f"is no knob of fl.{call.__name__}{meant}")
        return knobs

    @classmethod
    def of(cls, work: Any, **knobs: Any) -> Work:
        """Return the work a user means: items to fetch, or ``(task, items)``.

        Raises:
            ConfigError: it is neither, empty, or an iterator, which could be read only once.
        """
        if isinstance(work, Work):
            return cls(work.items, work.task, wait=work.wait, **{**work.knobs, **knobs}) if knobs else work
        task, items = None, work
        if isinstance(work, tuple) and len(work) == 2 and callable(work[0]):
            task, items = work
        if isinstance(items, str | bytes | Mapping) or not isinstance(items, Collection):
            raise ConfigError(
                "work",
                "give a list of URLs or requests, or (task, items): it is done again in every round, so that "
                f"an iterator will not do; not {_short(items)}",
            )
        if not len(items):
            raise ConfigError("work", "give at least one item")
        return cls(items, task, **knobs)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def hosts(self) -> list[str]:
        """The hosts that are asked, in the order of the items; none for a task."""
        if self.task is not None:
            return []
        return list(dict.fromkeys(host_of(Request.of(item).url) for item in self.items))

    def take(self, count: int) -> Work:
        """Return the same work on the first items."""
        items = list(self.items)[:count]
        return type(self)(items, self.task, wait=self.wait, **self.knobs)

    def run(self, how: How) -> Run:
        """Do it once, to the end."""
        collect_garbage()
        knobs: dict[str, Any] = {**self.knobs, **self.checked(knobs_of(how))}
        knobs.setdefault("progress", False)
        if self.task is not None:
            return self.wait(map_items(self.task, self.items, **knobs))
        if "client" in knobs:
            return self.wait(fetch(self.items, **knobs))
        with Client() as client:
            return self.wait(fetch(self.items, client=client, **knobs))


def ended(run: Run) -> Run:
    """Wait for a run's end; whoever interrupts the waiting ends the run, too."""
    try:
        return run.wait()
    except BaseException:
        run.cancel()
        raise


def knobs_of(how: How) -> dict[str, Any]:
    """Return the knobs that say how.

    Raises:
        ConfigError: it is no number of workers, strategy or mapping of knobs.
    """
    if isinstance(how, Mapping):
        return dict(how)
    if isinstance(how, Adaptive) or (isinstance(how, int) and not isinstance(how, bool)):
        return {"workers": how}
    if isinstance(how, Strategy):
        return {"strategy": how}
    raise ConfigError("strategies", f"give fl.Async(20), a number of workers or a dict of knobs, not {how!r}")


def named(how: How) -> str:
    """Return a short name: ``"20 workers"``, ``"Adaptive()"``, ``"Chunked(20)"``."""
    match how:
        case Async(workers):
            return named(workers)
        case Adaptive():
            return _adaptive(how)
        case Sequential(delay):
            return f"Sequential({delay:g})" if delay else "Sequential()"
        case Chunked(number) | Threads(number) | Processes(number):
            return f"{type(how).__name__}({number})"
        case Batch() | Remote():
            return f"{type(how).__name__}()"
        case int():
            return f"{how} worker{'s' if how != 1 else ''}"
        case _:
            return ", ".join(f"{knob}={_short(value)}" for knob, value in how.items()) or "as it is"


def _adaptive(how: Adaptive) -> str:
    usual = Adaptive()
    changed = [
        f"{knob}={getattr(how, knob)}"
        for knob in ("min", "max", "start")
        if getattr(how, knob) != getattr(usual, knob)
    ]
    return f"Adaptive({', '.join(changed)})"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
