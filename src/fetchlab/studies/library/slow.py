"""guessit: reads nearly any name, some hundred a second. Imported only where a name needs it."""

from __future__ import annotations

from typing import Any, Literal

from fetchlab.studies.library.parsed import Parsed

__all__ = ["guess"]

_FOLDERS = 3
"""Folders that are given to it: those further up sort the library, and cost time."""


def guess(folders: tuple[str, ...], name: str, why: str) -> Parsed:
    """Read a name with guessit.

    Args:
        folders: the names of the folders that the file is in.
        name: the file's name.
        why: why the fast path did not.
    """
    from guessit import guessit

    try:
        told: dict[str, Any] = guessit("/".join((*folders[-_FOLDERS:], name)))
    except Exception as error:  # GuessitException asks to be reported; a name must not end a library
        return Parsed(None, None, parser="guessit", tier="failed", why=f"{why}; {type(error).__name__}")
    kind: Literal["movie", "episode"] = "episode" if told.get("type") == "episode" else "movie"
    numbers = tuple(_all(told.get("episode")))
    alternative = _first(told.get("alternative_title"))
    return Parsed(
        kind,
        _text(told.get("title")),
        _number(told.get("year")),
        _number(told.get("season")),
        numbers if kind == "episode" else (),
        _text(told.get("episode_title")),
        _text(alternative),
        _text(told.get("screen_size")),
        _text(told.get("edition")),
        _number(told.get("cd", told.get("part"))) if kind == "movie" else None,
        "guessit",
        "path",
        why,
    )


def _all(value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, int)]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _number(value: Any) -> int | None:
    value = _first(value)
    return value if isinstance(value, int) else None


def _text(value: Any) -> str | None:
    value = _first(value)
    return None if value is None else str(value)
