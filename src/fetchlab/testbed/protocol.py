"""uvicorn's HTTP protocol with a handle on its socket, for waiting and for breaking off."""

from __future__ import annotations

import socket
import struct
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol
else:
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol as _Protocol

__all__ = ["Connection"]

_NO_LINGER = struct.pack("ii", 1, 0)


class Connection(_Protocol):
    """One client's connection; the application is called with it in front of the usual three arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._app = self.app
        self._waiter: asyncio.Future[bool] | None = None
        self._lost = False
        #: When the last bytes of a request came.
        self.arrived = 0.0
        self.app = partial(self._app, self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it."""
        super().connection_made(transport)
        self._app.counters.connections += 1

    def data_received(self, data: bytes) -> None:
        """Note the time: what other requests cost that came together with this one is not to its debit."""
        self.arrived = monotonic()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what was waited for: nobody will read the answer."""
        super().connection_lost(exc)
        self._lost = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(False)

    @property
    def gone(self) -> bool:
        """Whether the client has left or been thrown out."""
        return self.transport.is_closing()

    def wait(self) -> asyncio.Future[bool]:
        """A future that whoever holds it sets to True, and the client's leaving to False."""
        waiter: asyncio.Future[bool] = self.loop.create_future()
        if self._lost:
            waiter.set_result(False)
        self._waiter = waiter
        return waiter

    async def pause(self, seconds: float) -> bool:
        """Wait; False as soon as the client has left."""
        waiter = self.wait()
        self._app.alarm.wake(waiter, seconds)
        return await waiter

    async def reset(self) -> None:
        """Throw the client out with a TCP reset instead of an orderly end."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()
        await self.wait()

    async def hang_up(self) -> None:
        """Send what has been written, then close, however much was promised."""
        self.transport.close()
        await self.wait()
