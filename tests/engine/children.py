"""Worker processes seen from outside."""

from __future__ import annotations

import time

import psutil


def workers():
    """The worker processes of this process."""
    found = []
    for child in psutil.Process().children():
        try:
            if any("fetchlab.engine.child" in word for word in child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def eventually(condition):
    """Wait until something is so, at most half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def gone(number):
    """Say whether a process has ended, waited for or not."""
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
