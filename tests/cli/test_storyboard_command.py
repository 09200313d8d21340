"""``fetchlab storyboard``, as it is typed."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

import polars as pl
import pytest

from fetchlab.cli.bars import Pace
from fetchlab.studies.storyboard import SCENES, VIDEOS
from testbed.client import until

CHAT, ORDER = "POST /v1/chat/completions", "POST /v1/videos"
SECRETS = ["oak-Zq81xLw0pTb7", "elm-Hy52vNc9rKd3", "ash-Mj66sFg1uWe8"]
IDEA = "A lighthouse keeper finds a letter"


@pytest.fixture
def url(bed, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRETS[0])
    bed.configure("openai", poll_after=0.02)
    return bed.urls["openai"]


def asked(bed, route=CHAT):
    return bed.counters("openai")["by_route"].get(route, 0)


def test_an_idea_becomes_a_script_and_videos(fetchlab, bed, url, tmp_path):
    """Two commands from a sentence to films; the second takes what the first wrote."""
    said = fetchlab(
        "storyboard", "script", IDEA, "--duration", 192, "--base-url", url, "--context", "rolling"
    )
    assert said.code == 0, said.err
    table = pl.read_parquet(tmp_path / "data/runs/storyboard.parquet")
    assert table.schema == SCENES
    assert "24 of 24 scenes · 26 requests" in said.out
    assert "scenes saw " in said.out
    assert "fetchlab monitor data/runs/storyboard-" in said.out
    table.head(3).write_parquet(tmp_path / "some.parquet")
    words = ["--to", "films", "--upscale", "256x144", "--base-url", url]
    said = fetchlab("storyboard", "render", "some.parquet", *words)
    assert said.code == 0, said.err
    jobs = pl.read_parquet(tmp_path / "data/runs/videos.parquet")
    assert jobs.schema == VIDEOS
    assert "3 of 3 videos succeeded, 0 failed, " in said.out
    assert "3 thumbnails · 3 upscaled" in said.out
    assert (tmp_path / "films/scene-003 256x144.mp4").is_file()


def test_json_goes_from_one_command_to_the_other(fetchlab, url, tmp_path):
    """Scenes are edited by hand, and prompts come from elsewhere."""
    (tmp_path / "idea.txt").write_text(IDEA)
    words = ["--idea-file", "idea.txt", "--scenes", 2, "--duration", 16, "--out", "scenes.json"]
    assert fetchlab("storyboard", "script", *words, "--base-url", url, "--no-journal").code == 0
    scenes = json.loads((tmp_path / "scenes.json").read_text())
    assert [scene["scene"] for scene in scenes] == [1, 2]
    (tmp_path / "edited.json").write_text(json.dumps([scenes[0], scenes[1] | {"prompt": None}]))
    said = fetchlab("storyboard", "render", "edited.json", "--to", "films", "--base-url", url, "--no-journal")
    assert said.code == 0, said.err
    assert "1 scenes were not written and are left out." in said.out
    (tmp_path / "prompts.json").write_text('["A door", "A window"]')
    said = fetchlab(
        "storyboard", "render", "prompts.json", "--to", "other", "--base-url", url, "--no-thumbnails"
    )
    assert "2 of 2 videos succeeded" in said.out


def test_a_scene_that_failed_is_exit_code_1_and_the_rest_is_paid_once(fetchlab, bed, url, tmp_path):
    """A nightly job must notice; the same command asks for what is missing."""
    bed.configure("openai", bad_scenes=(24,))
    words = ["storyboard", "script", "A door", "--duration", 192, "--base-url", url]
    said = fetchlab(*words)
    assert said.code == 1
    assert "23 of 24 scenes" in said.out
    assert "scene/24" in said.out
    assert "goes on from there, by data/runs/storyboard-" in said.out
    assert pl.read_parquet(tmp_path / "data/runs/storyboard.parquet")["error"].count() == 1
    bed.configure("openai", bad_scenes=())
    bed.reset_counters()
    again = fetchlab(*words)
    assert again.code == 0
    assert "25 parts from earlier" in again.out
    assert asked(bed) == 1


def test_failed_jobs_are_told_with_their_reasons(fetchlab, bed, url, tmp_path):
    """Whoever pays wants to know which scene, which job, and why."""
    bed.configure("openai", job_blocked=1.0)
    (tmp_path / "prompts.json").write_text('["A blocked door"]')
    said = fetchlab("storyboard", "render", "prompts.json", "--to", "films", "--base-url", url)
    assert said.code == 1
    assert "0 of 1 videos succeeded, 1 failed" in said.out
    assert "moderation_blocked" in said.out


def test_ctrl_c_writes_what_is_done(bed, url, process, tmp_path):
    """Whoever stops it has paid for what came."""
    bed.configure("openai", latency=0.1)
    words = [
        "storyboard",
        "script",
        "Stopped",
        "--duration",
        "192",
        "--base-url",
        url,
        "--out",
        "kept.parquet",
    ]
    child = process(*words)
    until(lambda: asked(bed) >= 13)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130, err
    assert "The same command goes on from there" in out
    assert 0 < pl.read_parquet(tmp_path / "kept.parquet")["error"].null_count() < 24


def test_keys_are_in_no_word_file_or_line(fetchlab, bed, url, monkeypatch, tmp_path):
    """A process list, a log and a journal are read by others."""
    monkeypatch.setenv("STUDIO_KEY", SECRETS[0])
    (tmp_path / "keys.txt").write_text(f"# ours\n{SECRETS[1]}\n\n{SECRETS[2]}\n")
    bed.configure("openai", invalid_keys=(SECRETS[1],), error_rate={400: 0.1})
    keys = ["--env", "STUDIO_KEY", "--key-file", "keys.txt", "--base-url", url]
    said = [
        fetchlab("storyboard", "script", "A secret", "--duration", 192, *keys, "--out", "runs/script.json")
    ]
    (tmp_path / "prompts.json").write_text(json.dumps([f"A secret door {n}" for n in range(4)]))
    said += [fetchlab("storyboard", "render", "prompts.json", "--to", "films", *keys)]
    assert "key 2 is not used any more: HTTP 401 invalid_api_key" in said[0].out
    (tmp_path / "keys.txt").unlink()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 6
    for secret in SECRETS:
        assert not any(secret in one.out + one.err for one in said)
        assert not any(secret.encode() in content for content in written)


def test_without_a_url_it_starts_the_testbed_and_says_so(fetchlab, monkeypatch, tmp_path):
    """A newcomer's first command needs no key, nor anybody's money."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = fetchlab("storyboard", "script", "A door", "--duration", 16, "--latency", 0.001)
    assert said.code == 0, said.err
    assert "local testbed serves http://127.0.0.1:" in said.out
    words = ["data/runs/storyboard.parquet", "--to", "films", "--backend", "vertex", "--latency", 0.001]
    said = fetchlab("storyboard", "render", *words)
    assert said.code == 0, said.err
    assert "2 of 2 videos succeeded" in said.out


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["script"], "IDEA"),
        (["script", "A door", "--idea-file", "x"], "IDEA"),
        (["script", "--idea-file", "missing.txt"], "--idea-file"),
        (["script", "A door", "--batch-size", "many"], "--batch-size"),
        (["script", "A door", "--context", "whole"], "--context"),
        (["script", "A door", "--scenes", "0"], "--scenes"),
        (["script", "A door", "--out", "scenes.csv"], "--out"),
        (["script", "A door", "--env", "NO_SUCH_KEY"], "--env"),
        (["script", "A door", "--key-file", "missing.txt"], "--key-file"),
        (["script", "A door", "--base-url", "example.org"], "--base-url"),
        (["render", "missing.json", "--to", "films"], "SCENES"),
        (["render", "prompts.json", "--to", "films", "--upscale", "4K"], "--upscale"),
        (["render", "prompts.json", "--to", "films", "--backend", "film"], "--backend"),
        (["render", "prompts.json", "--to", "films", "--downloads", "0"], "--downloads"),
        (["render", "number.json", "--to", "films"], "SCENES"),
        (["render", "deep.json", "--to", "films"], "SCENES"),
        (["render", "halves.json", "--to", "films"], "SCENES"),
    ],
)
def test_what_cannot_work_is_told_by_its_flag(fetchlab, bed, url, tmp_path, words, flag):
    """Before the first request, in one line, with exit code 2."""
    (tmp_path / "prompts.json").write_text('["A door"]')
    (tmp_path / "number.json").write_text("17")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "halves.json").write_text('[{"scene": 1.5, "prompt": "A door", "seconds": 8}]')
    where = [] if "--base-url" in words else ["--base-url", url]
    said = fetchlab("storyboard", *words, *where)
    assert said.code == 2, said.err
    assert said.err.startswith(f"fetchlab: {flag}: ")
    assert said.err.count("\n") == 1
    assert bed.counters("openai")["requests"] == 0


