"""Where two results differ first: arms that did not do the same are not compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import polars as pl

__all__ = ["first_difference"]

MISSING = object()
SHOWN = 80


def first_difference(one: Any, other: Any, at: str = "") -> str | None:
    """Return where two values differ first and how, None if they are equal.

    Looks into tables, lists, mappings, dataclasses, arrays, and objects that know no equality of their own.
    Not-a-number equals itself.
    """
    if isinstance(one, pl.DataFrame) and isinstance(other, pl.DataFrame):
        return _in_tables(one, other, at)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _first(
            (first_difference(one.get(key, MISSING), other.get(key, MISSING), f"{at}[{key!r}]"))
            for key in dict.fromkeys([*one, *other])
        )
    if _is_list(one) and _is_list(other):
        pairs = enumerate(zip_longest(one, other, fillvalue=MISSING))
        return _first(first_difference(ours, theirs, f"{at}[{index}]") for index, (ours, theirs) in pairs)
    if is_dataclass(one) and type(one) is type(other) and not isinstance(one, type):
        return _first(
            first_difference(getattr(one, field.name), getattr(other, field.name), f"{at}.{field.name}")
            for field in fields(one)
        )
    if one is other or _same(one, other):
        return None
    if type(one) is type(other) and _by_identity(one):
        return first_difference(_state(one), _state(other), f"{at}.")
    return f"{at or 'the result'}: {_short(one)} ≠ {_short(other)}"


def _in_tables(one: pl.DataFrame, other: pl.DataFrame, at: str) -> str | None:
    if one.equals(other):
        return None
    if one.schema != other.schema:
        return first_difference(dict(one.schema), dict(other.schema), f"{at}.schema")
    if one.height != other.height:
        return f"{at or 'the table'}: {one.height:,} ≠ {other.height:,} rows"
    for name in one.columns:
        unequal = one[name].ne_missing(other[name]).arg_true()
        if len(unequal):
            row = unequal[0]
            return first_difference(one[name][row], other[name][row], f"{at}[{row}, {name!r}]")
    return None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return _same_arrays(one, other)
    try:
        return bool(one == other)
    except Exception:  # what cannot be compared is not known to be equal
        return False


def _same_arrays(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype != other.dtype:
        return False
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")


def _by_identity(value: Any) -> bool:
    """Whether the value's type says nothing of equality and has a state to look into."""
    known: Any = type(value).__eq__
    return known is object.__eq__ and hasattr(value, "__dict__") and not callable(value)


def _state(value: Any) -> dict[str, Any]:
    return dict(vars(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _first(found: Any) -> str | None:
    return next((difference for difference in found if difference is not None), None)


def _short(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
