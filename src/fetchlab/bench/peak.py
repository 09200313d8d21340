"""The most memory this process held since somebody last asked to forget it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["forget_peak"]


def forget_peak() -> None:
    """Let the process's peak begin anew, where the system can: Linux (proc(5), ``clear_refs``).

    Elsewhere a peak is that of the whole process so far, and only the first arm's is its own.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
