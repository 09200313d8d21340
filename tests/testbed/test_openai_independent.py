"""An independent client of the service, pointed at the testbed: chat, and videos from order to file."""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json

import pydantic
import pytest

from fetchlab.testbed.keys import account

# The client says so of every call for videos; other services go on speaking this wire.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

KEYS = itertools.count()
WRITE = [
    {"role": "system", "content": "You write storyboards. Answer with JSON."},
    {
        "role": "user",
        "content": "Bible: The Garden of Oslo\nFinished scenes:\nScene 1: Silent Harbour\n\nWrite scene 2.",
    },
]


class Seen(pydantic.BaseModel):
    scene: int
    title: str


class Scene(pydantic.BaseModel):
    number: int
    title: str
    visual: str
    context: list[Seen]


@pytest.fixture(scope="module")
def openai():
    """The client's library: half a second that nobody needs who only collects tests."""
    return importlib.import_module("openai")


@pytest.fixture
def client(openai, bed):
    with openai.OpenAI(
        base_url=bed.urls["openai"], api_key=f"sk-independent-{next(KEYS)}", max_retries=0, timeout=30
    ) as made:
        yield made


def test_chat(client):
    """What the client's types say of a completion is there."""
    answer = client.chat.completions.create(
        model="m", messages=WRITE, response_format={"type": "json_object"}
    )
    scene = json.loads(answer.choices[0].message.content)
    assert (scene["scene"], scene["context"]) == (2, [{"scene": 1, "title": "Silent Harbour"}])
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert answer.choices[0].finish_reason == "stop"
    assert [model.id for model in client.models.list()]


def test_chat_into_a_model(client):
    """The client makes the schema, and reads the reply into its type."""
    answer = client.chat.completions.parse(model="m", messages=WRITE, response_format=Scene)
    scene = answer.choices[0].message.parsed
    assert (scene.number, scene.context) == (2, [Seen(scene=1, title="Silent Harbour")])


def test_chat_as_a_stream(bed, client):
    """The same words in pieces, how they ended, and what they cost."""
    bed.configure("openai", token_time=0.0005)
    whole = client.chat.completions.create(model="m", messages=WRITE)
    chunks = list(
        client.chat.completions.create(
            model="m", messages=WRITE, stream=True, stream_options={"include_usage": True}
        )
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].message.content
    assert len(chunks) > 10
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1] if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage


def test_replies_that_went_wrong(openai, bed, client):
    """The client knows each of them by its own means."""
    ask = lambda: client.chat.completions.parse(model="m", messages=WRITE, response_format=Scene)
    bed.configure("openai", refusal=1.0)
    refused = ask().choices[0].message
    assert (bool(refused.refusal), refused.parsed) == (True, None)
    for mode, error in (
        ("cut", openai.LengthFinishReasonError),
        ("filtered", openai.ContentFilterFinishReasonError),
        ("malformed", pydantic.ValidationError),
        ("fenced", pydantic.ValidationError),
        ("misshapen", pydantic.ValidationError),
    ):
        bed.configure("openai", profile="flat", **{mode: 1.0})
        with pytest.raises(error):
            ask()


def test_errors(openai, bed, client):
    """By status and code, and with what is told of limits."""
    ask = lambda: client.chat.completions.create(model="m", messages=WRITE)
    key = client.api_key
    for settings, error, code in (
        ({"invalid_keys": [key]}, openai.AuthenticationError, "invalid_api_key"),
        ({"key_quota": {key: 0}}, openai.RateLimitError, "insufficient_quota"),
        ({"error_rate": {503: 1.0}}, openai.InternalServerError, "service_unavailable"),
        ({"bad_scenes": [2]}, openai.InternalServerError, None),
    ):
        bed.configure("openai", profile="flat", **settings)
        with pytest.raises(error) as caught:
            ask()
        assert caught.value.code == code
    bed.configure("openai", profile="flat", key_rate=0.6, key_burst=1)
    first = client.chat.completions.with_raw_response.create(model="m", messages=WRITE)
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(openai.RateLimitError) as caught:
        ask()
    assert caught.value.code == "rate_limit_exceeded"
    assert 0 < int(caught.value.response.headers["retry-after-ms"]) <= 100_000


def test_the_clients_own_retries(bed, client):
    """It heeds the exact hint: else it would wait for whole seconds."""
    bed.configure("openai", key_rate=6000, key_burst=1)
    patient = client.with_options(max_retries=5)
    for _ in range(3):
        patient.chat.completions.create(model="m", messages=WRITE)
    counted = bed.counters("openai")
    assert len(bed.truth("openai")["chats"]) == 3
    assert counted["requests"] == 3 + counted["refused"]


def test_a_video_from_order_to_file(openai, bed, client, tmp_path):
    """Ordered as a form, polled as the service advises, downloaded, listed and deleted."""
    bed.configure("openai", job_time=0.2, poll_after=0.05)
    video = client.videos.create_and_poll(prompt="Scene 1: dusk", seconds="4", size="1280x720")
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    file = tmp_path / "film.mp4"
    client.videos.download_content(video.id).write_to_file(file)
    (job,) = [job for job in bed.truth("openai")["jobs"] if job["account"] == account(client.api_key)]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == job["sha256"]
    assert client.videos.download_content(video.id, variant="thumbnail").read().startswith(b"\x89PNG")
    assert [one.id for one in client.videos.list()] == [video.id]
    assert client.videos.retrieve(video.id).prompt == "Scene 1: dusk"
    assert client.videos.delete(video.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)


def test_a_video_with_a_picture(client, tmp_path):
    """The client attaches files to its form."""
    picture = tmp_path / "first.png"
    picture.write_bytes(b"\x89PNG\r\n")
    video = client.videos.create(prompt="Scène 2", input_reference=picture, seconds="8")
    assert (video.prompt, video.seconds) == ("Scène 2", "8")


def test_lists_are_paged_by_the_client(client):
    """It asks for page after page by itself."""
    made = [client.videos.create(prompt=f"Scene {n}").id for n in range(5)]
    assert [video.id for video in client.videos.list(limit=2, order="asc")] == made


def test_videos_that_go_wrong(openai, bed, client):
    """A failed one has an error, an early one a conflict, another's does not exist."""
    bed.configure("openai", job_failure=1.0, quirks=False)
    failed = client.videos.create_and_poll(prompt="Scene 1")
    assert (failed.status, bool(failed.error.code)) == ("failed", True)
    bed.configure("openai", profile="flat", job_time=60, quirks=False)
    early = client.videos.create(prompt="Scene 2")
    with pytest.raises(openai.ConflictError):
        client.videos.download_content(early.id)
    with pytest.raises(openai.NotFoundError):
        client.with_options(api_key="sk-stranger").videos.retrieve(early.id)
