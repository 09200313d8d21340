"""Requests that ride together: rpcs for one country, asked for at the same moment, go in one call.

To the engine each of them is an item with an attempt, a value or error and retries of its own; what they
share is the wire. Whoever failed once rides alone the next time, so that one that spoils every call it is in
spoils its own. Of a call that failed as a whole, its host hears once and not once for every rider.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from fetchlab import errors
from fetchlab.policy.keys import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.engine.work import Work
    from fetchlab.model import Request, Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.studies.charts.sizing import BatchSize
    from fetchlab.transport.client import Client

__all__ = ["LINGER", "Riding"]

LINGER, LONGEST = 0.001, 1.0
"""Seconds that the first rider of a call waits for others: usually, and at most where the host's rate is
limited. There riders come one by one, and calls are what the host counts."""
REFUSED = frozenset({429})
HOST_DOWN = frozenset({408, 425, 500, 502, 503, 504})


class Rider(NamedTuple):
    """An item that waits for its row."""

    work: Work
    told: asyncio.Future[Any]


class Riding:
    """Makes attempts, several in one call.

    Args:
        client: whose wire to use.
        build: makes the request of a call from its items.
        sort_out: makes a value or error for each item of a call from the response.
        place: what items must share to ride together.
        size: how many do.
        host: base URL of the calls.
        timeout: seconds per call.
        max_bytes: largest decoded body.
    """

    def __init__(
        self,
        client: Client,
        build: Callable[[Sequence[Any]], Request],
        sort_out: Callable[[Response, Sequence[Any]], list[Any]],
        *,
        place: Callable[[Any], Any],
        size: BatchSize,
        host: str,
        timeout: Timeout,
        max_bytes: int,
    ) -> None:
        self._client = client
        self._build = build
        self._sort_out = sort_out
        self._place = place
        self._size = size
        self._host = host_of(host)
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._waiting: dict[Any, list[Rider]] = {}
        self._timers: dict[Any, asyncio.TimerHandle] = {}
        self._drives: set[asyncio.Task[None]] = set()
        self._made = self._carried = self._largest = self._bytes = 0

    def prepare(self, work: Work) -> None:
        """Note the host; the request is that of a call."""
        work.method, work.host = "POST", self._host

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        rider = Rider(work, asyncio.get_running_loop().create_future())
        if work.charged > 1:
            self._leave([rider])
        else:
            self._board(rider)
        return await rider.told

    def notes(self) -> dict[str, object]:
        """Return how many calls carried how many rpcs, the most that one carried, and the size now."""
        return {
            "http_calls": self._made,
            "rpcs": self._carried,
            "largest_call": self._largest,
            "batch_size": self._size.limit,
            "http_bytes": self._bytes,
        }

    def close(self) -> None:
        """Forget who waits; calls under way are nobody's any more."""
        for timer in self._timers.values():
            timer.cancel()
        for drive in self._drives:
            drive.cancel()
        self._timers.clear()
        self._waiting.clear()

    def _board(self, rider: Rider) -> None:
        place = self._place(rider.work.item)
        riders = self._waiting.setdefault(place, [])
        riders.append(rider)
        found = rider.work.lane.discovery
        room = self._size.room(limited=found is not None)
        if len(riders) >= room:
            self._depart(place)
        elif len(riders) == 1:
            wait = LINGER if found is None else min(LONGEST, max(LINGER, room / found.rate))
            self._timers[place] = asyncio.get_running_loop().call_later(wait, self._depart, place)

    def _depart(self, place: Any) -> None:
        timer = self._timers.pop(place, None)
        if timer is not None:
            timer.cancel()
        riders = [rider for rider in self._waiting.pop(place, ()) if not rider.told.done()]
        if not riders:
            return
        limited = riders[0].work.lane.discovery is not None
        if not limited and self._size.trial(len(riders)):
            self._leave(riders[:1], riders[1:])
        else:
            self._leave(riders)

    def _leave(self, *calls: list[Rider]) -> None:
        drive = asyncio.get_running_loop().create_task(self._drive(calls))
        self._drives.add(drive)
        drive.add_done_callback(self._drives.discard)

    async def _drive(self, calls: Sequence[list[Rider]]) -> None:
        """Make calls; when the last one is back, tell every rider what came of it.

        They are told together, because workers who come back one by one fill no call again.
        """
        for riders, outcomes in zip(calls, await asyncio.gather(*map(self._call, calls)), strict=True):
            for rider, outcome in zip(riders, outcomes, strict=True):
                if rider.told.done():
                    continue
                if isinstance(outcome, Exception):
                    rider.told.set_exception(outcome)
                else:
                    rider.told.set_result(outcome)

    async def _call(self, riders: list[Rider]) -> list[Any]:
        """Make a call and return the value or error of every rider."""
        self._made += 1
        self._carried += len(riders)
        self._largest = max(self._largest, len(riders))
        items = [rider.work.item for rider in riders]
        began = time.perf_counter()
        try:
            request = self._build(items)
            response = await self._client.wire.send(request, self._timeout, self._max_bytes)
            self._note(riders, response)
            if response.status >= 400:
                raise errors.StatusError(f"HTTP {response.status}", response.status, response.headers)
            self._size.saw(len(riders), (response.first_byte or time.perf_counter()) - began)
            return self._sort_out(response, items)
        except Exception as error:
            return _shared(error, len(riders))

    def _note(self, riders: list[Rider], response: Response) -> None:
        """What the call saw, every rider saw; its bytes are shared out."""
        size = len(response.content)
        self._bytes += size
        share, rest = divmod(size, len(riders))
        for rider in riders:
            work = rider.work
            work.status, work.first_byte, work.bytes = response.status, response.first_byte, share
        riders[0].work.bytes += rest


def _shared(error: Exception, riders: int) -> list[Exception]:
    """Return what each rider of a failed call hears.

    A refusal is every rider's, as each would have been refused. A host in trouble is told of by the first
    rider alone: the others have nothing to say about it and are tried again. Anything else may be the fault
    of one of them, which trying them alone will tell.
    """
    if riders == 1:
        return [error]
    status = getattr(error, "status", None)
    if status in REFUSED or isinstance(error, errors.RateLimited):
        return [errors.copied(error) for _ in range(riders)]
    if status in HOST_DOWN or isinstance(error, errors.TransportError):
        return [error, *(_companion(error) for _ in range(riders - 1))]
    return [_companion(error) for _ in range(riders)]


def _companion(error: Exception) -> Exception:
    told = errors.TransportError(f"the call that it shared with others failed: {error}")
    told.__cause__ = errors.Retriable()
    return told
