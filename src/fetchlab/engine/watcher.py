"""Watching a run from outside, by its journal alone."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter, deque
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from fetchlab.engine.liveness import lives, open_state
from fetchlab.engine.snapshot import from_json
from fetchlab.engine.standing import MOST_HOSTS, Failure, HostStanding, Point, Standing
from fetchlab.errors import Cancelled, ConfigError
from fetchlab.frame import knob_of
from fetchlab.model import RunStats
from fetchlab.store.journal_glance import glance, tally

if TYPE_CHECKING:
    import os

    from fetchlab.store.journal_glance import Glance, LastSession

__all__ = ["Watcher"]

SILENT = 10.0
"""Seconds without a pulse after which a session is called silent; a pulse comes twice a second."""
LINGER = 1.0
"""Seconds that a watcher stays after the end: a study's next step may go on with the same journal."""
POINTS = 1200

_NOTHING = RunStats(
    state="empty", total=None, done=0, ok=0, failed=0, cached=0, retries=0, refused=0, bytes=0, rate=0.0,
    mean_rate=0.0, eta=None, elapsed=0.0, in_flight=0, workers=0, parked=0,
)  # fmt: skip
_CANCELLED = Cancelled.__name__


class Watcher:
    """Reads how a journal's last session stands, again and again.

    It writes nothing, and never keeps the writer waiting. A session that comes after, also in a file that
    took this one's place, is watched in its turn. Not safe from several threads at once.

    Args:
        path: the journal; nothing is read before :meth:`look`.

    Raises:
        ConfigError: that is no path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self.path = Path(path).expanduser()
        except TypeError:
            raise ConfigError("path", f"give a journal's file, not {type(path).__name__}") from None
        except RuntimeError as error:  # nobody's home
            raise ConfigError("path", f"{path}: {error}") from None
        self._before: Glance | None = None
        self._over_since: float | None = None
        self._begin()

    def _begin(self) -> None:
        self._beat: float | None = None
        self._told: str | None = None
        self._points: deque[Point] = deque(maxlen=POINTS)
        self._attempts: Counter[str] = Counter()  # failed ones by host
        self._ended_by: dict[tuple[str, bool], tuple[str, str, str]] = {}

    def look(self) -> Standing:
        """Return how it stands now.

        Raises:
            JournalError: there is no such file, it is no journal, it is damaged or cannot be read.
        """
        seen = self._before = glance(self.path, self._before)
        if not seen.goes_on:
            self._begin()
        if seen.last is None:
            return Standing(str(self.path), "empty", 0, 0, 0, "", None, None, 0.0, _NOTHING)
        self._take(seen)
        standing = self._standing(seen, seen.last)
        if not standing.over:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = time.monotonic()
        return standing

    def finished(self, standing: Standing) -> bool:
        """Say whether there is nothing left to wait for: it is over, and no session came after it."""
        if not standing.over or self._over_since is None:
            return False
        if not (
            standing.started and lives(standing.pid, standing.machine, standing.started.timestamp(), None)
        ):
            return True
        ended = standing.ended.timestamp() if standing.ended else 0.0
        return time.time() - ended >= LINGER or time.monotonic() - self._over_since >= LINGER

    def _take(self, seen: Glance) -> None:
        for at, said in seen.pulses:
            self._beat, self._told = at, said
            self._add(said)
        for kind, host, count, ended, key, message in seen.attempts:
            self._attempts[host] += count
            self._ended_by[kind, bool(ended)] = (key, message or "", host)

    def _add(self, said: str) -> None:
        told = json.loads(said)
        own = told.get("session") or {}
        point = Point(told["elapsed"], own.get("items", told["done"]), own.get("bytes", told["bytes"]))
        if not self._points or point.elapsed > self._points[-1].elapsed:
            self._points.append(point)

    def _standing(self, seen: Glance, last: LastSession) -> Standing:
        said = last.stats if last.stats not in (None, "null") else self._told
        if last.stats is not None and said == last.stats:
            self._add(said)
        stats = from_json(said) if said else dataclasses.replace(_NOTHING, workers=last.workers)
        ended, silence = last.ended, 0.0
        state = last.state
        if state == "running":
            state = open_state(self.path, last.pid, last.machine, last.started, self._beat)
            if state == "running":
                silence = max(0.0, time.time() - (self._beat or last.started))
                state = "starting" if self._beat is None else "silent" if silence > SILENT else stats.state
            else:
                ended = self._beat or last.started
                if said is None:
                    items, ok, size = tally(self.path, last.number)
                    stats = dataclasses.replace(stats, done=items, ok=ok, failed=items - ok, bytes=size)
        if ended is not None:
            stats = dataclasses.replace(stats, in_flight=0, parked=0, waits={}, eta=None)
        cancelled = stats.errors.get(_CANCELLED, 0)
        stats = dataclasses.replace(
            stats,
            state=state,
            done=stats.done - cancelled,
            failed=stats.failed - cancelled,
            errors={kind: count for kind, count in stats.errors.items() if kind != _CANCELLED},
        )
        return Standing(
            path=str(self.path),
            state=state,
            session=last.number,
            sessions=seen.sessions,
            pid=last.pid,
            machine=last.machine,
            started=datetime.fromtimestamp(last.started, UTC),
            ended=None if ended is None else datetime.fromtimestamp(ended, UTC),
            silence=silence,
            stats=stats,
            cancelled=cancelled,
            points=tuple(self._points),
            failures=self._failures(seen, stats),
            hosts=self._hosts(seen, stats),
        )

    def _failures(self, seen: Glance, stats: RunStats) -> tuple[Failure, ...]:
        recorded = {kind: (key, message or "", host) for kind, key, message, host in seen.failed}
        nothing = ("", "", "")
        return tuple(
            Failure(
                kind,
                count,
                *(self._ended_by.get((kind, True)) or recorded.get(kind) or nothing),
                knob_of(kind),
            )
            for kind, count in sorted(stats.errors.items(), key=lambda one: (-one[1], one[0]))
        )

    def _hosts(self, seen: Glance, stats: RunStats) -> tuple[HostStanding, ...]:
        seconds: dict[str, list[float]] = {}
        for host, one in seen.seconds:
            seconds.setdefault(host, []).append(one)
        known = [host for host in {*stats.limits, *self._attempts, *seconds} if host]
        hosts = [
            HostStanding(
                host,
                stats.limits.get(host),
                self._attempts[host],
                median(seconds[host]) if host in seconds else None,
            )
            for host in known
        ]
        hosts.sort(key=lambda one: (-one.failed_attempts, -(one.median or 0.0), one.host))
        return tuple(hosts[:MOST_HOSTS])