def test_a_terminal_shows_bars(bed, url, tmp_path):
    """Minutes of waiting without a sign look like a hang."""
    bed.configure("openai", latency=0.15)
    leader, follower = pty.openpty()
    words = [
        sys.executable,
        "-m",
        "fetchlab",
        "storyboard",
        "script",
        "Bars",
        "--duration",
        "192",
        "--base-url",
        url,
    ]
    with subprocess.Popen(words, cwd=tmp_path, stderr=follower, stdout=subprocess.DEVNULL) as child:
        os.close(follower)
        shown = drained(leader)
        assert child.wait(timeout=30) == 0
    assert "scenes" in shown
    assert "24/24" in shown
    assert "ETA" in shown
    assert "tokens" in shown


def drained(leader):
    found = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the other end is closed
            piece = b""
        if not piece:
            os.close(leader)
            return found.decode()
        found += piece


def test_the_time_left_is_by_when_the_latest_ended():
    """What an earlier session did, and how fast it went an hour ago, says nothing."""
    pace = Pace(latest=10)
    pace.saw(0.0, 50)
    assert pace.remaining(1.0, 100) is None
    for second in range(1, 21):
        pace.saw(float(second), 50 + second)
    assert pace.remaining(20.0, 100) == pytest.approx(30.0, rel=0.05)
    for step in range(1, 15):
        pace.saw(20.0 + 5 * step, 70 + step)
    assert pace.remaining(90.0, 100) == pytest.approx(5 * 16, rel=0.05)
    assert pace.remaining(120.0, 100) > 100  # nothing ends: it takes longer
