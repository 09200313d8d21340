"""How many connections this process can afford: each is an open file, and those are limited."""

from __future__ import annotations

import os

__all__ = ["idle_connections", "too_many_open"]

MOST = 1000
LEAST = 8


def idle_connections() -> int:
    """Return how many connections to keep idle: an eighth of the files allowed to be open, at most 1,000."""
    limit = _limit()
    return MOST if limit is None else max(LEAST, min(MOST, limit // 8))


def too_many_open() -> bool:
    """Say whether half of the files that may be open are, so that idle connections should go.

    A new file gets the lowest free number, which costs a hundredth of counting them.
    """
    limit = _limit()
    if limit is None:
        return False
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError:  # not even this one could be opened
        return True
    os.close(lowest)
    return lowest > limit // 2


def _limit() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit
