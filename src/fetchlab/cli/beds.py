"""The testbed, for commands that were given no URL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fetchlab import testbed
from fetchlab.cli.tables import say

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["base_url"]


@contextmanager
def base_url(given: str | None, wire: str, latency: float) -> Iterator[str]:
    """Give the URL that was given, or that of a testbed started for the while; say so."""
    if given is not None:
        yield given
        return
    with testbed.serve(latency=latency) as bed:
        url = bed.urls[wire]
        say(f"The local testbed serves {url}, {latency * 1000:g} ms an answer.")
        if bed.moved:
            say("Its usual ports are taken, so it uses others.")
        yield url
