"""wrk, the load generator: as many requests as one core can make, which no Python client will reach.

It is written in C, keeps its connections open, reads nothing of an answer but its length, and keeps no
timing of any single request. So it says what server and machine allow, not what a client should.
"""

from __future__ import annotations

import re
import shutil
import subprocess

from fetchlab.bench.rounds import Measurement
from fetchlab.errors import ConfigError, StudyError

__all__ = ["find", "parse", "press"]

_COUNT = re.compile(r"^\s*(\d+) requests in ([\d.]+)(us|ms|s|m|h), ", re.MULTILINE)
_ERRORS = re.compile(
    r"^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", re.MULTILINE
)
_STATUSES = re.compile(r"^\s*Non-2xx or 3xx responses: (\d+)", re.MULTILINE)
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SLACK = 30.0


def find() -> str | None:
    """Return the wrk to start, None where there is none."""
    return shutil.which("wrk")


def press(url: str, connections: int, seconds: int) -> Measurement:
    """Send requests on one thread for a while.

    Args:
        url: what to ask for.
        connections: open at a time.
        seconds: for how long.

    Raises:
        ConfigError: there is no wrk.
        StudyError: some of its requests failed.
    """
    program = find()
    if program is None:
        raise ConfigError("wrk", "is not installed; on Debian: apt-get install wrk")
    words = [program, "-t1", f"-c{connections}", f"-d{seconds}s", url]
    done = subprocess.run(  # noqa: S603  # our own words
        words, capture_output=True, text=True, check=False, timeout=seconds + _SLACK, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise StudyError(f"wrk: {(done.stderr or done.stdout).strip()}")
    return parse(done.stdout)


def parse(text: str) -> Measurement:
    """Read what wrk prints.

    Raises:
        StudyError: it says that requests failed, or nothing that can be read.
    """
    found = _COUNT.search(text)
    if found is None or not int(found[1]):
        raise StudyError(f"wrk made no request: {text.strip()}")
    for trouble in (_ERRORS, _STATUSES):
        failed = trouble.search(text)
        if failed is not None and any(map(int, failed.groups())):
            raise StudyError(f"wrk: {failed[0].strip()}")
    count = int(found[1])
    return Measurement(float(found[2]) * _UNITS[found[3]], count, count, count)
