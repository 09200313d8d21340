"""The knobs that several calls have, checked at the call: a wrong one would fail for every item instead."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from fetchlab.engine.tasks import is_generator, is_plain
from fetchlab.errors import ConfigError
from fetchlab.model import Request

__all__ = ["function", "not_one", "numbered", "statuses", "whole"]

F = TypeVar("F", bound=Callable[..., Any])


def not_one(requests: object) -> None:
    """Refuse a single request where many are meant."""
    if isinstance(requests, Request):
        raise ConfigError("requests", "give a list of requests, not one")


def whole(knob: str, value: object, *, instead: str = "") -> None:
    """Refuse what is no whole number of 1 or more; ``instead`` says what else the knob takes."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(knob, f"must be a whole number of 1 or more{instead}, not {value!r}")


def function(knob: str, value: F, *, may_yield: bool = False) -> F:
    """Return a plain function, refuse anything else; with ``may_yield`` a generator function will do."""
    if not callable(value) or not is_plain(value) or (is_generator(value) and not may_yield):
        raise ConfigError(knob, f"give a plain function, not {value!r}")
    return value


def numbered(priority: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the user's ``priority``, whose own failure stops the run under the knob's name."""

    def checked(item: Any) -> Any:
        try:
            order = priority(item)
        except Exception as error:
            raise ConfigError("priority", f"raised {type(error).__name__}: {error}") from error
        if not isinstance(order, int | float):
            raise ConfigError("priority", f"must return a number, not {order!r}")
        return order

    return checked


def statuses(accept: Collection[int]) -> Collection[int]:
    """Return a collection of HTTP statuses, refuse anything else."""
    if (
        isinstance(accept, str | bytes)
        or not isinstance(accept, Collection)
        or not all(isinstance(status, int) for status in accept)
    ):
        raise ConfigError("accept", f"give a set of HTTP statuses such as {{404}}, not {accept!r}")
    return accept
