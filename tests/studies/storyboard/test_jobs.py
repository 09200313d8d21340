"""What follows what on the way to a video, without a network."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ParseError, StudyError
from fetchlab.model import Response
from fetchlab.studies.storyboard.backends import Listed, OpenAIVideos
from fetchlab.studies.storyboard.lost import Lost
from fetchlab.studies.storyboard.orders import Film, Made, Order, Step, Ticket
from fetchlab.studies.storyboard.rendering import Rendering
from fetchlab.studies.storyboard.slots import Slots
from fetchlab.studies.storyboard.working import LONGEST_POLL, poll_wait

FIRST = Order(1, "A door", "sora-2", 8, "1280x720")
SECOND = FIRST._replace(scene=2)


def after(rendering, step, value):
    return rendering.further(SimpleNamespace(item=step, value=value))


def test_a_scene_goes_from_order_to_video(tmp_path):
    """Each step is journalled by itself, so that none is paid for twice."""
    rendering = Rendering([FIRST], 1, tmp_path)
    (step,) = rendering.steps()
    assert step.key == "job/1"
    (step,) = after(rendering, step, Ticket("v1", FIRST.mark, "***1", "account 1", 1.0))
    assert step == ("ready", 1, 1, "v1")
    (step,) = after(rendering, step, Made("v1", "completed"))
    assert step.key == "video/1"
    assert after(rendering, step, Film("v1", "scene-001.mp4", 10)) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [("ready", Made("v1", "failed", "video_generation_failed")), ("video", Film("v1", gone=True))],
)
def test_what_failed_is_ordered_again_within_a_bound(tmp_path, kind, value):
    """Without a bound a broken prompt would empty the account."""
    rendering = Rendering([FIRST], 2, tmp_path)
    for take in (1, 2):
        (step,) = after(rendering, Step(kind, 1, take, "v1"), value)
        assert step.key == f"job/1#{take + 1}"
    with pytest.raises(StudyError, match="v1"):
        after(rendering, Step(kind, 1, 3, "v1"), value)


def test_a_prompt_that_is_not_allowed_is_not_ordered_again(tmp_path):
    """The same refusal at the same price."""
    rendering = Rendering([FIRST], 2, tmp_path)
    with pytest.raises(StudyError, match="moderation_blocked"):
        after(rendering, Step("ready", 1, 1, "v1"), Made("v1", "failed", "moderation_blocked", final=True))


def test_a_journal_answers_for_what_is_still_so(tmp_path):
    """Another prompt's job would be this scene's video, and a file that is gone would be in the table."""
    rendering = Rendering([FIRST], 1, tmp_path)
    ticket = Ticket("v1", FIRST.mark, "***1", "account 1", 1.0)
    assert rendering.holds(Step("job", 1), ticket) is ticket
    assert rendering.holds(Step("job", 1), Ticket("v1", "other", "***1", "account 1", 1.0)) is None
    made = Made("v1", "completed")
    assert rendering.holds(Step("ready", 1, 1, "v1"), made) is made
    assert rendering.holds(Step("ready", 1, 1, "v2"), made) is None
    film = Film("v1", "scene-001.mp4", 3)
    assert rendering.holds(Step("video", 1, 1, "v1"), film) is None
    (tmp_path / film.name).write_bytes(b"abc")
    assert rendering.holds(Step("video", 1, 1, "v1"), film) is film
    assert rendering.holds(Step("video", 1, 1, "v1"), {"damaged": True}) is None


@given(st.integers(1, 4), st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=12))
def test_a_place_goes_to_the_video_that_expires_first(most, expiries):
    """Those behind would be gone when their turn comes."""
    slots, begun = Slots(most), []
    for _ in range(most):
        assert slots.take()
    for expires in expiries:
        assert not slots.take()
        slots.wait(expires, lambda expires=expires: begun.append(expires))
    for _ in expiries:
        slots.free()
        assert slots.take()
    order = [float("inf") if expires is None else expires for expires in begun]
    assert order == sorted(order)
    assert len(begun) == len(expiries)
    assert slots.largest == most


def test_a_place_that_was_freed_meanwhile_is_not_waited_for():
    """Nobody would ever wake who came a moment late."""
    slots, begun = Slots(1), []
    slots.wait(None, lambda: begun.append(1))
    assert begun == [1]


def test_a_lost_order_is_adopted_once_and_only_ours():
    """A job adopted by two scenes is one video too few; one of yesterday is another film's."""
    lost = Lost(100.0, {"known"})
    wall = ("A wall", "8", "1280x720")
    page = [Listed("late", FIRST.what, 103.0), Listed("early", FIRST.what, 101.0)]
    page += [
        Listed("known", FIRST.what, 101.0),
        Listed("other", wall, 101.0),
        Listed("old", FIRST.what, 50.0),
    ]
    assert not lost.saw(page, "seat")
    assert lost.saw(page[:2], "seat")
    assert lost.take(FIRST)[0].job == "early"
    assert lost.take(SECOND)[0].job == "late"
    assert lost.take(FIRST) is None
    assert lost.claimed == {"known", "early", "late"}


@pytest.mark.parametrize(("ahead", "found"), [(0.0, False), (-50.0, True), (50.0, False), (-1e9, False)])
def test_a_service_whose_clock_is_behind_still_lists_what_is_ours(ahead, found):
    """Its jobs seem to be older than the run that ordered them; one of years ago is none of ours."""
    lost = Lost(1e6, set())
    page = [Listed("one", FIRST.what, 1e6 - (10 if ahead > -1e6 else 1e5))]
    assert lost.saw(page, "seat", ahead) is found
    assert (lost.take(FIRST) is not None) is found


def test_a_job_of_another_model_is_another_video():
    """Adopted, it would stand for the better one that was asked for; versions of one model are dated."""
    lost = Lost(100.0, set())
    models = ("sora-2-pro", "sora-2-2025-10-06", "", "sora-2")
    lost.saw([Listed(model or "none", FIRST.what, 101.0, model) for model in models], "seat")
    taken = [lost.take(FIRST._replace(model="sora-2")) for _ in range(4)]
    assert [found and found[0].job for found in taken] == ["sora-2", "none", "sora-2-2025-10-06", None]
    assert lost.take(FIRST._replace(model="sora-2-2025-12-08")) is None
    assert lost.take(FIRST._replace(model="sora-2-pro"))[0].job == "sora-2-pro"


def test_an_answer_that_came_after_all_claims_its_job():
    """Two scenes with one prompt would share it."""
    lost = Lost(100.0, set())
    lost.saw([Listed("one", FIRST.what, 101.0)], "seat")
    lost.claimed.add("one")
    assert lost.take(SECOND) is None


@pytest.mark.parametrize(
    ("hint", "polls", "wait"),
    [
        ("250", 9, 0.25),
        ("0", 1, 1.0),
        ("soon", 2, 1.5),
        ("99999999", 1, 1.0),
        (None, 40, LONGEST_POLL),
        ("-5", 1, 1.0),
    ],
)
def test_jobs_are_looked_at_when_the_service_says_else_ever_less(hint, polls, wait):
    """A hint that cannot be meant must neither hammer nor sleep for a day."""
    headers = {} if hint is None else {"openai-poll-after-ms": hint}
    assert poll_wait(Response(200, headers, b"", "http://x/"), polls) == pytest.approx(wait)


@given(st.binary(max_size=100))
def test_an_answer_that_is_no_job_is_our_own_error(content):
    """Gateways answer with anything."""
    with pytest.raises(ParseError):
        OpenAIVideos("http://x/v1").state(Response(200, {}, content, "http://x/"))
