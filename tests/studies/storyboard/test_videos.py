"""Video jobs against the testbed, which tells of every job who ordered it and who asked for it."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError
from fetchlab.studies.storyboard import VIDEOS, Key, Storyboard, VideoJobs
from testbed.client import ask, until

ORDER, LOOK = "POST /v1/videos", "GET /v1/videos/{id}"
CONTENT = "GET /v1/videos/{id}/content"
QUICK = fl.Retry(attempts=6, base=0.01, budget=10.0)
TOKENS = ["token-a", "token-b"]


@pytest.fixture
def jobs(bed):
    bed.configure("openai", poll_after=0.02)
    return VideoJobs(bed.urls["openai"], TOKENS, retry=QUICK)


@pytest.fixture
def prompts(request):
    """Prompts of this test alone: the testbed remembers all jobs."""
    return [f"{request.node.name}: door {number}" for number in range(1, 9)]


def ordered(bed, prompts):
    return [job for job in bed.truth("openai")["jobs"] if job["prompt"] in prompts]


def routes(bed):
    return bed.counters("openai")["by_route"]


def whole(bed, table, prompts):
    """Every file is what the service made for its prompt, and nobody asked for another's job."""
    known = {job["id"]: job for job in ordered(bed, prompts)}
    for scene, job, size, path in table.select("scene", "job", "bytes", "path").iter_rows():
        content = Path(path).read_bytes()
        assert known[job]["prompt"] == prompts[scene - 1]
        assert hashlib.sha256(content).hexdigest() == known[job]["sha256"]
        assert size == len(content)
    assert sum(job["strangers"] for job in known.values()) == 0


def left(folder):
    return sorted(path.name for path in folder.iterdir() if ".part" in path.name)


def test_every_scene_becomes_a_whole_file(bed, jobs, prompts, tmp_path):
    """Orders go to both accounts, and each job is asked for with its own."""
    bed.configure("openai", job_time=0.05, job_spread=0.1)
    run = jobs.render(prompts, tmp_path)
    table = run.result()
    assert table.schema == VIDEOS
    assert table["scene"].to_list() == list(range(1, 9))
    assert [Path(path).name for path in table["path"]] == [f"scene-{n:03d}.mp4" for n in range(1, 9)]
    whole(bed, table, prompts)
    assert Counter(table["account"]) == {"account 1": 4, "account 2": 4}
    assert (table["submitted"] <= table["ready"]).all()
    assert (table["ready"] <= table["downloaded"]).all()
    assert table["attempts"].to_list() == [1] * 8
    assert routes(bed)[ORDER] == 8
    assert routes(bed)[CONTENT] == 8 + 8  # with thumbnails
    assert run.notes["succeeded"] == 8
    assert run.notes["bytes"] == table["bytes"].sum()
    assert left(tmp_path) == []


def test_downloads_never_hold_up_polling(bed, jobs, prompts, tmp_path):
    """The published tool polled nobody while five were downloading."""
    bed.configure("openai", content_time=0.25)
    run = jobs.render(prompts, tmp_path, downloads=2)
    table = run.result()
    assert run.notes["downloads_at_once"] == 2
    assert table["ready"].max() < table["downloaded"].sort()[2]


def test_a_script_becomes_videos(bed, tmp_path):
    """One table goes into the other call as it is."""
    bed.configure("openai", poll_after=0.02)
    script = Storyboard(bed.urls["openai"], "key-a", "storyboard-1").script("Doors", 40).result()
    table = VideoJobs(bed.urls["openai"], TOKENS, retry=QUICK).render(script, tmp_path).result()
    made = {job["id"]: job for job in bed.truth("openai")["jobs"]}
    assert [made[job]["prompt"] for job in table["job"]] == script["prompt"].to_list()
    assert {made[job]["seconds"] for job in table["job"]} == {8}


def test_failed_jobs_are_ordered_again(bed, jobs, prompts, tmp_path):
    """Generation fails now and then; a prompt that is not allowed fails always."""
    bed.configure("openai", job_failure=0.5)
    run = jobs.render(prompts, tmp_path, resubmit=2)
    table = run.result()
    whole(bed, table, prompts)
    made = Counter(job["prompt"] for job in ordered(bed, prompts))
    assert [made[prompt] for prompt in prompts] == table["attempts"].to_list()
    assert run.notes["resubmitted"] == table["attempts"].sum() - 8 > 0


def test_what_the_service_does_not_allow_is_ordered_once(bed, jobs, prompts, tmp_path):
    """Each further order would be refused at the same price."""
    bed.configure("openai", job_blocked=1.0)
    run = jobs.render(prompts, tmp_path, resubmit=3)
    table = run.result()
    assert table["error"].str.contains("StudyError: job video_.* failed: moderation_blocked").all()
    assert table["path"].null_count() == 8
    assert len(ordered(bed, prompts)) == 8
    assert run.errors()["count"].to_list() == [8]


