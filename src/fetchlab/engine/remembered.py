"""Where hosts' adaptive limits stood when they were last asked: ``fl.Adaptive(start="history")``.

Runs of this process are remembered as they end. What other processes found is in the journals they left: each
session's last statistics hold the limits.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.errors import StoreError
from fetchlab.store.journal_reader import JournalReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetchlab.model import RunStats

__all__ = ["FOLDER", "journals", "limit_of", "limits", "note"]

FOLDER = Path("data/runs")
SETTLED = 10
"""Items per unit of the limit that a run must have done: fewer tell where it began, not where it belongs."""

_found: dict[str, int] = {}


def note(stats: RunStats) -> None:
    """Remember the limits of a run that has ended."""
    _found.update(_settled(stats.limits, stats.done))


def limit_of(host: str, known: dict[str, int]) -> int | None:
    """Return the limit to begin with: of this process, else of the journals."""
    return _found.get(host) or known.get(host)


def limits(paths: Iterable[Path]) -> dict[str, int]:
    """Return the limits by host that journals remember, the latest session's where several do."""
    found: list[tuple[float, dict[str, int]]] = []
    for path in paths:
        with suppress(StoreError, ValueError):
            reader = JournalReader(path)
            try:
                for _, _, _, started, _, _, _, stats, _ in reader.sessions():
                    told = json.loads(stats or "null") or {}
                    found.append((started, _settled(told.get("limits", {}), told.get("done", 0))))
            finally:
                reader.close()
    return {host: limit for _, some in sorted(found, key=lambda one: one[0]) for host, limit in some.items()}


def journals(folder: Path = FOLDER, own: Path | None = None) -> list[Path]:
    """Return the files that may be journals: those of a folder, and one's own wherever it is."""
    paths = sorted(folder.rglob("*.db")) if folder.is_dir() else []
    if own is not None and own.is_file() and own not in paths:
        paths.append(own)
    return paths


def _settled(limits: dict[str, int], done: int) -> dict[str, int]:
    return {host: limit for host, limit in limits.items() if done >= SETTLED * limit}
