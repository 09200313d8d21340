"""Thumbnails and larger videos, made of what the testbed serves and looked at with PyAV."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.errors import ConfigError, StudyError
from fetchlab.studies.storyboard import VideoJobs
from fetchlab.studies.storyboard.finishing import ending_of
from fetchlab.studies.storyboard.frames import Stopped, first_frame, fitted, scaled
from testbed.client import until

ROOT = "/v1/projects/p/locations/us-central1/publishers/google"
CONTENT = "GET /v1/videos/{id}/content"
QUICK = fl.Retry(attempts=6, base=0.01, budget=10.0)
TOKENS = ["token-a", "token-b"]


@pytest.fixture
def jobs(bed):
    bed.configure("openai", poll_after=0.02)
    return VideoJobs(bed.urls["openai"], TOKENS, retry=QUICK)


@pytest.fixture
def prompts(request):
    return [f"{request.node.name}: window {number}" for number in range(1, 4)]


@pytest.fixture
def film(bed, jobs, prompts, tmp_path):
    """A video of the testbed, 128 × 72, of eight frames."""
    return Path(jobs.render(prompts[:1], tmp_path / "film", thumbnails=False).result()["path"][0])


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".fetchlab-downloads.jsonl")


def contents(bed):
    return bed.counters("openai")["by_route"].get(CONTENT, 0)


def test_thumbnails_are_the_services_own(bed, jobs, prompts, tmp_path):
    """They are there in another size than frames, and cost nothing to make."""
    run = jobs.render(prompts, tmp_path)
    table = run.result()
    assert [Path(path).name for path in table["thumbnail"]] == [f"scene-{n:03d}.png" for n in (1, 2, 3)]
    with av.open(table["thumbnail"][0]) as picture:
        assert (picture.streams.video[0].width, picture.streams.video[0].height) == (320, 180)
    assert run.notes["thumbnails"] == 3
    assert table["upscaled"].null_count() == 3
    assert contents(bed) == 6


def test_without_a_thumbnail_the_first_frame_is_taken(bed, prompts, tmp_path):
    """Vertex has none."""
    jobs = VideoJobs(bed.urls["vertex"] + ROOT, TOKENS, backend="vertex", retry=QUICK)
    table = jobs.render(prompts, tmp_path).result()
    with av.open(table["thumbnail"][2]) as picture, av.open(table["path"][2]) as film:
        shown = next(picture.decode(video=0)).to_ndarray(format="rgb24")
        first = next(film.decode(video=0)).to_ndarray(format="rgb24")
    assert (shown == first).all()


@pytest.mark.parametrize("sound", [False, True])
def test_a_larger_video_has_the_same_frames_and_sound(film, tmp_path, sound):
    """A film that lost its sound or its pace is another one."""
    source = with_sound(film, tmp_path / "heard.mp4") if sound else film
    scaled(source, tmp_path / "large.mp4", (512, 288), threading.Event())
    with av.open(str(source)) as before, av.open(str(tmp_path / "large.mp4")) as after:
        times = [frame.time for frame in before.decode(video=0)]
        larger = list(after.decode(video=0))
        assert [frame.time for frame in larger] == times
        assert {(frame.width, frame.height) for frame in larger} == {(512, 288)}
    assert heard(source) == heard(tmp_path / "large.mp4")
    assert bool(heard(source)) == sound


def with_sound(film, target):
    with av.open(str(film)) as source, av.open(str(target), "w") as out:
        pictures = out.add_stream_from_template(source.streams.video[0])
        tone = out.add_stream("aac", rate=8000, layout="mono")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                out.mux(packet)
        for place in range(8):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            for plane in frame.planes:
                plane.update(bytes([place]) * plane.buffer_size)
            frame.sample_rate, frame.pts, frame.time_base = 8000, 1024 * place, Fraction(1, 8000)
            out.mux(tone.encode(frame))
        out.mux(tone.encode(None))
    return target


def heard(path):
    with av.open(str(path)) as film:
        return (
            [bytes(packet) for packet in film.demux(audio=0) if packet.dts is not None]
            if film.streams.audio
            else []
        )


@given(st.integers(2, 4000), st.integers(2, 4000), st.integers(2, 4000), st.integers(2, 4000))
def test_a_film_keeps_its_shape_inside_the_box(width, height, across, down):
    """A film that stands is no film that lies; an encoder takes even sides only."""
    found = fitted(width, height, (across, down))
    long, short = max(across, down), min(across, down)
    most = (long, short) if width >= height else (short, long)
    assert all(side % 2 == 0 and side >= 2 for side in found)
    assert all(side <= limit + 1 for side, limit in zip(found, most, strict=True))
    assert any(abs(side - limit) <= 1 for side, limit in zip(found, most, strict=True)) or 2 in found


def test_videos_are_made_larger_beside_themselves(jobs, prompts, tmp_path):
    """The video as it came stays; what is half written has no name of a result."""
    run = jobs.render(prompts, tmp_path, upscale="256x144", thumbnails=False)
    table = run.result()
    names = [f"scene-{n:03d}{ending}" for n in (1, 2, 3) for ending in (" 256x144.mp4", ".mp4")]
    assert files(tmp_path) == sorted(names)
    with av.open(table["upscaled"][0]) as larger:
        assert (larger.streams.video[0].width, larger.streams.video[0].height) == (256, 144)
    assert table["error"].null_count() == 3
    assert run.notes["upscaled"] == 3


def test_a_function_makes_videos_larger(jobs, prompts, tmp_path):
    """Somebody has a better upscaler than a scaler; its failure costs no video."""

    def doubled(source, target):
        if "002" in source.name:
            raise RuntimeError("the card is busy")
        target.write_bytes(source.read_bytes() * 2)

    run = jobs.render(prompts, tmp_path, upscale=doubled, thumbnails=False)
    table = run.result()
    assert Path(table["upscaled"][0]).name == "scene-001 upscaled.mp4"
    assert Path(table["upscaled"][0]).read_bytes() == Path(table["path"][0]).read_bytes() * 2
    assert table["upscaled"].null_count() == 1
    assert table["error"][1] == "TaskError: RuntimeError: the card is busy"
    assert run.notes["succeeded"] == 3
    assert run.notes["failed"] == 0
    assert not [name for name in files(tmp_path) if ".part" in name]


def test_what_is_finished_is_not_made_again(bed, jobs, prompts, tmp_path):
    """An upscaled film took minutes; a changed wish, or a file that has gone, is made, and nothing else."""
    calls = []

    def copied(source, target):
        calls.append(source.name)
        target.write_bytes(source.read_bytes())

    def render(**knobs):
        run = jobs.render(prompts, tmp_path / "videos", journal=tmp_path / "jobs.db", **knobs)
        return run, run.result()

    render(upscale=copied)
    bed.reset_counters()
    again, table = render(upscale=copied)
    assert again.stats().earlier == 3 * 5
    assert bed.counters("openai")["by_route"] == {}
    assert len(calls) == 3
    Path(table["upscaled"][0]).unlink()
    Path(table["thumbnail"][1]).unlink()
    _, table = render(upscale=copied)
    assert len(calls) == 4
    assert contents(bed) == 1
    assert all(Path(path).is_file() for path in (*table["upscaled"], *table["thumbnail"]))
    _, table = render(upscale="256x144")
    assert len(calls) == 4
    assert contents(bed) == 1
    assert {Path(path).name[9:] for path in table["upscaled"]} == {" 256x144.mp4"}


KILLED = """
import sys, time
from fetchlab.studies.storyboard import VideoJobs

