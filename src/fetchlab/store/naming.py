"""Names that tell functions apart, and each from what it was before it was changed.

A name holds a fingerprint of what the function does and of what it holds. What it does is its source, so that
comments, layout and another Python make no difference; for lambdas, whose source is a whole line, and where
there is none, the compiled code. What it holds is its defaults and what it closes over, by value. What it
calls by a global name does not count.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import hashlib
import inspect
import json
import re
import textwrap
import types
import weakref
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError, StoreError
from fetchlab.redaction import redact_data
from fetchlab.store.values import encode
from fetchlab.transport.pages import Browser

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["digest", "function_name", "plain", "remember_name"]

SHORT = 200
"""Characters; what is longer stands in a name by its fingerprint."""
_known: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def function_name(function: Callable[..., Any], *, keyed: bool = False) -> str:
    """Return a function's name; a partial's arguments count like what it holds.

    Args:
        function: a function, a class or a partial of one.
        keyed: the user names the calls; then what cannot be told apart is the user's business.

    Raises:
        ConfigError: it is bound to an object, or holds one that cannot be told from another one.
    """
    if not keyed and _is_bound(function):
        raise ConfigError(
            "key",
            "with a cache, what is bound to an object needs key=…: it looks like the same of another one",
        )
    return _Namer(keyed=keyed).name(function)


def remember_name(function: Callable[..., Any], name: str) -> None:
    """Let a function that remembers be known by the name of what it remembers."""
    _known[function] = f"remembered {name}"


def plain(value: Any) -> str:
    """Return a plain value as JSON, in full while that is short.

    What is secret in it, by its name or by what it looks like, is masked, and a fingerprint tells it apart.

    Raises:
        StoreError: it has no plain form.
    """
    kind, data = encode(value)
    if kind not in ("json", "tagged"):
        return digest(kind + hashlib.blake2b(data).hexdigest())
    settled = _settled(json.loads(data))
    text, shown = (_dumped(one) for one in (settled, redact_data(settled)))
    told = shown if len(shown) <= SHORT else digest(text)
    return told if shown == text else f"{told} #{digest(text)}"


def digest(text: str) -> str:
    """Return the fingerprint of a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class _Namer:
    """Makes one name; knows what it is in the middle of, for functions that hold themselves."""

    def __init__(self, *, keyed: bool) -> None:
        self._keyed = keyed
        self._under_way: list[int] = []

    def name(self, function: Any) -> str:
        if isinstance(function, functools.partial):
            given = self._held("an argument", (function.args, function.keywords))
            return f"{self.name(function.func)}({digest(given)})"
        known = _known.get(function) if inspect.isfunction(function) else None
        if known is not None:
            return known
        named = function if hasattr(function, "__qualname__") else type(function)
        name = f"{named.__module__}.{named.__qualname__}"
        if not inspect.isfunction(function):
            return f"{name}@{digest(_source(named) or '')}"
        if id(function) in self._under_way:
            return name
        self._under_way.append(id(function))
        code = function.__code__
        does = (None if code.co_name == "<lambda>" else _source(code)) or _compiled(code)
        held = [
            self._held("a default", (function.__defaults__ or (), function.__kwdefaults__ or {})),
            *(
                self._held(free, cell)
                for free, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
            ),
        ]
        self._under_way.pop()
        return f"{name}@{digest(','.join((does, *held)))}"

    def _held(self, what: str, value: Any) -> str:
        try:
            return self._fingerprint(value)
        except (StoreError, RecursionError):
            raise ConfigError(
                "key",
                f"with a cache, a function that holds {what} needs key=…: nothing tells its"
                " value from another one, for it has no plain form",
            ) from None

    def _fingerprint(self, value: Any) -> str:
        """Tell values apart: plain ones and tables by what they are, functions and classes by their names."""
        if isinstance(value, types.CellType):
            try:
                return self._fingerprint(value.cell_contents)
            except ValueError:  # not bound yet
                return "unbound"
        if type(value) in (tuple, list):
            return digest(type(value).__name__ + ",".join(map(self._fingerprint, value)))
        if type(value) in (set, frozenset):
            return digest("set" + ",".join(sorted(map(self._fingerprint, value))))
        if type(value) is dict:
            pairs = sorted(f"{self._fingerprint(key)}:{self._fingerprint(one)}" for key, one in value.items())
            return digest("dict" + ",".join(pairs))
        if isinstance(value, types.ModuleType):
            return value.__name__
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        if isinstance(value, enum.Enum):
            return f"{self._fingerprint(type(value))}.{value.name}"
        if isinstance(value, Browser):  # its pages are alike
            return repr(value)
        if isinstance(value, re.Pattern):
            return self._fingerprint((value.pattern, value.flags))
        if isinstance(value, functools.partial) or inspect.isfunction(value):
            return self.name(value)
        if inspect.isroutine(value):  # built in, or bound
            return f"{value.__qualname__}({self._fingerprint(getattr(value, '__self__', None))})"
        if dataclasses.is_dataclass(value):
            fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
            return self._fingerprint(type(value)) + self._fingerprint(fields)
        try:
            return plain(value)
        except StoreError:
            if self._keyed:
                return type(value).__qualname__
            raise


def _is_bound(function: Any) -> bool:
    """Say whether what a function does depends on an object it belongs to."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isbuiltin(function):
        return not isinstance(function.__self__, types.ModuleType | None)
    return not (inspect.isfunction(function) or inspect.isclass(function))


def _source(named: Any) -> str | None:
    """Return a source without comments and layout, None if there is none."""
    try:
        return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(named))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None


def _compiled(code: types.CodeType) -> str:
    """Return the fingerprint of compiled code: what it does, not where it stands."""
    arguments = code.co_argcount + code.co_kwonlyargcount
    parts = (
        code.co_code.hex(),
        code.co_exceptiontable.hex(),
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags),
        (code.co_names, code.co_varnames[:arguments], code.co_freevars),
        [_constant(one) for one in code.co_consts],
    )
    return digest(repr(parts))


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return _compiled(value)
    if isinstance(value, tuple):
        return repr([_constant(one) for one in value])
    if isinstance(value, frozenset):
        return repr(sorted(map(_constant, value)))
    return repr(value)


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _settled(value: Any) -> Any:
    """Put what has no order of its own into one: sets, and dicts with other keys than text."""
    if isinstance(value, list):
        return [_settled(one) for one in value]
    if not isinstance(value, dict):
        return value
    settled = {name: _settled(one) for name, one in value.items()}
    for tag in ("$set", "$frozenset", "$dict"):
        if tag in settled and isinstance(settled[tag], list):
            settled[tag] = sorted(settled[tag], key=_dumped)
    return settled