def test_expired_videos_are_a_typed_failure(bed, jobs, prompts, tmp_path):
    """An empty file would pass for a video."""
    bed.configure("openai", job_expiry=0.0)
    table = jobs.render(prompts[:3], tmp_path).result()
    assert table["error"].str.contains("was gone before it was downloaded").all()
    assert table["attempts"].to_list() == [2, 2, 2]
    assert list(tmp_path.glob("*.mp4*")) == []


@pytest.mark.parametrize("faults", [{"truncate": 0.3}, {"reset": 0.3}, {"error_rate": {503: 0.2, 500: 0.1}}])
def test_broken_answers_end_as_whole_files_and_are_paid_for_once(bed, jobs, prompts, tmp_path, faults):
    """An order whose answer was lost stands all the same: ordered again it is paid for twice."""
    bed.configure("openai", job_size=60_000, **faults)
    run = jobs.render(prompts, tmp_path)
    whole(bed, run.result(), prompts)
    assert len(ordered(bed, prompts)) == 8
    assert run.stats().retries > 0
    assert left(tmp_path) == []


def test_a_run_that_is_cancelled_and_goes_on_orders_nothing_twice(bed, jobs, prompts, tmp_path):
    """The answer to an order that was under way is not waited for."""
    bed.configure("openai", latency=0.05)
    run = jobs.render(prompts, tmp_path)
    until(lambda: bed.counters("openai")["in_flight"] > 0)
    run.cancel().wait()
    run.retry_failed().wait()
    whole(bed, run.result(), prompts)
    assert len(ordered(bed, prompts)) == 8


def test_a_second_call_asks_for_nothing(bed, jobs, prompts, tmp_path):
    """What is there is there; a file that was removed is downloaded anew, from the job that is paid for."""
    path = tmp_path / "jobs.db"
    table = jobs.render(prompts, tmp_path / "videos", journal=path).result()
    bed.reset_counters()
    again = jobs.render(prompts, tmp_path / "videos", journal=path)
    assert again.result().equals(table)
    assert routes(bed) == {}
    (tmp_path / "videos" / "scene-003.mp4").unlink()
    third = jobs.render(prompts, tmp_path / "videos", journal=path).result()
    whole(bed, third, prompts)
    assert routes(bed) == {CONTENT: 1}


def test_a_lost_order_for_another_model_is_not_adopted(bed, prompts, tmp_path):
    """The same call with a better model wants its video, not the one whose number was lost."""
    url = bed.urls["openai"]
    bed.configure("openai", poll_after=0.02)

    def render(model, count):
        jobs = VideoJobs(url, "token-b", model=model, retry=QUICK)
        return jobs.render(prompts[:count], tmp_path / "videos", journal=tmp_path / "jobs.db")

    render("sora-2", 1).wait()
    told = {"prompt": prompts[1], "model": "sora-2", "seconds": "8", "size": "1280x720"}
    headers = {"authorization": "Bearer token-b", "content-type": "application/json"}
    assert ask(url, "/v1/videos", "POST", json.dumps(told), headers).status == 200
    run = render("sora-2-pro", 2)
    assert run.result()["error"].null_count() == 2
    assert run.notes["adopted"] == 0
    made = Counter(job["model"] for job in ordered(bed, prompts))
    assert made == {"sora-2": 2, "sora-2-pro": 2}


def test_a_job_that_is_not_found_once_is_not_paid_for_again(bed, jobs, prompts, tmp_path):
    """A gateway in front of the service says 404 while it starts anew."""
    bed.configure("openai", job_time=1.0)
    run = jobs.render(prompts[:4], tmp_path, thumbnails=False)
    until(lambda: run.notes["ordered"] == 4)
    bed.configure("openai", error_rate={404: 1.0})
    bed.reset_counters()
    until(lambda: routes(bed).get(LOOK, 0) >= 4)
    bed.configure("openai", error_rate={})
    whole(bed, run.result(), prompts)
    assert len(ordered(bed, prompts)) == 4


def test_a_changed_prompt_is_a_new_order(bed, jobs, prompts, tmp_path):
    """The old video shows something else; the others stay."""
    path = tmp_path / "jobs.db"
    jobs.render(prompts, tmp_path / "one", journal=path).wait()
    bed.reset_counters()
    changed = [*prompts[:4], f"{prompts[4]}, at night", *prompts[5:]]
    table = jobs.render(changed, tmp_path / "one", journal=path).result()
    whole(bed, table, changed)
    assert routes(bed)[ORDER] == 1
    assert routes(bed)[CONTENT] == 1 + 1  # with its thumbnail
    assert Path(table["path"][4]).name == "scene-005 (2).mp4"


