"""What a file's name says, whoever read it."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Parsed", "Unsure"]


class Parsed(NamedTuple):
    """A name, read.

    Attributes:
        kind: ``movie`` or ``episode``; None if the name says neither.
        title: of the film or show, as it stands there, separators made blanks; None if there is none.
        year: the film's, or the one that a show is told by.
        season: None if the name does not say it.
        episodes: the numbers of the episodes in the file, empty for a film.
        episode_title: what stands where an episode's title does.
        alternative: a second title, which may be the rest of the first.
        screen: ``1080p`` and its like.
        edition: such as ``Extended``.
        part: of a film in several files.
        parser: ``fast`` or ``guessit``.
        tier: by which kind of name it was read.
        why: why this parser.
    """

    kind: Literal["movie", "episode"] | None
    title: str | None
    year: int | None = None
    season: int | None = None
    episodes: tuple[int, ...] = ()
    episode_title: str | None = None
    alternative: str | None = None
    screen: str | None = None
    edition: str | None = None
    part: int | None = None
    parser: Literal["fast", "guessit"] = "fast"
    tier: str = ""
    why: str = ""


class Unsure(str):
    """Why a name cannot be read with certainty."""

    __slots__ = ()
