"""Whether the process that began a session of a journal is still at it."""

from __future__ import annotations

import platform
import time

import psutil

__all__ = ["lives"]

SILENCE = 30.0
"""Seconds without a pulse after which a session of another machine is taken for killed."""


def lives(pid: int, machine: str, started: float, beat: float | None) -> bool:
    """Say whether a session that nobody ended is going on.

    Args:
        pid: its process.
        machine: that process's machine.
        started: the session's begin, in seconds since the epoch.
        beat: its last pulse, likewise; None if there was none.
    """
    if machine != platform.node():
        return time.time() - (beat or started) < SILENCE
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.create_time() <= started)  # else the number is another process's now
    except psutil.Error:
        return False
