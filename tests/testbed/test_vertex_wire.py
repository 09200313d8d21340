"""The wire `vertex`: the same jobs as long-running operations."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from urllib.parse import quote

import pytest

from fetchlab.testbed.jobs import BLOCKED
from fetchlab.testbed.keys import account

from .client import ask

MODEL = "/v1/projects/p/locations/us-central1/publishers/google/models/veo-3.0-generate-001"
TOKENS = itertools.count()


@pytest.fixture
def url(bed):
    return bed.urls["vertex"]


@pytest.fixture
def token():
    return f"ya29.vertex-{next(TOKENS)}"


def post(url, token, verb, body, model=MODEL):
    said = body if isinstance(body, bytes) else json.dumps(body)
    return ask(url, f"{model}:{verb}", "POST", said, {"authorization": f"Bearer {token}"})


def order(url, token, prompt="Scene 1", model=MODEL, **parameters):
    answer = post(
        url, token, "predictLongRunning", {"instances": [{"prompt": prompt}], "parameters": parameters}, model
    )
    assert answer.status == 200, answer
    return answer.json["name"]


def look(url, token, name, model=MODEL):
    return post(url, token, "fetchPredictOperation", {"operationName": name}, model)


def recorded(bed, token):
    return [job for job in bed.truth("vertex")["jobs"] if job["account"] == account(token)]


def test_a_film_in_the_answer(bed, url, token):
    """Ordered, looked at, and brought with the operation, whole."""
    bed.configure("vertex", job_time=60)
    waiting = order(url, token)
    assert waiting.startswith(f"{MODEL.removeprefix('/v1/')}/operations/")
    assert look(url, token, waiting).json == {"name": waiting, "done": False}
    bed.configure("vertex", job_time=0)
    name = order(url, token, durationSeconds=6, aspectRatio="9:16")
    done = look(url, token, name).json
    (film,) = done["response"]["videos"]
    assert (done["name"], done["done"], film["mimeType"]) == (name, True, "video/mp4")
    _, truth = recorded(bed, token)
    assert hashlib.sha256(base64.b64decode(film["bytesBase64Encoded"])).hexdigest() == truth["sha256"]
    assert (truth["seconds"], truth["size"], truth["downloads"], truth["polls"]) == (6, "720x1280", 1, 1)


def test_a_film_in_the_store(bed, url, token):
    """Told by its place, and served there with ranges to its owner alone."""
    done = look(url, token, order(url, token, storageUri="gs://films/may/")).json
    place = done["response"]["videos"][0]["gcsUri"]
    assert place.startswith("gs://films/may/")
    path = f"/storage/v1/b/films/o/{quote(place.removeprefix('gs://films/'), safe='')}?alt=media"
    told = {"authorization": f"Bearer {token}"}
    film = ask(url, path, headers=told)
    (truth,) = recorded(bed, token)
    assert hashlib.sha256(film.body).hexdigest() == truth["sha256"]
    part = ask(url, path, headers={**told, "range": "bytes=100-"})
    assert (part.status, part.body) == (206, film.body[100:])
    assert ask(url, path.replace("?alt=media", ""), headers=told).json["size"] == str(len(film.body))
    assert ask(url, path, headers={"authorization": "Bearer other"}).status == 404
    assert ask(url, path.replace("/b/films", "/b/other"), headers=told).status == 404
    assert recorded(bed, token)[0]["downloads"] == 2


def test_without_a_project(url, token):
    """The service takes a shorter path too."""
    short = "/v1/publishers/google/models/veo-3.0"
    name = order(url, token, model=short)
    assert name.startswith("publishers/google/models/veo-3.0/operations/")
    assert look(url, token, name, short).json["done"]


def test_what_goes_wrong(bed, url, token):
    """A failure is an error, a blocked prompt is a film that is missing, an old operation is gone."""
    bed.configure("vertex", job_failure=1.0)
    failed = look(url, token, order(url, token)).json
    assert (failed["done"], failed["error"]["code"]) == (True, 13)
    assert "response" not in failed
    bed.configure("vertex", profile="flat", job_blocked=1.0)
    blocked = look(url, token, order(url, token)).json["response"]
    assert (blocked["raiMediaFilteredCount"], "videos" in blocked) == (1, False)
    assert recorded(bed, token)[1]["error"] == BLOCKED
    bed.configure("vertex", profile="flat", job_expiry=0)
    assert look(url, token, order(url, token)).status == 404


def test_errors_have_the_services_words(bed, url, token):
    """Other words than those of the other service, for the same."""
    bed.configure("vertex", invalid_keys=["bad"], key_quota={"poor": 0}, key_rate={"slow": 0.6}, key_burst=1)
    order(url, "slow")
    body = {"instances": [{"prompt": "x"}]}
    seen = {key: post(url, key, "predictLongRunning", body) for key in ("bad", "poor", "slow")}
    assert {key: (one.status, one.json["error"]["status"]) for key, one in seen.items()} == {
        "bad": (401, "UNAUTHENTICATED"),
        "poor": (429, "RESOURCE_EXHAUSTED"),
        "slow": (429, "RESOURCE_EXHAUSTED"),
    }
    assert all(one.json["error"]["code"] == one.status for one in seen.values())
    assert ("details" in seen["poor"].json["error"], "retry-after" in seen["poor"].headers) == (True, False)
    assert ("details" in seen["slow"].json["error"], "retry-after" in seen["slow"].headers) == (False, True)
    bed.configure("vertex", profile="flat", error_rate={503: 1.0}, retry_after=2)
    down = look(url, token, "x")
    assert (down.json["error"]["status"], down.headers["retry-after"]) == ("UNAVAILABLE", "2")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {},
        {"instances": [{}]},
        {"instances": [{"prompt": "x"}, {"prompt": "y"}]},
        {"instances": [{"prompt": "x"}], "parameters": {"durationSeconds": 5}},
        {"instances": [{"prompt": "x"}], "parameters": {"aspectRatio": "1:1"}},
        {"instances": [{"prompt": "x"}], "parameters": {"sampleCount": 2}},
        {"instances": [{"prompt": "x"}], "parameters": [1]},
        {"instances": [{"prompt": "x"}], "parameters": {"aspectRatio": []}},
    ],
)
def test_bad_orders_are_told(bed, url, token, body):
    """And begin nothing."""
    answer = post(url, token, "predictLongRunning", body)
    assert (answer.status, answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert post(url, token, "fetchPredictOperation", {"operationName": 7}).status == 400
    assert recorded(bed, token) == []


def test_both_wires_serve_the_same_jobs(bed, url, token):
    """One store behind two services; each token sees its own, whichever way it asks."""
    name = order(url, token)
    told = {"authorization": f"Bearer {token}"}
    (listed,) = ask(bed.urls["openai"], "/v1/videos", headers=told).json["data"]
    assert listed["id"].removeprefix("video_") == name.rpartition("/")[2].replace("-", "")
    assert look(url, f"{token}x", name).status == 404
    assert recorded(bed, token)[0]["strangers"] == 1
    assert bed.truth("vertex")["jobs"] == bed.truth("openai")["jobs"]


def test_only_orders_are_paid(bed, url, token):
    """Looking is free, or a slow film would eat a quota."""
    bed.configure("vertex", key_quota=1)
    name = order(url, token)
    assert [look(url, token, name).status for _ in range(4)] == [200] * 4
    assert post(url, token, "predictLongRunning", {"instances": [{"prompt": "x"}]}).status == 429
