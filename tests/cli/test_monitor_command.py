"""``fetchlab monitor``: the picture, the lines for scripts, and when it ends."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

import fetchlab as fl
from fetchlab.cli.monitor import watch_line
from fetchlab.cli.picture import Picture
from fetchlab.engine.watcher import Watcher

ONCE = fl.Retry(attempts=1)
JOURNALLED = Path(__file__).parents[1] / "engine" / "journalled.py"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a journal.db"


@pytest.fixture
def living(bed, echo, path):
    """A run in a process of its own: eight items a second, for as long as nobody lets it hurry."""
    bed.configure("echo", latency=0.25)
    program = [sys.executable, str(JOURNALLED), str(path), echo, "400", "2"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "begun\n"
        yield child
        child.kill()


def drawn(standing, width, height=25, *, fits=False):
    """The picture as text."""
    out = io.StringIO()
    Console(file=out, width=width, height=height, force_terminal=True, color_system=None).print(
        Picture(standing, fits=fits)
    )
    return out.getvalue()


def test_the_picture_of_a_run_that_ended(fetchlab, bed, echo, path):
    """A person must see at once what is done, what failed, why, and what helps."""
    other = bed.urls["echo2"]
    urls = [f"{echo}/status/404", *(f"{url}/bytes/{n}" for n in range(20) for url in (echo, other))]
    fl.fetch(urls, journal=path, retry=ONCE).wait()
    said = fetchlab("monitor", path, "--once")
    assert said.code == 1
    for words in ("done", "a journal.db · session 1", "41 of 41 · 100 %", "40 ok · 1 failed", "/s mean"):
        assert words in said.out
    assert re.search(r"1 +StatusError +HTTP 404: GET .*/status/404 +the URL, or accept", said.out)
    assert other in said.out
    assert "ETA" not in said.out


def test_all_is_well_is_exit_code_0(fetchlab, echo, path):
    """A script must know without reading the picture."""
    fl.fetch([f"{echo}/bytes/1"], journal=path).wait()
    assert fetchlab("monitor", path, "--once").code == 0
    said = fetchlab("monitor", path, "--once", "--json")
    assert said.code == 0
    assert said.out.count("\n") == 1
    told = json.loads(said.out)
    assert (told["state"], told["over"], told["ok"], told["errors"]) == ("done", True, 1, [])


def test_every_key_of_the_json_is_in_the_help(fetchlab, echo, path):
    """Whoever writes a script has the help and nothing else."""
    fl.fetch([f"{echo}/status/404"], journal=path, retry=ONCE).wait()
    told = json.loads(fetchlab("monitor", path, "--once", "--json").out)
    words = set(re.findall(r"\w+", fetchlab("monitor", "--help").out))
    assert set(told) <= words
    for name in ("errors", "hosts"):
        assert set(told[name][0]) <= words
    assert set(told["rates"]) <= words


def test_ctrl_c_ends_the_watching_alone_and_a_killed_run_is_told(fetchlab, process, living, path):
    """Whoever looks must not be able to stop a job of six hours by leaving."""
    watching = process("monitor", path, "--json", "--interval", "0.1")
    lines = (json.loads(line) for line in watching.stdout)
    assert next(told["file"] for told in lines if told["state"] == "running") == str(path)
    watching.send_signal(signal.SIGINT)
    _, trouble = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert "Traceback" not in trouble
    assert living.poll() is None
    said = fetchlab("monitor", path, "--once", "--json")
    told = json.loads(said.out)
    assert (said.code, told["state"], told["pid"]) == (0, "running", living.pid)
    living.send_signal(signal.SIGKILL)
    living.wait()
    said = fetchlab("monitor", path, "--json")
    assert (said.code, json.loads(said.out)["state"]) == (1, "killed")
    assert (
        "its process is gone; the same call on this file goes on from here" in fetchlab("monitor", path).out
    )


@pytest.mark.usefixtures("living")
def test_it_follows_a_run_in_a_pipe_and_ends_with_it(fetchlab, bed, path):
    """Under cron or in a log there is no terminal to draw on."""
    before = bed.counters("echo")["requests"]

    def hurry():
        while bed.counters("echo")["requests"] < before + 6:
            time.sleep(0.02)
        bed.configure("echo", latency=0.0)

    hurrying = threading.Thread(target=hurry)
    hurrying.start()
    said = fetchlab("monitor", path, "--interval", "0.1")
    hurrying.join()
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert re.match(r"(starting|running) ", lines[0])
    assert any(re.match(r"running .* 2 in flight", line) for line in lines)
    assert "400 of 400 · 100 %" in said.out
    assert said.out.count("mean") == 1, "one picture, at the end"
    assert "\x1b" not in said.out


def test_in_a_terminal_it_draws_over_itself_until_the_run_has_ended(bed, process, living, path):
    """What scrolls cannot be watched."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 70, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    watching = process(
        "monitor", path, "--interval", "0.1", stdin=theirs, stdout=theirs, env=environment | {"TERM": "xterm"}
    )
    os.close(theirs)
    seen = bytearray()
    twice = threading.Event()

    def read():
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # the other end is closed
                return
            if not part:
                return
            seen.extend(part)
            if seen.count(b"running") > 1:
                twice.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert twice.wait(60), bytes(seen)
    bed.configure("echo", latency=0.0)
    assert watching.wait(timeout=60) == 0
    reader.join(60)
    os.close(ours)
    text = seen.decode()
    assert "\x1b[1A" in text, "it goes up to draw again"
    assert "400 of 400 · 100 %" in text[text.rindex("done") :]


