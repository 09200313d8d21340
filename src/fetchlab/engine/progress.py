"""A run's progress as one line of text, the same in a terminal, a widget and a repr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from fetchlab.model import RunStats

__all__ = ["TextProgress", "duration", "in_kernel", "line", "size"]


def line(stats: RunStats) -> str:
    """Return the progress line: state, done of total, rate, volume, retries, failures, elapsed, ETA."""
    total = "?" if stats.total is None else f"{stats.total:,}"
    share = f" {stats.done / stats.total:.0%}" if stats.total else ""
    over = stats.state in ("done", "cancelled", "stopped")
    earlier = f", {stats.earlier:,} of them earlier" if stats.earlier else ""
    parts = [
        f"{stats.state} {stats.done:,}/{total}{share}{earlier}",
        f"{stats.mean_rate if over else stats.rate:,.0f}/s",
    ]
    if stats.bytes:
        parts.append(f"{size(stats.bytes / stats.elapsed if stats.elapsed else 0)}/s")
    if stats.cached:
        parts.append(f"cached {stats.cached:,}")
    if stats.retries:
        parts.append(f"retries {stats.retries:,}")
    if stats.failed:
        parts.append(f"failed {stats.failed:,}")
    if not over:
        parts.append(_in_flight(stats))
    parts.append(duration(stats.elapsed))
    if not over and stats.eta is not None:
        parts.append(f"ETA {duration(stats.eta)}")
    return " · ".join(parts)


def _in_flight(stats: RunStats) -> str:
    told = f"{stats.in_flight} in flight"
    if stats.limits:
        told += f" of {stats.workers} allowed"
    if stats.parked:
        told += f", {stats.parked:,} waiting"
        if stats.waits:
            told += f" ({', '.join(sorted(stats.waits, key=stats.waits.__getitem__, reverse=True))})"
    return told


def duration(seconds: float) -> str:
    """Return seconds as a person reads them: ``3.4 s``, ``2 min 05 s``, ``3 h 07 min``."""
    if seconds < 59.95:  # 59.96 would round to 60.0 s
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """Return bytes as a person reads them, powers of ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:  # three digits would round it to 1e+03
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def in_kernel() -> bool:
    """Say whether this process is a Jupyter kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


class TextProgress:
    """One line on a stream, rewritten in a terminal, a new one every few seconds elsewhere.

    Args:
        wanted: True always, None only in a terminal, False never.
        stream: where to write; standard error unless told.
    """

    EVERY_TERMINAL = 0.2
    EVERY_PLAIN = 5.0

    def __init__(self, *, wanted: bool | None, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = bool(getattr(self._stream, "isatty", lambda: False)())
        self.active = wanted or (wanted is None and self._terminal)
        self.every = self.EVERY_TERMINAL if self._terminal else self.EVERY_PLAIN

    def show(self, stats: RunStats) -> None:
        """Write the line as it stands now."""
        self._stream.write(f"\r\x1b[K{line(stats)}" if self._terminal else f"{line(stats)}\n")
        self._stream.flush()

    def end(self, stats: RunStats) -> None:
        """Write the last line."""
        self.show(stats)
        if self._terminal:
            self._stream.write("\n")

    def clear(self) -> None:
        """Take the line away, where that can be done: another will say how it ended."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
