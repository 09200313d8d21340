"""How a journalled run stands, for whoever watches it from outside: one frozen value, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from fetchlab.engine.snapshot import ENDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.model import RunStats

__all__ = ["Failure", "HostStanding", "Point", "Standing", "rates"]

RECENT = 5.0
BINS = 60
LEAST_BIN = 1.0
MOST_HOSTS = 20


class Point(NamedTuple):
    """A pulse: seconds since the run's begin, and what the session had ended and read by then."""

    elapsed: float
    items: int
    bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """Items that failed in one way.

    Attributes:
        error: the kind.
        count: how many items.
        example_key: one of them, empty if none is at hand.
        message: what it said.
        host: where.
        knob: what helps.
    """

    error: str
    count: int
    example_key: str
    message: str
    host: str
    knob: str


@dataclasses.dataclass(frozen=True, slots=True)
class HostStanding:
    """One host in this session.

    Attributes:
        host: scheme, name and port.
        limit: workers allowed there now, None where that is not adaptive.
        failed_attempts: attempts that failed there, those that were tried again included.
        median: seconds an item took that came at the first attempt, the median of a sample; None without one.
    """

    host: str
    limit: int | None
    failed_attempts: int
    median: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """How a journal's last session stands.

    Attributes:
        path: the file.
        state: a run's state, or ``empty`` (no session yet), ``starting`` (no pulse yet), ``silent`` (its
            process lives, but gave no pulse for 10 s) or ``killed``.
        session: the session's number, 0 if there is none.
        sessions: how many the journal has.
        pid: the process that writes or wrote it.
        machine: that process's machine.
        started: when the session began, UTC.
        ended: when it ended, None while it goes on; of a killed one its last pulse.
        silence: seconds since its last sign of life, 0 once it ended.
        stats: the run's statistics, of which cancelled items are taken out: they are pending again.
        cancelled: items that were under way when the run was cancelled or stopped.
        points: the pulses of the last minutes.
        failures: failed items by kind, most frequent first.
        hosts: the 20 hosts with the most failed attempts, then the slowest, first.
    """

    path: str
    state: str
    session: int
    sessions: int
    pid: int
    machine: str
    started: datetime | None
    ended: datetime | None
    silence: float
    stats: RunStats
    cancelled: int = 0
    points: Sequence[Point] = ()
    failures: Sequence[Failure] = ()
    hosts: Sequence[HostStanding] = ()

    @property
    def over(self) -> bool:
        """True once nothing more will come of this session."""
        return self.state in ENDED or self.state == "killed"

    @property
    def own(self) -> int:
        """Items that this run ended itself."""
        return max(0, self.stats.done - self.stats.earlier)

    @property
    def cache_hit_rate(self) -> float:
        """Share of those that needed no request, 0 to 1."""
        return self.stats.cached / self.own if self.own else 0.0

    @property
    def bytes_per_second(self) -> float:
        """Decoded bytes per second: of the last 5 s, of the whole run once it is over."""
        if self.over or len(self.points) < 2:
            return self.stats.bytes / self.stats.elapsed if self.stats.elapsed > 0 else 0.0
        last = self.points[-1]
        first = next(point for point in self.points if point.elapsed >= last.elapsed - RECENT)
        if first.elapsed >= last.elapsed:
            first = self.points[-2]
        seconds = last.elapsed - first.elapsed
        return (last.bytes - first.bytes) / seconds if seconds > 0 else 0.0

    @property
    def code(self) -> int:
        """The exit code of a command that watched it: 0 if all is well so far, 1 if not."""
        return int(self.over and (self.state != "done" or self.stats.failed > 0))

    def as_json(self) -> str:
        """Return it as one line of JSON; its keys are documented in ``fetchlab monitor --help``."""
        stats = dataclasses.asdict(self.stats)
        told = {
            "file": self.path,
            "state": self.state,
            "over": self.over,
            "session": self.session,
            "sessions": self.sessions,
            "pid": self.pid,
            "machine": self.machine,
            "started": self.started,
            "ended": self.ended,
            "silence": round(self.silence, 3),
        }
        for name in (
            "total", "done", "ok", "failed", "earlier", "cached", "retries", "refused", "bytes", "rate",
            "mean_rate", "eta", "elapsed", "in_flight", "workers", "parked", "waits", "limits",
        ):  # fmt: skip
            told[name] = stats[name]
        step, values = rates(self.points, BINS)
        told |= {
            "cancelled": self.cancelled,
            "cache_hit_rate": self.cache_hit_rate,
            "bytes_per_second": self.bytes_per_second,
            "errors": [dataclasses.asdict(failure) for failure in self.failures],
            "hosts": [dataclasses.asdict(host) for host in self.hosts],
            "rates": {"seconds": step, "items_per_second": values},
        }
        return json.dumps(told, default=datetime.isoformat)


def rates(points: Sequence[Point], bins: int) -> tuple[float, list[float]]:
    """Return how fast items ended, evenly spaced in time.

    Args:
        points: pulses, oldest first.
        bins: how many values at most.

    Returns:
        The seconds from one value to the next, 1 or more, and the items per second of each, oldest first.
    """
    if len(points) < 2 or points[-1].elapsed <= points[0].elapsed:
        return LEAST_BIN, []
    first, last = points[0].elapsed, points[-1].elapsed
    step = max(LEAST_BIN, (last - first) / bins)
    count = max(1, math.floor((last - first) / step + 1e-9))
    edges = [last - step * number for number in range(count, -1, -1)]
    if count == 1 and edges[0] < first:
        edges, step = [first, last], last - first
    done: list[float] = []
    place = 0
    for edge in edges:
        while place < len(points) - 2 and points[place + 1].elapsed < edge:
            place += 1
        left, right = points[place], points[place + 1]
        width = right.elapsed - left.elapsed
        share = (edge - left.elapsed) / width if width > 0 else 1.0
        done.append(left.items + (right.items - left.items) * min(1.0, max(0.0, share)))
    return step, [round((after - before) / step, 3) for before, after in pairwise(done)]
