"""What is done with one item away from the loop: in a thread, or in a worker process.

A job crosses to a worker process once, so it holds nothing but what crosses; connections are opened
where it works. This module is imported there too and imports nothing heavy.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.model import Request, Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.blocking import BlockingTransport
    from fetchlab.transport.options import Options

__all__ = ["CallJob", "FetchJob", "Seen"]


class Seen:
    """What an attempt has seen of the wire; the engine notes it whether the attempt succeeds or not.

    Attributes:
        status: HTTP status, None if there was no whole response.
        first_byte: when the headers were there, by ``time.perf_counter``, which is the same clock in all
            processes of a machine.
        bytes: decoded body.
    """

    __slots__ = ("bytes", "first_byte", "status")

    def __init__(self, status: int | None = None, first_byte: float | None = None, size: int = 0) -> None:
        self.status = status
        self.first_byte = first_byte
        self.bytes = size


class CallJob:
    """Calls the user's function.

    Args:
        task: the function.
    """

    def __init__(self, task: Callable[[Any], Any]) -> None:
        self._task = task

    def __call__(self, item: Any, seen: Seen) -> Any:  # noqa: ARG002  # nothing of a wire to see
        """Return the function's value."""
        return self._task(item)


class FetchJob:
    """Fetches a request, blocking: send, status check, parse.

    Args:
        kind: the client's transport, ``"reqwest"`` or ``"httpx"``.
        options: what the client is asked to do on the wire.
        parse: makes a value from a response.
        accept: statuses of 400 and above that are no errors.
        timeout: seconds per attempt.
        max_bytes: largest decoded body.
        whole: return the response beside the value, and leave the answer 304 unparsed.
    """

    def __init__(
        self,
        kind: str,
        options: Options,
        parse: Callable[[Response], Any],
        *,
        accept: frozenset[int],
        timeout: Timeout,
        max_bytes: int,
        whole: bool = False,
    ) -> None:
        self._knobs = (kind, options, parse, accept, timeout, max_bytes, whole)
        self._lock = threading.Lock()  # guards _wire: threads share one
        self._wire: BlockingTransport | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, self._knobs

    def __call__(self, request: Request, seen: Seen) -> Any:
        """Make one attempt."""
        from fetchlab.errors import StatusError

        _, _, parse, accept, timeout, max_bytes, whole = self._knobs
        response = self._open().send(request, timeout, max_bytes)
        status = seen.status = response.status
        seen.first_byte = response.first_byte
        seen.bytes = len(response.content)
        if status >= 400 and status not in accept:
            raise StatusError(f"HTTP {status}", status, response.headers)
        if not whole:
            return parse(response)
        return response, None if status == 304 else parse(response)

    def close(self) -> None:
        """Close every connection, those in use too; the next attempt opens new ones."""
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _open(self) -> BlockingTransport:
        with self._lock:
            if self._wire is None:
                from fetchlab.transport.blocking import open_blocking

                self._wire = open_blocking(self._knobs[0], self._knobs[1])
            return self._wire


def _remake(
    kind: str, options: Any, parse: Any, accept: Any, timeout: Any, max_bytes: Any, whole: bool
) -> FetchJob:
    return FetchJob(kind, options, parse, accept=accept, timeout=timeout, max_bytes=max_bytes, whole=whole)
