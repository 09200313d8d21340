"""What tests of runs share: a task that does nothing, and a way to wait for an event."""

from __future__ import annotations

import time


async def same(item):
    """The item is its value."""
    return item


def until(condition, what="that"):
    """Wait for an event, not for a time."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"{what} never happened"
        time.sleep(0.005)
