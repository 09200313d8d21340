"""Downloads that are killed: at random points, and at every single step; the file ends up whole each time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import fetchlab as fl
from fetchlab.transport.folder import RECORDS
from testbed.client import until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def forge():
    """``forge(url, folder, step)`` starts a download in a process of its own; see ``killable``."""
    program = [sys.executable, str(Path(__file__).with_name("killable.py"))]
    child = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(url, folder, step=0):
        child.stdin.write(f"{url} {folder} {step}\n")
        child.stdin.flush()
        return int(child.stdout.readline())

    start.outcome = lambda: int(child.stdout.readline())
    with child:
        yield start
        child.stdin.close()
        child.wait(30)


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != RECORDS)


def test_killed_at_random_points_twenty_times(forge, bed, echo, tmp_path):
    """Otherwise a laptop's lid ends a download of hours."""
    size, random = 4_000_000, Random(4)
    url = f"{echo}/download/{size}?seconds=4"
    part = tmp_path / f"{size}.part"

    def got():
        return part.stat().st_size if part.exists() else 0

    for point in sorted(random.randrange(size * 9 // 10) for _ in range(20)):
        pid = forge(url, tmp_path)
        until(lambda point=point: got() > point)
        os.kill(pid, signal.SIGKILL)
        assert forge.outcome() == -signal.SIGKILL
    forge(url, tmp_path)
    assert forge.outcome() == 0
    assert visible(tmp_path) == [str(size)]
    assert (tmp_path / str(size)).read_bytes() == fl.fetch([f"{echo}/download/{size}"]).result()[0]
    assert bed.counters("echo")["requests"] <= 22
    (again,) = fl.download([url], to=tmp_path).result()
    assert again.skipped


@pytest.mark.parametrize("state", ["fresh", "begun", "changed"])
def test_killed_at_every_step(forge, echo, tmp_path, state):
    """Between any two changes to the disk there may be the last moment: none may lose or mix versions."""
    size = 200_000
    url = f"{echo}/download/{size}?etag=new"
    body = fl.fetch([url]).result()[0]
    key = f"GET {url}"
    for step in range(1, 40):
        folder = tmp_path / str(step)
        folder.mkdir()
        if state != "fresh":
            old = b"old" * 10_000 if state == "changed" else body[:30_000]
            tag = '\\"other\\"' if state == "changed" else '\\"new\\"'
            (folder / f"{size}.part").write_bytes(old)
            sidecar = f'{{"key": "{key}", "total": {size}, "etag": "{tag}", "validator": "{tag}"}}'
            (folder / f"{size}.part.json").write_text(sidecar)
        forge(url, folder, step)
        ended = forge.outcome()
        target = folder / str(size)
        assert not target.exists() or target.read_bytes() == body, step
        forge(url, folder)
        assert forge.outcome() == 0
        assert target.read_bytes() == body, step
        assert visible(folder) == [str(size)], step
        if ended == 0:
            break
    else:
        pytest.fail("it never came to its end")
    assert step > 6
