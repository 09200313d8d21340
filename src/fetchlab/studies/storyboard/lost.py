"""Orders whose answers were lost: jobs of ours at the service that nobody here knows of."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING

from fetchlab.store.journal_layout import ITEM
from fetchlab.store.journal_reader import DAMAGED, JournalReader
from fetchlab.studies.storyboard.orders import Ticket

if TYPE_CHECKING:
    from pathlib import Path

    from fetchlab.studies.storyboard.backends import Listed
    from fetchlab.studies.storyboard.keys import Seat
    from fetchlab.studies.storyboard.orders import Order

__all__ = ["Lost", "recorded"]

_KEY, _OK = ITEM.index("key"), ITEM.index("ok")
DATED = re.compile(r"-\d{4}-\d\d-\d\d$")
GRACE = 2.0
"""Seconds by which a service's clock, in whole seconds, may seem to be behind."""
WRONG = 3600.0
"""Seconds that a clock may be wrong; more is a mistake of the header."""


class Lost:
    """Jobs that may be adopted. Sans I/O.

    Args:
        since: only jobs that were ordered from this moment on, seconds since the epoch, can be ours.
        claimed: ids of jobs that are known here.
    """

    def __init__(self, since: float, claimed: set[str]) -> None:
        self.claimed = claimed
        self.since = since - GRACE
        self._found: dict[tuple[str, str, str], list[tuple[Listed, Seat]]] = defaultdict(list)
        self._seen: set[str] = set()

    def saw(self, jobs: list[Listed], seat: Seat, ahead: float = 0.0) -> bool:
        """Take in a page of an account's jobs, latest first; True if earlier ones can matter, too.

        Args:
            jobs: the page.
            seat: whose.
            ahead: seconds by which the service's clock is before ours, or less than 0 where it is behind.
        """
        since = self.since + max(-WRONG, min(0.0, ahead))  # too many seen cost nothing, too few a video
        for job in jobs:
            if job.created >= since and job.job not in self.claimed | self._seen:
                self._seen.add(job.job)
                self._found[job.what].append((job, seat))
        return bool(jobs) and jobs[-1].created >= since

    def take(self, order: Order) -> tuple[Listed, Seat] | None:
        """Return a job of this order that nobody has, the earliest one, and claim it."""
        for job, seat in reversed(self._found.get(order.what, [])):
            if job.job not in self.claimed and _made_by(job.model, order.model):
                self.claimed.add(job.job)
                return job, seat
        return None


def _made_by(said: str, wanted: str) -> bool:
    """Say whether a job's model may be the wanted one: services add the date of its latest version."""
    return not said or said == wanted or DATED.sub("", said) == wanted


def recorded(path: Path) -> tuple[float | None, set[str]]:
    """Return when a journal's first session began, None if there is none, and the ids of its jobs.

    Raises:
        JournalError: it cannot be read.
    """
    if not path.exists() or not path.stat().st_size:
        return None, set()
    with closing(JournalReader(path)) as reader:
        begun = [row[3] for row in reader.sessions()]
        ids = [row[0] for rows in reader.items() for row in rows if row[_OK] and row[_KEY].startswith("job/")]
        told = reader.values(ids)
    claimed = {one.job for one in told if one is not DAMAGED and isinstance(one, Ticket)}
    return min(begun, default=None), claimed
