"""Worker processes, called from the loop.

As many as calls are under way at once: the scheduler bounds those, so they follow a live change of
``workers`` by themselves. Each is started when it is first needed, in a thread that then waits for its
answers; one that died, or that was killed because its item timed out or was cancelled, is replaced when
the next item needs it.

Each worker has pipes of its own. Pools whose workers share one (``concurrent.futures``, Pebble, loky)
break or hang as a whole when a worker is killed while it writes.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fetchlab import loop
from fetchlab.engine.child import is_loading
from fetchlab.engine.threads import Threads
from fetchlab.engine.worker import Worker
from fetchlab.errors import ConfigError
from fetchlab.transport.base import timed_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.jobs import Seen
    from fetchlab.engine.worker import Reply
    from fetchlab.policy.timeout import Timeout

__all__ = ["Processes"]

CLOSE_ORDER = 15
CLOSE_SECONDS = 1.0
TRIES = 3


class Processes:
    """Processes that wait for items. All methods are called on the loop.

    Args:
        job: the packed job, the same for every worker.

    Raises:
        ConfigError: this is a worker process that is still importing what its task needs.
    """

    def __init__(self, job: bytes) -> None:
        if is_loading():
            raise ConfigError(
                "strategy",
                "a module that the task needs starts worker processes when it is imported, and every worker"
                ' would start more; put that under if __name__ == "__main__":',
            )
        self._job = job
        self._threads = Threads()
        self._idle: list[Worker] = []
        self._living: set[Worker] = set()
        self._forget: Callable[[], None] | None = None

    async def call(self, item: Any, timeout: Timeout | None = None) -> tuple[Seen, Any, BaseException | None]:
        """Have an item served by a worker.

        Args:
            item: what the job is called with.
            timeout: its ``total`` counts from when a worker has the item, not from when it was started.

        Returns:
            What the attempt saw of the wire, its value, and what it raised.

        Raises:
            TimedOut: it took too long; the worker is killed.
        """
        for _ in range(TRIES):
            reply = await self._ask(await self._take(), item, timeout)
            if reply.begun:
                break
        return reply.seen, reply.value, reply.error

    async def _ask(self, worker: Worker, item: Any, timeout: Timeout | None) -> Reply:
        seconds = None if timeout is None else timeout.total
        asking = self._threads.call(worker.ask, item)
        try:
            async with asyncio.timeout(seconds):
                reply: Reply = await asyncio.shield(asking)
        except (TimeoutError, asyncio.CancelledError) as error:
            worker.kill()
            asking.add_done_callback(lambda _: self._bury(worker))
            if timeout is None or isinstance(error, asyncio.CancelledError):
                raise
            raise timed_out("total", timeout) from error
        if worker in self._living:
            self._idle.append(worker)
        return reply

    def close(self) -> None:
        """Let every idle worker end; the next call starts new ones."""
        for worker in self._idle:
            self._threads.call(worker.end, None)
        self._idle.clear()
        self._threads.close()
        self._settle()

    async def _take(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            self._threads.call(worker.end, None)
        running = asyncio.get_running_loop()

        def on_gone(worker: Worker) -> None:
            with suppress(RuntimeError):  # the loop has closed, nobody asks any more
                running.call_soon_threadsafe(self._gone, worker)

        worker = Worker(self._job, on_gone)
        self._living.add(worker)
        if self._forget is None:
            self._forget = loop.on_close(self._end_all, order=CLOSE_ORDER)
        starting = self._threads.call(lambda _: worker.start(), None)
        try:
            failure = await asyncio.shield(starting)
        except asyncio.CancelledError:
            worker.kill()
            starting.add_done_callback(lambda _: self._bury(worker))
            raise
        if failure is not None:
            raise failure
        return worker

    def _bury(self, worker: Worker) -> None:
        """One that answered before it was killed has nobody who waits for its end."""
        if worker in self._living:
            threading.Thread(target=worker.end, name="fetchlab-task", daemon=True).start()

    def _gone(self, worker: Worker) -> None:
        self._living.discard(worker)
        self._settle()

    def _settle(self) -> None:
        """Once no worker lives, there is nothing to end at exit."""
        if not self._living and self._forget is not None:
            self._forget()
            self._forget = None

    async def _end_all(self) -> None:
        """At exit, after the runs: give them a moment, then no choice."""
        until = time.monotonic() + CLOSE_SECONDS
        while self._living:
            if time.monotonic() > until:
                for worker in self._living:
                    worker.kill()
            await asyncio.sleep(0.01)
