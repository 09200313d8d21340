"""How a run stands, at one moment, as one frozen value."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING

from fetchlab.model import RunStats

if TYPE_CHECKING:
    from fetchlab.engine.recorder import Recorder
    from fetchlab.engine.scheduler import Scheduler

__all__ = ["ENDED", "as_json", "from_json", "process_usage", "snapshot"]

ENDED = frozenset({"cancelled", "stopped", "done"})
"""States in which nothing will happen any more by itself."""


def snapshot(
    state: str,
    seen: Recorder,
    scheduler: Scheduler,
    *,
    now: float,
    usage: tuple[float, int],
    cpu_start: float,
    started_at: datetime,
) -> RunStats:
    """Return the statistics of a run.

    Args:
        state: the run's state.
        seen: what the run remembers.
        scheduler: what it is doing.
        now: the clock's reading, that of the end for a run that has ended.
        usage: the process's CPU seconds and peak resident bytes now, or at the end.
        cpu_start: CPU seconds of the process when the run started.
        started_at: the wall clock then, UTC.
    """
    elapsed = now - seen.start
    waits = scheduler.waits
    done = seen.ended_items + seen.recalled_items
    total = scheduler.total
    cpu, peak = usage
    mean_rate = seen.ended_items / elapsed if elapsed > 0 else 0.0
    rate = seen.rate or mean_rate
    return RunStats(
        state=state,
        total=total,
        done=done,
        ok=seen.ok + seen.recalled_items - len(seen.failed_before),
        failed=len(seen.failed),
        cached=seen.cached,
        retries=seen.retries,
        refused=seen.refused,
        bytes=seen.bytes,
        rate=rate,
        mean_rate=mean_rate,
        eta=None if total is None or not rate or state in ENDED else (total - done) / rate,
        elapsed=elapsed,
        in_flight=scheduler.in_flight,
        workers=scheduler.width,
        parked=sum(waits.values()),
        errors={kind: count for kind, count in sorted(seen.kinds.copy().items()) if count},
        limits=scheduler.limits,
        waits=waits,
        cpu_s=cpu - cpu_start,
        rss_peak=peak,
        started_at=started_at,
        earlier=seen.recalled_items,
    )


def as_json(stats: RunStats, **more: object) -> str:
    """Return statistics, and what goes with them, as one line of JSON."""
    return json.dumps(dataclasses.asdict(stats) | more, default=datetime.isoformat)


def from_json(text: str) -> RunStats:
    """Return the statistics that :func:`as_json` wrote, also in another version."""
    told = json.loads(text)
    if told.get("started_at"):
        told["started_at"] = datetime.fromisoformat(told["started_at"])
    known = {field.name for field in dataclasses.fields(RunStats)}
    return RunStats(**{name: value for name, value in told.items() if name in known})


def process_usage() -> tuple[float, int]:
    """Return the CPU seconds and the peak resident bytes of this process."""
    return time.process_time(), _peak_bytes()


def _peak_bytes() -> int:
    if sys.platform == "linux":  # getrusage would tell the peak of the process that started this one, too
        with open("/proc/self/status", "rb") as status:  # noqa: PTH123  # called several times a second
            for line in status:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
