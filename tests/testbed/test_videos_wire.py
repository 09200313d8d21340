"""Video jobs of the wire `openai`: ordered, looked at, listed, downloaded, deleted, and gone wrong."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
from urllib.parse import urlsplit

import pytest

from fetchlab.testbed import Settings
from fetchlab.testbed.faults import LONGEST_STREAK
from fetchlab.testbed.jobs import BLOCKED, FAILED, Jobs, Order
from fetchlab.testbed.keys import account

from .client import ask, until

KEYS = itertools.count()
DONE = ("completed", "failed")


@pytest.fixture
def url(bed):
    return bed.urls["openai"]


@pytest.fixture
def key():
    """A key of one's own: jobs outlive a test, and nobody else sees them."""
    return f"sk-videos-{next(KEYS)}"


def call(url, key, path="", method="GET", body=None, **headers):
    told = {
        "authorization": f"Bearer {key}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return ask(url, f"/v1/videos{path}", method, body, told)


def order(url, key, prompt="Scene 1", **more):
    answer = call(url, key, "", "POST", json.dumps({"prompt": prompt, **more}))
    assert answer.status == 200, answer
    return answer.json


def recorded(bed, key):
    return [job for job in bed.truth("openai")["jobs"] if job["account"] == account(key)]


# --- the decisions, on a virtual clock


class Clock:
    now = 1e9

    def __call__(self):
        return self.now


def made(count=1, orders=None, **settings):
    clock = Clock()
    jobs = Jobs(0, clock)
    orders = orders or [Order(f"scene {n}", "m", 4, "1280x720") for n in range(count)]
    return jobs, clock, [jobs.order("a", one, Settings(**settings)) for one in orders]


def test_a_job_goes_its_way():
    """Queue, work, end: in this order, with growing progress."""
    jobs, clock, (first, second) = made(2, job_time=10, job_slots=1)
    assert [job.status(clock()) for job in (first, second)] == ["in_progress", "queued"]
    clock.now += 5
    assert (first.progress(clock()), second.progress(clock())) == (50, 0)
    clock.now += 5
    assert [job.status(clock()) for job in (first, second)] == ["completed", "in_progress"]
    clock.now += 9.99
    assert second.progress(clock()) == 99
    clock.now += 0.02
    assert second.progress(clock()) == 100
    (third,) = [jobs.order("b", Order("x", "m", 4, "1280x720"), Settings(job_time=1, job_slots=1))]
    assert third.started == clock()


def test_slots_are_given_in_turn():
    """Twenty jobs in five slots take four times as long as one."""
    _, clock, jobs = made(20, job_time=10, job_slots=5)
    assert [job.ready - clock() for job in jobs] == [10 * (1 + n // 5) for n in range(20)]


def test_ready_times_belong_to_what_is_ordered():
    """Not to the order of arrival: else two strategies would be given different work."""
    _, clock, jobs = made(20, job_time=2, job_spread=60)
    orders = [job.order for job in jobs]
    _, _, again = made(orders=orders[::-1], job_time=2, job_spread=60)
    assert [job.ready for job in jobs] == [job.ready for job in again[::-1]]
    times = [job.ready - clock() for job in jobs]
    assert 2 <= min(times) < 15 < 45 < max(times) <= 62
    paces = [job.pace for job in made(20, content_time=1, content_spread=3)[2]]
    assert 1 <= min(paces) < 2 < 3 < max(paces) <= 4


def test_failures_come_twice_in_a_row_at_most():
    """A client that orders again within reason gets its video."""
    orders = [Order("scene", "m", 4, "1280x720")] * 6
    _, _, jobs = made(orders=orders, job_failure=1.0)
    assert [job.wrong for job in jobs] == [FAILED, FAILED, None] * 2
    assert LONGEST_STREAK == 2
    failed = [job.wrong for job in made(400, job_failure=0.25)[2]].count(FAILED)
    assert 60 < failed < 140


def test_a_blocked_prompt_stays_blocked():
    """Ordering it again is a waste, and a client must see that."""
    _, _, jobs = made(200, job_blocked=0.2)
    blocked = {job.order for job in jobs if job.wrong == BLOCKED}
    assert 20 < len(blocked) < 60
    _, _, again = made(orders=[*blocked, *blocked], job_blocked=0.2)
    assert {job.wrong for job in again} == {BLOCKED}


def test_no_two_jobs_share_an_id_or_a_file():
    """A file under another job's name must be noticed."""
    jobs, _, ordered = made(orders=[Order("x", "m", 4, "1280x720")] * 3)
    assert len({job.id for job in ordered}) == len({jobs.video(job) for job in ordered}) == 3


# --- the wire


def test_an_order_as_json(bed, url, key):
    """Every field of the service's object, and advice when to look again."""
    bed.configure("openai", job_time=60, poll_after=0.4)
    answer = call(
        url, key, "", "POST", json.dumps({"prompt": "Scene 1", "model": "sora-2-pro", "seconds": "8"})
    )
    job = answer.json
    assert set(job) == {
        "id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at", "prompt",
        "seconds", "size", "remixed_from_video_id", "error",
    }  # fmt: skip
    assert (job["object"], job["model"], job["seconds"], job["size"]) == (
        "video",
        "sora-2-pro",
        "8",
        "720x1280",
    )
    assert (job["status"], job["completed_at"], job["error"]) == ("in_progress", None, None)
    assert answer.headers["openai-poll-after-ms"] == "400"
    looked = call(url, key, f"/{job['id']}")
    assert (looked.json["id"], looked.headers["openai-poll-after-ms"]) == (job["id"], "400")
    bed.configure("openai", poll_after=None)
    assert "openai-poll-after-ms" not in call(url, key, f"/{job['id']}").headers


def test_an_order_as_a_form(url, key):
    """As clients send it that may attach a picture."""
    fields = {"prompt": "Scène 1 — \u201cdusk\u201d", "seconds": "4", "size": "1280x720"}
    parts = [f'--b1\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    picture = (
        '--b1\r\nContent-Disposition: form-data; name="input_reference"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n\x01\x02\r\n--b1--\r\n"
    )
    body = ("".join(parts) + picture).encode()
    answer = call(url, key, "", "POST", body, content_type="multipart/form-data; boundary=b1")
    assert answer.status == 200
    assert {name: answer.json[name] for name in fields} == fields
    plain = call(url, key, "", "POST", b"prompt=Scene+1", content_type="application/x-www-form-urlencoded")
    assert plain.json["prompt"] == "Scene 1"


def test_a_form_meets_its_faults_whatever_its_boundary(bed, url, key):
    """Else a client that makes one up each time would fail for ever."""
    bed.configure("openai", error_rate={500: 1.0})
    seen = []
    for boundary in ("b1", "b2", "b3"):
        body = f'--{boundary}\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--{boundary}--\r\n'
        kind = f"multipart/form-data; boundary={boundary}"
        seen.append(call(url, key, "", "POST", body.encode(), content_type=kind).status)
    assert seen == [500, 500, 200]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "prompt"),
        (b'{"prompt": " "}', "prompt"),
        (b'{"prompt": "x", "seconds": "5"}', "seconds"),
        (b'{"prompt": "x", "size": "1x1"}', "size"),
        (b"nonsense", None),
    ],
)
def test_bad_orders_are_told(bed, url, key, body, param):
    """And cost nothing."""
    answer = call(url, key, "", "POST", body)
    assert (answer.status, answer.json["error"]["param"]) == (400, param)
    assert recorded(bed, key) == []
    wrong = call(url, key, "", "POST", b"x", content_type="multipart/form-data")
    assert wrong.status == 400


