"""Disk work in threads, called from the loop: a write that blocks would hold up every request."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from fetchlab.errors import WriteFailed
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Disk"]

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 4


class Disk:
    """A few threads for disk work. Closed, it opens again at its next use."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **knobs: P.kwargs) -> T:
        """Do work in a thread and return what it returns.

        A cancelled caller waits for the work to end: it may be about to open what the caller must close.

        Raises:
            WriteFailed: the system refused; the message says what and why.
        """
        return await self.outcome(self.start(work, *args, **knobs))

    def start(self, work: Callable[P, T], *args: P.args, **knobs: P.kwargs) -> asyncio.Future[T]:
        """Start work in a thread; :meth:`outcome` waits for it."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "fetchlab-disk")
        return asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **knobs))

    @staticmethod
    async def outcome(future: asyncio.Future[T]) -> T:
        """Wait for started work; see :meth:`run`."""
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            raise WriteFailed(redact_text(f"{named}{error.strerror or error} (to=…)")) from error

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)
