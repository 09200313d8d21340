"""Those who wait: for a run's end or for its next results, in a thread or in any event loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fetchlab import loop
from fetchlab.engine import progress
from fetchlab.engine.takers import KeptTaker, OnceTaker
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from fetchlab.engine.life import Life
    from fetchlab.engine.recorder import Recorder
    from fetchlab.engine.signal import Bell
    from fetchlab.engine.takers import Taker
    from fetchlab.model import Result

__all__ = ["Waiting"]


class Waiting:
    """Waits for one run.

    Args:
        life: whose end is waited for.
        recorder: holds the results.
        news: rung when there are new ones.
        order: completed or input.
        wake: lets the run read on; called on the loop.
        seen: called by a reader who has seen the end; raises what stopped the run.
    """

    def __init__(
        self,
        life: Life,
        recorder: Recorder,
        news: Bell,
        *,
        order: str,
        wake: Callable[[], None],
        seen: Callable[[], object],
    ) -> None:
        self._life = life
        self._recorder = recorder
        self._news = news
        self._order = order
        self._wake = wake
        self._seen = seen
        self._reader = "none"  # with keep=False: none, reading or gone

    # for the end

    def until_end(self, timeout: float | None, *, show: bool | None) -> None:
        """Block until the run has ended, with its progress as text if that is wanted."""
        life = self._life
        if not life.ended:
            _may_block("wait", "await the run")
        self._discard_unread()
        text = progress.TextProgress(wanted=False if life.ended else show)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not life.ended:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(
                    f"not ended after {timeout:g} s, it goes on: {progress.line(life.stats())}"
                )
            step = text.every if text.active else 1.0
            life.end.wait(lambda: life.ended, step if left is None else min(step, left))
            if text.active and not life.ended:
                text.show(life.stats())
        if text.active:
            text.end(life.stats())

    async def end_heard(self) -> None:
        """Wait in whatever event loop this runs until the run has ended."""
        self._discard_unread()
        await self._life.end.heard(lambda: self._life.ended)

    def leaving_results(self) -> None:
        """Block until the run has ended, and leave results and errors to those who wait for them."""
        _may_block("journal", "the run that is ending here uses the same journal")
        self._life.end.wait(lambda: self._life.ended)

    def _discard_unread(self) -> None:
        """Nobody reads, so that nothing would ever make room for more."""
        if not self._recorder.keep and self._reader != "reading" and not self._recorder.discard:
            self._reader = "gone"
            self._recorder.discard = True
            self._recorder.unread.clear()
            loop.call_soon(self._wake)

    # for results

    def results(self) -> Iterator[Result]:
        """Give results to a thread as they come."""
        _may_block("for", "use async for")
        life, take = self._life, self._taker()
        try:
            while True:
                batch = take()
                yield from batch
                if batch:
                    continue
                if life.ended and not (batch := take(last=True)):
                    self._seen()
                    return
                yield from batch
                self._news.wait(lambda: life.ended or take.ready())
        finally:
            self._leave_reader()

    async def results_heard(self) -> AsyncIterator[Result]:
        """Give results to a coroutine as they come."""
        life, take = self._life, self._taker()
        try:
            while True:
                batch = take()
                for result in batch:
                    yield result
                if batch:
                    continue
                if life.ended and not (batch := take(last=True)):
                    self._seen()
                    return
                for result in batch:
                    yield result
                await self._news.heard(lambda: life.ended or take.ready())
        finally:
            self._leave_reader()

    def _taker(self) -> Taker:
        ordered = self._order == "input"
        if self._recorder.keep:
            return KeptTaker(self._recorder, ordered=ordered)
        if self._reader != "none":
            raise ConfigError(
                "keep", "with keep=False values go to one reader only, and there has been one already"
            )
        self._reader = "reading"
        return OnceTaker(self._recorder, lambda: loop.call_soon(self._wake), ordered=ordered)

    def _leave_reader(self) -> None:
        if self._reader == "reading":
            self._reader = "gone"


def _may_block(what: str, instead: str) -> None:
    if loop.on_loop_thread():
        raise ConfigError(
            what, f"this is the engine's own thread, where waiting would be for ever; {instead}"
        )
