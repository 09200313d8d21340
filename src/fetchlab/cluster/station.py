"""The attempts of one run on one machine: its workers, and the chunks that they work on.

All of it runs on the loop thread of fetchlab in the Dask worker's process, never on Dask's own loop. Workers
go from one chunk to the next without a pause between. An attempt is made by the engine's own task. What
concerns the host is the run's to decide, so an item goes back untried as soon as its host has refused, rests
or seems to be down, and when the moment at which it was to start is past.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.cluster.parcels import Chunk, Part, Row, request_from
from fetchlab.engine.crossing import pack_error
from fetchlab.engine.lanes import Lane
from fetchlab.engine.verdicts import End, after_failure
from fetchlab.engine.work import Work
from fetchlab.policy.host import HostRules
from fetchlab.policy.keys import host_of
from fetchlab.policy.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TOLERANCE", "Station"]

TOLERANCE = 0.1
"""Seconds by which a start that is leased for a moment may be late."""
ONCE = Retry(attempts=1)


class Station:
    """Serves chunks.

    Args:
        task: makes attempts: a ``Fetching`` or a ``Calling``.
        address: the machine's, as Dask knows it.
        slots: workers, where a chunk does not say how many.
        fetches: True if items are requests.
        on_closed: told of a host that nothing should be sent to now, and for how many seconds, on the loop.
    """

    def __init__(
        self,
        task: Any,
        address: str,
        slots: int,
        *,
        fetches: bool,
        on_closed: Callable[[str, float], None],
    ) -> None:
        self.used = time.monotonic()
        self._task = task
        self._address = address
        self._slots = slots
        self._fetches = fetches
        self._on_closed = on_closed
        self._random = Random()  # noqa: S311  # jitter
        self._sheets: dict[int, Sheet] = {}
        self._holds: dict[str, int] = {}
        self._queue: deque[tuple[Sheet, int]] = deque()
        self._due: deque[tuple[Sheet, int]] = deque()
        self._free: list[int] = list(range(slots))
        self._serving: dict[int, tuple[asyncio.Task[None], Sheet | None]] = {}

    @property
    def idle(self) -> bool:
        """True if nothing is under way, or waits for its turn."""
        return not (self._serving or self._queue or self._due)

    async def serve(self, chunk: Chunk) -> Part:
        """Serve a chunk; return what became of its items, or of those that are done when some take long."""
        self.used = time.monotonic()
        self._resize(chunk.slots.get(self._address, self._slots))
        sheet = Sheet(chunk, fetches=self._fetches)
        self._sheets[chunk.number] = sheet
        ahead = chunk.clocks.get(self._address)
        now, loop = time.perf_counter(), asyncio.get_running_loop()
        for place, entry in enumerate(chunk.entries):
            if chunk.number < self._holds.get(sheet.hosts[place], 0):
                sheet.give_back(place)
            elif entry.start is None:
                self._queue.append((sheet, place))
            elif ahead is None or now > entry.start + ahead + TOLERANCE:
                sheet.late += 1
                sheet.give_back(place)
            else:
                start = sheet.starts[place] = entry.start + ahead
                sheet.timers.append(loop.call_later(max(0.0, start - now), self._ready, sheet, place))
        self._fill()
        return await self._reported(sheet)

    async def rest(self, number: int) -> Part:
        """Return what became of items that an earlier part of a chunk left out; nothing, if it is unknown."""
        self.used = time.monotonic()
        sheet = self._sheets.get(number)
        return Part(self._address, 0, 0, [], [], []) if sheet is None else await self._reported(sheet)

    async def _reported(self, sheet: Sheet) -> Part:
        """Wait until a chunk is done, or has been at work for long, and take what is new of it."""
        grace = sheet.chunk.grace
        await sheet.begun
        await asyncio.wait(
            [sheet.done, sheet.drained], timeout=2 * grace, return_when=asyncio.FIRST_COMPLETED
        )
        if not sheet.done.done():
            await asyncio.wait([sheet.done], timeout=grace / 2)
        while not sheet.fresh:
            await sheet.heard()
        if sheet.done.done():
            if self._sheets.get(sheet.chunk.number) is sheet:  # else Dask has sent it here once more
                del self._sheets[sheet.chunk.number]
            sheet.disarm()
        places, rows, values = sheet.taken()
        return Part(self._address, sheet.late, sheet.left, places, rows, values)

    def hold(self, host: str, below: int) -> None:
        """Give back what is untried of a host, in chunks numbered below this, here or still to come."""
        self._holds[host] = max(below, self._holds.get(host, 0))
        for number, sheet in list(self._sheets.items()):
            if number < below:
                sheet.close(host)

    def cancel(self, below: float) -> None:
        """Give back what is untried of chunks with a number below this one, and abort the rest."""
        for number, sheet in list(self._sheets.items()):
            if number >= below:
                continue
            sheet.close(None)
            for task, served in self._serving.values():
                if served is sheet:
                    task.cancel()

    def close(self) -> None:
        """End everything."""
        self.cancel(math.inf)
        self._task.close()

    def _resize(self, slots: int) -> None:
        if slots > self._slots:
            busy = self._serving.keys()
            self._free = [slot for slot in range(slots) if slot not in busy]
        self._slots = slots

    def _ready(self, sheet: Sheet, place: int) -> None:
        self._due.append((sheet, place))
        self._fill()

    def _fill(self) -> None:
        """Have a worker for everything that waits, as far as there are some."""
        loop = asyncio.get_running_loop()
        for _ in range(min(len(self._queue) + len(self._due), len(self._free))):
            slot = heapq.heappop(self._free)
            if slot >= self._slots:
                return
            self._serving[slot] = (loop.create_task(self._work(slot)), None)

    def _next(self) -> tuple[Sheet, int] | None:
        """Return what comes next: what is leased for this moment, else the rest in its order."""
        for waiting in (self._due, self._queue):
            while waiting:
                sheet, place = waiting.popleft()
                if place not in sheet.untried:
                    continue
                start = sheet.starts.get(place)
                if start is not None and time.perf_counter() > start + TOLERANCE:
                    sheet.give_back(place)
                    continue
                return sheet, place
        return None

    async def _work(self, slot: int) -> None:
        try:
            while slot < self._slots and (found := self._next()) is not None:
                task, _ = self._serving[slot]
                self._serving[slot] = (task, found[0])
                await self._attempt(slot, *found)
        finally:
            del self._serving[slot]
            if slot < self._slots:
                heapq.heappush(self._free, slot)
            self._fill()

    async def _attempt(self, slot: int, sheet: Sheet, place: int) -> None:
        sheet.take(place)
        entry, host = sheet.chunk.entries[place], sheet.hosts[place]
        work = Work(place, entry.item, time.perf_counter())
        work.lane = sheet.lane(host)
        work.attempt = 1
        value: Any = None
        failure: bytes | None = None
        work.probe = work.lane.begin(work.began)
        try:
            if self._fetches:
                work.request = request_from(entry.item)
                work.method, work.host = work.request.method, host
            if entry.wants != "value":
                value = await self._task.exchange(work, work.request, asks=entry.wants == "news")
            else:
                value = await self._task(work)
        except asyncio.CancelledError as cancelled:
            cause: Exception = errors.TaskError("the task was cancelled from inside")
            if sheet.cancelled:
                cause = errors.Cancelled("the run was cancelled during the attempt")
            cause.__cause__ = cancelled
            failure = self._failed(work, cause)
        except Exception as error:
            failure = self._failed(work, error)
        except BaseException as error:  # SystemExit from a task ends that task's item, not the machine
            ended = errors.TaskError(f"{type(error).__name__}: {error}")
            ended.__cause__ = error
            failure = self._failed(work, ended)
        finished = time.perf_counter()
        if failure is None:
            work.lane.answered(work.began, None, finished)
        row = Row(slot, work.began, finished, work.first_byte, work.status, work.bytes, failure)
        sheet.ended(place, row, value)
        if not work.lane.quiet:
            self._close_host(work.lane, finished)

    def _failed(self, work: Work, error: Exception) -> bytes:
        """Tell the host's gate; return the error, packed."""
        now = time.perf_counter()
        verdict = after_failure(work, error, now, ONCE, self._random, time.time, last=True)
        return pack_error(verdict.error if isinstance(verdict, End) else error)

    def _close_host(self, lane: Lane, now: float) -> None:
        """A host refused, rests or is down: what the machine has for it goes back, and the run hears."""
        news = [sheet.close(lane.name) for sheet in list(self._sheets.values())]
        if any(news):
            self._on_closed(lane.name, max(0.0, lane.parked_until - now))