@pytest.mark.parametrize("width", [30, 45, 60, 80, 100, 160])
def test_the_picture_fits_its_terminal(bed, echo, path, width):
    """A line that is folded breaks the drawing over it."""
    bed.configure("echo", error_rate={500: 1.0})
    urls = [
        f"{url}/bytes/{n}?with=a-long-query-of-words" for n in range(9) for url in (echo, bed.urls["echo2"])
    ]
    fl.fetch([*urls, "http://127.0.0.1:1/"], journal=path, retry=ONCE, workers=fl.Adaptive(max=4)).wait()
    standing = Watcher(path).look()
    lines = drawn(standing, width).splitlines()
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for words in (
        "done",
        "9 ok · 10 failed",
        "9 StatusError" if width < 120 else "StatusError",
        "ConnectFailed",
    ):
        assert words in text
    for height in (8, 12, 16, 24):
        assert len(drawn(standing, width, height, fits=True).splitlines()) <= max(height - 1, 12)


@pytest.mark.parametrize("name", ["absent.db", "words.txt", "."])
def test_a_mistyped_file_is_one_line_and_makes_nothing(fetchlab, tmp_path, name):
    """The next run would take an empty file of that name for its journal."""
    (tmp_path / "words.txt").write_text("no journal at all\n" * 100)
    said = fetchlab("monitor", name)
    assert said.code == 2
    assert said.err.startswith(f"fetchlab: FILE: {name}: ")
    assert said.err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["words.txt"]


def test_commands_with_a_journal_say_how_to_watch_it(fetchlab, bed, echo, tmp_path):
    """Nobody reads the manual for what runs already."""
    assert watch_line("a journal.db").endswith("fetchlab monitor 'a journal.db'")
    (tmp_path / "urls.txt").write_text(f"{echo}/bytes/1\n")
    assert "fetchlab monitor j.db\n" in fetchlab("fetch", "urls.txt", "--journal", "j.db").err
    assert fetchlab("fetch", "urls.txt", "--journal", "j.db", "--quiet").err == ""
    assert "monitor" not in fetchlab("fetch", "urls.txt").err
    words = ["catalogue", "--base-url", bed.urls["catalogue"], "--max-pages", 1, "--ids-only"]
    assert "fetchlab monitor data/runs/catalogue.db\n" in fetchlab(*words).out
    assert "monitor" not in fetchlab(*words, "--no-journal").out
