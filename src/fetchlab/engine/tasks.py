"""What a worker does with an item: fetch it, or call the user's function."""

from __future__ import annotations

import asyncio
import inspect
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab.engine.threads import Threads
from fetchlab.errors import StatusError
from fetchlab.model import Request
from fetchlab.policy.hints import has_quota, until_reset
from fetchlab.policy.keys import host_of
from fetchlab.transport.base import timed_out

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fetchlab.engine.lanes import Lane
    from fetchlab.engine.work import Work
    from fetchlab.model import Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.client import Client

__all__ = ["Calling", "Fetching", "is_generator", "is_plain"]

SAMPLE = 63


class Fetching:
    """Fetches an item: request, status check, parse.

    Args:
        client: whose wire to use.
        build: makes a request from an item; None where items are URLs or requests themselves.
        parse: makes a value from a response.
        accept: statuses of 400 and above that are no errors.
        timeout: seconds per attempt.
        max_bytes: largest decoded body.
    """

    def __init__(
        self,
        client: Client,
        build: Callable[[Any], Request] | None,
        parse: Callable[[Response], Any],
        *,
        accept: Collection[int],
        timeout: Timeout,
        max_bytes: int,
    ) -> None:
        self._client = client
        self._build = build or _request_of
        self._parse = parse
        self._accept = frozenset(accept)
        self._timeout = timeout
        self._max_bytes = max_bytes

    def prepare(self, work: Work) -> None:
        """Build the request and note its host."""
        request = work.request = self._build(work.item)
        work.method = request.method
        work.host = host_of(request.url)

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        if work.request is None:
            self.prepare(work)
        request: Any = work.request
        return self._parse(
            self._seen(work, await self._client.wire.send(request, self._timeout, self._max_bytes))
        )

    async def exchange(self, work: Work, request: Request, *, asks: bool) -> tuple[Response, Any]:
        """Make one attempt with this request; return the response, too.

        Args:
            work: told what the attempt saw.
            request: what to send.
            asks: it asks whether something has changed; then the answer 304 is not parsed.
        """
        response = self._seen(work, await self._client.wire.send(request, self._timeout, self._max_bytes))
        return response, None if asks and response.status == 304 else self._parse(response)

    def _seen(self, work: Work, response: Response) -> Response:
        """Note what came back.

        Raises:
            StatusError: its status is an error.
        """
        status = work.status = response.status
        work.first_byte = response.first_byte
        work.bytes = len(response.content)
        lane = work.lane
        if lane.quota or lane.requests & SAMPLE == 1:
            self._heed(lane, response)
        if status >= 400 and status not in self._accept:
            raise StatusError(f"HTTP {status}", status, response.headers)
        return response

    def _heed(self, lane: Lane, response: Response) -> None:
        """Rest when the host says that its quota is used up; few hosts tell, so most are asked rarely."""
        lane.quota = has_quota(response.headers)
        if lane.quota and response.status < 400:
            seconds = until_reset(response.headers, time.time())
            if seconds is not None:
                lane.rest(time.perf_counter(), seconds)

    def close(self) -> None:
        """Nothing of its own to close."""


def _request_of(item: Any) -> Request:
    return Request.get(item) if type(item) is str else Request.of(item)


class Calling:
    """Calls the user's function with an item: async ones on the loop, plain ones in threads.

    Args:
        task: the function.
        timeout: seconds per attempt, None for no limit. A thread cannot be stopped: its item ends, it
            goes on in the background.
    """

    def __init__(self, task: Callable[[Any], Any], *, timeout: Timeout | None) -> None:
        self._task = task
        self._timeout = timeout
        self._threads = Threads() if is_plain(task) else None

    def prepare(self, work: Work) -> None:
        """Tasks have no host."""

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        if self._timeout is None or self._timeout.total is None:
            return await self._call(work.item)
        try:
            async with asyncio.timeout(self._timeout.total) as limit:
                return await self._call(work.item)
        except TimeoutError as error:
            if limit.expired():
                raise timed_out("total", self._timeout) from error
            raise

    async def exchange(self, work: Work, request: None, *, asks: bool) -> tuple[None, Any]:  # noqa: ARG002
        """Make one attempt; there is no response to return."""
        return None, await self(work)

    async def _call(self, item: Any) -> Any:
        if self._threads is None:
            return await self._task(item)
        value = await self._threads.call(self._task, item)
        return await value if inspect.isawaitable(value) else value

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        if self._threads is not None:
            self._threads.close()


def is_plain(task: Any) -> bool:
    """Say whether a callable is a plain function, to be kept off the loop."""
    return not inspect.iscoroutinefunction(_called(task))


def is_generator(task: Any) -> bool:
    """Say whether a callable is a generator function: calling it would run nothing of it."""
    called = _called(task)
    return inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)


def _called(task: Any) -> Any:
    """The function behind partials and objects with ``__call__``."""
    while isinstance(task, partial):
        task = task.func
    return task if inspect.isfunction(task) or inspect.ismethod(task) else type(task).__call__
