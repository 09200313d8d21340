"""Reading the input lazily, whatever it is, without ever blocking the loop.

A sized input is read directly. Any other iterator may block (a file, a database, a pipe), so a thread of
its own reads it a little ahead. An async iterable is read by a task on the loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable, Iterable, Sized
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["END", "NOTHING", "Source", "source_of"]

NOTHING: Final[Any] = object()
"""Nothing to read right now; ``on_ready`` will be called."""
END: Final[Any] = object()
"""Nothing will come any more."""


class Source(Protocol):
    """Where items come from. All methods are called on the loop."""

    total: int | None

    def take(self) -> Any:
        """Return the next item, NOTHING or END; raise what the input raised, once, whatever it was."""
        ...

    def start(self, on_ready: Callable[[], None]) -> None:
        """Begin to read; ``on_ready`` is called on the loop when NOTHING is no longer true."""
        ...

    def stop(self) -> None:
        """Read no further until the next :meth:`start`; what was read stays."""
        ...


def source_of(items: Any, *, ahead: int, knob: str = "items") -> Source:
    """Return the source for an input.

    Args:
        items: an iterable or async iterable.
        ahead: how many items to read ahead where the input has no length.
        knob: what the user calls the input.

    Raises:
        ConfigError: it is neither, or a bare string, which is one URL and not many.
    """
    if isinstance(items, str | bytes):
        raise ConfigError(knob, "give a list, not one string")
    if isinstance(items, AsyncIterable):
        return _AsyncSource(items, ahead)
    if not isinstance(items, Iterable):
        raise ConfigError(knob, f"give an iterable or async iterable, not {type(items).__name__}")
    if isinstance(items, Sized):
        return _DirectSource(iter(items), len(items))
    return _ThreadSource(iter(items), ahead)


class _DirectSource:
    def __init__(self, items: Iterator[Any], total: int) -> None:
        self.total: int | None = total
        self._items = items

    def take(self) -> Any:
        return next(self._items, END)

    def start(self, on_ready: Callable[[], None]) -> None:
        """Nothing to begin: the input is there."""

    def stop(self) -> None:
        """Nothing to end."""


class _Ahead:
    """What the two reading-ahead sources share: a short buffer, and an end or an error after it."""

    def __init__(self, ahead: int) -> None:
        self.total: int | None = None
        self._ahead = max(1, ahead)
        self._buffer: deque[Any] = deque()
        self._hungry = False
        self._ended = False
        self._error: BaseException | None = None
        self._on_ready: Callable[[], object] = lambda: None

    def take(self) -> Any:
        while True:
            ended = self._ended  # looked at first: nothing is added to the buffer after it is set
            if self._buffer:
                item = self._buffer.popleft()
                if len(self._buffer) <= self._ahead // 2:
                    self._room()
                return item
            if ended:
                error, self._error = self._error, None
                if error is not None:
                    raise error
                return END
            if self._hungry:
                self._room()
                return NOTHING
            self._hungry = True  # and look again: one may have come before the reader could see the flag

    def _room(self) -> None:
        raise NotImplementedError

    def _tell(self) -> None:
        if self._hungry:
            self._hungry = False
            with suppress(RuntimeError):  # the loop is gone, nobody waits for us
                self._on_ready()


class _ThreadSource(_Ahead):
    def __init__(self, items: Iterator[Any], ahead: int) -> None:
        super().__init__(ahead)
        self._items = items
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, on_ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._on_ready = partial(loop.call_soon_threadsafe, on_ready)
        self._stopped = threading.Event()
        self._wanted.set()
        self._thread = threading.Thread(
            target=self._read, args=(self._stopped, self._thread), name="fetchlab-input", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._wanted.set()

    def _room(self) -> None:
        if not self._wanted.is_set():
            self._wanted.set()

    def _read(self, stopped: threading.Event, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()  # it may still be inside the input, which bears one reader at a time
        try:
            while not (stopped.is_set() or self._ended):
                self._wanted.wait()
                while len(self._buffer) < self._ahead and not stopped.is_set():
                    self._buffer.append(next(self._items))
                    self._tell()
                self._wanted.clear()
                if stopped.is_set() or len(self._buffer) <= self._ahead // 2:  # set between check and clear
                    self._wanted.set()
            return
        except StopIteration:
            pass
        except BaseException as error:  # handed to the run, which raises it once
            self._error = error
        self._ended = True
        self._tell()


class _AsyncSource(_Ahead):
    def __init__(self, items: AsyncIterable[Any], ahead: int) -> None:
        super().__init__(ahead)
        self._items = aiter(items)
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    def start(self, on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        self._stopped = False
        self._room()

    def stop(self) -> None:
        self._stopped = True

    def _room(self) -> None:
        if (self._task is None or self._task.done()) and not self._ended:
            self._task = asyncio.get_running_loop().create_task(self._fill())

    async def _fill(self) -> None:
        """Fill the buffer and end: a task that waited for room would outlive a cancelled run."""
        try:
            while len(self._buffer) < self._ahead and not self._stopped:
                self._buffer.append(await anext(self._items))
                self._tell()
            return
        except StopAsyncIteration:
            pass
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            self._error = error
        self._ended = True
        self._tell()