def slow(source, target):
    target.write_bytes(b"half a film")
    time.sleep(0.5)  # by now the film itself is written down
    print("writing", flush=True)
    time.sleep(60)

url, folder, journal, prompt = sys.argv[1:]
VideoJobs(url, ["token-a"]).render([prompt], folder, upscale=slow, journal=journal, progress=False).wait()
"""


def test_what_a_kill_left_half_written_is_no_result(bed, prompts, tmp_path):
    """A film that ends in the middle looks like one that does not."""
    folder, journal = tmp_path / "videos", tmp_path / "jobs.db"
    bed.configure("openai", poll_after=0.02)
    command = [sys.executable, "-c", KILLED, bed.urls["openai"], str(folder), str(journal), prompts[0]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        process.kill()
    assert {".scene-001 upscaled.part.mp4", "scene-001.mp4"} <= set(files(folder))
    bed.reset_counters()

    def slow(source, target):
        target.write_bytes(source.read_bytes() * 2)

    jobs = VideoJobs(bed.urls["openai"], "token-a", retry=QUICK)
    table = jobs.render(prompts[:1], folder, upscale=slow, journal=journal).result()
    assert files(folder) == ["scene-001 upscaled.mp4", "scene-001.mp4", "scene-001.png"]
    assert Path(table["upscaled"][0]).stat().st_size == 2 * table["bytes"][0]
    assert contents(bed) <= 1  # the thumbnail, if it was killed in the middle, too


def test_a_cancelled_run_stops_scaling(film, jobs, prompts, tmp_path):
    """Nobody waits minutes for a film that nobody wants any more."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        scaled(film, tmp_path / "large.mp4", (256, 144), stop)
    run = jobs.render(prompts, tmp_path / "videos", upscale="3840x2160", thumbnails=False)
    until(lambda: run.notes["succeeded"] == 3)
    run.cancel().wait()
    assert not [name for name in files(tmp_path / "videos") if ".part" in name]