def test_the_content_is_whole(bed, url, key):
    """What comes is what the truth says, as a film and as a picture."""
    job = order(url, key, size="1280x720")
    film = call(url, key, f"/{job['id']}/content")
    (truth,) = recorded(bed, key)
    assert (film.status, film.headers["content-type"]) == (200, "video/mp4")
    assert hashlib.sha256(film.body).hexdigest() == truth["sha256"]
    assert len(film.body) == truth["bytes"] == int(film.headers["content-length"])
    assert film.body == call(url, key, f"/{job['id']}/content?variant=video").body
    picture = call(url, key, f"/{job['id']}/content?variant=thumbnail")
    assert (picture.headers["content-type"], picture.body[:4]) == ("image/png", b"\x89PNG")
    assert call(url, key, f"/{job['id']}/content?variant=x").status == 400
    assert call(url, key, f"/{job['id']}/content", "HEAD").headers["content-length"] == str(len(film.body))
    assert [recorded(bed, key)[0][name] for name in ("downloads", "polls", "status")] == [2, 0, "completed"]


def test_parts_of_the_content(url, key):
    """A download goes on where it was cut, and is not glued to another file."""
    name = order(url, key)["id"]
    film = call(url, key, f"/{name}/content")
    half = len(film.body) // 2
    rest = call(url, key, f"/{name}/content", range=f"bytes={half}-", if_range=film.headers["etag"])
    assert (rest.status, rest.body) == (206, film.body[half:])
    assert rest.headers["content-range"] == f"bytes {half}-{len(film.body) - 1}/{len(film.body)}"
    assert call(url, key, f"/{name}/content", range=f"bytes={half}-", if_range='"x"').status == 200
    assert call(url, key, f"/{name}/content", range=f"bytes={len(film.body)}-").status == 416


def test_a_large_film_that_takes_its_time(bed, url, key):
    """Size for throughput, time for overlap: what is sent is the same, and its parts take their share."""
    bed.configure("openai", job_size=300_000, content_time=0.2)
    name = order(url, key)["id"]
    film = call(url, key, f"/{name}/content")
    assert len(film.body) == 300_000
    assert call(url, key, f"/{name}/content", range="bytes=299990-").body == film.body[-10:]
    bed.configure("openai", content_time=600.0)
    slow = order(url, key)["id"]
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    line.request("GET", f"/v1/videos/{slow}/content", headers={"authorization": f"Bearer {key}"})
    response = line.getresponse()
    assert 0 < len(response.read1(300_000)) < 30_000
    line.close()
    assert call(url, key, f"/{slow}/content", "HEAD").status == 200


