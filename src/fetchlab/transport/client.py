"""One connection pool and what goes with every request on it."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any, Literal, Self

from fetchlab import httpx_bridge, loop
from fetchlab.errors import ConfigError
from fetchlab.redaction import redact_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fetchlab.transport.base import Transport

__all__ = ["Client", "default_client"]

CLOSE_ORDER = 20


class Client:
    """A connection pool with its headers, shared by as many runs as you like.

    Args:
        transport: ``"reqwest"``, ``"httpx"``, or an object with the interface of ``httpx.AsyncClient``
            (it keeps its own headers and stays yours to close).
        headers: sent with every request.
        user_agent: the ``User-Agent`` header; the default names fetchlab.
        http2: offer HTTP/2 over TLS.
        verify: check TLS certificates.

    Raises:
        ConfigError: ``transport`` is none of these.
    """

    def __init__(
        self,
        transport: Literal["reqwest", "httpx"] | Any = "reqwest",
        *,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        http2: bool = False,
        verify: bool = True,
    ) -> None:
        known = transport in ("reqwest", "httpx") if isinstance(transport, str) else True
        if not known or not (isinstance(transport, str) or httpx_bridge.is_async_client(transport)):
            raise ConfigError(
                "client",
                "transport is 'reqwest', 'httpx' or an async client with httpx's interface,"
                f" not {transport!r}",
            )
        self._kind = transport
        self._settings: dict[str, Any] = {
            "headers": dict(headers or {}),
            "user_agent": user_agent or _user_agent(),
            "http2": http2,
            "verify": verify,
        }
        self._wire: Transport | None = None
        _clients.add(self)
        self._forget: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, value: Any) -> Client:
        """Return a client from what the ``client`` knob accepts; None is the shared one."""
        if value is None:
            return default_client()
        return value if isinstance(value, cls) else cls(value)

    @property
    def wire(self) -> Transport:
        """The transport, opened at its first use on the engine's loop."""
        if self._wire is None:
            self._wire = self._open()
            self._forget = loop.on_close(self._close, order=CLOSE_ORDER)
        return self._wire

    @property
    def recipe(self) -> tuple[Any, dict[str, Any]]:
        """The transport's kind and its settings, to open one like it elsewhere."""
        return self._kind, self._settings

    def close(self) -> None:
        """Close every connection; the next use opens new ones. Safe from any thread but the engine's."""
        if self._wire is not None:
            if loop.on_loop_thread():
                raise ConfigError("client", "close it outside of tasks: here, waiting would be for ever")
            self._forget()
            loop.submit(self._close()).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        kind = self._kind if isinstance(self._kind, str) else type(self._kind).__name__
        return f"Client({kind!r}, headers={redact_headers(self._settings['headers'])})"

    def _open(self) -> Transport:
        if self._kind == "reqwest":
            from fetchlab.transport.reqwest import ReqwestTransport

            return ReqwestTransport(**self._settings)
        from fetchlab.transport.httpx import HttpxTransport

        return HttpxTransport(None if self._kind == "httpx" else self._kind, **self._settings)

    def _leave_alone(self) -> None:
        """In a forked child: the connections are the parent's, open new ones."""
        _left_alone.append(self._wire)
        self._wire = None

    async def _close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.aclose()


_shared: Client | None = None
_clients: weakref.WeakSet[Client] = weakref.WeakSet()
_left_alone: list[Transport | None] = []  # even to free them would reach into the parent's sockets


def default_client() -> Client:
    """Return the module-level client that calls without ``client=`` share."""
    global _shared  # noqa: PLW0603
    if _shared is None:
        _shared = Client()
    return _shared


def _user_agent() -> str:
    from fetchlab import __version__

    return f"fetchlab/{__version__}"


def _after_fork() -> None:
    for client in list(_clients):
        client._leave_alone()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
