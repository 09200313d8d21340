"""A work's own plain parameters, as knobs that a control can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fetchlab.redaction import redact_data

if TYPE_CHECKING:
    import inspect
    from collections.abc import Mapping

__all__ = ["Own", "is_secret", "own_of"]


@dataclass(frozen=True, slots=True)
class Own:
    """A knob of the work's own that a control can hold.

    Attributes:
        name: the parameter's.
        value: what the control begins with.
        kind: ``"flag"``, ``"count"``, ``"number"`` or ``"text"``.
        optional: a count that may be left out.
    """

    name: str
    value: Any
    kind: str
    optional: bool = False


def own_of(parameter: inspect.Parameter, knobs: Mapping[str, Any]) -> Own | None:
    """Return a parameter as a control, which begins with what is given for it; None if none can hold that.

    A secret has no control: what a control holds is saved with the notebook.
    """
    own = _plain(parameter)
    if own is None or is_secret(own.name, knobs.get(own.name, own.value)):
        return None
    if own.name not in knobs:
        return own
    given = knobs[parameter.name]
    if own.value is None:  # may be left out
        return Own(own.name, given, own.kind, optional=True) if given is None or _whole(given) else None
    return Own(own.name, given, own.kind) if type(given) is type(own.value) else None


def is_secret(name: str, value: Any) -> bool:
    """Say whether a text, or what holds texts, stands under a secret's name or looks like one."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str | list | tuple | set | dict):
        return False
    return bool(redact_data({name: "?"}) != {name: "?"}) or (
        isinstance(value, str) and redact_data(value) != value
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(parameter: inspect.Parameter) -> Own | None:
    value = parameter.default
    if isinstance(value, bool):
        return Own(parameter.name, value, "flag")
    if isinstance(value, int):
        return Own(parameter.name, value, "count")
    if isinstance(value, float):
        return Own(parameter.name, value, "number")
    if isinstance(value, str):
        return Own(parameter.name, value, "text")
    if value is None and "int" in str(parameter.annotation):
        return Own(parameter.name, None, "count", optional=True)
    return None
