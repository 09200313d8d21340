"""What a model is told: who it is, the story so far, and which part is wanted in which form.

Every finished scene stands under its own number and its place in the film, never under its place in a batch.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.studies.storyboard.script import Bible, Outline, SceneText, Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.studies.storyboard.script import Part
    from fetchlab.studies.storyboard.writing import Writing

__all__ = ["TYPES", "body", "messages", "schema"]

TYPES: dict[str, Any] = {"script": Script, "bible": Bible, "outline": Outline, "scene": SceneText}
"""What a reply must be, by the kind of part."""

_WRITER = (
    "You write short films for a video model. Reply with one JSON object of the schema that you are given, "
    "and with nothing else."
)


def body(
    idea: str, part: Part, writing: Writing, saw: Sequence[int], model: str, more: dict[str, Any]
) -> dict[str, Any]:
    """Return the request's JSON for a part of a script.

    Args:
        idea: what the film is about.
        part: which part is wanted.
        writing: the script so far.
        saw: the finished scenes to tell of.
        model: the model's name.
        more: further fields, ``temperature`` say.
    """
    form = {"type": "json_schema", "json_schema": {"name": part.kind, "schema": schema(part.kind)}}
    told = messages(idea, part, writing, saw)
    return {"model": model, "messages": told, "response_format": form} | more


@cache
def schema(kind: str) -> dict[str, Any]:
    """Return the JSON schema of a reply: an object at its root, as services insist on, not a reference."""
    (root,), parts = msgspec.json.schema_components([TYPES[kind]], ref_template="#/$defs/{name}")
    whole = dict(parts.pop(root["$ref"].rpartition("/")[2]))
    return whole | {"$defs": parts} if parts else whole


def messages(idea: str, part: Part, writing: Writing, saw: Sequence[int]) -> list[dict[str, str]]:
    """Return the conversation that asks for a part."""
    plan = writing.plan
    told = [f"Idea: {idea}", f"The film has {plan.scenes} scenes of {plan.seconds:g} s each."]
    if part.kind != "script" and writing.bible is not None:
        told.append(f"Story bible:\n{_json(writing.bible)}")
    if part.number and writing.outline is not None:
        beats = "\n".join(f"{beat.scene}. {beat.summary}" for beat in writing.outline.scenes)
        told.append(f"Outline:\n{beats}")
    if part.number:
        told.append(_so_far(writing, saw))
    told.append(_wanted(part, writing))
    return [{"role": "system", "content": _WRITER}, {"role": "user", "content": "\n\n".join(told)}]


def _so_far(writing: Writing, saw: Sequence[int]) -> str:
    if not saw:
        return "Finished scenes: none"
    seconds = writing.plan.seconds
    lines = [
        f"Scene {at} ({(at - 1) * seconds:g}-{at * seconds:g} s): {_json(writing.scenes[at].text)}"
        for at in saw
    ]
    return "Finished scenes:\n" + "\n".join(lines)


def _wanted(part: Part, writing: Writing) -> str:
    scenes = writing.plan.scenes
    if part.kind == "script":
        return f"Task: Write scenes 1 to {scenes}, the whole script in order."
    if part.kind == "bible":
        return "Task: Write the bible: title, logline, style, and the look of each character."
    if part.kind == "outline":
        return (
            f"Task: Write the outline for {scenes} scenes, in order: of each a sentence or two, and how "
            "complex it is, from 1 to 5."
        )
    return f"Task: Write scene {part.number}."


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
