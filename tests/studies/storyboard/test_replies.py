"""Replies of language models: whole, wrapped, broken, cut off."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import FetchlabError, ParseError, StudyError
from fetchlab.model import Response
from fetchlab.studies.storyboard.planning import Plan
from fetchlab.studies.storyboard.replies import Reply, read, reply_of
from fetchlab.studies.storyboard.script import Beat, Outline, Part, SceneText

PLAN = Plan(3, 8.0, at_once=False, batch_size=5, context="batch")
THIRD = Part("scene", 3)
TEXT = SceneText(3, "The {last} door", 'A door, "half open" ]', "He said: ```no```", ["Ada", "Bo"])
WHOLE = json.dumps(
    {
        "scene": 3,
        "title": TEXT.title,
        "prompt": TEXT.prompt,
        "narration": TEXT.narration,
        "characters": TEXT.characters,
    }
)


def said(text, part=THIRD, *, cut=False):
    return read(Reply(text, cut, 0), part, PLAN)


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        f"\n {WHOLE}\n",
        f"```json\n{WHOLE}\n```",
        f"```\n{WHOLE}\n```\nShall I go on?",
        f"Here is scene 3:\n\n```JSON\n{WHOLE}\n```\n",
        f"Sure! {WHOLE} I hope you like it.",
    ],
)
def test_json_is_found_in_what_models_wrap_it_in(text):
    """A paid reply would be thrown away for its fence."""
    assert said(text)[0] == TEXT


@pytest.mark.parametrize(
    "text",
    [
        '{"scene": 3, "title": "A", "prompt": "B", "characters": ["Ada",],}',
        "{'scene': 3, 'title': 'A', 'prompt': 'B', 'characters': ['Ada']}",
        '{scene: 3, title: "A", prompt: "B", characters: ["Ada"]}',
        '{"scene": 3, "title": "A" "prompt": "B", "characters": ["Ada"]}',
        '```json\n{"scene": 3, "title": "A", "prompt": "B", // done\n "characters": ["Ada"]}\n```',
    ],
)
def test_nearly_json_is_mended(text):
    """Another request would cost money for a comma."""
    assert said(text) == (SceneText(3, "A", "B", "", ["Ada"]), True)


@given(st.integers(1, len(WHOLE) - 1), st.sampled_from(["", "```json\n", "Sure: "]), st.booleans())
def test_what_was_cut_off_is_never_mended(length, before, cut):
    """Mended it would pass for a scene whose text ends in the middle of a word."""
    with pytest.raises(ParseError) as told:
        said(before + WHOLE[:length], cut=cut)
    assert told.value.retriable


def test_a_whole_reply_is_taken_although_it_used_every_token():
    """It happened to end where the limit is."""
    assert said(WHOLE, cut=True) == (TEXT, False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (WHOLE.replace('"scene": 3', '"scene": 4'), "it is of scene 4"),
        ('{"scene": 3, "title": "A"}', "prompt"),
        ('{"scene": 3, "title": "A", "prompt": " "}', "empty prompt"),
        ('{"scene": 3, "title": 7, "prompt": "B"}', "title"),
        ('{"story": "Once upon a time"}', "scene"),
        ("I cannot decide.", "no scene"),
        ("", "no scene"),
    ],
)
def test_another_shape_is_asked_for_again(text, why):
    """It would be a row without a prompt, or under another scene's number."""
    with pytest.raises(ParseError, match=why) as told:
        said(text)
    assert told.value.retriable


def test_an_outline_has_every_scene_in_order():
    """Scene 2 would be written from nothing."""
    beats = [{"scene": number, "summary": "So"} for number in (1, 2, 3)]
    part = Part("outline")
    assert said(json.dumps({"scenes": beats}), part)[0] == Outline([Beat(n, "So") for n in (1, 2, 3)])
    for wrong in (beats[:2], beats[::-1], [*beats, beats[0]]):
        with pytest.raises(ParseError, match="are not 1 to 3 in order"):
            said(json.dumps({"scenes": wrong}), part)


@given(st.text())
def test_whatever_is_said_ends_in_a_value_or_our_own_error(text):
    """A reply nobody thought of must be an item's error, not a crash."""
    with suppress(ParseError):
        assert isinstance(said(text)[0], SceneText)


def completion(**choice):
    body = {"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    return Response(200, {"content-type": "application/json"}, json.dumps(body).encode(), "http://x/")


def test_a_completion_tells_its_text_and_its_cost():
    """Tokens are what is paid for."""
    reply = reply_of(completion(message={"role": "assistant", "content": "x"}, finish_reason="length"))
    assert reply == Reply("x", True, 7)


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": None, "refusal": "I will not."}, "finish_reason": "stop"},
        {"message": {"content": ""}, "finish_reason": "content_filter"},
    ],
)
def test_a_refusal_is_no_broken_reply(choice):
    """It would be asked for three more times, at the same price."""
    with pytest.raises(StudyError, match="the model refused"):
        reply_of(completion(**choice))


@given(st.binary(max_size=200))
def test_a_body_that_is_no_completion_is_our_own_error(content):
    """Gateways answer with anything."""
    with pytest.raises(FetchlabError):
        reply_of(Response(200, {}, content, "http://x/"))
