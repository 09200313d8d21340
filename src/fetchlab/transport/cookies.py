"""Cookies that a client keeps between requests (RFC 6265), on either wire.

One thing is stricter than the RFC: a cookie without a ``Domain`` stays with scheme, host *and port*, the
unit of everything else here, while browsers give it to all ports of a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.policy.keys import host_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyreqwest.cookie import CookieStore

__all__ = ["CookieJar", "cookie_header"]


class CookieJar:
    """Keeps what ``Set-Cookie`` says, and says what ``Cookie`` to send.

    Args:
        initial: cookies for every host that is asked directly; a kept one of the same name replaces it.
    """

    def __init__(self, initial: Mapping[str, str]) -> None:
        self._initial = dict(initial)
        self._own: dict[str, CookieStore] = {}
        self._shared = _store()

    def header(self, url: str, *, initial: bool = True) -> str | None:
        """Return the ``Cookie`` header for a URL, None without any.

        Args:
            url: what is about to be asked.
            initial: False leaves out the cookies that belong to no host.
        """
        cookies = dict(self._initial) if initial else {}
        own = self._own.get(host_of(url))
        for store in (self._shared, own) if own is not None else (self._shared,):
            cookies.update((cookie.name, cookie.value) for cookie in store.matches(url))
        return cookie_header(cookies) if cookies else None

    def keep(self, url: str, lines: Iterable[str]) -> None:
        """Keep what the ``Set-Cookie`` headers of an answer say; unusable ones are left out."""
        from pyreqwest.cookie import Cookie

        for line in lines:
            try:
                domain = Cookie.parse(line).domain
                if domain is None:
                    self._own.setdefault(host_of(url), _store()).insert(line, url)
                elif "." in domain.strip("."):  # not for a whole top-level domain
                    self._shared.insert(line, url)
            except ValueError:
                continue


def cookie_header(cookies: Mapping[str, str]) -> str:
    """Return cookies as the value of one ``Cookie`` header."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _store() -> CookieStore:
    from pyreqwest.cookie import CookieStore

    return CookieStore()
