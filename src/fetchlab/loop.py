"""One daemon thread, one event loop: everything asynchronous lives here, nothing on the kernel's loop.

The thread starts with the first call that needs it. At exit, in this order: whatever registered with
:func:`on_close` is closed (runs first, then clients), the loop stops, the thread is joined. A client that
outlives its loop can abort the interpreter. A forked child starts a loop of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Awaitable, Callable, Coroutine

__all__ = ["call_soon", "get", "on_close", "on_loop_thread", "submit"]

T = TypeVar("T")

_lock = threading.Lock()  # guards _loop, _thread, _closing and _closers
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None
_closers: list[tuple[int, Callable[[], Awaitable[None]]]] = []
_closing = False
_CLOSE_SECONDS = 5.0


def get() -> asyncio.AbstractEventLoop:
    """Return the engine's loop, started if it was not."""
    global _loop, _thread
    if _loop is not None:
        return _loop
    with _lock:
        if _loop is None:
            loop = _new_loop()
            ready = threading.Event()
            thread = threading.Thread(target=_serve, args=(loop, ready), name="fetchlab", daemon=True)
            thread.start()
            ready.wait()
            _loop, _thread = loop, thread
            atexit.register(close)
        return _loop


def submit(coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Start a coroutine on the engine's loop from any thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, get())


def call_soon(function: Callable[..., object], *args: Any) -> None:
    """Call a function on the engine's thread soon; from any thread, without waiting."""
    get().call_soon_threadsafe(function, *args)


def on_loop_thread() -> bool:
    """Say whether the caller runs on the engine's own thread, where waiting would be for ever."""
    return threading.current_thread() is _thread


def on_close(closer: Callable[[], Awaitable[None]], *, order: int) -> Callable[[], None]:
    """Register what must be closed before the loop stops; lower ``order`` first.

    Returns:
        A function that takes the registration back.
    """
    entry = (order, closer)
    with _lock:
        _closers.append(entry)

    def forget() -> None:
        with _lock:
            if entry in _closers:
                _closers.remove(entry)

    return forget


def close() -> None:
    """Close runs and clients, stop the loop, join its thread. Idempotent; the next use starts anew."""
    global _loop, _thread, _closing  # noqa: PLW0603
    with _lock:
        loop, thread = _loop, _thread
        if _closing or loop is None or thread is None:
            return
        _closing = True
    atexit.unregister(close)
    if thread.is_alive():
        closing = asyncio.run_coroutine_threadsafe(_close_all(), loop)
        try:
            closing.result(_CLOSE_SECONDS)
        except TimeoutError:
            closing.cancel()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CLOSE_SECONDS)
    with _lock:
        _closers.clear()
        _loop, _thread, _closing = None, None, False


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform != "win32":
        try:
            import uvloop
        except ImportError:
            pass
        else:
            fast: asyncio.AbstractEventLoop = uvloop.new_event_loop()
            return fast
    return asyncio.new_event_loop()


def _serve(loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
    asyncio.set_event_loop(loop)
    loop.call_soon(ready.set)
    try:
        _run(loop)
    finally:
        leftovers = asyncio.all_tasks(loop)
        for task in leftovers:
            task.cancel()
        if leftovers:
            loop.run_until_complete(asyncio.wait(leftovers, timeout=1.0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run until stopped. SystemExit in a task that a user's task made leaves ``run_forever``: go on."""
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            continue
        return


async def _close_all() -> None:
    """Close in order. Asked for one by one: what is being closed may still open something, a client say."""
    while (closer := _next_closer()) is not None:
        await asyncio.wait([asyncio.ensure_future(closer())], timeout=_CLOSE_SECONDS)


def _next_closer() -> Callable[[], Awaitable[None]] | None:
    with _lock:
        if not _closers:
            return None
        entry = min(_closers, key=lambda entry: entry[0])
        _closers.remove(entry)
        return entry[1]


def _after_fork() -> None:
    """A child has none of its parent's threads: forget the loop without touching it."""
    global _loop, _thread, _lock, _closing  # noqa: PLW0603
    _left_alone.append(_loop)
    _loop = _thread = None
    _closing = False
    _lock = threading.Lock()
    _closers.clear()


_left_alone: list[object] = []  # a parent's loop: even to free it would reach into the parent's sockets

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
