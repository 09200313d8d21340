"""The handle on a running server: what anybody who knows its token can ask of it.

Standard library only, so that importing it costs nothing.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from fetchlab.errors import TestbedError
from fetchlab.testbed.counters import total
from fetchlab.testbed.profiles import settings_of
from fetchlab.testbed.registry import CONTROL, OFFSETS, WIRES, World, load
from fetchlab.testbed.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Handle"]

_ANSWER_SECONDS = 30.0


class Handle:
    """A server that runs, wherever it was started; usable from any thread.

    Args:
        port: the first port of its block.
        seed: what its data are made from.
        token: what its control listener wants to be told.

    Attributes:
        port: the first port of its block.
        seed: what its data are made from.
        urls: base URL by wire.
    """

    def __init__(self, port: int, seed: int, token: str) -> None:
        self.port = port
        self.seed = seed
        self._token = token
        self._world = World(seed, port)
        self.urls = {wire: self._world.url(wire) for wire in WIRES}
        self._ask("GET", "/ping")

    @property
    def address(self) -> str:
        """What another process needs to steer it, as ``FETCHLAB_TESTBED`` has it."""
        return f"{self.port} {self.seed} {self._token}"

    def configure(self, wire: str | None = None, *, profile: str | None = None, **settings: Any) -> None:
        """Change settings while running.

        What is under way finishes under the settings it began with. Fault histories, bursts and the clocks
        of outages start anew, so that the same requests meet the same faults after each call.

        Args:
            wire: the one to change, None for all.
            profile: begin from this profile instead of from the present settings.
            **settings: any field of :class:`fetchlab.testbed.Settings`.

        Raises:
            TestbedError: a wire, a setting or a value is wrong; the message says which.
        """
        wires = [_known(wire)] if wire is not None else list(WIRES)
        Settings().replace(**settings)
        changes: dict[str, dict[str, Any]] = dict.fromkeys(wires, settings)
        if profile is not None:
            whole = settings_of(profile, settings)
            changes = {name: whole[name].as_dict() for name in wires}
        self._ask("POST", "/configure", changes)

    def settings(self, wire: str) -> Settings:
        """The settings of `wire` at present."""
        return Settings().replace(**self._ask("GET", "/settings")[_known(wire)])

    def counters(self, wire: str | None = None) -> dict[str, Any]:
        """What `wire` has seen since the start or :meth:`reset_counters`; None adds up all wires.

        Returns:
            ``requests``; ``by_route``, such as ``{"GET /bytes/{n}": 3}``; ``in_flight``, arrived and
            unanswered; ``max_in_flight``, over all wires the most that any one held; ``refused``, answered
            with 429 or 503; ``connections``, opened; ``faults`` by kind, a status standing for itself.
        """
        if wire is not None:
            _known(wire)
        seen = self._ask("GET", "/counters")
        counted: dict[str, Any] = seen[wire] if wire is not None else total(list(seen.values()))
        return counted

    def reset_counters(self) -> None:
        """Count anew, on all wires."""
        self._ask("POST", "/reset", {})

    def truth(self, wire: str) -> dict[str, Sequence[dict[str, Any]]]:
        """The data behind `wire`, computed here from the seed, and what clients have made there.

        No request to the wire is made or counted.

        Returns:
            Kind of thing → the things; those of the seed are made when they are asked for (``list(…)``
            makes them all).
            ``catalogue``: ``movies`` as the details endpoint states them, before any churn. ``play``:
            ``apps``, with prices in dollars.
            ``timeline``: ``users``, and their ``posts``, of which ``posts.of(handle)`` are one user's.
            ``tmdb``: ``movies`` as well, and ``shows`` with their ``seasons`` and these with ``episodes``.
            ``openai``: ``chats`` since :meth:`reset_counters`, each with what it asked for and which scenes
            it was shown, and ``jobs`` with their times and downloads; ``account`` stands for a key, as
            :func:`fetchlab.testbed.keys.account` tells. ``vertex``: the same ``jobs``.
        """
        kind = load(_known(wire))
        if not kind.records:
            return kind.truth(self._world)
        made: dict[str, Sequence[dict[str, Any]]] = self._ask("GET", f"/recorded?wire={wire}")
        return {**kind.truth(self._world), **made}

    def __repr__(self) -> str:
        wires = ", ".join(f"{wire} {url}" for wire, url in self.urls.items())
        return f"<Testbed {self._state()}, seed {self.seed}: {wires}>"

    def _state(self) -> str:
        return "running elsewhere"

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        line = http.client.HTTPConnection("127.0.0.1", self.port + OFFSETS[CONTROL], timeout=_ANSWER_SECONDS)
        try:
            content = None if body is None else json.dumps(body).encode()
            line.request(method, path, content, {"X-Testbed-Token": self._token})
            response = line.getresponse()
            answer = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as lost:
            raise TestbedError(self._obituary("does not answer")) from lost
        finally:
            line.close()
        if response.status != 200:
            raise TestbedError(answer["error"])
        return answer

    def _obituary(self, what: str) -> str:
        return f"the testbed at port {self.port} {what}"


def _known(wire: str) -> str:
    if wire not in WIRES:
        raise TestbedError(f"wire: {wire!r} is none of {', '.join(WIRES)}")
    return wire
