"""What the command line says: help, errors, exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.main import get_command

import fetchlab as fl
from fetchlab.cli import commands


def every_command():
    group = get_command(commands())
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        if below:
            yield from (((name, sub), inner) for sub, inner in below.items())
        else:
            yield (name,), command


EVERY = dict(every_command())


def test_the_commands_are_those_of_the_makefile_and_the_readme():
    """A command that is renamed breaks what people have written into scripts."""
    assert {words[0] for words in EVERY} == {
        "bench",
        "browser",
        "cache",
        "catalogue",
        "charts",
        "cluster-check",
        "demo",
        "doctor",
        "fetch",
        "journal",
        "lab",
        "library",
        "monitor",
        "notebooks",
        "share",
        "storyboard",
        "sweep",
        "testbed",
        "timeline",
    }
    assert ("bench", "catalogue") in EVERY


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_explains_every_flag(fetchlab, words):
    """A flag without a line of help has to be looked up in the source."""
    said = fetchlab(*words, "--help")
    assert said.code == 0
    for knob in EVERY[words].params:
        assert getattr(knob, "help", None), f"{knob.name} has no help"
        for flag in (*knob.opts, *knob.secondary_opts):
            assert flag.lower() in said.out.lower()


def test_help_lists_the_commands_in_a_process_of_its_own():
    """`python -m fetchlab` is the way in where the script is not on PATH."""
    done = subprocess.run(
        [sys.executable, "-m", "fetchlab", "--help"], capture_output=True, text=True, check=True
    )
    assert all(words[0] in done.stdout for words in EVERY)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("catalogue", "--parallel-pages", "0"), "--parallel-pages"),
        (("catalogue", "--parallel-pages", "many"), "--parallel-pages"),
        (("catalogue", "--max-pages", "0"), "--max-pages"),
        (("catalogue", "--workers", "-3"), "--workers"),
        (("catalogue", "--batch-size", "1.5"), "--batch-size"),
        (("catalogue", "--latency", "-1"), "--latency"),
        (("catalogue", "--pages", "3"), "--pages"),
        (("bench", "catalogue", "--rounds", "0"), "--rounds"),
        (("charts", "--strategy", "fastest"), "--strategy"),
        (("charts", "--batch-size", "many"), "--batch-size"),
        (("charts", "--workers", "0"), "--workers"),
        (("charts", "--countries", "us,xx"), "--countries: 'xx' is none of ae, at"),
        (("charts", "--categories", "GAMES"), "--categories: 'GAMES' is none of ANDROID_WEAR"),
        (("charts", "--collection", "top"), "--collection: 'top' is none of topselling_free"),
        (("charts", "--countries", " , "), "--countries: give at least one"),
        (("charts", "--base-url", "example.org"), "--base-url: give the service's root"),
        (("charts", "--num-results", "10000"), "--num-results: the service gives 500 at most"),
        (("charts", "--strategy", "threads", "--batch-size", "5"), "--batch-size: "),
        (("testbed", "--port", "-1"), "--port"),
        (("demo", "--details", "0"), "--details"),
        (("fetch",), "URLS"),
        (("fetch", "-", "--workers", "0"), "--workers"),
        (("fetch", "-", "--workers", "few"), "--workers"),
        (("fetch", "-", "--retries", "-1"), "--retries"),
        (("fetch", "-", "--timeout", "0"), "--timeout"),
        (("fetch", "-", "--rate", "fast"), "--rate"),
        (("fetch", "-", "--rate", "0"), "--rate"),
        (("fetch", "-", "--rate", "5", "--rate", "6"), "--rate"),
        (("fetch", "-", "--rate", "5", "--rate", "example.org=6"), "--rate"),
        (("fetch", "-", "--parse", "xml"), "--parse"),
        (("fetch", "-", "--header", "Authorization"), "--header"),
        (("fetch", "-", "--header", "A: $ABSENT_FROM_THE_ENVIRONMENT"), "--header"),
        (("fetch", "-", "--header", "A: @absent"), "--header"),
        (("fetch", "-", "--header", "A: 1", "--header", "a: 2"), "--header"),
        (("fetch", "-", "--proxy", "nowhere"), "--proxy"),
        (("fetch", "-", "--ca", "absent.pem"), "--ca"),
        (("fetch", "-", "--ca", "absent.pem", "--no-verify"), "--no-verify"),
        (("fetch", "-", "--deadline", "0"), "--deadline"),
        (("fetch", "-", "--max-error-rate", "2"), "--max-error-rate"),
        (("fetch", "-", "--column", "url"), "--column"),
        (("fetch", "-", "--out", "values.xls"), "--out"),
        (("fetch", "-", "--out", "a.csv", "--errors-out", "a.csv"), "--errors-out"),
        (("fetch", "absent.txt"), "URLS"),
        (("sweep", "absent.txt"), "URLS"),
        (("sweep", "-", "--rounds", "0"), "--rounds"),
        (("sweep", "-", "--plot", "chart.gif"), "--plot"),
        (("fetch", "https://example.org/"), "URLS"),
    ],
)
def test_a_wrong_flag_is_named_and_exits_with_2(fetchlab, words, flag):
    """A script must be able to tell a typing mistake from a failed job."""
    said = fetchlab(*words)
    assert said.code == 2
    assert flag in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("catalogue", "--base-url", "example.org"), "fetchlab: base_url: "),
        (("testbed", "--port", "0", "--set", "latency"), "fetchlab: --set: "),
        (("testbed", "--port", "0", "--set", "latency=fast"), "fetchlab: --set: "),
        (("testbed", "--port", "0", "--set", "colour=1"), "fetchlab: colour: "),
        (("testbed", "--port", "0", "--profile", "odd"), "fetchlab: profile: "),
        (("testbed", "--port", "70000"), "fetchlab: port: "),
        (("notebooks", "absent.ipynb"), "fetchlab: notebook: "),
        (("notebooks", "absent.ipynb", "-p", "rounds"), "fetchlab: --parameter: "),
        (("lab", "absent"), "fetchlab: folder: "),
    ],
)
def test_an_error_of_our_own_is_one_line_and_exits_with_1(fetchlab, words, start):
    """A stack trace tells a user nothing that the knob's name does not."""
    said = fetchlab(*words)
    assert said.code == 1
    assert said.err.startswith(start)
    assert said.err.count("\n") == 1


