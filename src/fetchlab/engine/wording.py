"""How a watched run stands, in words: the same in a terminal, a widget and a repr."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.engine.progress import duration, size
from fetchlab.engine.standing import rates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.engine.standing import Failure, HostStanding, Standing

__all__ = [
    "advice",
    "example",
    "facts",
    "pace",
    "per_second",
    "share",
    "sparkline",
    "title",
    "together",
    "told_hosts",
]

RECENT = timedelta(hours=12)
_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-:=+*#"
_AGAIN = "the same call on this file goes on from here"


def title(standing: Standing) -> str:
    """Return which session of which file it is."""
    parts = [Path(standing.path).name]
    if standing.session:
        parts.append(
            f"session {standing.session:,}" + (f" of {standing.sessions:,}" if standing.sessions > 1 else "")
        )
        parts.append(f"process {standing.pid}")
    if standing.started is not None:
        recent = datetime.now(UTC) - standing.started < RECENT
        until = f" to {standing.ended:%H:%M:%S}" if standing.ended is not None else ""
        parts.append(f"{standing.started:{'%H:%M:%S' if recent else '%Y-%m-%d %H:%M:%S'}}{until} UTC")
    return " · ".join(parts)


def share(standing: Standing) -> float | None:
    """Return what is done of the total, 0 to 1; None while the total is not known."""
    stats = standing.stats
    return min(1.0, stats.done / stats.total) if stats.total else None


def together(standing: Standing) -> str:
    """Return done of total, and when the rest will be."""
    stats = standing.stats
    total = " so far" if stats.total is None else f" of {stats.total:,}"
    parts = [f"{stats.done:,}{total}"]
    if (part := share(standing)) is not None:
        # 99.96 % would round to all of it
        parts.append(f"{int(part * 1000) / 10:g} %")
    if not standing.over and stats.eta is not None:
        parts.append(f"ETA {duration(stats.eta)}")
    return " · ".join(parts)


def advice(standing: Standing) -> str:
    """Return what a state means for who reads it, empty if it says enough by itself."""
    if standing.state == "silent":
        return (
            f"no sign for {duration(standing.silence)}, though its process is there: suspended, or very busy"
        )
    if standing.state == "killed":
        return f"its process is gone; {_AGAIN}"
    if standing.state in ("cancelled", "stopped"):
        return _AGAIN
    return {
        "empty": "no run has begun on this file yet",
        "starting": "looking up what earlier sessions finished" if standing.session > 1 else "about to begin",
    }.get(standing.state, "")


def facts(standing: Standing) -> list[tuple[str, str]]:
    """Return what can be said in numbers, as names and texts; what is nothing is left out."""
    stats = standing.stats
    done = [f"{stats.ok:,} ok", f"{stats.failed:,} failed"]
    if stats.earlier:
        done.append(f"{stats.earlier:,} of them earlier")
    if standing.cancelled:
        done.append(f"{standing.cancelled:,} cancelled, pending again")
    now = [] if standing.over else [f"{per_second(stats.rate)} now"]
    found = [
        ("items", " · ".join(done)),
        ("rate", " · ".join([*now, f"{per_second(stats.mean_rate)} mean"])),
        ("time", f"{duration(stats.elapsed)}"),
    ]
    if stats.bytes:
        found.append(("read", f"{size(stats.bytes)} · {size(standing.bytes_per_second)}/s"))
    if not standing.over:
        found.append(("in flight", _in_flight(standing)))
    if stats.retries or stats.refused:
        refused = f" · {stats.refused:,} refused by the host (429, 503)" if stats.refused else ""
        found.append(("retries", f"{stats.retries:,}{refused}"))
    if stats.cached:
        found.append(("cache", f"{stats.cached:,} hits · {standing.cache_hit_rate:.1%} of {standing.own:,}"))
    return found


def _in_flight(standing: Standing) -> str:
    stats = standing.stats
    slots = "allowed" if stats.limits else "workers"
    told = f"{stats.in_flight:,} of {stats.workers:,} {slots}"
    if stats.parked:
        reasons = sorted(stats.waits.items(), key=lambda wait: -wait[1])
        told += f" · {stats.parked:,} waiting"
        if reasons:
            told += f": {', '.join(f'{count:,} {reason}' for reason, count in reasons if count)}"
    return told


def per_second(rate: float) -> str:
    """Return a rate with three digits: ``0.25/s``, ``3.1/s``, ``1,240/s``."""
    return f"{rate:,.0f}/s" if rate >= 99.95 else f"{rate:.3g}/s"


def pace(standing: Standing, width: int, *, ascii_only: bool = False) -> tuple[str, str] | None:
    """Return the rate over the last minutes as a sparkline, and what it spans; None while there is none.

    Args:
        standing: of what.
        width: characters for the line.
        ascii_only: use no block elements.
    """
    step, values = rates(standing.points, width)
    if len(values) < 2:
        return None
    span = f"last {duration(step * len(values))}, top {per_second(max(values))}"
    return sparkline(values, ascii_only=ascii_only), span


def sparkline(values: Sequence[float], *, ascii_only: bool = False) -> str:
    """Return a character per value, from none to the highest."""
    marks = _ASCII if ascii_only else _BLOCKS
    top = max(values, default=0.0)
    if top <= 0:
        return marks[0] * len(values)
    return "".join(marks[min(len(marks) - 1, round(value / top * (len(marks) - 1)))] for value in values)


def example(failure: Failure) -> str:
    """Return one of the items that failed, and how."""
    return ": ".join(part for part in (failure.message, failure.example_key) if part)


def told_hosts(hosts: Sequence[HostStanding]) -> list[tuple[str, str, str, str]]:
    """Return a row per host: name, limit, failed attempts, median duration; a dash where there is none."""
    return [
        (
            host.host,
            "–" if host.limit is None else f"{host.limit:,}",
            f"{host.failed_attempts:,}",
            "–"
            if host.median is None
            else f"{host.median * 1000:,.0f} ms"
            if host.median < 10
            else duration(host.median),
        )
        for host in hosts
    ]
