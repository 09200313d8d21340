"""The programs that benches are measured beside: whether they are there, and which version."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

from fetchlab.bench import nginx, redis_server, wrk

__all__ = ["FINDERS", "version", "versions"]

FINDERS = {
    "curl": lambda: shutil.which("curl"),
    "ffmpeg": lambda: shutil.which("ffmpeg"),
    "nginx": nginx.find,
    "redis-server": redis_server.find,
    "wrk": wrk.find,
}
"""Name to a function that finds the program, None where it is not installed."""
_ASK = {"curl": "--version", "ffmpeg": "-version", "nginx": "-v", "redis-server": "--version", "wrk": "-v"}
_NUMBER = re.compile(r"\d+\.\d+[\w.\-]*")
_SECONDS = 10.0


def versions() -> dict[str, str]:
    """Return the installed programs with their versions."""
    return {name: version(found, _ASK[name]) for name, find in FINDERS.items() if (found := find())}


@cache
def version(program: str, asked_with: str = "--version") -> str:
    """Return the version that a program prints: its first number with a dot, else ``unknown``."""
    try:
        done = subprocess.run(  # noqa: S603  # a program that was found
            [program, asked_with],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    said = _NUMBER.search(done.stdout + done.stderr)
    return said[0] if said else "unknown"
