"""The workers: as many tasks as the width allows, each taking the next piece of work when it is free."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fetchlab.engine.work import Work

__all__ = ["Crew"]


class Crew:
    """Worker tasks, numbered from 0, and those of them that have nothing to do.

    Args:
        width: how many work at most.
        on_trouble: told when serving itself failed; whoever it is must end the run.

    Attributes:
        over: True between two sittings: workers leave instead of waiting.
        in_flight: attempts under way, counted by who makes them.
    """

    _take: Callable[[int], Work | None]
    _serve: Callable[[Work, int], Awaitable[None]]
    _rest: Callable[[], float] | None

    def __init__(self, width: int, on_trouble: Callable[[Exception], None]) -> None:
        self.width = width
        self.over = True
        self.in_flight = 0
        self.idle: deque[asyncio.Future[None]] = deque()
        self._on_trouble = on_trouble
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._dismissed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, wanted: int) -> None:
        """Have at least so many workers, as far as the width allows."""
        if self.over:
            return
        loop = asyncio.get_running_loop()
        for number in range(min(self.width, wanted)):
            if number not in self._tasks:
                self._tasks[number] = loop.create_task(self._work(number))

    def wake(self) -> None:
        """Let every idle worker look again."""
        while self.idle:
            self.wake_one()

    def wake_one(self) -> None:
        """Let one idle worker look again."""
        while self.idle:
            waiter = self.idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def begin(
        self,
        take: Callable[[int], Work | None],
        serve: Callable[[Work, int], Awaitable[None]],
        rest: Callable[[], float] | None,
    ) -> None:
        """Begin a sitting.

        Args:
            take: gives a worker its next piece of work, None if there is none now.
            serve: serves it.
            rest: seconds a worker rests after an item, 0.0 for none; None where workers never rest.
        """
        self._take, self._serve, self._rest = take, serve, rest
        self.over = self._dismissed = False

    async def leave(self, *, at_once: bool) -> None:
        """End a sitting: let every worker end its item, or abort it."""
        self.over = True
        self._dismissed = at_once
        self.wake()
        if at_once:
            for task in list(self._tasks.values()):
                task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _work(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        take, serve, rest = self._take, self._serve, self._rest
        try:
            while True:
                work = take(number)
                if work is not None:
                    await serve(work, number)
                    pause = 0.0 if rest is None else rest()
                    if pause:
                        await asyncio.sleep(pause)
                    continue
                if self.over or number >= self.width:
                    self.wake_one()
                    return
                waiter: asyncio.Future[None] = loop.create_future()
                self.idle.append(waiter)
                await waiter
        except asyncio.CancelledError:
            if not self._dismissed:
                raise
        except Exception as error:  # the sink's own trouble, a full disk say: better to stop than to hang
            self._on_trouble(error)
        finally:
            del self._tasks[number]
