"""Requests with keys: sent when a key may be used; what an answer says of its key is told to the ring."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from fetchlab import errors
from fetchlab.engine.calls import MAX_BYTES
from fetchlab.engine.parking import Postponed
from fetchlab.model import Request
from fetchlab.policy.hints import retry_after, until_reset
from fetchlab.studies.storyboard.service import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fetchlab.engine.work import Work
    from fetchlab.model import Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.studies.storyboard.keys import KeyRing, Seat
    from fetchlab.studies.storyboard.service import Fault
    from fetchlab.transport.client import Client

__all__ = ["Accounts", "authorised", "later"]


class Accounts:
    """The keys of a run on the wire.

    Args:
        client: whose wire to use.
        ring: the keys.
        timeout: seconds per attempt.
    """

    def __init__(self, client: Client, ring: KeyRing, timeout: Timeout) -> None:
        self.ring = ring
        self.sent = 0
        self._client = client
        self._timeout = timeout

    def any(self) -> Seat:
        """Take whichever key may be used now.

        Raises:
            Postponed: there will be one.
            StudyError: all are retired.
            RateLimited: they were waited for long enough.
        """
        now = time.perf_counter()
        seat = self.ring.take(now)
        if seat is not None:
            return seat
        why = self.ring.hopeless(now)
        if why is not None:
            raise errors.RateLimited(why) if self.ring.usable else errors.StudyError(why)
        raise Postponed(later(self.ring.delay(now)))

    def own(self, seat: Seat) -> Seat:
        """Take this key and no other.

        Raises:
            Postponed: it has to rest.
            RateLimited: it was waited for long enough.
        """
        now = time.perf_counter()
        wait = seat.gate.delay(now)
        if wait > 0:
            why = seat.gate.hopeless(now)
            if why is not None:
                raise errors.RateLimited(why)
            raise Postponed(later(wait))
        self.ring.use(seat, now)
        return seat

    async def send(self, work: Work, seat: Seat, request: Request, *, only: bool = False) -> Response:
        """Send a request with a key that was taken.

        Args:
            work: the attempt.
            seat: the key.
            request: without credentials.
            only: no other key could be used instead.

        Raises:
            Retriable: the key came too fast or is retired; that is no fault of the item.
            StudyError: the key is of no use, and there is no other for this.
            StatusError: the request is wrong, or the host unwell.
            TransportError: no answer came.
        """
        began = time.perf_counter()
        self.sent += 1
        try:
            response = await self._client.wire.send(authorised(request, seat), self._timeout, MAX_BYTES)
        except BaseException:
            self.ring.dropped(seat)
            raise
        work.status, work.first_byte, work.bytes = response.status, response.first_byte, len(response.content)
        fault = fault_of(response)
        self.heed(work, seat, began, fault, response.headers, only=only)
        return response

    def heed(
        self,
        work: Work,
        seat: Seat,
        began: float,
        fault: Fault | None,
        headers: Mapping[str, str],
        *,
        only: bool = False,
    ) -> None:
        """Tell the ring what a request with a key met.

        Raises:
            Retriable: the key came too fast or is retired; that is no fault of the item.
            StudyError: the key is of no use, and there is no other for this.
            StatusError: the request is wrong, or the host unwell.
        """
        ring, now = self.ring, time.perf_counter()
        if fault is None or fault.whose in ("request", "host"):
            ring.answered(seat, began, now)
            rest = until_reset(headers, time.time())
            if rest is not None:
                ring.rests(seat, now, rest)
            if fault is not None:
                raise errors.StatusError(ring.masked(fault.text), work.status or 0, headers)
            return
        if fault.whose == "key":
            ring.retire(seat, fault.text)
            if only:
                raise errors.StudyError(f"{seat.name}: {fault.text}; nobody else may ask for its job")
        else:
            ring.refused(seat, began, now, retry_after(headers, time.time()))
        work.excused += 1  # no fault of the item: its retries are for what is
        raise errors.Retriable(f"{seat.name}: {fault.text}", after=0.0)


def authorised(request: Request, seat: Seat) -> Request:
    """Return the request with a key's credentials."""
    headers = (request.headers or {}) | {"Authorization": f"Bearer {seat.key.secret}"}
    return Request(request.url, request.method, headers=headers, content=request.content)


def later(wait: float) -> Callable[[Callable[[], None]], None]:
    """Return what calls its argument after so many seconds, for :class:`Postponed`."""
    return partial(_later, asyncio.get_running_loop(), wait)


def _later(loop: asyncio.AbstractEventLoop, wait: float, over: Callable[[], None]) -> None:
    loop.call_later(wait, over)