def test_a_killed_run_orders_nothing_twice(bed, jobs, tmp_path):
    """The job is made and paid for although its number died with the process."""
    bed.configure("openai", latency=0.06)
    prompts = [f"Killed: door {number}" for number in range(1, 25)]
    command = [sys.executable, str(Path(__file__).with_name("killable_jobs.py"))]
    told = [bed.urls["openai"], str(tmp_path / "videos"), str(tmp_path / "jobs.db"), "24"]
    with subprocess.Popen([*command, *told]) as process:
        until(lambda: len(ordered(bed, prompts)) >= 9)
        process.kill()
    bed.configure("openai", latency=0.0, poll_after=0.02)
    run = jobs.render(prompts, tmp_path / "videos", journal=tmp_path / "jobs.db")
    whole(bed, run.result(), prompts)
    assert len(ordered(bed, prompts)) == 24
    assert left(tmp_path / "videos") == []


@pytest.mark.parametrize("ahead", [0.0, 100.0])
def test_a_job_whose_number_died_with_the_process_is_adopted(
    bed, jobs, prompts, tmp_path, monkeypatch, ahead
):
    """The order was taken and paid for, and the journal never heard of it; clocks may go differently."""
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + ahead)
    path = tmp_path / "jobs.db"
    jobs.render(prompts[:4], tmp_path / "videos", journal=path).wait()
    told = {"prompt": prompts[4], "model": "sora-2", "seconds": "8", "size": "1280x720"}
    headers = {"authorization": "Bearer token-b", "content-type": "application/json"}
    for _ in range(2):  # one more than is needed: it is nobody's
        answer = ask(bed.urls["openai"], ORDER.split()[1], "POST", json.dumps(told), headers)
        assert answer.status == 200
    run = jobs.render(prompts, tmp_path / "videos", journal=path)
    table = run.result()
    assert table["error"].null_count() == 8
    assert run.notes["adopted"] == 1
    assert table["account"][4] == "account 2"
    assert len(ordered(bed, prompts)) == 9
    assert run.stats().earlier == 16


def test_jobs_are_asked_for_by_their_own_account_only(bed, jobs, prompts, tmp_path):
    """To another account they do not exist, and asking looks like prying."""
    path = tmp_path / "jobs.db"
    bed.configure("openai", job_time=30.0)
    run = jobs.render(prompts, tmp_path / "videos", journal=path)
    until(lambda: run.notes["ordered"] == 8 and run.notes["polls"] >= 8)
    run.cancel().wait()
    one = VideoJobs(bed.urls["openai"], ["token-new", "token-b"], retry=QUICK)
    alone = one.render(prompts, tmp_path / "videos", journal=path)
    until(lambda: alone.stats().failed == 4)
    alone.cancel().wait()
    assert alone.result()["error"].str.contains("of an account that is not among those given").sum() == 4
    known = ordered(bed, prompts)
    assert len(known) == 8
    assert sum(job["strangers"] for job in known) == 0


def test_a_spent_account_and_an_unknown_one_leave_the_work_to_the_third(bed, prompts, tmp_path):
    """Jobs that a spent account has already ordered are still its to fetch."""
    bed.configure("openai", poll_after=0.02, key_quota={"token-a": 2}, invalid_keys=("token-b",))
    jobs = VideoJobs(bed.urls["openai"], [*TOKENS, "token-c"], retry=QUICK)
    run = jobs.render(prompts, tmp_path)
    table = run.result()
    whole(bed, table, prompts)
    assert Counter(table["account"]) == {"account 1": 2, "account 3": 6}
    assert run.notes["accounts"]["account 1"]["retired"] == "HTTP 429 insufficient_quota"
    assert run.notes["accounts"]["account 2"]["retired"] == "HTTP 401 invalid_api_key"


def test_an_account_that_asks_too_fast_rests(bed, prompts, tmp_path):
    """Limits are no fault of the scene."""
    bed.configure("openai", poll_after=0.02, key_rate=1200.0, key_burst=1)
    run = VideoJobs(bed.urls["openai"], TOKENS, retry=QUICK).render(prompts, tmp_path)
    whole(bed, run.result(), prompts)
    assert run.stats().refused > 0
    assert len(ordered(bed, prompts)) == 8


