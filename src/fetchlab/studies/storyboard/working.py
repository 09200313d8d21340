"""One attempt at a step: order a job, see how it stands, download its video, have the rest made.

Nothing waits in a worker: a job that is not ready is looked at again when the service says so, a download
that has no place yet begins the moment one is free, an account that must rest is asked when it may be.
"""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.engine.parking import Postponed
from fetchlab.studies.storyboard.accounts import authorised, later
from fetchlab.studies.storyboard.inline import write_whole
from fetchlab.studies.storyboard.orders import Film, Made
from fetchlab.studies.storyboard.places import file_name
from fetchlab.studies.storyboard.service import Fault
from fetchlab.transport.disk import Disk
from fetchlab.transport.download import Receiver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetchlab.engine.work import Work
    from fetchlab.model import Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.studies.storyboard.accounts import Accounts
    from fetchlab.studies.storyboard.backends import Backend
    from fetchlab.studies.storyboard.finishing import Finishing
    from fetchlab.studies.storyboard.keys import Seat
    from fetchlab.studies.storyboard.ordering import Ordering
    from fetchlab.studies.storyboard.orders import Step
    from fetchlab.studies.storyboard.places import Places
    from fetchlab.studies.storyboard.rendering import Rendering
    from fetchlab.studies.storyboard.slots import Slots
    from fetchlab.transport.client import Client
    from fetchlab.transport.download import Place

__all__ = ["Working", "poll_wait"]

HINT = "openai-poll-after-ms"
FIRST_POLL, LONGEST_POLL, GROWTH = 1.0, 15.0, 1.5
"""Seconds between looks where the service gives no hint: at first, at most, and by what they grow."""
LONGEST_HINT = 600.0
GONE = frozenset({404, 410})
MISSES = 3
"""Times that a job must not be found: one 404 may be a gateway's, and another order is paid for."""


