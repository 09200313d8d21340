"""Tell waiting threads and waiting event loops that something changed."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Bell", "GroupBell"]

STEP = 0.5
GROUP = 64
GROUP_SECONDS = 0.05


class Bell:
    """Rung on the engine's thread, heard by threads in :meth:`wait` and coroutines in :meth:`heard`.

    ``waiting`` is read without the lock on the hot path: a waiter raises it first and looks at its
    condition afterwards, so that a ring is never missed.
    """

    __slots__ = ("_condition", "_futures", "waiting")

    def __init__(self) -> None:
        self._condition = threading.Condition()  # guards _futures and waiting
        self._futures: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.waiting = 0

    def ring(self) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self._condition.notify_all()
            futures, self._futures = self._futures, []
        for loop, future in futures:
            with suppress(RuntimeError):  # that loop has closed, nobody waits there any more
                loop.call_soon_threadsafe(_settle, future)

    def wait(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Block this thread until the condition holds; return whether it does."""
        with self._condition:
            self.waiting += 1
            try:
                if timeout is not None:
                    return self._condition.wait_for(condition, timeout)
                while not self._condition.wait_for(condition, STEP):  # Ctrl-C is seen between two waits only
                    pass
                return True
            finally:
                self.waiting -= 1

    async def heard(self, condition: Callable[[], bool]) -> None:
        """Wait in whatever event loop this runs until the condition holds."""
        loop = asyncio.get_running_loop()
        while not condition():
            with self._condition:
                self.waiting += 1
                future: asyncio.Future[None] = loop.create_future()
                self._futures.append((loop, future))
            try:
                if not condition():
                    await future
            finally:
                with self._condition:
                    self.waiting -= 1


class GroupBell(Bell):
    """Rings for changes in groups: of 64, or of those that came within 50 ms."""

    __slots__ = ("_timer", "_unrung")

    def __init__(self) -> None:
        super().__init__()
        self._unrung = 0
        self._timer: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Have this heard soon; called on the loop after every change."""
        self._unrung += 1
        if not self.waiting:
            return
        if self._unrung >= GROUP:
            self.ring()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GROUP_SECONDS, self.ring)

    def ring(self) -> None:
        """Wake everybody who waits, now; on the loop."""
        self._unrung = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().ring()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