def test_tokens_are_nowhere_but_on_the_wire(bed, prompts, tmp_path, caplog):
    """Journals, tables, logs and folders are given to others."""
    tokens = ["oak-Zq81xLw0pTb7", "elm-Hy52vNc9rKd3", "ash-Mj66sFg1uWe8"]
    bed.configure("openai", poll_after=0.02, invalid_keys=(tokens[1],), error_rate={400: 0.1, 503: 0.1})
    with caplog.at_level(logging.DEBUG):
        jobs = VideoJobs(bed.urls["openai"], [Key(tokens[0], name="studio"), *tokens[1:]], retry=QUICK)
        run = jobs.render(prompts, tmp_path / "videos", journal=tmp_path / "jobs.db")
        table = run.result()
    run.save(tmp_path / "saved")
    shown = [repr(jobs), repr(run), run._repr_html_(), repr(run.notes), caplog.text]
    shown += [frame.write_json() for frame in (table, run.frame(), run.attempts(), run.errors())]
    shown += [str(result.error) for result in run.results()]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for token in tokens:
        assert not any(token in text for text in shown)
        assert not any(token.encode() in content for content in files)
    assert "studio" in set(table["account"])


def test_what_cannot_work_is_told_at_the_call(bed, jobs, tmp_path, monkeypatch):
    """Nothing may be ordered before it is clear that it can be kept."""

    def full(**where):
        raise OSError(errno.ENOSPC, "No space left on device", str(where["dir"]))

    script = Storyboard(bed.urls["openai"], "key-a", "storyboard-1").script("Doors", 40).result()
    bed.reset_counters()
    for knob, scenes, more in [
        ("scenes", "A door", {}),
        ("scenes", script.drop("prompt"), {}),
        ("scenes", ["A door", " "], {}),
        ("scenes", script.vstack(script), {}),
        ("scenes", script.with_columns(scene=script["scene"].cast(float)), {}),
        ("scenes", script.with_columns(scene=script["scene"].cast(str)), {}),
        ("scenes", script.with_columns(scene=script["scene"].cast(int) - 1), {}),
        ("scenes", script.with_columns(scene=script["scene"].replace(1, None)), {}),
        ("scenes", script.with_columns(seconds=pl.lit(None)), {}),
        ("scenes", script.with_columns(seconds=pl.lit("8")), {}),
        ("scenes", script.with_columns(seconds=math.nan), {}),
        ("seconds", ["A door"], {"seconds": 7}),
        ("size", ["A door"], {"size": "large"}),
        ("downloads", ["A door"], {"downloads": 0}),
        ("resubmit", ["A door"], {"resubmit": -1}),
        ("workers", ["A door"], {"workers": "many"}),
    ]:
        with pytest.raises(ConfigError, match=rf"^{knob}: "):
            jobs.render(scenes, tmp_path, **more)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"^to: "):
        jobs.render(["A door"], tmp_path / "file")
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(ConfigError, match=r"^to: .*No space left"):
        jobs.render(["A door"], tmp_path)
    with pytest.raises(ConfigError, match=r"^accounts: "):
        VideoJobs(bed.urls["openai"], [])
    with pytest.raises(ConfigError, match=r"^backend: "):
        VideoJobs(bed.urls["openai"], TOKENS, "film")
    assert routes(bed) == {}


def test_a_token_that_is_revoked_while_jobs_are_made_ends_them(bed, prompts, tmp_path):
    """No other account may ask for them: asking on would flood the service and never end."""
    bed.configure("openai", poll_after=0.02, job_time=30.0)
    run = VideoJobs(bed.urls["openai"], "token-revoked", retry=QUICK).render(prompts[:2], tmp_path)
    until(lambda: run.notes["polls"] >= 4)
    bed.reset_counters()
    bed.configure("openai", invalid_keys=("token-revoked",))
    until(lambda: run.stats().failed == 2)
    assert run.result()["error"].str.contains("account 1: HTTP 401 invalid_api_key").all()
    assert sum(routes(bed).values()) < 20
    assert len(ordered(bed, prompts)) == 2


def test_a_token_that_is_revoked_before_a_download_ends_it(bed, prompts, tmp_path):
    """The job stays in the journal for a call with a token that is renewed; this one ends."""
    path, url = tmp_path / "jobs.db", bed.urls["openai"]
    bed.configure("openai", poll_after=0.02, content_time=0.3)

    def render(token):
        jobs = VideoJobs(url, Key(token, name="studio"), retry=QUICK)
        return jobs.render(prompts[:3], tmp_path / "videos", 1, thumbnails=False, journal=path)

    run = render("token-c")
    until(lambda: run.notes["ready"] == 3)
    bed.configure("openai", invalid_keys=("token-c",))
    until(lambda: run.stats().failed == 2)
    assert run.result()["error"].str.contains("studio: HTTP 401").sum() == 2
    bed.configure("openai", invalid_keys=(), content_time=0.0)
    assert render("token-c").result()["error"].null_count() == 3
    assert len(ordered(bed, prompts)) == 3
