"""One connection pool and what goes with every request on it."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any, Literal, Self

from fetchlab import httpx_bridge, loop
from fetchlab.errors import ConfigError
from fetchlab.redaction import MASK, redact_headers, redact_url
from fetchlab.transport import options as check
from fetchlab.transport.cookies import CookieJar, cookie_header
from fetchlab.transport.hooks import Hooks
from fetchlab.transport.limits import idle_connections
from fetchlab.transport.robots import Robots

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fetchlab.transport.base import Transport
    from fetchlab.transport.hooks import Authorise

__all__ = ["Client", "default_client"]

CLOSE_ORDER = 20
REDIRECTS = 10
_FILE = str | os.PathLike[str]


class Client:
    """A connection pool with its headers and credentials, shared by as many runs as you like.

    A redirect is followed without credentials if it leads to another host (scheme, name or port): the
    client's ``auth`` and ``cookies``, and every header, the client's or the request's, whose name or
    value is known as secret (``Authorization``, ``Cookie``, ``X-Api-Key``, …), stay behind.

    Args:
        transport: ``"reqwest"``, ``"httpx"``, or an object with the interface of ``httpx.AsyncClient``
            (it keeps its own settings, only ``robots`` and ``redirects`` are ours, and it stays yours to
            close).
        headers: sent with every request; a request's own replace them.
        user_agent: the ``User-Agent`` header, also for ``robots``; the default names fetchlab.
        http2: offer HTTP/2 over TLS.
        verify: check TLS certificates. The bytes or the path of a PEM bundle names authorities to trust
            beside the usual ones.
        cert: the client's own certificate: a PEM file with its key, or ``(certificate, key)``.
        proxy: a URL (http, https, socks5 or socks5h, credentials included), or ``{"http": …, "https": …}``
            by the scheme of what is asked. None takes ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and
            ``NO_PROXY`` from the environment when the pool is opened, False uses none.
        auth: ``(user, password)``, the whole ``Authorization`` header such as ``"Bearer …"``, or a
            function, plain or async, that makes headers of a request. A request's own header wins.
        cookies: sent with every request.
        keep_cookies: also keep those that hosts set, and send them back to the host that set them.
        robots: ask each host's robots.txt before anything else, once a day; what it forbids is a
            ``Disallowed`` error.
        redirects: how many may follow one another; with 0 a redirect is an answer like any other.

    Raises:
        ConfigError: a knob has a value that cannot work, or that this transport cannot do.
    """

    def __init__(
        self,
        transport: Literal["reqwest", "httpx"] | Any = "reqwest",
        *,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        http2: bool = False,
        verify: bool | _FILE | bytes = True,
        cert: _FILE | tuple[_FILE, _FILE] | None = None,
        proxy: str | Mapping[str, str] | Literal[False] | None = None,
        auth: tuple[str, str] | str | Authorise | None = None,
        cookies: Mapping[str, str] | None = None,
        keep_cookies: bool = False,
        robots: bool = False,
        redirects: int = REDIRECTS,
    ) -> None:
        known = transport in ("reqwest", "httpx") if isinstance(transport, str) else True
        if not known or not (isinstance(transport, str) or httpx_bridge.is_async_client(transport)):
            raise ConfigError(
                "client",
                "transport is 'reqwest', 'httpx' or an async client with httpx's interface,"
                f" not {transport!r}",
            )
        self._kind = transport
        self._shown = {
            "http2": http2,
            "verify": f"<{len(verify)} bytes>" if isinstance(verify, bytes) else verify,
            "cert": cert,
            "proxy": _shown_proxy(proxy),
            "auth": auth if auth is None else MASK,
            "cookies": dict.fromkeys(cookies, MASK) if cookies else None,
            "keep_cookies": keep_cookies,
            "robots": robots,
            "redirects": redirects,
        }
        if not isinstance(transport, str):
            _none_of(headers=headers, user_agent=user_agent, **self._shown)
        sent = check.checked_headers(headers)
        named = "user-agent" in {name.lower() for name in sent}
        if user_agent is not None or (isinstance(transport, str) and not named):
            _put(sent, "User-Agent", user_agent or _user_agent(), knob="user_agent")
        self._authorise: Authorise | None = None
        if auth is not None:
            header = check.auth_header(auth)
            if header is None:
                self._authorise = auth  # type: ignore[assignment]
            else:
                _put(sent, "Authorization", header, knob="auth")
        self._cookies = check.checked_cookies(cookies)
        if self._cookies and not keep_cookies:
            _put(sent, "Cookie", cookie_header(self._cookies), knob="cookies")
        trusted, roots = check.checked_roots(verify)
        self._options = check.Options(
            headers=sent,
            http2=http2,
            verify=trusted,
            roots=roots,
            cert=check.checked_cert(cert),
            proxies=check.checked_proxies(proxy),
            redirects=check.checked_redirects(redirects),
            idle=idle_connections(),
        )
        if transport == "httpx":
            check.needs_extra(self._options)
        self._keep_cookies = keep_cookies
        self._asks_robots = robots
        self._hooks: Hooks | None = None
        self._wire: Transport | None = None
        _clients.add(self)
        self._forget: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, value: Any) -> Client:
        """Return a client from what the ``client`` knob accepts; None is the shared one."""
        if value is None:
            return default_client()
        return value if isinstance(value, cls) else cls(value)

    @classmethod
    def from_recipe(cls, kind: Literal["reqwest", "httpx"], options: check.Options) -> Client:
        """Return a client with the :attr:`recipe` of another one, made in another process."""
        client = cls(kind, redirects=options.redirects)
        client._options = options
        return client

    @property
    def wire(self) -> Transport:
        """The transport, opened at its first use on the engine's loop."""
        if self._wire is None:
            self._wire = self._open()
            self._forget = loop.on_close(self._close, order=CLOSE_ORDER)
        return self._wire

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that go with every request, credentials among them."""
        theirs: Mapping[str, str] | None = getattr(self._kind, "headers", None)
        return self._options.headers if theirs is None else theirs

    @property
    def recipe(self) -> tuple[str, check.Options]:
        """The wire's kind and what it is asked to do, to open a blocking one like it.

        Raises:
            ConfigError: it does more than can be had there.
        """
        if not isinstance(self._kind, str):
            raise ConfigError(
                "client",
                f"threads and processes need blocking requests, which {type(self._kind).__name__} cannot"
                " send; give an fl.Client, or another strategy",
            )
        for knob, asked in (
            ("robots", self._asks_robots),
            ("keep_cookies", self._keep_cookies),
            ("auth", self._authorise),
        ):
            if asked:
                raise ConfigError(
                    knob, "of this fl.Client works on the loop only; use workers=… or strategy=fl.Async(…)"
                )
        return self._kind, self._options

    def crawl_delay(self, host: str) -> float | None:
        """Return the seconds between requests that a host's robots.txt asks for.

        Args:
            host: any URL on it.

        Returns:
            None if it asks for none, if nothing was fetched from it yet, or without ``robots=True``.
        """
        hooks = self._hooks
        return None if hooks is None or hooks.robots is None else hooks.robots.crawl_delay(host)

    def close(self) -> None:
        """Close every connection; the next use opens new ones. Safe from any thread but the engine's.

        Kept cookies and robots.txt files are forgotten.
        """
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
        knobs = [f"{name}={value!r}" for name, value in self._shown.items() if value != _USUAL[name]]
        return (
            f"Client({', '.join([repr(kind), f'headers={redact_headers(self._options.headers)}', *knobs])})"
        )

    def _open(self) -> Transport:
        hooks = self._hooks = self._make_hooks()
        if self._kind == "reqwest":
            from fetchlab.transport.reqwest import ReqwestTransport

            return ReqwestTransport(self._options, hooks)
        from fetchlab.transport.httpx import HttpxTransport

        return HttpxTransport(self._options, hooks, None if self._kind == "httpx" else self._kind)

    def _make_hooks(self) -> Hooks | None:
        if not (self._asks_robots or self._keep_cookies or self._authorise):
            return None
        agent = {name.lower(): value for name, value in self.headers.items()}.get(
            "user-agent"
        ) or _user_agent()
        return Hooks(
            robots=Robots(agent) if self._asks_robots else None,
            authorise=self._authorise,
            cookies=CookieJar(self._cookies) if self._keep_cookies else None,
        )

    def _leave_alone(self) -> None:
        """In a forked child: the connections are the parent's, open new ones."""
        _left_alone.append((self._wire, self._hooks))
        self._wire = self._hooks = None

    async def _close(self) -> None:
        wire, self._wire = self._wire, None
        hooks, self._hooks = self._hooks, None
        if hooks is not None:
            hooks.close()
        if wire is not None:
            await wire.aclose()


