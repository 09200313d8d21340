"""One item on its way through the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.engine.lanes import Lane
    from fetchlab.engine.remote import There
    from fetchlab.model import Request

__all__ = ["Work"]


class Work:
    """What the engine knows of an item until it ends. Times are those of the scheduler's clock.

    Attributes:
        index: place in the input.
        item: the item as given.
        attempt: number of the attempt under way, from 1.
        before: attempts made before the item was given new ones by ``retry_failed``.
        excused: attempts that its retries do not count: refused by the host, or probes.
        probe: True if the attempt under way probes whether the host is back.
        queued: when it was read from the input.
        started: when its first attempt began.
        began: when the attempt under way began.
        first_byte: when that attempt's response headers were there.
        status: that attempt's HTTP status.
        request: what to send, None for tasks.
        method: the HTTP method, None for tasks.
        host: scheme, host and port, empty for tasks.
        lane: that host's lane.
        priority: lower goes first.
        bytes: that attempt's body, decoded.
        cached: True if no request was needed.
        name: what the cache knows it by, None where it does not.
        at_hand: what the cache has for it; True if it will have that when it is the item's turn; None if a
            request is needed, so that the item must wait until its host is open.
        twin: True if it ends like another item with the same key.
        there: how its last attempt went on another machine; set only where attempts are made elsewhere.
    """

    __slots__ = (
        "at_hand",
        "attempt",
        "before",
        "began",
        "bytes",
        "cached",
        "excused",
        "first_byte",
        "host",
        "index",
        "item",
        "lane",
        "method",
        "name",
        "priority",
        "probe",
        "queued",
        "request",
        "started",
        "status",
        "there",
        "twin",
    )

    lane: Lane
    there: There | None

    def __init__(self, index: int, item: Any, queued: float) -> None:
        self.index = index
        self.item = item
        self.queued = self.started = self.began = queued
        self.attempt = self.before = self.excused = self.priority = self.bytes = 0
        self.first_byte: float | None = None
        self.status: int | None = None
        self.request: Request | None = None
        self.method: str | None = None
        self.name: str | None = None
        self.host = ""
        self.at_hand: Any = None
        self.probe = self.cached = self.twin = False

    @property
    def charged(self) -> int:
        """Attempts that count against its retries."""
        return self.attempt - self.before - self.excused

    def again(self) -> Work:
        """Return the same item with new attempts, numbered on from those it had."""
        work = Work(self.index, self.item, self.queued)
        work.attempt = work.before = self.attempt
        work.started = self.started
        return work
