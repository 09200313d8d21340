"""Plain functions in threads, called from the loop.

As many threads as calls are under way at once: the scheduler bounds those, so the pool follows a live
change of ``workers`` by itself, and a call that hangs beyond its timeout takes no slot from others. The
threads are daemons, because one that hangs must not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Threads", "fit_for_a_coroutine"]

Job: TypeAlias = "tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[Any], Any], Any]"


class Threads:
    """Threads that wait for calls. All methods are called on one loop; only :meth:`_serve` runs elsewhere."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0

    def call(self, function: Callable[[Any], Any], item: Any) -> asyncio.Future[Any]:
        """Call the function with the item in a thread; return the future of its value."""
        loop = asyncio.get_running_loop()
        if self._busy >= self._threads:
            threading.Thread(
                target=self._serve, args=(self._jobs,), name="fetchlab-task", daemon=True
            ).start()
            self._threads += 1
        self._busy += 1
        future: asyncio.Future[Any] = loop.create_future()
        self._jobs.put((loop, future, function, item))
        return future

    def close(self) -> None:
        """Let every thread end after what it is doing; the next call starts new ones."""
        for _ in range(self._threads):
            self._jobs.put(None)
        self._jobs = SimpleQueue()
        self._threads = self._busy = 0

    def _serve(self, jobs: SimpleQueue[Job | None]) -> None:
        while (job := jobs.get()) is not None:
            loop, future, function, item = job
            value: Any = None
            error: BaseException | None = None
            try:
                value = function(item)
            except BaseException as raised:
                error = fit_for_a_coroutine(raised)
            with suppress(RuntimeError):  # the loop has closed, nobody waits any more
                loop.call_soon_threadsafe(self._done, jobs, future, value, error)
            del job, future, item, value, error  # hold nothing while waiting

    def _done(
        self,
        jobs: SimpleQueue[Job | None],
        future: asyncio.Future[Any],
        value: Any,
        error: BaseException | None,
    ) -> None:
        if jobs is self._jobs:
            self._busy -= 1
        if future.done():  # timed out, or cancelled
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


def fit_for_a_coroutine(error: BaseException) -> BaseException:
    """Return what a task raised, wrapped if it would mean something else in a coroutine."""
    if not isinstance(error, StopIteration | GeneratorExit):
        return error
    wrapped = RuntimeError(f"the task raised {type(error).__name__}")
    wrapped.__cause__ = error
    return wrapped
