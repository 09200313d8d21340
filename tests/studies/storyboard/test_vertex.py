"""The same jobs behind long-running operations."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.errors import ConfigError, ParseError
from fetchlab.model import Response
from fetchlab.studies.storyboard import VideoJobs
from fetchlab.studies.storyboard.vertex import VertexVideos

ROOT = "/v1/projects/p/locations/us-central1/publishers/google"
QUICK = fl.Retry(attempts=6, base=0.01, budget=10.0)
TOKENS = ["ya29.token-aaaaaaaaaaaaaaaaaaaa", "ya29.token-bbbbbbbbbbbbbbbbbbbb"]


@pytest.fixture
def prompts(request):
    return [f"{request.node.name}: door {number}" for number in range(1, 7)]


def service(bed, **more):
    return VideoJobs(bed.urls["vertex"] + ROOT, TOKENS, "vertex", retry=QUICK, **more)


def ordered(bed, prompts):
    return [job for job in bed.truth("vertex")["jobs"] if job["prompt"] in prompts]


def whole(bed, table, prompts):
    known = {job["prompt"]: job for job in ordered(bed, prompts)}
    assert table["error"].null_count() == len(prompts)
    for scene, path in table.select("scene", "path").iter_rows():
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == known[prompts[scene - 1]]["sha256"]
    assert sum(job["strangers"] for job in known.values()) == 0
    assert len(ordered(bed, prompts)) == len(prompts)


@pytest.mark.parametrize("store", [None, "gs://films/may"])
def test_operations_bring_the_same_videos(bed, prompts, tmp_path, store):
    """One interface, whichever service makes them."""
    run = service(bed, store=store).render(prompts, tmp_path)
    table = run.result()
    whole(bed, table, prompts)
    assert Counter(table["account"]) == {"account 1": 3, "account 2": 3}
    assert {job["seconds"] for job in ordered(bed, prompts)} == {8}
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


@pytest.mark.parametrize("store", [None, "gs://films/may"])
def test_a_video_that_was_removed_is_fetched_again(bed, prompts, tmp_path, store):
    """It is paid for, and the operation still knows where it is."""
    path = tmp_path / "jobs.db"
    jobs = service(bed, store=store)
    table = jobs.render(prompts, tmp_path / "videos", journal=path).result()
    bed.reset_counters()
    again = jobs.render(prompts, tmp_path / "videos", journal=path)
    assert again.result().equals(table)
    assert bed.counters("vertex")["requests"] == 0
    (tmp_path / "videos" / "scene-002.mp4").unlink()
    whole(bed, jobs.render(prompts, tmp_path / "videos", journal=path).result(), prompts)
    assert bed.counters("vertex")["requests"] == 1


def test_an_order_whose_answer_was_lost_is_not_made_again(bed, prompts, tmp_path):
    """There is no list in which to look for it: the reader must decide whether to pay twice."""
    bed.configure("vertex", reset=0.5)
    table = service(bed).render(prompts, tmp_path).result()
    lost = table.filter(table["error"].is_not_null())
    assert 0 < len(lost) < 6
    assert lost["error"].str.contains("may have been ordered: no further order is made").all()
    assert len(ordered(bed, prompts)) == 6


def test_a_spent_quota_is_told_from_a_rate(bed, prompts, tmp_path):
    """Both are 429; one of them passes."""
    bed.configure("vertex", key_quota={TOKENS[0]: 2})
    run = service(bed).render(prompts, tmp_path / "one")
    whole(bed, run.result(), prompts)
    assert run.notes["accounts"]["account 1"]["retired"] == "HTTP 429 RESOURCE_EXHAUSTED"
    bed.configure("vertex", key_quota=None, key_rate=1200.0, key_burst=1)
    more = [f"{prompt}, at night" for prompt in prompts]
    run = service(bed).render(more, tmp_path / "two")
    whole(bed, run.result(), more)
    assert run.stats().refused > 0
    assert [account["retired"] for account in run.notes["accounts"].values()] == [None, None]


def test_filtered_prompts_are_ordered_once(bed, prompts, tmp_path):
    """The filter says the same the next time."""
    bed.configure("vertex", job_blocked=1.0)
    table = service(bed).render(prompts, tmp_path).result()
    assert table["error"].str.contains("blocked by our moderation").all()
    assert len(ordered(bed, prompts)) == 6


def test_lengths_and_places_are_the_services_own(bed, tmp_path):
    """Each would be six refused orders."""
    with pytest.raises(ConfigError, match=r"^seconds: is one of 4, 6, 8"):
        service(bed).render(["A door"], tmp_path, seconds=12)
    with pytest.raises(ConfigError, match=r"^store: .*gs://bucket"):
        service(bed, store="s3://films")
    with pytest.raises(ConfigError, match=r"^store: is for backend='vertex'"):
        VideoJobs(bed.urls["openai"], TOKENS, store="gs://films/may")


def test_where_a_bucket_is_read():
    """At the service itself the store is another host; elsewhere it is the same one."""
    google = VertexVideos("https://us-central1-aiplatform.googleapis.com/v1/publishers/google", "veo")
    url = google.content("op", "gs://films/may/a b.mp4").url
    assert url == "https://storage.googleapis.com/storage/v1/b/films/o/may%2Fa%20b.mp4?alt=media"
    other = VertexVideos("http://127.0.0.1:99/googleapis.com/v1", "veo")
    assert other.content("op", "gs://films/a.mp4").url.startswith("http://127.0.0.1:99/storage/v1/b/films/o/")
    assert google.content("op", "") is None


def operation(text):
    video = {"bytesBase64Encoded": text}
    return json.dumps({"name": "o", "done": True, "response": {"videos": [video]}}).encode()


@given(st.one_of(st.binary(max_size=80), st.text(max_size=40).map(operation)))
def test_an_answer_that_is_no_operation_is_our_own_error(content):
    """Gateways answer with anything."""
    with suppress(ParseError):
        assert VertexVideos("http://x/v1", "veo").state(Response(200, {}, content, "http://x/")).content
