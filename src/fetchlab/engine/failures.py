"""What users' own functions return and raise, made ours."""

from __future__ import annotations

from typing import Any

from fetchlab import errors
from fetchlab.redaction import redact_text

__all__ = ["drop_frames", "failed", "listed"]


def listed(items: Any) -> list[Any]:
    """Return what ``follow`` gave as a list.

    Raises:
        TypeError: it is one string, not a list of items.
    """
    if isinstance(items, str | bytes):
        raise TypeError("return a list of further items, not one string")
    return list(items or ())


def failed(where: str, error: Exception) -> Exception:
    """Return what a user's function raised as a TaskError, with the line that raised it as a note."""
    if isinstance(error, errors.FetchlabError):
        return error
    said = ": ".join(filter(None, (type(error).__name__, _text(error))))
    owned = errors.TaskError(redact_text(f"{where} raised {said}" if where else said))
    owned.__cause__ = error
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None:
        code = last.tb_frame.f_code
        owned.add_note(f"raised in {code.co_name} ({code.co_filename}, line {last.tb_lineno})")
    return owned


def _text(error: Exception) -> str:
    """Return what an error says, nothing if its own words fail: it is an item's failure all the same."""
    try:
        return str(error)
    except Exception:
        return ""


def drop_frames(error: BaseException) -> None:
    """Let go of the frames that an error and its causes hold: a kept error would keep all their locals."""
    seen: set[int] = set()
    rest: list[BaseException | None] = [error]
    while rest:
        one = rest.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            rest += [one.__cause__, one.__context__]
