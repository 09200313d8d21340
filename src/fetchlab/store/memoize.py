"""Functions that remember what they returned."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError, StoreError
from fetchlab.redaction import key_text
from fetchlab.store.creating import created, created_async
from fetchlab.store.naming import function_name, plain, remember_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.store.tiers import Tiers

__all__ = ["memoized"]


def memoized(
    tiers: Tiers, function: Callable[..., Any], *, ttl: Any, key: Callable[..., Any] | None
) -> Callable[..., Any]:
    """Return a function that asks the cache first; async where the given one is.

    Raises:
        ConfigError: what is given is no function, or cannot be told from another one without a ``key``.
    """
    if (
        not callable(function)
        or inspect.isasyncgenfunction(function)
        or inspect.isgeneratorfunction(function)
    ):
        raise ConfigError("memoize", f"give a plain or an async function, not {function!r}")
    name = function_name(function, keyed=key is not None)
    own = _arguments(function) if key is None else key

    def name_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        given = own(*args, **kwargs)
        return f"{name} {given}" if key is None else f"{name} {key_text(str(given))}"

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def remembered_async(*args: Any, **kwargs: Any) -> Any:
            return await created_async(tiers, name_of(args, kwargs), lambda: function(*args, **kwargs), ttl)

        remember_name(remembered_async, name)
        return remembered_async

    @functools.wraps(function)
    def remembered(*args: Any, **kwargs: Any) -> Any:
        return created(tiers, name_of(args, kwargs), lambda: function(*args, **kwargs), ttl)

    remember_name(remembered, name)
    return remembered


def _arguments(function: Callable[..., Any]) -> Callable[..., str]:
    """What makes a key of a call's arguments, however they are given."""
    signature = inspect.signature(function)

    def named(*args: Any, **kwargs: Any) -> str:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        try:
            return plain(given.arguments)
        except StoreError as error:
            raise ConfigError(
                "key", f"the arguments have no plain form ({error}); give memoize(key=…)"
            ) from None

    return named
