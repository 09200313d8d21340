"""What the engine asks of a transport."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fetchlab.errors import BodyTooLarge, TimedOut, TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from fetchlab.model import Request, Response
    from fetchlab.policy.timeout import Timeout

__all__ = [
    "Incoming",
    "Transport",
    "promised_too_much",
    "timed_out",
    "too_large",
    "unusable",
]

_HEADER_VALUE = re.compile(r"header value\b.*", re.DOTALL)  # often a token read with its line end


@dataclass(frozen=True, slots=True)
class Incoming:
    """A response whose body is still to come.

    Attributes:
        status: HTTP status code.
        headers: header fields, names case-insensitive.
        url: the URL that answered, after redirects where the transport tells it.
        http_version: ``HTTP/1.1`` or ``HTTP/2.0``.
        first_byte: when the headers were there (``time.perf_counter``).
        chunks: the body as it comes, content encoding left as it is; raises as ``send`` does.
    """

    status: int
    headers: Mapping[str, str]
    url: str
    http_version: str
    first_byte: float
    chunks: AsyncIterator[bytes | memoryview]


class Transport(Protocol):
    """Sends one request at a time for many callers at once, on the engine's loop."""

    async def send(self, request: Request, timeout: Timeout, max_bytes: int) -> Response:
        """Send a request and read the whole decoded body.

        Args:
            request: what to send.
            timeout: seconds for this attempt.
            max_bytes: the largest decoded body to accept.

        Returns:
            The response, whatever its status; ``first_byte`` is when its headers were there
            (``time.perf_counter``).

        Raises:
            TransportError: no whole response came back.
        """
        ...

    def stream(self, request: Request, timeout: Timeout) -> AbstractAsyncContextManager[Incoming]:
        """Send a request and hand the response over while its body is still to come.

        The body is not decoded, so that its offsets are those of the ``Range`` header. Leaving the context
        early gives the connection up.

        Args:
            request: what to send.
            timeout: seconds for this attempt; ``total`` covers the body and what is done with it.

        Raises:
            TransportError: no response came, or, from the chunks, its body broke off.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


def timed_out(which: str, timeout: Timeout) -> TimedOut:
    """Return the error for a timeout of this kind, its seconds and its knob named."""
    seconds = getattr(timeout, which)
    if seconds is None:  # not ours: the system's, or the client's own
        return TimedOut("the system gave up waiting")
    return TimedOut(f"{which} took longer than {seconds:g} s (timeout=fl.Timeout({which}=…))")


def unusable(why: str) -> TransportError:
    """Return the error for a request that no attempt can send; plain, so that it is not tried again."""
    return TransportError(f"the request cannot be sent: {_HEADER_VALUE.sub('header value', why)}")


def too_large(max_bytes: int, promised: str | None = None) -> BodyTooLarge:
    """Return the error for a body above ``max_bytes``."""
    size = f"has {int(promised):,} bytes" if promised else "is larger"
    return BodyTooLarge(f"the body {size}, the limit is {max_bytes:,} (max_bytes=…)")


def promised_too_much(promised: str | None, max_bytes: int, method: str) -> bool:
    """Say whether ``Content-Length`` announces more than ``max_bytes``; to a HEAD it announces nothing."""
    return promised is not None and promised.isdigit() and int(promised) > max_bytes and method != "HEAD"
