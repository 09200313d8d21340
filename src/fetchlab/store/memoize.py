"""Functions that remember what they returned."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import textwrap
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError, StoreError
from fetchlab.redaction import redact_text
from fetchlab.store.creating import created, created_async
from fetchlab.store.values import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.store.tiers import Tiers

__all__ = ["function_name", "is_bound", "memoized"]


def memoized(
    tiers: Tiers, function: Callable[..., Any], *, ttl: Any, key: Callable[..., Any] | None
) -> Callable[..., Any]:
    """Return a function that asks the cache first; async where the given one is.

    Raises:
        ConfigError: what is given is no function.
    """
    if (
        not callable(function)
        or inspect.isasyncgenfunction(function)
        or inspect.isgeneratorfunction(function)
    ):
        raise ConfigError("memoize", f"give a plain or an async function, not {function!r}")
    name = function_name(function)
    own = _arguments(function) if key is None else key

    def name_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        given = str(own(*args, **kwargs))
        shown = redact_text(given)
        return f"{name} {shown}" if shown == given else f"{name} {shown} #{_digest(given)}"

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def remembered_async(*args: Any, **kwargs: Any) -> Any:
            return await created_async(tiers, name_of(args, kwargs), lambda: function(*args, **kwargs), ttl)

        return remembered_async

    @functools.wraps(function)
    def remembered(*args: Any, **kwargs: Any) -> Any:
        return created(tiers, name_of(args, kwargs), lambda: function(*args, **kwargs), ttl)

    return remembered


def is_bound(function: Callable[..., Any]) -> bool:
    """Say whether what a function does depends on an object it belongs to."""
    while isinstance(function, functools.partial):
        function = function.func
    return not (inspect.isfunction(function) or inspect.isbuiltin(function) or inspect.isclass(function))


def function_name(function: Callable[..., Any]) -> str:
    """Return a name that tells a function from others, and from what it was before it was changed.

    It holds a fingerprint of the source, comments and layout left out, and of what cannot change among its
    defaults and what it closes over. A partial's arguments count likewise. What it calls does not.
    """
    if isinstance(function, functools.partial):
        given = _fingerprint((*function.args, *sorted(function.keywords), *function.keywords.values()))
        return f"{function_name(function.func)}({given})"
    named = function if hasattr(function, "__qualname__") else type(function)
    try:
        source = textwrap.dedent(inspect.getsource(named))
    except (OSError, TypeError):
        source = ""
    try:
        source = ast.unparse(ast.parse(source))
    except (SyntaxError, ValueError):  # a lambda in the middle of something
        source = source.strip()
    kwdefaults = getattr(function, "__kwdefaults__", None) or {}
    held = [getattr(function, "__defaults__", None), *kwdefaults.values()]
    for cell in getattr(function, "__closure__", None) or ():
        with suppress(ValueError):  # not bound yet
            held.append(cell.cell_contents)
    return f"{named.__module__}.{named.__qualname__}@{_digest(source + _fingerprint(tuple(held)))}"


def _fingerprint(value: Any) -> str:
    """Tell values apart that cannot change: numbers, text, tuples, functions by their names."""
    if isinstance(value, tuple):
        return _digest(",".join(map(_fingerprint, value)))
    if inspect.isfunction(value) or isinstance(value, functools.partial):
        return function_name(value)
    if isinstance(value, str | bytes | int | float | None):
        return _plain(value)
    return type(value).__qualname__


def _arguments(function: Callable[..., Any]) -> Callable[..., str]:
    """What makes a key of a call's arguments, however they are given."""
    signature = inspect.signature(function)

    def named(*args: Any, **kwargs: Any) -> str:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        try:
            return _plain(given.arguments)
        except StoreError as error:
            raise ConfigError(
                "key", f"the arguments have no plain form ({error}); give memoize(key=…)"
            ) from None

    return named


def _plain(value: Any) -> str:
    """Plain values as JSON, in full while that is short."""
    _, data = encode(value)
    text = json.dumps(json.loads(data), sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 200 else _digest(text)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
