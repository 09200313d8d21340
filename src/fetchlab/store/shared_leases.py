"""One asker leads among machines: who is getting what, noted at the server they share.

A lease is ``SET NX PX`` with a token that nobody else has; it lasts five seconds and is renewed every second
while its holder lives, so that one who was killed hands over. It is given back by who holds its token only.
"""

from __future__ import annotations

import math
import os
import threading
import time
import uuid
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab.store import shared_words as words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.store.entry import Entry
    from fetchlab.store.leases import Verdict
    from fetchlab.store.shared import Shared

__all__ = ["SharedLeases"]

LEASE_SECONDS = 5.0
BEAT_SECONDS = 1.0
LOOK_SECONDS = 0.05
AT_ONCE = 500
"""Leases in one script: others at the server wait for it."""


class SharedLeases:
    """This process's leases at one server; safe from any thread.

    Args:
        shared: the tier.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lock = threading.Lock()  # guards all below
        self._process = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._taken = 0
        self._held: dict[str, str] = {}
        self._beaten = time.monotonic()
        self._waiting: dict[str, list[Callable[[], object]]] = {}
        self._looked = 0.0
        self._looking = False

    @property
    def due(self) -> float:
        """When there is something to do: leases to be renewed, or others' to be looked at."""
        beat = self._beaten + BEAT_SECONDS if self._held else math.inf
        look = self._looked + LOOK_SECONDS if self._waiting and not self._looking else math.inf
        return min(beat, look)

    def ask(
        self,
        keys: Sequence[str],
        good: Callable[[float, float | None], bool],
        arrived: Callable[[Entry], object],
    ) -> Future[list[Verdict]]:
        """Ask for the lead; one trip, and another one for entries that have come meanwhile.

        Args:
            keys: what is to be asked for.
            good: says of an entry's times whether it will do.
            arrived: given the entries that do, before the verdict ``stored`` is told.

        Returns:
            The future of a verdict per key; ``mine`` where the server is gone: who cannot ask, leads.
        """
        asked: Future[list[Verdict]] = Future()
        names = [words.name_of(key) for key in keys]
        with self._lock:
            tokens = [f"{self._process}-{self._taken + number}" for number in range(len(names))]
            self._taken += len(names)
        commands = []
        for name, token in zip(names, tokens, strict=True):
            commands += [words.lease(name, token, LEASE_SECONDS), words.times(name)]

        def told(answers: list[Any] | None) -> None:
            if answers is None:
                self._shared.without(len(names))
                asked.set_result(["mine"] * len(names))
                return
            verdicts: list[Verdict] = []
            come: list[int] = []
            for place, name in enumerate(names):
                took, found = answers[2 * place : 2 * place + 2]
                if isinstance(took, Exception):
                    self._shared.not_written(took)
                    verdicts.append("mine")
                    continue
                lease = words.taken(took)
                if lease:
                    self._hold(name, tokens[place])
                times = self._shared.times_of(found)
                if times is not None and good(*times):
                    come.append(place)
                verdicts.append(("mine" if times is None else "mine, old") if lease else "held elsewhere")
            if come:
                self._read(keys, verdicts, come, arrived, asked)
            else:
                asked.set_result(verdicts)

        self._shared.wire.call(commands, told)
        return asked

    def _read(
        self,
        keys: Sequence[str],
        verdicts: list[Verdict],
        come: list[int],
        arrived: Callable[[Entry], object],
        asked: Future[list[Verdict]],
    ) -> None:
        """Read what has come meanwhile; what cannot be read leaves the verdict as it was."""

        def read(entries: list[Entry | None]) -> None:
            for place, entry in zip(come, entries, strict=True):
                if entry is not None:
                    arrived(entry)
                    self.give_back(keys[place])
                    verdicts[place] = "stored"
            asked.set_result(verdicts)

        self._shared.fetch([keys[place] for place in come], read)

    def token_of(self, key: str) -> str:
        """Return the token of a lease that ends with the entry it was taken for, empty if there is none."""
        with self._lock:
            return self._held.pop(words.name_of(key), "")

    def give_back(self, key: str) -> None:
        """Let others ask, where nothing came of it."""
        token = self.token_of(key)
        if token:
            self._shared.wire.call([words.release(words.name_of(key), token)])

    def when_over(self, key: str, call: Callable[[], object]) -> None:
        """Call back once the holder has given its lease back, stored the entry, or died."""
        with self._lock:
            self._waiting.setdefault(words.name_of(key), []).append(call)
        self._shared.wire.wake()

    def tend(self) -> None:
        """Renew what is held, and look at what others hold; on the wire's thread."""
        now = time.monotonic()
        with self._lock:
            held, names = list(self._held.items()), list(self._waiting)
        if held and now >= self._beaten + BEAT_SECONDS:
            self._beaten = now
            for start in range(0, len(held), AT_ONCE):
                some = dict(held[start : start + AT_ONCE])
                self._shared.wire.call([words.extend(some, LEASE_SECONDS)])
        if names and not self._looking and now >= self._looked + LOOK_SECONDS:
            self._looking = True
            self._shared.wire.call([words.leased(name) for name in names], partial(self._seen, names))

    def _seen(self, names: list[str], answers: list[Any] | None) -> None:
        """Call those whose wait is over; all of them if the server is gone."""
        self._looked = time.monotonic()
        self._looking = False
        over = names if answers is None else [n for n, one in zip(names, answers, strict=True) if one != 1]
        self._call(over)

    def all_over(self) -> None:
        """Let nobody wait for a server that is gone."""
        self._call(list(self._waiting))

    def _call(self, names: list[str]) -> None:
        with self._lock:
            calls = [call for name in names for call in self._waiting.pop(name, ())]
        for call in calls:
            call()

    def _hold(self, name: str, token: str) -> None:
        with self._lock:
            if not self._held:
                self._beaten = time.monotonic()
            self._held[name] = token
