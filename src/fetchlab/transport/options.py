"""What a client is asked to do on the wire, checked once, when the client is made."""

from __future__ import annotations

import os
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fetchlab.errors import ConfigError
from fetchlab.redaction import is_credential, redact_url

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "Options",
    "auth_header",
    "checked_cert",
    "checked_cookies",
    "checked_headers",
    "checked_proxies",
    "checked_redirects",
    "checked_roots",
    "needs_extra",
]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_COOKIE = re.compile(r"[^\s;,\"\\\x00-\x1f\x7f]*")
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class Options:
    """Everything a wire needs to open its pool.

    Attributes:
        headers: sent with every request, fixed credentials and ``User-Agent`` among them.
        http2: offer HTTP/2 over TLS.
        verify: check certificates.
        roots: PEM of authorities to trust beside the usual ones.
        cert: PEM files of the client's own certificate and key.
        proxies: by scheme; None takes them from the environment, empty uses none.
        redirects: how many may follow one another.
        idle: connections to keep open for later.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    http2: bool = False
    verify: bool = True
    roots: bytes | None = None
    cert: tuple[Path, Path | None] | None = None
    proxies: Mapping[str, str] | None = None
    redirects: int = 10
    idle: int = 100

    def without_credentials(self) -> Self:
        """Return the same for a host that a redirect led to."""
        kept = {name: value for name, value in self.headers.items() if not is_credential(name, value)}
        return self if len(kept) == len(self.headers) else replace(self, headers=kept)


def checked_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return headers that can be sent."""
    if headers is not None and not isinstance(headers, Mapping):
        raise ConfigError("headers", f"give a dict of names and values, not {type(headers).__name__}")
    for name, value in (headers or {}).items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError("headers", f"{name!r} is no header name")
        if not isinstance(value, str) or _UNSENDABLE.search(value):
            raise ConfigError("headers", f"the value of {name} cannot be sent: it must be text on one line")
    return dict(headers or {})


def auth_header(auth: Any) -> str | None:
    """Return the ``Authorization`` header, None where ``auth`` is a function and must be asked each time."""
    if isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(part, str) for part in auth):
        return f"Basic {b64encode(':'.join(auth).encode()).decode()}"
    if isinstance(auth, str) and " " in auth.strip() and not _UNSENDABLE.search(auth):
        return auth
    if callable(auth):
        return None
    raise ConfigError("auth", "give (user, password), 'Bearer …' or a function of the request")


def checked_cookies(cookies: Mapping[str, str] | None) -> dict[str, str]:
    """Return cookies that can be sent."""
    if cookies is not None and not isinstance(cookies, Mapping):
        raise ConfigError("cookies", f"give a dict of names and values, not {type(cookies).__name__}")
    for name, value in (cookies or {}).items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError("cookies", f"{name!r} is no cookie name")
        if not isinstance(value, str) or not _COOKIE.fullmatch(value):
            raise ConfigError(
                "cookies", f"the value of {name} cannot be sent: no spaces, quotes, commas, semicolons"
            )
    return dict(cookies or {})


def checked_roots(verify: bool | str | os.PathLike[str] | bytes) -> tuple[bool, bytes | None]:
    """Return whether certificates are checked, and the PEM of authorities to trust beside the usual ones."""
    if isinstance(verify, bool):
        return verify, None
    if not isinstance(verify, str | os.PathLike | bytes):
        raise ConfigError("verify", f"give True, False, a PEM file or its bytes, not {verify!r}")
    roots = verify if isinstance(verify, bytes) else _read("verify", verify)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=roots.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError("verify", f"holds no certificates in PEM: {error}") from error
    return True, roots


def checked_cert(
    cert: str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]] | None,
) -> tuple[Path, Path | None] | None:
    """Return the files of the client's certificate and key (None: both are in one)."""
    if cert is None:
        return None
    parts = cert if isinstance(cert, tuple) else (cert,)
    if not 1 <= len(parts) <= 2 or not all(isinstance(part, str | os.PathLike) for part in parts):
        raise ConfigError("cert", f"give a PEM file or (certificate, key), not {cert!r}")
    files = [Path(part) for part in parts]
    for file in files:
        _read("cert", file)
    key = files[1] if len(files) > 1 else None
    try:  # an empty password instead of a prompt
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(files[0], key, password="")
    except (ssl.SSLError, OSError) as error:
        raise ConfigError("cert", f"is no certificate with its key, unencrypted, in PEM: {error}") from error
    return files[0], key


def checked_proxies(proxy: str | Mapping[str, str] | bool | None) -> dict[str, str] | None:
    """Return proxies by scheme; None: those of the environment, empty: none."""
    if proxy is None or proxy is False:
        return None if proxy is None else {}
    if isinstance(proxy, str):
        proxy = {"http": proxy, "https": proxy}
    if not isinstance(proxy, Mapping) or not set(proxy) <= {"http", "https"}:
        raise ConfigError(
            "proxy", "give a URL, {'http': …, 'https': …}, False, or None for the environment's"
        )
    for url in proxy.values():
        try:
            parts = urlsplit(url)
            usable = parts.scheme in _PROXY_SCHEMES and parts.hostname and (parts.port or 1)
        except (ValueError, TypeError, AttributeError):
            usable = False
        if not usable:
            raise ConfigError(
                "proxy",
                f"a proxy is http, https, socks5 or socks5h://host:port, not {redact_url(str(url))!r}",
            )
    return dict(proxy)


def checked_redirects(redirects: int) -> int:
    """Return how many redirects may follow one another."""
    if not isinstance(redirects, int) or isinstance(redirects, bool) or redirects < 0:
        raise ConfigError("redirects", f"must be a whole number of 0 or more, not {redirects!r}")
    return redirects


def needs_extra(options: Options) -> None:
    """Refuse what httpx can do only with packages that are not there.

    Raises:
        ConfigError: HTTP/2 or SOCKS.
    """
    if options.http2 and find_spec("h2") is None:
        raise ConfigError("http2", "this wire needs pip install 'httpx[http2]'")
    if (
        any(url.startswith("socks") for url in (options.proxies or {}).values())
        and find_spec("socksio") is None
    ):
        raise ConfigError("proxy", "for SOCKS this wire needs pip install 'httpx[socks]'")


def _read(knob: str, file: str | os.PathLike[str]) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(knob, f"cannot be read: {error}") from error
