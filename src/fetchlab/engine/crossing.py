"""What crosses between a run and its worker processes: frames of bytes, values, errors.

A frame is a length and that many bytes. Values cross as plain data (pickle; with cloudpickle, so that
functions and classes of a notebook's cells cross too), an error as its class and text, the line that
raised it, and its causes. Only bytes from a process that this one started, or was started by, are read.
"""

from __future__ import annotations

import io
import os
import pickle  # see above: never a file's or a network's bytes
import struct
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from fetchlab import errors

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Gone", "pack", "pack_checked", "pack_error", "raise_again", "receive", "send", "unpack", "write"]

Where: TypeAlias = "tuple[str, str, int] | None"  # function, file, line
Described: TypeAlias = "tuple[str, type[BaseException], str, dict[str, Any]]"

_LENGTH = struct.Struct("<Q")
_PLAIN = frozenset({bytes, str, int, float, bool, type(None)})
_LONGEST_CHAIN = 8


class Gone(Exception):
    """The other side has closed its end."""


def send(fd: int, data: bytes) -> None:
    """Write one frame.

    Raises:
        Gone: nobody reads any more.
    """
    write(fd, _LENGTH.pack(len(data)))
    write(fd, data)


def write(fd: int, data: bytes) -> None:
    """Write bytes without a frame around them; raises like :func:`send`."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest[: 1 << 20]) :]
        except OSError as error:
            raise Gone from error


def receive(fd: int) -> bytes:
    """Read one frame.

    Raises:
        Gone: the other side ended, or closed, before all of it was there.
    """
    (length,) = _LENGTH.unpack(_read(fd, _LENGTH.size))
    return bytes(_read(fd, length))


def _read(fd: int, length: int) -> bytearray:
    data = bytearray()
    while len(data) < length:
        try:
            part = os.read(fd, min(length - len(data), 1 << 20))
        except OSError as error:
            raise Gone from error
        if not part:
            raise Gone
        data += part
    return data


def pack(value: Any) -> bytes:
    """Return a value as bytes; it may raise whatever the value's own reduction raises."""
    if type(value) in _PLAIN:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    file = io.BytesIO()
    _pickler()(file, pickle.HIGHEST_PROTOCOL).dump(value)
    return file.getvalue()


def pack_checked(value: Any) -> bytes:
    """Return a value as bytes that were seen to be a value again; what is plain data always is.

    Raises:
        Exception: whatever the value's own reduction raises, or what makes it again.
    """
    if type(value) in _PLAIN:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    file = io.BytesIO()
    pickler = _pickler()(file, pickle.HIGHEST_PROTOCOL)
    pickler.dump(value)
    data = file.getvalue()
    if not pickler.plain:
        unpack(data)
    return data


@cache
def _pickler() -> Any:
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        """Refuses in time, and in clear words, what cloudpickle packs and then cannot make again."""

        plain = True  # until there is something that is made again by a function or class

        def reducer_override(self, value: Any) -> Any:
            self.plain = False
            if type(value).__name__ == "StructMeta" and not _importable(value):
                raise TypeError(
                    f"{value.__name__} is a msgspec Struct of a notebook or script; define it in a module"
                )
            return super().reducer_override(value)

    return Pickler


def _importable(cls: type) -> bool:
    home = sys.modules.get(cls.__module__)
    return cls.__module__ != "__main__" and getattr(home, cls.__qualname__, None) is cls


def unpack(data: bytes) -> Any:
    """Return the value that was packed; it may raise what importing its classes raises."""
    return pickle.loads(data)  # noqa: S301


def pack_error(error: BaseException) -> bytes:
    """Return an error and its causes as bytes; what cannot cross is described."""
    chain: list[tuple[bytes | None, Described, Where]] = []
    one: BaseException | None = error
    while one is not None and len(chain) < _LONGEST_CHAIN:
        chain.append((_packed(one), _described(one), _where(one.__traceback__)))
        one = one.__cause__
    return pickle.dumps(chain, pickle.HIGHEST_PROTOCOL)


def raise_again(data: bytes) -> NoReturn:
    """Raise the error that :func:`pack_error` packed, from the line that raised it, its causes in place.

    Raises:
        BaseException: that error, or where it cannot cross one of the same name and text.
    """
    later: BaseException | None = None
    where: Where = None
    for packed, described, place in reversed(unpack(data)):
        error = _unpacked(packed) or _made(*described)
        error.__cause__, later, where = later, error, place
    assert later is not None
    if where is None:
        raise later
    _raise_from(later, *where)
    raise later  # never reached, but a type checker cannot know


def _packed(error: BaseException) -> bytes | None:
    try:
        return pack(error)
    except Exception:
        return None


def _unpacked(packed: bytes | None) -> BaseException | None:
    try:
        error = None if packed is None else unpack(packed)
    except Exception:  # a class whose __init__ wants more than it kept is common
        return None
    return error if isinstance(error, BaseException) else None


def _described(error: BaseException) -> Described:
    try:
        text = str(error)
    except Exception:
        text = ""
    base: type[BaseException] = Exception if isinstance(error, Exception) else BaseException
    state: dict[str, Any] = {}
    for cls in type(error).__mro__:
        if cls.__module__ == errors.__name__:
            base = cls
            state = {name: value if type(value) in _PLAIN else None for name, value in vars(error).items()}
            break
    return (type(error).__name__, base, text, state)


def _made(name: str, base: type[BaseException], text: str, state: dict[str, Any]) -> BaseException:
    """Return a stand-in of the same name and text; what decides on it looks at our own classes only."""
    space = {"__doc__": "Stands for an exception that could not cross."}
    cls: type[BaseException] = type(name, (base,), space)
    error = cls.__new__(cls, *([text] if text else ()))
    error.__dict__.update(state)
    return error


def _where(trace: TracebackType | None) -> Where:
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return (code.co_name, code.co_filename, trace.tb_lineno)


def _raise_from(error: BaseException, function: str, file: str, line: int) -> None:
    """Raise with a traceback that ends in that line: frames do not cross, but readers look for the line."""
    code = compile("raise error", file, "exec").replace(co_name=function, co_firstlineno=line)
    exec(code, {"error": error})  # noqa: S102  # three words of our own