def test_the_browser_command_says_which_one(fetchlab, monkeypatch, tmp_path):
    """Whoever wonders why another browser starts needs to see which was found."""
    own = tmp_path / "own-browser"
    own.touch()
    monkeypatch.setenv("FETCHLAB_BROWSER", str(own))
    said = fetchlab("browser")
    assert (said.code, said.out) == (0, f"Chromium: {own}\n")
    monkeypatch.setenv("FETCHLAB_BROWSER", str(tmp_path / "absent"))
    assert fetchlab("browser").err.startswith("fetchlab: FETCHLAB_BROWSER: ")


def test_a_missing_browser_is_said_with_what_to_do(fetchlab, monkeypatch, tmp_path):
    """Without --install nothing may be installed, and the next step must be plain."""
    monkeypatch.delenv("FETCHLAB_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH", raising=False)
    said = fetchlab("browser")
    assert said.code == 1
    assert "fetchlab browser --install" in said.out


@pytest.mark.skipif(sys.platform == "win32", reason="stands in a shell script for the installer")
@pytest.mark.parametrize("shell", [True, False])
def test_a_headless_shell_is_got_beside_a_whole_chromium(fetchlab, monkeypatch, tmp_path, shell):
    """It is the lighter one; but where it cannot be got, a set-up with a Chromium at hand must not fail."""
    for name in ("FETCHLAB_BROWSER", "PLAYWRIGHT_BROWSERS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    light, whole = tmp_path / "chromium-headless-shell", tmp_path / "chromium"
    got = f": > {light}; /bin/chmod +x {light}" if shell else "exit 1"
    for name, script in {"chromium": "", "apt-get": "exit 1", "python": got}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    assert fetchlab("browser").out.splitlines()[-1] == f"Chromium: {whole}"
    said = fetchlab("browser", "--install")
    assert said.code == 0
    assert said.out.splitlines()[-1] == f"Chromium: {light if shell else whole}"
    assert fetchlab("browser", "--windows").out.splitlines()[-1] == f"Chromium: {whole}"


def test_tables_are_not_folded_in_a_pipe(fetchlab, bed, monkeypatch):
    """A table in a log file must be readable, whatever width the last terminal had."""
    monkeypatch.delenv("COLUMNS")
    said = fetchlab("bench", "catalogue", "--rounds", 1, "--pages", 1, "--latency", 0, "--out", "raw")
    head = next(line for line in said.out.splitlines() if line.startswith("pages"))
    for title in ("published before", "published speedup", "before, no pause", "efficiency"):
        assert title in head
    assert fl.bench is not None
