"""The inside of a worker process: a job, then items one by one, answers back.

The main thread works, so that tasks may do what only a main thread may; another one listens. What it
hears last is the end of the pipe: the run's process has gone, however it went, and nobody wants the
answer any more, so the worker ends at once.

``__main__`` is never imported here, unlike in ``multiprocessing``: a script needs no guard.
"""

from __future__ import annotations

import inspect
import os
import pickle  # to write plain numbers
import signal
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from fetchlab.engine.crossing import Gone, pack, pack_error, receive, send, unpack
from fetchlab.engine.jobs import Seen
from fetchlab.errors import TaskError

if TYPE_CHECKING:
    import asyncio

__all__ = ["LAST", "is_loading", "main"]

LAST = b""
"""The frame after which a worker ends in order."""

_loading = False


def is_loading() -> bool:
    """Say whether this is a worker that is importing what its task needs.

    A module that starts worker processes when it is imported would start them here again, without end.
    """
    return _loading


def main() -> None:
    """Work until told to end, or until the process that started this one is gone."""
    inbox, outbox = _own_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the run decides
    frames: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(inbox, frames), daemon=True).start()
    try:
        _work(frames, outbox)
    except Gone:
        os._exit(1)


def _work(frames: SimpleQueue[bytes], outbox: int) -> None:
    desk = _Desk(frames.get())
    send(outbox, b"ready")
    while (frame := frames.get()) != LAST:
        send(outbox, b"begun")
        head, body = desk.answer(frame)
        send(outbox, pickle.dumps(head))
        send(outbox, body)
    desk.close()


class _Desk:
    """A job, loaded once."""

    def __init__(self, job: bytes) -> None:
        self._runner: asyncio.Runner | None = None
        self._job: Any = None
        self._failure = ""
        try:
            self._job = _load(job)
        except BaseException as error:
            self._failure = f"the task cannot be loaded in a worker process: {type(error).__name__}: {error}"

    def answer(self, frame: bytes) -> tuple[tuple[Any, ...], bytes]:
        """Return what was seen, and the packed value or error."""
        seen = Seen()
        ok = False
        try:
            body = self._value(frame, seen)
            ok = True
        except BaseException as error:
            body = pack_error(error)
        return (ok, seen.status, seen.first_byte, seen.bytes), body

    def close(self) -> None:
        """Close what the job and its tasks have open."""
        if self._runner is not None:
            self._runner.close()
        if hasattr(self._job, "close"):
            self._job.close()

    def _value(self, frame: bytes, seen: Seen) -> bytes:
        if self._failure:
            raise TaskError(self._failure)
        try:
            item = _load(frame)
        except Exception as error:
            raise TaskError(_cannot("item", "to a worker process", error)) from error
        value = self._job(item, seen)
        if inspect.isawaitable(value):
            value = self._awaited(value)
        try:
            return pack(value)
        except Exception as error:
            raise TaskError(
                _cannot("value", f"back from a worker process ({type(value).__name__})", error)
            ) from error

    def _awaited(self, value: Any) -> Any:
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()

        async def wait() -> Any:
            return await value

        return self._runner.run(wait())


def _load(data: bytes) -> Any:
    global _loading  # noqa: PLW0603
    _loading = True
    try:
        return unpack(data)
    finally:
        _loading = False


def _cannot(what: str, where: str, error: Exception) -> str:
    return f"the {what} cannot cross {where}: {type(error).__name__}: {error}; give plain data"


def _listen(inbox: int, frames: SimpleQueue[bytes]) -> None:
    try:
        while True:
            frames.put(receive(inbox))
    except Gone:
        os._exit(1)


def _own_pipes() -> tuple[int, int]:
    """Take the two pipes away from where a task's ``input`` and ``print`` would meet them."""
    inbox, outbox = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    return inbox, outbox
