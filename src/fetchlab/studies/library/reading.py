"""Names read a chunk at a time; what worker processes import, and therefore light."""

from __future__ import annotations

from typing import Literal, NamedTuple

from fetchlab.studies.library.fast import read
from fetchlab.studies.library.parsed import Parsed, Unsure
from fetchlab.studies.library.slow import guess

__all__ = ["Names", "parse", "read_names"]


class Names(NamedTuple):
    """Names to be read.

    Attributes:
        how: by the ``fast`` path, or by ``guessit``.
        names: each with the path of its folder from the library's root on, the file's name, and for guessit
            why the fast path did not read it.
    """

    how: Literal["fast", "guessit"]
    names: list[tuple[str, str, str]]


def read_names(asked: Names) -> list[Parsed | str]:
    """Read each name; of those that the fast path is unsure of, return why."""
    if asked.how == "guessit":
        return [guess(_parts(folder), name, why) for folder, name, why in asked.names]
    return [_as_text(read(_parts(folder), name.rpartition(".")[0])) for folder, name, _ in asked.names]


def parse(path: str) -> Parsed:
    """Read one name: by the fast path, else with guessit.

    Args:
        path: the file's path from the library's root on, with ``/``.
    """
    folder, _, name = path.rpartition("/")
    found = read(_parts(folder), name.rpartition(".")[0] or name)
    return guess(_parts(folder), name, str(found)) if isinstance(found, Unsure) else found


def _parts(folder: str) -> tuple[str, ...]:
    return tuple(folder.split("/")) if folder else ()


def _as_text(found: Parsed | Unsure) -> Parsed | str:
    return str(found) if isinstance(found, Unsure) else found
