"""The testbed, for commands that were given no URL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fetchlab import testbed
from fetchlab.cli.tables import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["base_url", "base_urls"]


@contextmanager
def base_url(given: str | None, wire: str, latency: float) -> Iterator[str]:
    """Give the URL that was given, or that of a testbed started for the while; say so."""
    with base_urls({wire: given}, latency) as urls:
        url = urls[wire]
        assert url is not None  # for the type checker
        yield url


@contextmanager
def base_urls(given: Mapping[str, str | None], latency: float) -> Iterator[Mapping[str, str | None]]:
    """Give the URLs by wire; if none was given, those of a testbed started for the while, and say so."""
    if any(given.values()):
        yield given
        return
    with testbed.serve(latency=latency) as bed:
        urls = {wire: bed.urls[wire] for wire in given}
        say(f"The local testbed serves {', '.join(urls.values())}, {latency * 1000:g} ms an answer.")
        if bed.moved:
            say("Its usual ports are taken, so it uses others.")
        yield urls
