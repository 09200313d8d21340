"""Values as bytes and back, without pickle: JSON, plain bytes, Arrow.

=============  =====================================================================
``"bytes"``    the bytes themselves
``"arrow"``    a polars DataFrame as Arrow IPC
``"response"`` a response: a JSON head, then the body as it is; secret headers masked
``"json"``     everything that JSON gives back unchanged
``"tagged"``   JSON in which ``{"$tuple": …}`` and its like stand for what JSON has no word for
=============  =====================================================================

What comes back equals what went in. Dataclasses, msgspec Structs and pydantic models come back as such if
their class is there, in a module that is imported; otherwise as dicts: nothing is imported or run because a
file says so.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import io
import json
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.errors import StoreError
from fetchlab.model import Response
from fetchlab.store import responses

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode", "encode"]

_PLAIN = (str, int, float, bool, type(None))
_TIMES: dict[str, Callable[[str], Any]] = {
    "$datetime": dt.datetime.fromisoformat,
    "$date": dt.date.fromisoformat,
    "$time": dt.time.fromisoformat,
}


def encode(value: Any) -> tuple[str, bytes]:
    """Return a value's kind and bytes.

    Raises:
        StoreError: it is nothing that can be stored; the message says what can.
    """
    if type(value) is bytes:
        return "bytes", value
    if isinstance(value, Response):
        return "response", responses.pack(value)
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(value, polars.DataFrame):
        file = io.BytesIO()
        try:
            value.write_ipc(file, compression="lz4")
        except Exception as error:  # a column of Python objects
            raise StoreError(f"this DataFrame cannot be stored: {error}") from error
        return "arrow", file.getvalue()
    try:
        data = msgspec.json.encode(value)
        if msgspec.json.decode(data) == value:
            return "json", data
    except Exception:  # noqa: S110  # what is no JSON may have a word among the tagged
        pass
    try:
        return "tagged", json.dumps(_tagged(value)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"a value of type {type(value).__name__} cannot be stored ({error}): return JSON values, bytes, "
            "a dataclass or a polars DataFrame"
        ) from error


def decode(kind: str, data: bytes) -> Any:
    """Return the value that :func:`encode` made bytes of.

    Raises:
        StoreError: the bytes are no such value.
    """
    try:
        if kind == "bytes":
            return bytes(data)
        if kind == "json":
            return msgspec.json.decode(data)
        if kind == "tagged":
            return _untagged(json.loads(data))
        if kind == "response":
            return responses.unpack(data)
        if kind == "arrow":
            import polars as pl

            return pl.read_ipc(io.BytesIO(data))
    except Exception as error:
        raise StoreError(f"a stored value is damaged ({type(error).__name__}: {error})") from error
    raise StoreError(f"a stored value is of a kind that this fetchlab does not know: {kind!r}")


def _tagged(value: Any) -> Any:
    """Return what JSON can say, with tags for what it cannot."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, list):
        return [_tagged(one) for one in value]
    if isinstance(value, dict):
        if all(type(name) is str and not name.startswith("$") for name in value):
            return {name: _tagged(one) for name, one in value.items()}
        return {"$dict": [[_tagged(name), _tagged(one)] for name, one in value.items()]}
    if isinstance(value, tuple) and type(value) is tuple:
        return {"$tuple": [_tagged(one) for one in value]}
    if isinstance(value, set | frozenset):
        return {"$set" if isinstance(value, set) else "$frozenset": [_tagged(one) for one in value]}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, PurePath):
        return {"$path": str(value)}
    for name, cls in (("$datetime", dt.datetime), ("$date", dt.date), ("$time", dt.time)):
        if isinstance(value, cls):
            return {name: value.isoformat()}
    return {"$type": _name_of(type(value)), "fields": _tagged(_fields_of(value))}


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(one) for one in value]
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if not tag.startswith("$"):
        return {name: _untagged(one) for name, one in value.items()}
    inner = value[tag]
    if tag == "$dict":
        return {_untagged(name): _untagged(one) for name, one in inner}
    if tag == "$bytes":
        return base64.b64decode(inner)
    if tag == "$path":
        return Path(inner)
    if tag in _TIMES:
        return _TIMES[tag](inner)
    if tag == "$type":
        return _made(inner, _untagged(value["fields"]))
    made = {"$tuple": tuple, "$set": set, "$frozenset": frozenset}[tag]
    return made(_untagged(inner))


def _fields_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass, a Struct or a model.

    Raises:
        TypeError: it is none of these.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if callable(getattr(value, "model_dump", None)):
        dumped: dict[str, Any] = value.model_dump(mode="json")
        return dumped
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _name_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _made(name: str, fields: dict[str, Any]) -> Any:
    """Make an instance if the class is there and of a kind that holds plain fields."""
    module, _, qualname = name.partition(":")
    cls: Any = sys.modules.get(module)
    for part in qualname.split("."):
        cls = getattr(cls, part, None)
    if not isinstance(cls, type) or _name_of(cls) != name:
        return fields
    if dataclasses.is_dataclass(cls) or issubclass(cls, msgspec.Struct):
        return cls(**fields)
    validate = getattr(cls, "model_validate", None)
    return validate(fields) if callable(validate) else fields
