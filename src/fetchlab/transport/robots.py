"""What a host's robots.txt allows (RFC 9309), asked for once per host."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fetchlab.errors import Disallowed, Retriable, TooManyRedirects, TransportError
from fetchlab.model import Request
from fetchlab.policy.keys import host_of
from fetchlab.redaction import redact_url
from fetchlab.transport.redirects import Redirected

if TYPE_CHECKING:
    from collections.abc import Callable

    from protego import Protego

    from fetchlab.model import Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.base import Transport

__all__ = ["Robots"]

DAY = 86_400.0
LARGEST = 5_000_000
PARSED = 512 * 1024
PARSED_AT_ONCE = 16 * 1024
FIRST_WAIT, LONGEST_WAIT = 1.0, 3600.0


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is known of a host: its rules (None allows all), or why nothing may be asked."""

    until: float
    parser: Protego | None = None
    problem: str = ""
    wait: float = FIRST_WAIT


class _Asking(Request):
    """The request for a robots.txt itself, which needs nobody's leave, wherever it is redirected."""

    __slots__ = ()


class Robots:
    """Says of each request whether its host wants it.

    A robots.txt holds for 24 hours. If there is none (any 4xx but 429) everything is allowed. If it
    cannot be had (5xx, 429, no connection) an older one goes on to hold; without one nothing is allowed
    until it is asked for again: after 1 s, then 2 s, 4 s … 1 h. Such an item may be tried again.

    Args:
        agent: the ``User-Agent``, matched against the file's.
        clock: seconds, monotonic.
    """

    def __init__(self, agent: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._agent = agent
        self._clock = clock
        self._known: dict[str, _Rules] = {}
        self._asked: dict[str, asyncio.Task[_Rules]] = {}

    async def check(self, request: Request, wire: Transport, timeout: Timeout) -> None:
        """Return if the request may be sent.

        Args:
            request: what is about to be sent.
            wire: where to ask for a robots.txt.
            timeout: for that question.

        Raises:
            Disallowed: it may not.
        """
        first = request.first if isinstance(request, Redirected) else request
        if isinstance(first, _Asking) or not _on_the_web(request.url):
            return
        host = host_of(request.url)
        rules = self._known.get(host)
        if rules is None or rules.until <= self._clock():
            rules = await self._ask(host, wire, timeout)
        if rules.problem:
            raise Disallowed(f"robots.txt of {host} cannot be had: {rules.problem}") from Retriable(
                rules.problem
            )
        if rules.parser is not None and not rules.parser.can_fetch(request.url, self._agent):
            raise Disallowed(f"robots.txt forbids {redact_url(request.url)} to {self._agent}")

    def crawl_delay(self, host: str) -> float | None:
        """Return the seconds between requests that the host asks for, None if it asks for none."""
        rules = self._known.get(host_of(host))
        return rules.parser.crawl_delay(self._agent) if rules is not None and rules.parser else None

    def close(self) -> None:
        """Stop asking."""
        for task in self._asked.values():
            task.cancel()

    async def _ask(self, host: str, wire: Transport, timeout: Timeout) -> _Rules:
        """One question per host, however many wait for its answer; it outlives whoever asked first."""
        task = self._asked.get(host)
        if task is None:
            task = self._asked[host] = asyncio.create_task(self._fetch(host, wire, timeout))
            task.add_done_callback(lambda _: self._asked.pop(host))
        return await asyncio.shield(task)

    async def _fetch(self, host: str, wire: Transport, timeout: Timeout) -> _Rules:
        try:
            response = await wire.send(_Asking(f"{host}/robots.txt"), timeout, LARGEST)
        except TooManyRedirects:  # section 2.3.1.2: as if there were none
            rules = _Rules(self._clock() + DAY)
        except TransportError as error:
            rules = self._without(host, f"{type(error).__name__}: {error}")
        else:
            if response.status >= 500 or response.status == 429:
                rules = self._without(host, f"HTTP {response.status}")
            else:
                parser = await _parsed(response) if response.status < 300 else None
                rules = _Rules(self._clock() + DAY, parser)
        self._known[host] = rules
        return rules

    def _without(self, host: str, problem: str) -> _Rules:
        before = self._known.get(host) or _Rules(0.0, problem=problem)
        later = self._clock() + before.wait
        waited = replace(before, until=later, wait=min(2 * before.wait, LONGEST_WAIT))
        return replace(waited, problem=problem) if before.problem else waited


async def _parsed(response: Response) -> Protego:
    """A large file takes half a second to read, which the loop cannot spare."""
    from protego import Protego

    text = response.content[:PARSED].decode("utf-8-sig", "replace")
    return (
        Protego.parse(text) if len(text) <= PARSED_AT_ONCE else await asyncio.to_thread(Protego.parse, text)
    )


def _on_the_web(url: str) -> bool:
    """Others are for the wire to refuse."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.netloc)
