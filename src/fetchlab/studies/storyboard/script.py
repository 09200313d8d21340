"""What a script is made of: the parts a model is asked for, and the table of scenes.

The types are also the schema that replies are asked to follow and are held against.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import polars as pl

__all__ = ["SCENES", "Beat", "Bible", "Character", "Outline", "Part", "Scene", "SceneText", "Script"]


class Part(NamedTuple):
    """One part of a script, asked for by one request.

    Attributes:
        kind: ``script`` (all scenes at once), ``bible``, ``outline`` or ``scene``.
        number: of a scene, from 1; 0 for the others.
    """

    kind: str
    number: int = 0

    @property
    def key(self) -> str:
        """What a journal knows it by: ``bible``, ``scene/17``."""
        return f"{self.kind}/{self.number}" if self.number else self.kind


class Character(msgspec.Struct):
    """Somebody in the story; ``look`` is what must stay the same from scene to scene."""

    name: str
    look: str = ""


class Bible(msgspec.Struct):
    """What holds for the whole story."""

    title: str
    logline: str
    style: str
    characters: list[Character]


class Beat(msgspec.Struct):
    """What happens in a scene, in a sentence or two; ``complexity`` is from 1 to 5, as the model sees it."""

    scene: int
    summary: str
    complexity: float = 1


class Outline(msgspec.Struct):
    """A beat for every scene, in order."""

    scenes: list[Beat]


class SceneText(msgspec.Struct):
    """A scene as the model writes it; ``prompt`` is what a video model is told to show."""

    scene: int
    title: str
    prompt: str
    narration: str = ""
    characters: list[str] = []


class Script(msgspec.Struct):
    """All scenes of a short story in one reply."""

    title: str
    scenes: list[SceneText]


class Scene(msgspec.Struct):
    """A finished scene, as it is kept.

    Attributes:
        text: what the model wrote.
        saw: numbers of the scenes that its request held, in order.
        account: the name of the key that paid for it.
    """

    text: SceneText
    saw: list[int] = []
    account: str = ""


SCENES = pl.Schema(
    {
        "scene": pl.UInt32(),
        "start": pl.Float64(),
        "seconds": pl.Float64(),
        "title": pl.String(),
        "prompt": pl.String(),
        "narration": pl.String(),
        "characters": pl.List(pl.String()),
        "saw": pl.List(pl.UInt32()),
        "account": pl.String(),
        "started": pl.Float64(),
        "finished": pl.Float64(),
        "attempts": pl.UInt16(),
        "error": pl.String(),
    }
)
"""One row per scene of the plan, in order. ``start`` and ``seconds`` are of the film, ``started`` and
``finished`` of the run that wrote the scene (in a journal, an earlier one's own clock). ``saw``: the scenes
that its request held. A scene that is not there has an ``error`` and no texts."""
