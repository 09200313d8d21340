"""Replies of the shape that a schema asks for."""

from __future__ import annotations

import json

import pydantic
import pytest

from fetchlab.testbed.chat_asked import Shown
from fetchlab.testbed.chat_shape import shaped
from fetchlab.testbed.chat_story import Story

STORY = Story(0, "The Garden of Oslo")
SHOWN = (Shown(1, "Silent Harbour"), Shown(3, "Moon"))
SCENES = [STORY.scene(number, SHOWN) for number in (7, 8)]
KNOWN = {**SCENES[0], "scenes": SCENES}


def obj(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


class Seen(pydantic.BaseModel):
    number: int
    title: str


class Scene(pydantic.BaseModel):
    number: int = pydantic.Field(ge=1)
    heading: str
    prompt: str = pydantic.Field(min_length=3)
    mood: str | None
    duration: float
    final: bool
    angle: str = pydantic.Field(pattern="^(wide|close)$", json_schema_extra={"enum": ["wide", "close"]})
    seen: list[Seen]


class Script(pydantic.BaseModel):
    shots: list[Scene] = pydantic.Field(min_length=1, max_length=9)


def test_a_models_schema_gives_an_instance_of_the_model():
    """References, options, bounds and other names: as a client's library writes them."""
    made = Script.model_validate(shaped(Script.model_json_schema(), KNOWN))
    assert [(shot.number, shot.heading) for shot in made.shots] == [
        (scene["scene"], scene["title"]) for scene in SCENES
    ]
    assert made.shots[1].prompt == SCENES[1]["visual"]
    assert [(one.number, one.title) for one in made.shots[0].seen] == list(SHOWN)
    assert made.shots[0].angle == "wide"


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        (obj(scene=WHOLE, title=TEXT), {"scene": 7, "title": SCENES[0]["title"]}),
        (obj(context={"type": "array", "items": WHOLE}), {"context": [1, 3]}),
        (obj(context={"type": "array", "items": TEXT}), {"context": ["1: Silent Harbour", "3: Moon"]}),
        (obj(id=TEXT), {"id": "7"}),
        (obj(scene=obj(number=WHOLE)), {"scene": {"number": 7}}),
        (obj(takes={"type": "array", "items": obj(n=WHOLE)}), {"takes": [{"n": 7}, {"n": 8}]}),
        (obj(tags={"type": "array", "items": TEXT, "minItems": 2}), {"tags": ["tags", "tags"]}),
        (obj(mood={"type": ["null", "string"]}), {"mood": "mood"}),
        (obj(score={"type": "number", "minimum": 2}), {"score": 2}),
        (obj(kind={"const": "x"}, flag={"type": "boolean"}), {"kind": "x", "flag": True}),
        (obj(none={"type": "null"}), {"none": None}),
        (obj(note={"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 2}]}), {"note": "no"}),
        ({"properties": {"title": TEXT, "unknown": TEXT}}, {"title": SCENES[0]["title"]}),
        ({"type": "array", "items": obj(n=WHOLE), "maxItems": 1}, [{"n": 7}]),
        ({"allOf": [{"type": "object"}, {"properties": {"scene": WHOLE}}]}, {"scene": 7}),
    ],
)
def test_shapes(schema, made):
    """A client that asks for its own fields gets them, filled with what there is."""
    assert shaped(schema, KNOWN) == made


def test_a_schema_without_end_is_cut():
    """Trees refer to themselves."""
    tree = {"$defs": {"node": obj(title=TEXT, child={"$ref": "#/$defs/node"})}, "$ref": "#/$defs/node"}
    assert json.dumps(shaped(tree, KNOWN)).count("title") > 2
    assert shaped({"$ref": "#"}, KNOWN) == ""


def test_titles_are_never_shared():
    """A title is how a scene is known again, whatever its number is said to be."""
    for name in ("a", "b", "The Garden of Oslo"):
        titles = [Story(3, name).scene(number)["title"] for number in range(1, 1001)]
        assert len(set(titles)) == 1000


def test_a_scene_depends_on_seed_film_and_number():
    """And not on what else was in the request, or two ways to ask could not be compared."""
    bare, told = STORY.scene(7), SCENES[0]
    assert {**bare, "context": told["context"]} == told
    assert len({Story(seed, name).scene(7)["visual"] for seed in (0, 1) for name in "ab"}) == 4


def test_scenes_differ_in_complexity():
    """Else nothing could adapt to it."""
    scenes = [STORY.scene(number) for number in range(1, 76)]
    assert {scene["complexity"] for scene in scenes} == {1, 2, 3, 4, 5}
    for scene in scenes:
        assert scene["visual"].count(". ") + 1 == scene["complexity"]
        assert STORY.beat(scene["scene"])["complexity"] == scene["complexity"]
