"""Where a run's attempts wait for a chunk, go out with it, and hear what became of them.

An attempt boards; when enough have, or nobody else is coming and a machine has room, they leave as a chunk.
Each machine has up to two chunks, so that it begins the next one while the news of the last is on its way.

Requests to a host whose rate is limited are spaced by the run itself, as ever. Each takes along the moment at
which it may start, a little ahead, and may start then on whatever machine it is, or not at all: then it comes
back and gets another moment. So the sum over all machines is what the run allows, whoever joins, dies or is
silent.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from fetchlab.cluster.link import Answer
from fetchlab.cluster.parcels import Chunk, Entry, plain_item
from fetchlab.cluster.riders import Rider, Sent
from fetchlab.cluster.sizing import ChunkSize
from fetchlab.engine.crossing import pack_checked
from fetchlab.engine.parking import Postponed
from fetchlab.engine.remote import There
from fetchlab.errors import ClusterError, TaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetchlab.cluster.link import Link
    from fetchlab.cluster.machines import Machines
    from fetchlab.cluster.parcels import Part
    from fetchlab.engine.remote import Hooks
    from fetchlab.engine.work import Work

__all__ = ["Place"]

LINGER = 0.002
"""Seconds that the first who boards waits for others, while a machine has nothing to do."""
PATIENCE = 0.1
"""The same while all have something."""
SPACED_LINGER = 0.2
"""The same for those that take along a moment to start."""
AHEAD, MOST_AHEAD = 0.4, 5.0
"""Seconds until that moment, which must be enough to get there: at first, and at most."""
CHUNKS, SPACED_CHUNKS = 2, 8
"""Of one machine at a time: usually, and of such whose items wait for their moment."""
POLL_SECONDS = 1.0
CLOCKS = 5
"""Round trips by which clocks are compared at the beginning."""
NOBODY_SECONDS = 10.0
MOST_DEATHS = 4
ALONE_DEATHS = 2
"""With which nothing but one item had to do: one may be chance."""
CANNOT = {
    "died": "every worker that this item was given to died; see the cluster's logs",
    "failed": "the task cannot be loaded on a cluster's worker",
    "unread": "the values of a cluster's worker cannot be read here; install there what is here",
}
LOST = (
    "the Dask scheduler is lost, or has forgotten the run's chunks; what is done is kept, and with journal=…"
    " the same call goes on, with this scheduler or another one"
)
HELD_SECONDS = 0.2
"""A host that refused without a hint is not asked until the run knows how."""

log = logging.getLogger("fetchlab.cluster")


class Place:
    """Makes attempts on the machines of a cluster.

    Args:
        link: to the cluster.
        token: the run's.
        machines: those there are.
        seconds: of a machine's time that a chunk takes.
    """

    def __init__(self, link: Link, token: str, machines: Machines, seconds: float) -> None:
        self._link = link
        self._token = token
        self._machines = machines
        self._size = ChunkSize(seconds)
        self._hooks: Hooks | None = None
        self._aboard: list[Rider] = []
        self._apart: list[list[Rider]] = []
        self._out: dict[int, Sent] = {}
        self._left_behind: Counter[int] = Counter()
        self._deaths: Counter[int] = Counter()
        self._next = 0
        self._enough = machines.slots_of(None)  # who make a chunk
        self._ahead, self._ahead_since = AHEAD, -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        self._paused = False
        self._lost = False
        self._nobody_since: float | None = None

    # the run's side

    @property
    def slots(self) -> int:
        """Workers on all machines."""
        return self._machines.slots

    def resize(self, slots: int) -> None:
        """Have so many workers in all."""
        self._machines.resize(slots)

    async def begin(self, hooks: Hooks) -> None:
        """Compare clocks, and have the run send."""
        self._hooks, self._paused, self._lost = hooks, False, False
        self._left_behind.clear()
        self._deaths.clear()
        if self._watch is None:
            try:
                await self._link.begin(self._closed)
                for _ in range(CLOCKS):
                    workers, clocks = await self._link.poll()
                    self._machines.saw(workers, clocks)
                    if len(clocks) < len(workers):  # one hangs, and would keep all waiting again
                        break
            except OSError as error:
                raise ClusterError(LOST) from error
            self._watch = asyncio.get_running_loop().create_task(self._keep_watch())
        hooks.resized()
        self._hold()

    async def call(self, work: Work, item: Any, wants: Literal["value", "response", "news"] = "value") -> Any:
        """Make one attempt."""
        if self._paused or self._lost:  # it was looked for in a cache meanwhile
            raise Postponed
        start = work.began + self._ahead if work.lane.spaced else None
        rider = Rider(work, Entry(plain_item(item), wants, start))
        self._aboard.append(rider)
        if len(self._aboard) == 1:
            self._set_timer()
        elif len(self._aboard) >= self._enough:
            self._depart()
        return await rider.told

    def pause(self) -> None:
        """Let nothing go out."""
        self._paused = True
        self._give_back()

    def resume(self) -> None:
        """Let it go out again."""
        self._paused = False

    def cancel(self) -> None:
        """Give back who is aboard, and have abort what is out."""
        self._give_back()
        self._link.abort([sent.task for sent in self._out.values()], self._next)
        self._out.clear()
        self._machines.busy.clear()

    def close(self) -> None:
        """Let go of the cluster."""
        for timer in (self._timer, self._watch):
            if timer is not None:
                timer.cancel()
        self._timer = self._watch = None
        self._link.close(self._next)

    # boarding and leaving

    def _count(self, address: str | None) -> int:
        """Note, and return, how many make a chunk for a machine now."""
        assert self._hooks is not None  # for the type checker
        left = self._hooks.left()
        if left is not None:
            left += len(self._aboard)
        slots, machines = self._machines.slots_of(address), max(1, len(self._machines.working))
        self._enough = self._size.items(slots, left=left, machines=machines)
        return self._enough

    def _set_timer(self) -> None:
        if self._timer is not None or not self._aboard:
            return
        if any(rider.entry.start is not None for rider in self._aboard):
            wait = SPACED_LINGER
        else:
            wait = LINGER if self._machines.some_idle else PATIENCE
        self._timer = asyncio.get_running_loop().call_later(wait, self._lingered)

    def _lingered(self) -> None:
        self._timer = None
        self._depart(any_size=True)

    def _depart(self, *, any_size: bool = False) -> None:
        """Let leave who is aboard, as long as there are enough of them and machines have room."""
        if self._paused or self._lost:
            return
        if self._apart:
            self._leave_alone()
            return
        while self._aboard:
            spaced = self._aboard[0].entry.start is not None
            most = SPACED_CHUNKS if spaced else CHUNKS if self._size.service is not None else 1
            address = self._machines.freest(most, clocked=spaced)
            if address is None:
                return  # who comes back lets the next one leave
            size = self._count(address)
            if len(self._aboard) < size and not any_size:
                break
            riders, self._aboard = self._aboard[:size], self._aboard[size:]
            self._leave([rider for rider in riders if not rider.told.done()], address)
            any_size = any_size and len(self._aboard) >= size
        self._set_timer()

    def _leave_alone(self) -> None:
        """Send suspects when nothing else is out: who dies beside a killer would be taken for one."""
        address = self._machines.freest(1)
        if not self._out and address is not None:
            riders = self._apart.pop()
            self._leave([rider for rider in riders if not rider.told.done()], address, suspect=True)

    def _leave(self, riders: list[Rider], address: str, *, suspect: bool = False) -> None:
        if not riders:
            return
        number, self._next = self._next, self._next + 1
        entries = [rider.entry for rider in riders]
        spaced = any(entry.start is not None for entry in entries)
        chunk = Chunk(
            self._token,
            number,
            self._machines.shares,
            self._machines.clocks if spaced else {},
            self._size.seconds,
            entries,
        )
        try:
            parcel = chunk.pack()
        except Exception:
            riders = self._crossable(riders)
            if riders:
                self._leave(riders, address, suspect=suspect)
            return
        sent = self._out[number] = Sent(number, address, riders, spaced=spaced)
        self._machines.busy[address] += 1
        sent.bytes = len(parcel.data)
        sent.suspect = suspect
        self._ask(sent, lambda came: self._link.send(number, address, parcel, came, only=suspect))
        if spaced:
            self._hold()

    def _ask(self, sent: Sent, ask: Callable[[Callable[[Answer], None]], Any]) -> None:
        """Have something asked of a chunk; where that cannot even be said, it is lost."""
        try:
            sent.task = ask(lambda answer: self._came(sent, answer))
        except Exception as error:  # the client is closed
            self._came(sent, Answer("lost", error=error))

    def _crossable(self, riders: list[Rider]) -> list[Rider]:
        """Return those whose item can be packed; the others hear that theirs cannot."""
        fit = []
        for rider in riders:
            try:
                pack_checked(rider.entry.item)
            except Exception as error:
                told = TaskError(
                    f"the item cannot cross to a cluster's worker: {type(error).__name__}: {error};"
                    " give plain data"
                )
                told.__cause__ = error
                rider.fail(told)
            else:
                fit.append(rider)
        return fit

    # coming back

    def _came(self, sent: Sent, answer: Answer) -> None:
        """Tell every rider of a chunk what became of it."""
        if self._out.pop(sent.number, None) is None:
            return  # it was aborted
        sent.parts += 1
        if sent.parts == 1:  # who takes long keeps no further chunk away
            self._machines.came_back(sent.address)
        if answer.kind == "part":
            assert answer.part is not None  # for the type checker
            self._arrived(sent, answer.part, answer.size)
            self._follow_up(sent, answer.part)
        elif answer.kind == "died":
            self._died(list(sent.riders.values()), answer.error)
        elif answer.kind == "failed" and self._link.has_unfit:
            self._again(sent.riders.values(), answer)  # Dask gave it to a machine that nothing is sent to
        elif answer.kind in CANNOT:
            self._cannot(sent.riders.values(), answer)
        else:
            self._gone(sent.riders.values(), answer.error)
        self._depart()
        self._hold()

    @staticmethod
    def _cannot(riders: Iterable[Rider], answer: Answer) -> None:
        """Tell riders that nothing can become of them."""
        for rider in riders:
            said = "" if answer.error is None else f": {type(answer.error).__name__}: {answer.error}"
            told = TaskError(CANNOT[answer.kind] + said)
            told.__cause__ = answer.error
            rider.fail(told)

    def _again(self, riders: Iterable[Rider], answer: Answer) -> None:
        """Send riders out again, as often as may be bad luck."""
        for rider in list(riders):
            self._left_behind[rider.work.index] += 1
            if self._left_behind[rider.work.index] < MOST_DEATHS:
                rider.fail(Postponed())
            else:
                self._cannot([rider], answer)

    def _arrived(self, sent: Sent, part: Part, came: int) -> None:
        arrived = time.perf_counter()
        shift = self._machines.shift(part.address)
        tried: list[tuple[Rider, There, Callable[[], None]]] = []
        service = 0.0
        count = 0
        for place, row, value in part.outcomes():
            rider = sent.riders.pop(place)
            if row is None:
                rider.fail(Postponed())
                continue
            count += 1
            service += row.finished - row.began
            work = rider.work
            if rider.told.done():
                continue

            def here(moment: float) -> float:
                return min(arrived, max(sent.left, moment - shift))

            work.began = here(row.began)
            if work.attempt - work.before == 1:
                work.started = work.began
            work.first_byte = None if row.first_byte is None else here(row.first_byte)
            work.status, work.bytes = row.status, row.size
            there = There(self._machines.number(part.address, row.slot), here(row.finished))
            tell = rider.tell if row.error is None else rider.fail
            tried.append((rider, there, partial(tell, value)))
        if count:
            self._size.saw(count, service / count, max(came / len(part.places), sent.bytes / sent.items))
        if part.late and sent.left > self._ahead_since:
            self._ahead, self._ahead_since = min(MOST_AHEAD, 1.5 * self._ahead), arrived
        for rider, there, tell_it in sorted(tried, key=lambda one: one[1].finished):
            rider.work.there = there
            tell_it()

    def _follow_up(self, sent: Sent, part: Part) -> None:
        """Wait for those who take long; who was left behind by a machine that died goes out again."""
        if part.left:
            self._out[sent.number] = sent
            self._ask(sent, lambda came: self._link.await_rest(sent.number, sent.parts, part.address, came))
            return
        self._again(sent.riders.values(), Answer("died"))

    def _died(self, riders: list[Rider], error: BaseException | None) -> None:
        """Whoever killed every worker it came to is among them: send them in parts, at last alone."""
        if self._lost:
            self._tell_all(riders)
            return
        if len(riders) == 1:
            index = riders[0].work.index
            self._deaths[index] += 1
            if self._deaths[index] >= ALONE_DEATHS:
                self._cannot(riders, Answer("died", error=error))
                return
        size = math.isqrt(len(riders))
        self._apart += [riders[first : first + size] for first in range(0, len(riders), size)]

    def _gone(self, riders: Iterable[Rider], error: BaseException | None) -> None:
        """Nobody knows of a chunk any more: the scheduler is lost, or has begun anew."""
        self._tell_all(riders)
        if self._lost:
            return
        self._lost = True
        self._give_back()
        assert self._hooks is not None  # for the type checker
        lost = ClusterError(LOST)
        lost.__cause__ = error
        self._hooks.stop(lost)

    def _give_back(self) -> None:
        """Let nobody wait aboard."""
        self._tell_all(self._aboard)
        for riders in self._apart:
            self._tell_all(riders)
        self._aboard, self._apart = [], []

    @staticmethod
    def _tell_all(riders: Iterable[Rider]) -> None:
        for rider in riders:
            rider.fail(Postponed())

    # keeping watch

    def _closed(self, host: str, pause: float) -> None:
        """A machine has heard from a host that nothing should be sent to it now: so nobody does."""
        if self._hooks is None:
            return
        lane = self._hooks.lane(host)
        if lane is not None:
            lane.hold(time.perf_counter() + max(pause, HELD_SECONDS))
        self._tell_all(rider for rider in self._aboard if rider.work.host == host)
        self._aboard = [rider for rider in self._aboard if rider.work.host != host]
        self._link.hold(host, self._next)

    def _hold(self) -> None:
        """Have as many items as make the chunks that machines may have."""
        assert self._hooks is not None  # for the type checker
        working = self._machines.working
        items = sum(CHUNKS * self._size.items(slots) for slots in working.values())
        for sent in self._out.values():  # who takes long, or waits for a moment, keeps nobody else away
            if sent.parts or sent.spaced:
                items += len(sent.riders)
        self._hooks.hold(max(1, items))
        self._count(self._machines.freest(CHUNKS))

    async def _keep_watch(self) -> None:
        """Follow machines as they come and go, and their clocks."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                workers, clocks = await self._link.poll()
            except Exception as error:  # a lost scheduler shows at the chunks that are out, if any are
                log.debug("the cluster does not answer: %s", error)
                if self._link.over and not self._out:
                    self._gone((), error)
                continue
            before = self._machines.slots
            self._machines.saw(workers, clocks)
            if self._machines.slots != before and self._hooks is not None:
                log.info("%d machines, %d workers now", len(workers), self._machines.slots)
                self._hooks.resized()
            self._note_nobody(alone=not workers)
            self._bury()
            self._depart()
            self._hold()
            self._set_timer()

    def _bury(self) -> None:
        """Take back suspects whose machine is gone: each that Dask gave them to would die of them, too.

        It would try four. Workers that die often are soon not replaced any more: 15 s after each death
        Dask's own clusters let go of one that is just being started again (``lost-worker-timeout``).
        """
        for sent in list(self._out.values()):
            if sent.suspect and not self._machines.has(sent.address):
                self._link.forget([sent.task])
                self._came(sent, Answer("died"))

    def _note_nobody(self, *, alone: bool) -> None:
        now = time.monotonic()
        if not alone:
            self._nobody_since = None
        elif self._nobody_since is None:
            self._nobody_since = now
        elif now - self._nobody_since > NOBODY_SECONDS:
            log.warning("the cluster has no workers; items wait until one comes")
            self._nobody_since = math.inf
