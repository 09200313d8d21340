"""One wire as an ASGI application: counted, admitted, delayed, answered, and broken where asked."""

from __future__ import annotations

from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any

from fetchlab.testbed.counters import Counters
from fetchlab.testbed.delivery import BROKEN, send_whole
from fetchlab.testbed.faults import Faults
from fetchlab.testbed.gate import Gate
from fetchlab.testbed.wire import BadRequest, Reply, Request, Route, Router, Wire, error_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fetchlab.testbed.alarm import Alarm
    from fetchlab.testbed.protocol import Connection
    from fetchlab.testbed.settings import Settings

__all__ = ["App"]

_BODILESS = frozenset(("GET", "HEAD", "OPTIONS"))
_MAINTENANCE = error_page(200, "We are down for maintenance, please try again later")


class App:
    """Serves a wire; see :class:`fetchlab.testbed.protocol.Connection` for the first argument."""

    def __init__(self, wire: Wire, settings: Settings, alarm: Alarm) -> None:
        seed = wire.world.seed
        self.wire = wire
        self.alarm = alarm
        self.counters = Counters()
        self.settings = settings
        self._router = Router(wire.routes())
        self._gate = Gate(seed, settings)
        self._faults = Faults(seed, settings)
        wire.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Behave differently from now on."""
        self.settings = settings
        self._gate.configure(settings)
        self._faults.configure(settings)
        self.wire.configure(settings)

    async def __call__(
        self,
        connection: Connection,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serve one request."""
        method, path = scope["method"], scope["path"]
        route, params, label = self._router.find(method, path)
        counters = self.counters
        counters.begin(label)
        try:
            request = Request(method, path, scope["query_string"], scope["headers"], params)
            if method not in _BODILESS:
                request.body = await _body(receive)
            status = self._gate.refusal()
            refused = self.wire.refuse(request) if status is None else self._error(status)
            if refused is None:
                await self._serve(connection, route, request, send)
            else:
                counters.refused += refused.status in (429, 503)
                await send_whole(refused, connection, send)
        finally:
            counters.in_flight -= 1

    async def _serve(
        self, connection: Connection, route: Route, request: Request, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        gate = self._gate
        if not await gate.enter(connection):
            return
        try:
            # A queue comes before the service; all else, also making the answer, is part of its latency.
            began = connection.arrived if self.settings.capacity is None else monotonic()
            key = _key(request) if self._faults.armed or self.settings.steady else ""
            same = (self.settings.steady and self.wire.subject(request)) or key
            keys = (self.settings.rpc_each and self.wire.parts(request)) or [same]
            reply = self._answer(route, request)
            seconds = max(gate.seconds(self.counters.in_flight, one, reply.work) for one in keys)
            if seconds and not await connection.pause(began + seconds - monotonic()):
                return
            fault = self._faults.decide(key) if self._faults.armed else None
            if fault is not None:
                reply = self._spoil(request, reply, fault)
            if reply.delay and not await connection.pause(reply.delay):
                return
            if reply.status in (429, 503):
                self.counters.refused += 1
            if fault in BROKEN and (fault == "reset" or _has_body(request, reply)):
                self.counters.fault(fault)
                await BROKEN[fault](reply, connection, send, self.settings.drip_for)
            else:
                await send_whole(reply, connection, send)
        finally:
            gate.leave()

    def _answer(self, route: Route, request: Request) -> Reply:
        try:
            return route.handler(request)
        except BadRequest as wrong:
            return Reply.json({"error": str(wrong)}, 400)

    def _spoil(self, request: Request, reply: Reply, fault: str) -> Reply:
        """Another reply, where the fault is of that kind."""
        if fault.isdigit():
            self.counters.fault(fault)
            return self._error(int(fault))
        if fault == "html200" and reply.kind.startswith("application/json"):
            self.counters.fault(fault)
            return _MAINTENANCE
        spoilt = self.wire.spoil(fault, request, reply)
        if spoilt is not reply:
            self.counters.fault(fault)
        return spoilt

    def _error(self, status: int) -> Reply:
        try:
            title = f"{status} {HTTPStatus(status).phrase}"
        except ValueError:
            title = str(status)
        return self.wire.error(status, title, self.settings.retry_after)


def _key(request: Request) -> str:
    key = f"{request.method} {request.path}?{request.query.decode('latin-1')}"
    return f"{key} {_content(request).decode('latin-1')}" if request.body else key


def _content(request: Request) -> bytes:
    """The body, without what a client makes anew for each request: a form's boundaries."""
    kind = request.header(b"content-type") or b""
    boundary = kind.partition(b"boundary=")[2].strip(b'"')
    return request.body.replace(boundary, b"") if boundary else request.body


def _has_body(request: Request, reply: Reply) -> bool:
    """Whether there is a body to spoil: one that is known, and that the client will read."""
    return reply.stream is None and reply.status not in (204, 304) and request.method != "HEAD"


async def _body(receive: Callable[[], Awaitable[Any]]) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
