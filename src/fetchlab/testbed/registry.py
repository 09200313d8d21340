"""Which wires there are, and where each of them listens.

Offsets are fixed for good: URLs, and with them the keys of caches and journals, must not move when a
wire is added. Adding one is a module and a line in :data:`WIRES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetchlab.testbed.wire import Wire

__all__ = ["BLOCK", "CONTROL", "OFFSETS", "WIRES", "World", "load"]

BLOCK = 16
CONTROL = "control"

OFFSETS: dict[str, int] = {
    "catalogue": 0,
    "tmdb": 1,
    "play": 2,
    "timeline": 3,
    "api": 4,
    "rss": 5,
    "openai": 6,
    "vertex": 7,
    "media": 8,
    "echo": 9,
    "echo2": 10,
    CONTROL: 15,
}

WIRES: dict[str, str] = {
    "catalogue": "fetchlab.testbed.catalogue:CatalogueWire",
    "tmdb": "fetchlab.testbed.tmdb:TmdbWire",
    "echo": "fetchlab.testbed.echo:EchoWire",
    "echo2": "fetchlab.testbed.echo:EchoWire",
    "play": "fetchlab.testbed.play:PlayWire",
    "openai": "fetchlab.testbed.openai:OpenAIWire",
    "vertex": "fetchlab.testbed.vertex:VertexWire",
    "timeline": "fetchlab.testbed.timeline:TimelineWire",
    "api": "fetchlab.testbed.timeline_api:ApiWire",
    "rss": "fetchlab.testbed.timeline_rss:RssWire",
    "media": "fetchlab.testbed.media_wire:MediaWire",
}

_ROOTS = {"openai": "/v1"}


@dataclass(frozen=True, slots=True)
class World:
    """What all wires of one testbed share: the seed of their data and the block of their ports."""

    seed: int
    port: int

    def url(self, wire: str) -> str:
        """The base URL to hand to a client of `wire`, whether or not the wire is served yet."""
        return f"http://127.0.0.1:{self.port + OFFSETS[wire]}{_ROOTS.get(wire, '')}"


def load(wire: str) -> type[Wire]:
    """The class that speaks `wire`; importing it needs no server."""
    module, _, name = WIRES[wire].partition(":")
    found: type[Wire] = getattr(import_module(module), name)
    return found
