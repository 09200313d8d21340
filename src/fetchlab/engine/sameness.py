"""Whether two calls are the same one made twice, as when a cell is run again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Sized
from functools import partial
from types import CodeType, FunctionType, GeneratorType, MethodType
from typing import Any

__all__ = ["described"]

_PLAIN = (str, bytes, int, float, bool, type(None))


def described(thing: object) -> str:
    """Return what tells a call from another: its function's code, the length and ends of its input.

    A cell that is run again makes new functions and lists; their descriptions are equal. What an iterator
    will give cannot be told without reading it, so two of one kind are taken for the same.
    """
    return hashlib.sha256(_said(thing, 6).encode("utf-8", "backslashreplace")).hexdigest()


def _said(thing: object, depth: int) -> str:
    if isinstance(thing, _PLAIN):
        return repr(thing)
    name = f"{type(thing).__module__}.{type(thing).__qualname__}"
    if depth <= 0:
        return name
    said = _parts(thing, name)
    return said if isinstance(said, str) else f"({', '.join(_said(part, depth - 1) for part in said)})"


def _parts(thing: Any, name: str) -> str | tuple[Any, ...]:
    if isinstance(thing, partial):
        return (thing.func, thing.args, tuple(thing.keywords.items()))
    if isinstance(thing, MethodType):
        return (thing.__func__,)
    if isinstance(thing, FunctionType):
        cells = tuple(cell.cell_contents for cell in thing.__closure__ or () if _filled(cell))
        return (thing.__module__, thing.__qualname__, thing.__code__, thing.__defaults__, cells)
    if isinstance(thing, CodeType):
        return (thing.co_code, thing.co_names, thing.co_consts)
    if isinstance(thing, GeneratorType):
        return (name, thing.gi_code)
    if isinstance(thing, type):
        return f"{thing.__module__}.{thing.__qualname__}"
    if isinstance(thing, tuple) and len(thing) < 20:
        return thing
    if isinstance(thing, Sequence) and len(thing):
        return (name, len(thing), thing[0], thing[-1])
    if isinstance(thing, Sized):
        return (name, len(thing))
    url = getattr(thing, "url", None)
    return name if url is None else (name, str(url))


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
