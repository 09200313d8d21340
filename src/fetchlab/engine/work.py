"""One item on its way through the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.model import Request

__all__ = ["Work"]


class Work:
    """What the engine knows of an item until it ends. Times are those of the scheduler's clock.

    Attributes:
        index: place in the input.
        item: the item as given.
        attempt: number of the attempt under way, from 1.
        before: attempts made before the item was given new ones by ``retry_failed``.
        queued: when it was read from the input.
        started: when its first attempt began.
        began: when the attempt under way began.
        first_byte: when that attempt's response headers were there.
        status: that attempt's HTTP status.
        method: the HTTP method, None for tasks.
        host: scheme, host and port, empty for tasks.
        request: what is sent, None for tasks.
        bytes: that attempt's body, decoded.
        cached: True if no request was needed.
    """

    __slots__ = (
        "attempt",
        "before",
        "began",
        "bytes",
        "cached",
        "first_byte",
        "host",
        "index",
        "item",
        "method",
        "queued",
        "request",
        "started",
        "status",
    )

    def __init__(self, index: int, item: Any, queued: float) -> None:
        self.index = index
        self.item = item
        self.queued = queued
        self.attempt = self.before = 0
        self.started = self.began = queued
        self.first_byte: float | None = None
        self.status: int | None = None
        self.method: str | None = None
        self.host = ""
        self.request: Request | None = None
        self.bytes = 0
        self.cached = False

    def again(self) -> Work:
        """Return the same item with new attempts, numbered on from those it had."""
        work = Work(self.index, self.item, self.queued)
        work.attempt = work.before = self.attempt
        work.started = self.started
        return work
