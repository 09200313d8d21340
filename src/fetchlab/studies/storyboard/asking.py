"""One attempt at a part of a script: wait for what it needs, take a key, ask, read the reply."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.engine.calls import MAX_BYTES
from fetchlab.engine.parking import Postponed
from fetchlab.model import Request
from fetchlab.policy.hints import retry_after, until_reset
from fetchlab.policy.keys import host_of
from fetchlab.studies.storyboard.prompts import body
from fetchlab.studies.storyboard.replies import read, reply_of
from fetchlab.studies.storyboard.script import Scene
from fetchlab.studies.storyboard.service import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.work import Work
    from fetchlab.model import Response, Result
    from fetchlab.policy.timeout import Timeout
    from fetchlab.studies.storyboard.keys import KeyRing, Seat
    from fetchlab.studies.storyboard.script import Part
    from fetchlab.studies.storyboard.writing import Writing
    from fetchlab.transport.client import Client

__all__ = ["Asking"]


class Asking:
    """Asks for parts. One that waits, for another part or for a key, holds no worker and spends no attempt.

    Args:
        client: whose wire to use.
        url: where completions are asked for.
        idea: what the film is about.
        model: the model's name.
        fields: further fields of every request.
        writing: what may be asked for.
        ring: the keys.
        timeout: seconds per attempt.
    """

    def __init__(
        self,
        client: Client,
        url: str,
        idea: str,
        model: str,
        fields: dict[str, Any],
        *,
        writing: Writing,
        ring: KeyRing,
        timeout: Timeout,
    ) -> None:
        self.tokens = self.mended = self.asked = 0
        self._client = client
        self._url = url
        self._host = host_of(url)
        self._idea = idea
        self._model = model
        self._fields = fields
        self._writing = writing
        self._ring = ring
        self._timeout = timeout
        self._waiting: dict[Part, Callable[[], None]] = {}

    def prepare(self, work: Work) -> None:
        """Note the host; what the request holds is known when its turn comes."""
        work.method, work.host = "POST", self._host

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        part: Part = work.item
        if not self._writing.may_begin(part):
            raise Postponed(partial(self._waiting.__setitem__, part))
        seat = self._seat()
        self._writing.begins(part)
        self._stir()
        saw = self._writing.context(part)
        reply = await self._ask(
            work, seat, body(self._idea, part, self._writing, saw, self._model, self._fields)
        )
        told = reply_of(reply)
        self.tokens += told.tokens
        value, mended = read(told, part, self._writing.plan)
        self.mended += mended
        if part.number:
            value = Scene(value, saw, seat.key.name)
        self._done(part, value)
        return value

    def recalled(self, result: Result) -> tuple[()]:
        """Take in a part that an earlier session wrote; adds no further items to the run."""
        self._done(result.item, result.value)
        return ()

    def rescue(self, work: Work, error: Exception) -> None:
        """A part fails for good: what needs it has nothing to wait for."""
        self._writing.failed(work.item, f"{type(error).__name__}: {error}")
        self._stir()

    def close(self) -> None:
        """Forget who waits."""
        self._waiting.clear()

    def _seat(self) -> Seat:
        """Take a key.

        Raises:
            Postponed: there will be one.
            StudyError: all are retired.
            RateLimited: they were waited for long enough.
        """
        now = time.perf_counter()
        seat = self._ring.take(now)
        if seat is not None:
            return seat
        why = self._ring.hopeless(now)
        if why is not None:
            raise errors.RateLimited(why) if self._ring.usable else errors.StudyError(why)
        raise Postponed(partial(_later, asyncio.get_running_loop(), self._ring.delay(now)))

    async def _ask(self, work: Work, seat: Seat, content: dict[str, Any]) -> Response:
        headers = {"Authorization": f"Bearer {seat.key.secret}"}
        request = Request(self._url, "POST", json=content, headers=headers)
        began = time.perf_counter()
        self.asked += 1
        try:
            response = await self._client.wire.send(request, self._timeout, MAX_BYTES)
        except BaseException:
            self._ring.dropped(seat)
            raise
        work.status, work.first_byte, work.bytes = response.status, response.first_byte, len(response.content)
        self._heed(work, seat, began, response)
        return response

    def _heed(self, work: Work, seat: Seat, began: float, response: Response) -> None:
        """Tell the key what its request met.

        Raises:
            Retriable: the next attempt is another key's, or waits until this one may ask again.
            StatusError: it is the request's own fault, or the host's.
        """
        ring, now = self._ring, time.perf_counter()
        fault = fault_of(response)
        if fault is None or fault.whose in ("request", "host"):
            ring.answered(seat, began, now)
            rest = until_reset(response.headers, time.time())
            if rest is not None:
                ring.rests(seat, now, rest)
            if fault is not None:
                raise errors.StatusError(ring.masked(fault.text), response.status, response.headers)
            return
        if fault.whose == "key":
            ring.retire(seat, fault.text)
        else:
            ring.refused(seat, began, now, retry_after(response.headers, time.time()))
        work.excused += 1  # no fault of the item: its retries are for what is
        raise errors.Retriable(f"{seat.key.name}: {fault.text}", after=0.0)

    def _done(self, part: Part, value: Any) -> None:
        self._writing.finished(part, value)
        self._stir()

    def _stir(self) -> None:
        """Something has happened: let those go on who waited for it."""
        ready = [part for part in sorted(self._waiting) if self._ready(part)]
        for part in reversed(ready):  # whoever is woken goes before those that wait
            self._waiting.pop(part)()

    def _ready(self, part: Part) -> bool:
        try:
            return self._writing.may_begin(part)
        except errors.StudyError:  # its attempt will tell
            return True


def _later(loop: asyncio.AbstractEventLoop, wait: float, over: Callable[[], None]) -> None:
    loop.call_later(wait, over)
