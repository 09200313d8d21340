"""What the scheduler tells, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetchlab.engine.work import Work

__all__ = ["Sink"]


class Sink(Protocol):
    """Where the scheduler tells what happens. Called on the loop, never awaited."""

    def retried(
        self, work: Work, worker: int, finished: float, error: Exception, wait: float, reason: str
    ) -> None:
        """An attempt failed and the item will be tried again after ``wait`` seconds."""
        ...

    def ended(
        self, work: Work, worker: int, finished: float, value: Any, error: Exception | None
    ) -> Iterable[Any]:
        """An item ended with an attempt; return further items to serve in the same run."""
        ...

    def replaced(self, work: Work, worker: int, finished: float, error: Exception) -> None:
        """The last attempt of an item failed; it will end with a value all the same."""
        ...

    def abandoned(self, work: Work, finished: float, error: Exception) -> None:
        """An item that waited ended without a further attempt."""
        ...

    def known(self, index: int) -> tuple[Any, Exception | None] | None:
        """Return the value and error that an ended item had, None if they are not held."""
        ...

    def drained(self) -> Iterable[Any]:
        """Everything ended; return further items, or none to finish."""
        ...
