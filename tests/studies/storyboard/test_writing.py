"""What may be written when: the order of a script, without a network."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import StudyError
from fetchlab.studies.storyboard.planning import REACH, Plan
from fetchlab.studies.storyboard.prompts import TYPES, messages, schema
from fetchlab.studies.storyboard.script import Beat, Bible, Character, Outline, Part, Scene, SceneText
from fetchlab.studies.storyboard.writing import Writing


def scene(number):
    return Scene(SceneText(number, f"Title {number}", f"Prompt {number}"))


def value(part, scenes):
    if part.kind == "bible":
        return Bible("A film", "Ada looks for a door.", "ink", [Character("Ada", "a red scarf")])
    if part.kind == "outline":
        return Outline([Beat(number, f"Beat {number}", 1 + number % 5) for number in range(1, scenes + 1)])
    return scene(part.number)


def writing(scenes=12, size=5, context="batch", room=lambda: 5):
    return Writing(Plan(scenes, 8.0, at_once=False, batch_size=size, context=context), room)


def written(one, order, fails=(), known=()):
    """Play a script through; ``order`` picks which of those under way ends next.

    Returns what each scene saw, and the largest number under way at a time.
    """
    saw, under_way, most = {}, [], 0
    waiting = one.parts()
    for part in known:
        one.finished(part, value(part, one.plan.scenes))
    waiting = [part for part in waiting if part not in known]
    errors = {}
    while waiting or under_way:
        for part in list(waiting):
            try:
                one.wanted(part)
                ready = one.may_begin(part)
            except StudyError as error:
                errors[part] = str(error)
                one.failed(part, str(error))
                waiting.remove(part)
                continue
            if ready:
                one.begins(part)
                saw[part] = one.context(part)
                under_way.append(part)
                waiting.remove(part)
        most = max(most, len(under_way))
        if not under_way:
            if any(_ready(one, part) for part in waiting):
                continue
            break
        part = under_way.pop(order(len(under_way)))
        if part in fails:
            one.failed(part, "HTTP 500")
            errors[part] = "HTTP 500"
        else:
            one.finished(part, value(part, one.plan.scenes))
    return saw, most, errors, waiting


def _ready(one, part):
    try:
        return one.may_begin(part)
    except StudyError:
        return True


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 99))
def test_every_scene_of_a_batch_sees_exactly_what_was_before_it(scenes, size, seed):
    """The published tool told scenes of neighbours under wrong numbers."""
    saw, most, errors, left = written(writing(scenes, size), random.Random(seed).randrange)
    assert not errors
    assert not left
    assert most <= size
    for number in range(1, scenes + 1):
        before = (number - 1) // size * size
        assert saw["scene", number] == list(range(1, before + 1))


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 99))
def test_rolling_scenes_miss_no_more_than_is_under_way(scenes, size, seed):
    """A slow scene must neither hold up all others nor be left out for ever."""
    saw, most, errors, left = written(writing(scenes, size, "rolling"), random.Random(seed).randrange)
    assert not errors
    assert not left
    assert most <= size
    for number in range(1, scenes + 1):
        seen = saw["scene", number]
        assert seen == sorted(seen)
        assert number - 1 - len(seen) < size
        assert set(range(1, number - REACH * size + 1)) <= set(seen)


@given(st.integers(1, 40), st.integers(0, 99), st.integers(1, 12))
def test_automatic_batches_end(scenes, seed, room):
    """Their size is asked for anew each time, and may be anything."""
    saw, _, errors, left = written(writing(scenes, "auto", room=lambda: room), random.Random(seed).randrange)
    assert not errors
    assert not left
    assert len([part for part in saw if part[1]]) == scenes


@given(st.integers(1, 30), st.integers(0, 99), st.sampled_from(["batch", "rolling"]), st.data())
def test_whatever_fails_everything_ends(scenes, seed, context, data):
    """A scene that waited for one that never comes would keep the run alive for ever."""
    parts = writing(scenes).parts()
    fails = data.draw(st.sets(st.sampled_from(parts), max_size=3))
    known = data.draw(st.sets(st.sampled_from(parts), max_size=6)) - fails
    one = writing(scenes, 5, context)
    saw, _, errors, left = written(one, random.Random(seed).randrange, fails, known)
    assert not left
    assert set(saw) | set(errors) | known == set(parts)
    assert not set(saw) & known


def test_a_failed_scene_fails_what_needs_it_and_its_batch_is_finished():
    """Its neighbours are under way and paid for."""
    one = writing(20)
    saw, _, errors, _ = written(one, lambda _: 0, fails={Part("scene", 7)})
    assert max(number for _, number in saw) == 10
    assert sorted(one.scenes) == [1, 2, 3, 4, 5, 6, 8, 9, 10]
    assert errors[Part("scene", 11)] == "scene/11 needs scene/7, which failed: HTTP 500"
    assert [one.has_failed(batch) for batch in one.batches] == [False, True]
    one.wanted(Part("scene", 7))
    assert not one.may_begin(Part("scene", 11))
    one.finished(Part("scene", 7), scene(7))
    assert one.may_begin(Part("scene", 11))


def test_prompts_label_scenes_by_their_own_numbers():
    """A scene under a wrong label is told as if it had happened at another time."""
    one = writing(12)
    written(one, lambda _: 0)
    text = messages("A lighthouse", Part("scene", 12), one, one.context(Part("scene", 12)))[-1]["content"]
    for number in range(1, 11):
        assert f"Scene {number} ({8 * (number - 1)}-{8 * number} s): " in text
        assert f'"title":"Title {number}"' in text
    assert "Title 11" not in text
    assert "Task: Write scene 12." in text


def test_the_outline_waits_for_the_bible():
    """Its characters would have no names."""
    one = writing()
    assert one.may_begin(Part("bible"))
    assert not one.may_begin(Part("outline"))
    one.failed(Part("bible"), "HTTP 400")
    with pytest.raises(StudyError, match="outline needs bible, which failed: HTTP 400"):
        one.may_begin(Part("outline"))


@pytest.mark.parametrize("kind", TYPES)
def test_schemas_are_objects_whose_references_resolve(kind):
    """Services refuse a schema whose root is a reference."""
    told = schema(kind)
    assert told["type"] == "object"
    assert set(told["required"]) <= set(told["properties"])
    for name in re.findall(r"#/\$defs/(\w+)", json.dumps(told)):
        assert told["$defs"][name]["type"] == "object"