def test_a_truncated_film(bed, url, key):
    """Fewer bytes than promised, twice; then all of them."""
    name = order(url, key)["id"]
    bed.configure("openai", truncate=1.0)
    for _ in range(LONGEST_STREAK):
        with pytest.raises(http.client.IncompleteRead):
            call(url, key, f"/{name}/content")
    assert call(url, key, f"/{name}/content").status == 200


@pytest.mark.parametrize(("quirks", "early", "late"), [(False, {409}, {410}), (True, {404, 409}, {404, 410})])
def test_too_early_and_too_late(bed, url, key, quirks, early, late):
    """Services disagree on the status; a client must know them all."""
    bed.configure("openai", job_time=60, quirks=quirks)
    seen = {call(url, key, f"/{order(url, key)['id']}/content").status for _ in range(12)}
    assert seen == early
    bed.configure("openai", job_time=0, job_expiry=0)
    names = [order(url, key)["id"] for _ in range(12)]
    assert {call(url, key, f"/{name}/content").status for name in names} == late
    assert {call(url, key, f"/{name}").json["status"] for name in names} == {"completed"}


def test_a_failed_job_says_why(bed, url, key):
    """Whether to order again is for the client to decide, by the code."""
    bed.configure("openai", job_failure=1.0)
    failed = order(url, key)
    assert (failed["status"], failed["error"]["code"], failed["completed_at"]) == ("failed", FAILED, None)
    assert call(url, key, f"/{failed['id']}/content").status == 404
    bed.configure("openai", profile="flat", job_blocked=1.0)
    assert order(url, key)["error"]["code"] == BLOCKED
    assert [job["error"] for job in recorded(bed, key)] == [FAILED, BLOCKED]


def test_anothers_job_does_not_exist(bed, url, key):
    """And the attempt is on record, so that a client can be shown never to make it."""
    name = order(url, key)["id"]
    stranger = f"{key}-stranger"
    for path, method in ((f"/{name}", "GET"), (f"/{name}/content", "GET"), (f"/{name}", "DELETE")):
        answer = call(url, stranger, path, method)
        assert (answer.status, answer.json["error"]["code"]) == (404, "not_found")
    assert call(url, stranger).json["data"] == []
    assert call(url, key, f"/{name}").status == 200
    assert recorded(bed, key)[0]["strangers"] == 3
    assert call(url, key, "/video_none").status == 404


def test_lists_page_through_all_jobs(url, key):
    """Each once, newest or oldest first."""
    names = [order(url, key, f"Scene {n}")["id"] for n in range(5)]
    for way, wanted in (("asc", names), ("desc", names[::-1])):
        seen, after = [], ""
        while True:
            page = call(url, key, f"?limit=2&order={way}&after={after}").json
            seen += [job["id"] for job in page["data"]]
            assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
            after = page["last_id"]
            if not page["has_more"]:
                break
        assert seen == wanted
    assert [job["id"] for job in call(url, key).json["data"]] == names[::-1]
    assert call(url, key, "?limit=0").json["error"]["param"] == "limit"
    assert call(url, key, "?after=video_none").status == 404


def test_a_deleted_job_is_gone(bed, url, key):
    """From everything but the record."""
    name = order(url, key)["id"]
    assert call(url, key, f"/{name}", "DELETE").json == {
        "id": name,
        "object": "video.deleted",
        "deleted": True,
    }
    assert call(url, key, f"/{name}").status == call(url, key, f"/{name}/content").status == 404
    assert call(url, key).json["data"] == []
    assert recorded(bed, key)[0]["deleted"] is True


def test_orders_are_paid_and_looks_are_not(bed, url, key):
    """A key's quota counts what it orders."""
    bed.configure("openai", key_quota=1)
    name = order(url, key)["id"]
    for _ in range(5):
        assert call(url, key, f"/{name}").status == 200
    refused = call(url, key, "", "POST", b'{"prompt": "x"}')
    assert (refused.status, refused.json["error"]["code"]) == (429, "insufficient_quota")


def test_counted_by_route(bed, url, key):
    """What a client asked for is told by these."""
    bed.configure("openai", job_time=0.05)
    name = order(url, key)["id"]
    until(lambda: call(url, key, f"/{name}").json["status"] in DONE)
    call(url, key, f"/{name}/content")
    counted = bed.counters("openai")["by_route"]
    assert counted.pop("GET /v1/videos/{id}") == recorded(bed, key)[0]["polls"] >= 1
    assert counted == {"POST /v1/videos": 1, "GET /v1/videos/{id}/content": 1}
    truth = recorded(bed, key)[0]
    assert truth["created"] == truth["started"] < truth["ready"] < truth["expires"]