class Sheet:
    """A chunk being served.

    Args:
        chunk: the chunk.
        fetches: True if items are requests, which have a host.

    Attributes:
        hosts: each entry's host.
        starts: when an entry that is leased for a moment may start, by this machine's clock.
        untried: entries that were not begun.
        fresh: entries that ended or were given back, and were not reported.
        late: entries that came after their moment.
        left: entries that have not ended.
        begun: set when the first is tried or given back.
        drained: set when the last is.
        done: set when all have ended.
    """

    def __init__(self, chunk: Chunk, *, fetches: bool) -> None:
        size = len(chunk.entries)
        self.chunk = chunk
        self.hosts = (
            [host_of(request_from(entry.item).url) for entry in chunk.entries] if fetches else [""] * size
        )
        self.starts: dict[int, float] = {}
        self.untried = set(range(size))
        self.fresh: dict[int, tuple[tuple[Any, ...] | None, Any]] = {}
        self.late = 0
        self.left = size
        self.cancelled = False
        self.timers: list[asyncio.TimerHandle] = []
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.drained: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self._heard: asyncio.Future[None] | None = None
        self._lanes: dict[str, Lane] = {}
        self._closed: set[str] = set()

    def lane(self, host: str) -> Lane:
        """Return a host's gate, which knows of this chunk alone: the run knows the rest."""
        lane = self._lanes.get(host)
        if lane is None:
            rules = HostRules(ONCE, breaks=bool(host))
            lane = self._lanes[host] = Lane(host, rules, time.perf_counter(), by_priority=False)
        return lane

    def ended(self, place: int, row: Row, value: Any) -> None:
        """Note what became of an entry."""
        self._settle(place, tuple(row), value)

    def give_back(self, place: int) -> None:
        """Let an entry go back untried."""
        self.take(place)
        self._settle(place, None, None)

    def take(self, place: int) -> None:
        """Note that an entry waits no longer."""
        self.untried.discard(place)
        if not self.begun.done():
            self.begun.set_result(None)
        if not self.untried and not self.drained.done():
            self.drained.set_result(None)

    def taken(self) -> tuple[list[int], list[tuple[Any, ...] | None], list[Any]]:
        """Return what was not reported, and forget it."""
        fresh, self.fresh = self.fresh, {}
        return list(fresh), [row for row, _ in fresh.values()], [value for _, value in fresh.values()]

    async def heard(self) -> None:
        """Wait until something ends."""
        self._heard = asyncio.get_running_loop().create_future()
        await self._heard

    def close(self, host: str | None) -> bool:
        """Give back what is untried of a host, of all if it is None; say whether that was news."""
        if host is None:
            self.cancelled = True
        news = host is not None and host not in self._closed
        if host is not None:
            self._closed.add(host)
        for place in sorted(self.untried):
            if host is None or self.hosts[place] == host:
                self.give_back(place)
        return news

    def disarm(self) -> None:
        """Stop every timer."""
        for timer in self.timers:
            timer.cancel()

    def _settle(self, place: int, row: tuple[Any, ...] | None, value: Any) -> None:
        self.fresh[place] = (row, value)
        self.left -= 1
        heard, self._heard = self._heard, None
        if heard is not None and not heard.done():
            heard.set_result(None)
        if not self.left and not self.done.done():
            self.done.set_result(None)
