"""Which requests go wrong, and how: decided by the seed, never by the order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.testbed.hashing import share

if TYPE_CHECKING:
    from fetchlab.testbed.settings import Settings

__all__ = ["LONGEST_STREAK", "Faults"]

LONGEST_STREAK = 2


class Faults:
    """Decides for each attempt at each key, so that two runs with one seed meet the same faults.

    A key fails at most :data:`LONGEST_STREAK` times in a row: three retries always reach the answer.
    """

    def __init__(self, seed: int, settings: Settings) -> None:
        self._seed = seed
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Follow new settings and forget which keys have been tried."""
        self._tried: dict[str, tuple[int, int]] = {}
        self._steps: list[tuple[float, str]] = []
        level = 0.0
        for kind, part in settings.faults():
            level += part
            self._steps.append((level, kind))

    @property
    def armed(self) -> bool:
        """Whether anything can go wrong at all."""
        return bool(self._steps)

    def decide(self, key: str) -> str | None:
        """The kind of fault for this attempt at `key`, or None."""
        attempt, streak = self._tried.get(key, (0, 0))
        kind = self._draw(key, attempt) if streak < LONGEST_STREAK else None
        self._tried[key] = attempt + 1, streak + 1 if kind else 0
        return kind

    def _draw(self, key: str, attempt: int) -> str | None:
        drawn = share(self._seed, key, attempt)
        for level, kind in self._steps:
            if drawn < level:
                return kind
        return None
