"""The wires for threads and worker processes: one blocking request per caller, the same settings and errors.

Both may be used, and closed, from several threads. What reqwest has under way ends at once when it is
closed; what httpx has, no later than its timeout. Neither is used on the engine's loop.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from pyreqwest import exceptions as wire
from pyreqwest.client import SyncClient, SyncClientBuilder

from fetchlab import errors, httpx_bridge
from fetchlab.model import Response
from fetchlab.transport import httpx as by_httpx
from fetchlab.transport.base import promised_too_much, timed_out, too_large
from fetchlab.transport.dialect import bounded, configured, filled, judged, translated

if TYPE_CHECKING:
    from fetchlab.model import Request
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.options import Options
    from fetchlab.transport.redirects import Redirected

__all__ = ["BlockingTransport", "open_blocking"]

_now = time.perf_counter


class BlockingTransport(Protocol):
    """:class:`~fetchlab.transport.base.Transport`, blocking."""

    def send(self, request: Request, timeout: Timeout, max_bytes: int) -> Response:
        """Send a request and read the whole decoded body."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def open_blocking(kind: str, options: Options) -> BlockingTransport:
    """Return the blocking wire like the async one of this kind and with these options."""
    return BlockingReqwest(options) if kind == "reqwest" else BlockingHttpx(options)


class BlockingReqwest:
    """pyreqwest's blocking client; see :mod:`fetchlab.transport.reqwest`.

    Args:
        options: what to do on the wire.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._abroad: BlockingReqwest | None = None
        self._lock = threading.Lock()  # guards _pools
        self._pools: dict[Timeout, SyncClient] = {}

    def send(self, request: Request, timeout: Timeout, max_bytes: int) -> Response:
        """Send a request and read the whole decoded body."""
        pool = self._pools.get(timeout) or self._open(timeout)
        first_byte: float | None = None
        began = _now()
        try:
            with filled(pool.request(request.method, request.url), request).build_streamed() as answer:
                first_byte = _now()
                headers, status = answer.headers, answer.status
                hop = judged(request, status, headers, self._options.redirects, max_bytes)
                if hop is None:
                    body = bounded(answer.body_reader.read(max_bytes + 1), max_bytes)
                    return Response(status, headers, body, request.url, answer.version, first_byte)
        except (wire.PyreqwestError, ValueError) as error:
            raise translated(error, timeout, _now() - began) from error
        return self._wire_for(hop).send(hop, _left(timeout, _now() - began), max_bytes)

    def _wire_for(self, hop: Redirected) -> BlockingReqwest:
        """Default headers belong to a pool, so a host that must not see them is asked through another."""
        if not hop.foreign or self._options.without_credentials() is self._options:
            return self
        with self._lock:
            if self._abroad is None:
                self._abroad = BlockingReqwest(self._options.without_credentials())
            return self._abroad

    def close(self) -> None:
        """Close every pool; requests under way end now."""
        with self._lock:
            pools, self._pools = self._pools, {}
            abroad, self._abroad = self._abroad, None
        for pool in pools.values():
            pool.close()
        if abroad is not None:
            abroad.close()

    def _open(self, timeout: Timeout) -> SyncClient:
        with self._lock:
            if timeout not in self._pools:
                try:
                    pool = configured(SyncClientBuilder(), self._options, timeout).build()
                except RuntimeError:  # a forked child may not use the parent's runtime
                    fresh = SyncClientBuilder().runtime_multithreaded(True)
                    pool = configured(fresh, self._options, timeout).build()
                self._pools[timeout] = pool
            return self._pools[timeout]


class BlockingHttpx:
    """``httpx.Client``; see :mod:`fetchlab.transport.httpx`.

    httpx knows no total timeout. Here it bounds each wait, and is looked at after each: a server that
    falls silent just before it passes is left up to twice as long.

    Args:
        options: what to do on the wire.
    """

    def __init__(self, options: Options) -> None:
        self._httpx = httpx_bridge.library()
        self._limit = options.redirects
        self._client = by_httpx.client_of(self._httpx, options, blocking=True)

    def send(self, request: Request, timeout: Timeout, max_bytes: int) -> Response:
        """Send a request and read the whole decoded body."""
        began = _now()
        try:
            limits = self._httpx.Timeout(
                _shorter(timeout.read, timeout.total),
                connect=_shorter(timeout.connect, timeout.total),
                pool=None,
            )
            outgoing = by_httpx.built(self._client, request, limits)
            answer = self._client.send(
                outgoing, stream=True, follow_redirects=False, **by_httpx.no_auth(request)
            )
            try:
                hop = by_httpx.hop_of(request, answer, self._limit)
                if hop is None:
                    return self._read(answer, request.method, timeout, began, max_bytes)
            finally:
                answer.close()
        except errors.TransportError:
            raise
        except Exception as error:
            if timeout.total is not None and _now() - began >= timeout.total:
                raise timed_out("total", timeout) from error
            raise by_httpx.translated(error, timeout) from error
        return self.send(hop, _left(timeout, _now() - began), max_bytes)

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    @staticmethod
    def _read(answer: Any, method: str, timeout: Timeout, began: float, max_bytes: int) -> Response:
        first_byte = _now()
        promised = answer.headers.get("content-length")
        if promised_too_much(promised, max_bytes, method):
            raise too_large(max_bytes, promised)
        body = bytearray()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise too_large(max_bytes)
            if timeout.total is not None and _now() - began >= timeout.total:
                raise timed_out("total", timeout)
        return Response(
            answer.status_code, answer.headers, bytes(body), str(answer.url), answer.http_version, first_byte
        )


def _left(timeout: Timeout, elapsed: float) -> Timeout:
    """What a redirect's target has of the attempt's ``total``, in steps: a pool is kept for each timeout."""
    if timeout.total is None:
        return timeout
    steps = max(1, round(10 * (1 - elapsed / timeout.total)))
    return timeout if steps >= 10 else replace(timeout, total=timeout.total * steps / 10)


def _shorter(wait: float | None, total: float | None) -> float | None:
    return total if wait is None else wait if total is None else min(wait, total)
