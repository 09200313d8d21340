"""Whether the process that began a session of a journal is still at it.

A session that could not be written to its end, on a full disk, say, looks open while its process lives. But
that has let go of the lock.
"""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING

import psutil

from fetchlab.store.journal_lock import is_held

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["lives", "open_state"]

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


def open_state(path: Path, pid: int, machine: str, started: float, beat: float | None) -> str:
    """Return the state of a session that nobody ended: ``running``, ``killed``, or ``stopped``.

    Args:
        path: the journal.
        pid: the session's process.
        machine: that process's machine.
        started: the session's begin, in seconds since the epoch.
        beat: its last pulse, likewise; None if there was none.
    """
    if not lives(pid, machine, started, beat):
        return "killed"
    ours = machine == platform.node()  # locks of other machines are seen on some file systems only
    return "stopped" if ours and is_held(path.resolve()) is False else "running"
