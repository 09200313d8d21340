"""Virtual time: an event loop that never sleeps but jumps to its next timer."""

from __future__ import annotations

import asyncio
import selectors


class Deadlock(Exception):
    """No timer is set, nothing is ready, and still somebody waits."""


class _Jumping(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise Deadlock("nothing will ever happen")
        self.now += max(timeout, 0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Deterministic: the same calls give the same times, and an hour takes no time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(main):
    """Run ``main(loop)`` to its end in virtual time; return its value and the seconds it took."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        value = loop.run_until_complete(main(loop))
        return value, loop.time()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