def test_without_pyav_it_is_said_how_to_get_it(bed, jobs, prompts, tmp_path, monkeypatch):
    """Whoever asked for 4K hears it before the first order is paid."""
    known = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "av" else known(name, *rest)
    )
    with pytest.raises(ConfigError, match=r"^upscale: needs PyAV: pip install 'fetchlab\[video\]'$"):
        jobs.render(prompts, tmp_path, upscale="3840x2160")
    vertex = VideoJobs(bed.urls["vertex"] + ROOT, TOKENS, backend="vertex")
    with pytest.raises(
        ConfigError, match=r"^thumbnails: .*pip install 'fetchlab\[video\]', or thumbnails=False"
    ):
        vertex.render(prompts, tmp_path)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(StudyError, match=r"needs PyAV: pip install 'fetchlab\[video\]'"):
        first_frame(tmp_path / "film.mp4")
    assert jobs.render(prompts[:1], tmp_path).result()["error"].null_count() == 1


@pytest.mark.parametrize("wish", ["4K", "3840", "3840x", "0x0", "3840x99999999", 4])
def test_a_size_that_cannot_be_is_refused(jobs, prompts, tmp_path, wish):
    """Before the first order."""
    with pytest.raises(ConfigError, match=r"^upscale: is such as '3840x2160' or a function"):
        jobs.render(prompts, tmp_path, upscale=wish)


def test_pictures_are_known_by_what_they_begin_with():
    """An error page with status 200 is no thumbnail."""
    starts = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF....WEBPVP8 ", b"<html>", b""]
    assert [ending_of(start) for start in starts] == [".png", ".jpg", ".webp", None, None]


def test_what_is_no_video_is_our_own_error(tmp_path):
    """A page that was saved as a film."""
    (tmp_path / "film.mp4").write_text("<html>")
    with pytest.raises(StudyError, match=r"^film.mp4 cannot be read as a video: "):
        first_frame(tmp_path / "film.mp4")
    with pytest.raises(StudyError, match=r"^film.mp4 cannot be scaled: "):
        scaled(tmp_path / "film.mp4", tmp_path / "large.mp4", (256, 144), threading.Event())
