"""Facts as the store states them, as values: a fact of another kind than expected is None."""

from __future__ import annotations

from functools import lru_cache
from html import unescape
from typing import Any

__all__ = ["number_in", "price_of", "real", "string", "text_of", "whole"]

_MICROS = 1_000_000
_MOST = 2**63


def string(value: Any) -> str | None:
    """Return it if it is a string."""
    return value if isinstance(value, str) else None


def whole(value: Any) -> int | None:
    """Return it if it is a whole number that a table's column can hold."""
    return value if type(value) is int and -_MOST <= value < _MOST else None


def real(value: Any) -> float | None:
    """Return it as a number."""
    return value if type(value) is float else None if whole(value) is None else float(value)


def text_of(html: Any) -> str | None:
    """Return a text without its HTML."""
    return unescape(html.replace("<br>", "\r\n")) if isinstance(html, str) else None


def price_of(micros: Any) -> tuple[float | None, bool | None]:
    """Return a price in units of its currency, and whether it is none."""
    number = real(micros)
    return (None, None) if number is None else (number / _MICROS, number == 0)


@lru_cache(maxsize=1024)
def _digits(shown: str) -> int | None:
    digits = "".join(filter(str.isdecimal, shown))
    return int(digits) if digits else None


def number_in(shown: Any) -> int | None:
    """Return the number in ``1,000,000+``, whatever stands between its digits."""
    return _digits(shown) if isinstance(shown, str) else None
