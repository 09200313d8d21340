"""Reading what a prompt asks for and shows, in the wordings that clients may choose."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.testbed.chat_asked import MOST, Shown, read

BIBLE = {"title": "The Garden of Oslo", "logline": "…", "characters": [{"name": "Ada"}]}


def said(*texts, schema=""):
    return read([{"role": "user", "content": text} for text in texts], schema)


@pytest.mark.parametrize(
    ("text", "kind", "scenes"),
    [
        ("Write the bible.", "bible", ()),
        ("Please write a story bible for this idea: a lighthouse", "bible", ()),
        ("Write the outline for 4 scenes.", "outline", (1, 2, 3, 4)),
        ("Create a 3-scene outline.", "outline", (1, 2, 3)),
        ("Write scene 7.", "scenes", (7,)),
        ("Write scene 7 of 75, 8 seconds long.", "scenes", (7,)),
        ("Write scene 7, 8 seconds long.", "scenes", (7,)),
        ("Now write scenes 6-8, following bible and outline.", "scenes", (6, 7, 8)),
        ("Generate scenes 6 to 8.", "scenes", (6, 7, 8)),
        ("Write scenes 6, 7 and 9.", "scenes", (6, 7, 9)),
        ("Using the bible, write scene #12", "scenes", (12,)),
        ("Write all 3 scenes.", "scenes", (1, 2, 3)),
        ("Write the script of a film in 2 scenes.", "scenes", (1, 2)),
        ("You write scenes.\nSay hello.", "", ()),
        ('{"write": "scenes", "scenes": [6, 7]}', "scenes", (6, 7)),
        ('{"write": "bible", "idea": "a lighthouse"}', "bible", ()),
        ('{"scene": 4, "outline": []}', "scenes", (4,)),
        ("Write scenes 5-1.", "scenes", ()),
    ],
)
def test_what_is_asked_for(text, kind, scenes):
    """A request that is misread is answered with something else."""
    asked = said(text)
    assert (asked.kind, asked.scenes) == (kind, scenes)


def test_the_last_sentence_counts():
    """The finished scenes may hold any words."""
    assert said("Write scene 3.", "Earlier we had: Write scene 2.\nWrite scene 5.").scenes == (5,)


def test_a_schemas_name_tells_where_no_sentence_does():
    """Some clients say in the schema what they want."""
    assert said("A lighthouse.", schema="StoryBible").kind == "bible"
    assert said("A film in 3 scenes.", schema="outline").scenes == (1, 2, 3)


LABELS = st.lists(
    st.tuples(
        st.integers(1, 400), st.sampled_from(["Silent Harbour", "The Last Émigré", "Zoë’s Road", "Moon"])
    ),
    max_size=9,
)


def plain(pairs):
    return "\n".join(f"Scene {n}: {title} — it rains, write it down: 7" for n, title in pairs)


def bullets(pairs):
    return "\n".join(f"- **Scene {n}** – {title}" for n, title in pairs)


def array(pairs):
    return json.dumps(
        [{"scene": n, "title": title, "context": [{"scene": 1, "title": "Other"}]} for n, title in pairs]
    )


def lines(pairs):
    return "\n".join(
        json.dumps({"number": n, "title": title, "visual": "{[", "seconds": 8}) for n, title in pairs
    )


@given(
    LABELS,
    st.sampled_from([plain, bullets, array, lines]),
    st.sampled_from(["## Finished scenes", "Scenes so far:", "<context>"]),
)
def test_what_is_shown(pairs, form, heading):
    """Labels are told as the prompt has them: also twice, also in a wrong order."""
    asked = said(
        f"# Bible\n{json.dumps(BIBLE)}\n\n# Outline\nScene 1: Someone Wakes\n2. Someone leaves\n\n"
        f"{heading}\n{form(pairs)}\n\nWrite scene 9."
    )
    assert asked.shown == tuple(Shown(*pair) for pair in pairs)
    assert asked.bible == "The Garden of Oslo"
    assert asked.outline == (1, 2)
    assert asked.scenes == (9,)


def test_parts_in_messages_of_their_own():
    """And in parts of a message, or as one JSON object."""
    scenes = [{"scene": 2, "title": "Moon"}]
    parts = [
        {"role": "system", "content": f"Bible: {json.dumps(BIBLE)}"},
        {"role": "user", "content": [{"type": "text", "text": f"Finished scenes:\n{json.dumps(scenes)}"}]},
        {"role": "assistant", "content": None},
        {"role": "user", "content": "Write scene 3"},
    ]
    whole = {
        "bible": BIBLE,
        "outline": [{"scene": 3}],
        "finished_scenes": scenes,
        "write": "scene",
        "scene": 3,
    }
    for asked in (read(parts), said(json.dumps(whole))):
        assert (asked.scenes, asked.shown, asked.bible) == ((3,), (Shown(2, "Moon"),), BIBLE["title"])


def test_nothing_shown_is_none():
    """A client that forgets the bible must be seen to."""
    asked = said("Finished scenes (none):\n\nWrite scene 1.")
    assert (asked.shown, asked.bible, asked.outline) == ((), None, ())


def test_the_story_is_its_idea():
    """However it is asked for."""
    idea = "Idea: a lighthouse"
    assert (
        said(f"{idea}\nWrite the bible.").story
        == said(f"{idea}\nWrite all 4 scenes.").story
        == "a lighthouse"
    )
    assert said("A lighthouse. Write 4 scenes.").story != said("A harbour. Write 4 scenes.").story


@given(st.lists(st.text(), max_size=3), st.text())
def test_any_text_can_be_read(texts, schema):
    """A prompt is anybody's text."""
    asked = said(*texts, schema=schema)
    assert len(asked.scenes) <= MOST


def test_no_prompt_asks_for_the_whole_world():
    """One request must not fill the server's memory."""
    assert len(said("Write scenes 1-999999999.").scenes) == MOST
    assert len(said("Write all 99999999999 scenes.").scenes) == MOST
