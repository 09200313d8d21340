"""The command line, called as a shell calls it: in this process for its words, as a process for signals."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import pytest

from fetchlab.cli import main

AS_FROM_A_TERMINAL = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
runpy.run_module("fetchlab", run_name="__main__", alter_sys=True)
"""


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def fetchlab(monkeypatch, capsys, tmp_path):
    """``fetchlab("catalogue", "--max-pages", 2)`` gives the exit code and what was printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["fetchlab", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        code = left.value.code
        if isinstance(code, str):  # Python prints the message and exits with 1
            return Said(1, said.out, f"{said.err}{code}\n")
        return Said(code or 0, said.out, said.err)

    return call


@pytest.fixture
def process(tmp_path):
    """``process("testbed", "--port", 0)`` starts it as a process of its own; whatever is left is ended."""
    started = []

    def start(*words, **more):
        command = [sys.executable, "-c", AS_FROM_A_TERMINAL, *map(str, words)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, cwd=tmp_path, text=True, **(pipes | more)))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.communicate()