class Working:
    """Makes attempts.

    Args:
        backend: the service.
        accounts: its accounts on the wire.
        ordering: orders the jobs.
        rendering: where tickets and finished jobs are found.
        slots: downloads at a time.
        places: where files go.
        finishing: makes thumbnails and larger videos.
        client: whose wire downloads use.
        timeout: seconds per attempt at a download.
        host: the service, for its lane.

    Attributes:
        ordering: see above.
        polls: how often each job was asked about.
    """

    def __init__(
        self,
        backend: Backend,
        accounts: Accounts,
        ordering: Ordering,
        rendering: Rendering,
        slots: Slots,
        *,
        places: Places,
        finishing: Finishing,
        client: Client,
        timeout: Timeout,
        host: str,
    ) -> None:
        self.ordering = ordering
        self.polls: Counter[str] = Counter()
        self._missed: Counter[Step] = Counter()
        self._backend = backend
        self._accounts = accounts
        self._rendering = rendering
        self._slots = slots
        self._host = host
        self._disk = Disk()
        self._places = places
        self._finishing = finishing
        self._receiver = Receiver(
            client, self._disk, accept=(), timeout=timeout, max_bytes=None, overwrite=False
        )
        self._started: dict[str, float] = {}
        self._inline: dict[str, bytes] = {}

    def prepare(self, work: Work) -> None:
        """Note the host; which account is asked is known when its turn comes."""
        work.method, work.host = "POST" if work.item.kind == "job" else "GET", self._host

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        step: Step = work.item
        if step.kind == "job":
            return await self.ordering.order(work, self._rendering.orders[step.scene])
        if step.kind in ("thumbnail", "upscaled"):
            return await self._finishing.make(work, step)
        ticket = self._rendering.tickets[step.job]
        seat = self._accounts.ring.of(ticket.owner)
        if seat is None:
            raise errors.StudyError(f"job {step.job} is of an account that is not among those given")
        if step.kind == "ready":
            return await self._look(work, step, seat)
        return await self._download(work, step, seat)

    def close(self) -> None:
        """Let the disk threads end, and forget who waits."""
        self._disk.close()
        self._finishing.close()
        self._slots.clear()
        self._inline.clear()

    def rescue(self, work: Work, error: Exception) -> None:  # noqa: ARG002
        """A step fails for good."""
        self._rendering.failed(work.item)

    # waiting for it

    async def _seen(self, work: Work, step: Step, seat: Seat) -> Response | None:
        """Return the service's answer about a job, None if it has been missed often enough to be gone."""
        look = self._backend.look(step.job)
        try:
            return await self._accounts.send(work, self._accounts.own(seat), look, only=True)
        except errors.StatusError as error:
            if error.status not in GONE:
                raise
            self._misses(step, error.status)
            return None

    async def _look(self, work: Work, step: Step, seat: Seat) -> Made:
        response = await self._seen(work, step, seat)
        if response is None:
            return Made(step.job, "missing", f"{seat.name} knows no such job", ready=time.time())
        state, now = self._backend.state(response), time.time()
        self.polls[step.job] += 1
        if state.status != "queued":
            self._started.setdefault(step.job, now)
        if state.content is not None:
            self._inline[step.job] = state.content
        if state.status in ("completed", "failed"):
            return Made(
                step.job,
                state.status,
                state.why,
                final=state.final,
                queued=state.created,
                started=self._started.pop(step.job, None),
                ready=now,
                expires=state.expires,
                polls=self.polls[step.job],
                place=state.place,
            )
        work.excused = work.attempt - work.before - 1  # it was answered: earlier failures are forgotten
        raise Postponed(later(poll_wait(response, self.polls[step.job])))

    def _misses(self, step: Step, status: int, expires: float | None = None) -> None:
        """Something of a job is not there; returns once that is sure.

        Raises:
            Postponed: it is not; ask again.
        """
        self._missed[step] += 1
        missed = self._missed[step]
        if status == 404 and missed < MISSES and (expires is None or time.time() < expires):
            raise Postponed(later(FIRST_POLL * GROWTH ** (missed - 1)))

    # downloading

    async def _download(self, work: Work, step: Step, seat: Seat) -> Film:
        if not self._slots.take():
            raise Postponed(partial(self._slots.wait, self._rendering.made[step.job].expires))
        try:
            return await self._receive(work, step, seat)
        finally:
            self._slots.free()

    async def _receive(self, work: Work, step: Step, seat: Seat) -> Film:
        place = self._places.of(step, file_name(step.scene))
        content = self._backend.content(step.job, self._rendering.made[step.job].place)
        if content is None:
            return await self._unpack(work, step, seat, place)
        request = authorised(content, self._accounts.own(seat))
        began = time.perf_counter()
        try:
            done = await self._receiver.receive(request, place, None, work)
        except errors.StatusError as error:
            fault = _fault(error.status)
            headers: Mapping[str, str] = error.headers or {}
            if error.status in GONE:
                self._accounts.ring.answered(seat, began, time.perf_counter())
                self._misses(step, error.status, self._rendering.made[step.job].expires)
                return Film(step.job, gone=True)
            self._accounts.heed(work, seat, began, fault, headers, only=True)
            raise
        except BaseException:
            self._accounts.ring.dropped(seat)
            raise
        self._accounts.ring.answered(seat, began, time.perf_counter())
        self._places.leave(step, file_name(step.scene))
        return Film(step.job, done.path.name, done.bytes, done.mb_per_s, time.time())

    async def _unpack(self, work: Work, step: Step, seat: Seat, place: Place) -> Film:
        """Write a video that came with a look; look again if an earlier session had it."""
        content = self._inline.pop(step.job, None)
        if content is None:
            response = await self._seen(work, step, seat)
            if response is None:
                return Film(step.job, gone=True)
            content = self._backend.state(response).content
        if content is None:
            raise errors.ParseError(f"job {step.job} brings its video no more")
        name = await self._disk.run(write_whole, place, content)
        self._places.leave(step, file_name(step.scene))
        return Film(step.job, name, len(content), 0.0, time.time())


def poll_wait(response: Response, polls: int) -> float:
    """Return the seconds until a job is looked at again: as the service says, else longer each time.

    Args:
        response: the answer to the last look.
        polls: looks so far.
    """
    said = response.headers.get(HINT) or ""
    if said.isdigit() and 0 < int(said) / 1000 <= LONGEST_HINT:
        return int(said) / 1000
    return min(LONGEST_POLL, FIRST_POLL * GROWTH ** min(polls - 1, 50))


def _fault(status: int) -> Fault:
    """What a download's status says; its body is not read."""
    said = f"HTTP {status}"
    if status == 401:
        return Fault("key", said)
    return Fault("pace" if status == 429 else "host" if status >= 500 else "request", said)
