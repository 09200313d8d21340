"""What makes the values of a run: noted with a journal's sessions, so that two kinds are told apart."""

from __future__ import annotations

from typing import Any, get_origin

from fetchlab.store.journal_makers import FUNCTION
from fetchlab.store.naming import function_name

__all__ = ["maker_of"]


def maker_of(knob: str, made_by: Any) -> str:
    """Return how a journal notes what makes its values.

    A task is a function, also where it is a type; as ``parse`` a type is a kind of its own.

    Args:
        knob: what the user gave it as.
        made_by: a word, a type, or a function; a function is noted with a fingerprint of its source.
    """
    if knob == "parse" and isinstance(made_by, type) and get_origin(made_by) is None:
        return f"{knob}={made_by.__module__}.{made_by.__qualname__}"
    if isinstance(made_by, str) or get_origin(made_by) is not None:
        return f"{knob}={made_by!r}"
    try:
        return f"{FUNCTION}{function_name(made_by)}"
    except Exception:  # of an odd callable, nobody's reason to fail a call
        named = made_by if hasattr(made_by, "__qualname__") else type(made_by)
        return f"{FUNCTION}{named.__qualname__}"
