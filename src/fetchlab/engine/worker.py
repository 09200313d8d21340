"""One worker process, seen from the run: started, asked, ended or killed."""

from __future__ import annotations

import json
import pickle  # plain numbers from a process that this one started
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fetchlab.engine.child import LAST
from fetchlab.engine.crossing import Gone, pack, raise_again, receive, send, unpack, write
from fetchlab.engine.jobs import Seen
from fetchlab.engine.threads import fit_for_a_coroutine
from fetchlab.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reply", "Worker"]

LAST_WORDS_SECONDS = 2.0
LOOK_MILLISECONDS = 500

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.stdin.buffer.raw.readline()); "
    "from fetchlab.engine.child import main; main()"
)


class Reply:
    """What came of one item.

    Attributes:
        seen: what the attempt saw of the wire.
        value: the value.
        error: what was raised instead.
        begun: False if the worker died before it took the item, so that another one may have it.
    """

    __slots__ = ("begun", "error", "seen", "value")

    def __init__(
        self, seen: Seen, value: Any = None, error: BaseException | None = None, *, begun: bool = True
    ) -> None:
        self.begun = begun
        self.seen = seen
        self.value = value
        self.error = error


class Worker:
    """A process with a pipe of its own each way, so that its death breaks nothing of its neighbours'.

    :meth:`start`, :meth:`ask` and :meth:`end` block and are called in threads, one at a time;
    :meth:`kill` does not and is safe from any thread at any time.

    Args:
        job: the packed job.
        on_gone: called once, in any thread, when the process has been waited for.
    """

    def __init__(self, job: bytes, on_gone: Callable[[Worker], None]) -> None:
        self._job = job
        self._on_gone = on_gone
        self._process: subprocess.Popen[bytes] | None = None
        self._unwanted = False
        self._in = self._out = -1

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Exception | None:
        """Start the process and wait until it has loaded its job; return what went wrong, if anything."""
        try:
            self._spawn()
        except OSError as error:
            self._gone()
            failure = TaskError(f"a worker process could not be started: {error}")
            failure.__cause__ = error
            return failure
        try:
            paths = [str(path) for path in sys.path]
            write(self._in, json.dumps(paths).encode() + b"\n")
            send(self._in, self._job)
            self._receive()
        except Gone:
            return TaskError(f"a worker process {self._died()} before it could begin")
        return None

    def ask(self, item: Any) -> Reply:
        """Have an item served, and wait for it. Nothing is raised: what went wrong is in the reply."""
        try:
            frame = pack(item)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            failure = TaskError(f"the item cannot cross to a worker process: {said}; give plain data")
            failure.__cause__ = error
            return Reply(Seen(), error=failure)
        begun = False
        try:
            send(self._in, frame)
            begun = bool(self._receive())
            head = self._receive()
            body = self._receive()
        except Gone:
            return Reply(Seen(), error=TaskError(f"the worker process {self._died()}"), begun=begun)
        ok, status, first_byte, size = pickle.loads(head)  # noqa: S301
        return _reply(Seen(status, first_byte, size), ok, body)

    def end(self, _: object = None) -> None:
        """Let an idle worker end in order; wait for it, and kill it if it does not."""
        process = self._process
        if process is None:
            return
        with suppress(Gone):
            send(self._in, LAST)
        try:
            process.wait(LAST_WORDS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        self._gone()

    def kill(self) -> None:
        """End the process at once, whatever it does; the thread that waits for its answer cleans up."""
        self._unwanted = True  # first: whoever starts it looks here once there is a process
        if self._process is not None:
            self._process.kill()

    def _spawn(self) -> None:
        flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001  # as multiprocessing does
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *flags, "-c", _BOOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin.fileno(), process.stdout.fileno()
        self._process = process
        if self._unwanted:
            process.kill()

    def _receive(self) -> bytes:
        """Read a frame. A process that the task forked may hold the pipe open when the worker is dead."""
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(self._out, select.POLLIN)
            while not poll.poll(LOOK_MILLISECONDS):
                if not self.alive:
                    raise Gone
        return receive(self._out)

    def _died(self) -> str:
        """Wait for the process, which has closed its pipe, and say how it ended."""
        process = self._process
        assert process is not None
        try:
            process.wait(LAST_WORDS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        self._gone()
        return _how(process.returncode)

    def _gone(self) -> None:
        process = self._process
        if process is not None:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self._on_gone(self)


def _reply(seen: Seen, ok: bool, body: bytes) -> Reply:
    if ok:
        try:
            return Reply(seen, unpack(body))
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            failure = TaskError(f"the value cannot cross back from a worker process: {said}; give plain data")
            failure.__cause__ = error
            return Reply(seen, error=failure)
    try:
        raise_again(body)
    except BaseException as error:
        return Reply(seen, error=fit_for_a_coroutine(error))


def _how(code: int) -> str:
    if code >= 0:
        return f"died (exit code {code})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    hint = "; the system kills so when memory runs out" if name == "SIGKILL" else ""
    return f"died (signal {-code}, {name}{hint})"
