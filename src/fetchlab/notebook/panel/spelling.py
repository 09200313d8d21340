"""Values and functions as Python that a reader can execute.

What has no source text, and what is secret, becomes a name: the parameter's, which the reader gives a value.
"""

from __future__ import annotations

import importlib
import inspect
import keyword
import math
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from fetchlab.engine.journal import Journal
from fetchlab.notebook.panel.own import is_secret
from fetchlab.notebook.panel.settings import FILE, CacheChoice
from fetchlab.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["arguments", "callee", "spelled"]

FEW = 5
"""A collection of more is a name."""
BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}")}


def spelled(name: str, value: Any) -> str:
    """Return a value as Python, or ``name`` where that cannot be done or should not."""
    said = None if is_secret(name, value) else _said(value)
    return name if said is None else said


def callee(call: Any, name: str) -> str:
    """Return what a function is called by: ``catalogue.ids``, or ``name`` if it has no name."""
    if isinstance(call, partial):
        return callee(call.func, name)
    return _called(call) or name


def arguments(call: Any) -> list[str]:
    """Return what a ``functools.partial`` gives by place, as Python."""
    if not isinstance(call, partial):
        return []
    said: list[str] = []
    parameters = iter(inspect.signature(call.func).parameters.values())
    one = next(parameters, None)
    for value in call.args:
        if one is None or one.kind is inspect.Parameter.VAR_POSITIONAL:
            return [*said, f"*{one.name if one is not None else 'args'}"]
        said.append(spelled(one.name, value))
        one = next(parameters, None)
    return said


def _said(value: Any) -> str | None:
    if value is None or isinstance(value, bool | int | str | bytes):
        return _literal(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
    if isinstance(value, PurePath):
        return _literal(str(value))
    if isinstance(value, Cache):
        return _made("fl.Cache", Cache, value.knobs)
    if isinstance(value, CacheChoice):
        return _chosen(value)
    if isinstance(value, Journal):
        names = ("path", "batch_size", "skip_known", "retry_failed")
        return _made("fl.Journal", Journal, {name: getattr(value, name) for name in names})
    if type(value) in (list, tuple, set, dict):
        return _collected(value)
    if isinstance(value, type) or not is_dataclass(value):
        return _called(value) if callable(value) else None
    changed = {
        one.name: given
        for one in fields(value)
        if one.init and (given := getattr(value, one.name)) != _usual(one)
    }
    return f"{_called(type(value)) or type(value).__name__}({_keywords(changed)})"


def _literal(value: Any) -> str | None:
    kind = type(value)
    if kind not in (type(None), bool, int, str, bytes):  # an enumeration, say
        return None
    return None if is_secret("", value) else repr(value)


def _collected(value: Any) -> str | None:
    if len(value) > FEW or (type(value) is set and not value):
        return None
    if isinstance(value, dict):
        pairs = [
            (_said(name), None if is_secret(str(name), one) else _said(one)) for name, one in value.items()
        ]
        if any(None in pair for pair in pairs):
            return None
        return "{" + ", ".join(f"{name}: {one}" for name, one in pairs) + "}"
    parts = [_said(one) for one in value]
    if any(part is None for part in parts):
        return None
    begin, end = BRACKETS[type(value)]
    comma = "," if type(value) is tuple and len(value) == 1 else ""
    return f"{begin}{', '.join(map(str, parts))}{comma}{end}"


def _chosen(choice: CacheChoice) -> str:
    given = choice.given
    if isinstance(given, Cache):
        return _made("fl.Cache", Cache, given.knobs | {"mode": choice.mode})
    place = f"fl.notebook.here({FILE!r})" if given is None else spelled("path", given)
    mode = "" if choice.mode == "use" else f", mode={choice.mode!r}"
    return f"fl.Cache({place}{mode})"


def _made(name: str, kind: type, knobs: Mapping[str, Any]) -> str:
    """A call of a class with those knobs that are not as usual, a path by its place."""
    usual = inspect.signature(kind).parameters
    changed = {knob: value for knob, value in knobs.items() if value != usual[knob].default}
    path = [spelled("path", changed.pop("path"))] if "path" in changed else []
    return f"{name}({', '.join([*path, *([_keywords(changed)] if changed else [])])})"


def _keywords(knobs: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={spelled(name, value)}" for name, value in knobs.items())


def _usual(one: Any) -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def _called(call: Any) -> str | None:
    """What a function or class is called by, None if it has no name of its own."""
    name = getattr(call, "__name__", None)
    if not _is_name(name):
        return None
    owner = getattr(call, "__self__", None)
    if owner is not None and not inspect.ismodule(owner):
        return f"{owner.__name__ if isinstance(owner, type) else type(owner).__name__.lower()}.{name}"
    return _public(call, str(name)) or str(name)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)


def _public(call: Callable[..., Any], name: str) -> str | None:
    """Where ``fl`` has it, the nearest to the top; None if it is none of ours."""
    parts = str(getattr(call, "__module__", "")).split(".")
    if parts[0] != "fetchlab":
        return None
    homes: Iterable[list[str]] = (parts[:depth] for depth in range(1, len(parts) + 1))
    found = (home for home in homes if getattr(importlib.import_module(".".join(home)), name, None) is call)
    home = next(found, None)
    return None if home is None else ".".join(["fl", *home[1:], name])