_USUAL: dict[str, Any] = {
    "http2": False,
    "verify": True,
    "cert": None,
    "proxy": None,
    "auth": None,
    "cookies": None,
    "keep_cookies": False,
    "robots": False,
    "redirects": REDIRECTS,
}
_shared: Client | None = None
_clients: weakref.WeakSet[Client] = weakref.WeakSet()
_left_alone: list[object] = []  # even to free them would reach into the parent's sockets


def default_client() -> Client:
    """Return the module-level client that calls without ``client=`` share."""
    global _shared  # noqa: PLW0603
    if _shared is None:
        _shared = Client()
    return _shared


def _user_agent() -> str:
    from fetchlab import __version__

    return f"fetchlab/{__version__}"


def _put(headers: dict[str, str], name: str, value: str, *, knob: str) -> None:
    """Add what a knob stands for; given twice, nobody could say which one is meant."""
    if name.lower() in {own.lower() for own in headers}:
        raise ConfigError(knob, f"headers has {name} already; give one of them")
    try:
        headers.update(check.checked_headers({name: value}))
    except ConfigError as error:
        raise ConfigError(knob, "must be text on one line") from error


def _none_of(**knobs: Any) -> None:
    """A client of the user's has its own of these; taking them here and not heeding them would deceive."""
    for knob, value in knobs.items():
        if knob not in ("robots", "redirects") and value != _USUAL.get(knob):
            raise ConfigError(knob, "set it on your own client: fl.Client uses that as it is")


def _shown_proxy(proxy: Any) -> Any:
    if hasattr(proxy, "items"):
        return {scheme: redact_url(str(url)) for scheme, url in proxy.items()}
    return redact_url(proxy) if isinstance(proxy, str) else proxy


def _after_fork() -> None:
    for client in list(_clients):
        client._leave_alone()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
