"""Several keys of one service: each with its own limits, taken in turn, retired once useless. Sans I/O.

To the service every key is somebody of its own. So each has the gate that a host has in the engine: its rate,
its ``Retry-After``, the rate found after a 429. A key whose quota is spent, or that the service does not
know, is retired; the others go on.
"""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError
from fetchlab.policy.host import HostGate, HostRules
from fetchlab.policy.rate import RateLimit
from fetchlab.redaction import MASK, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetchlab.policy.retry import Retry

__all__ = ["Key", "KeyRing", "Seat", "keys_of"]

log = logging.getLogger("fetchlab.storyboard")


@dataclass(frozen=True, slots=True)
class Key:
    """A credential and what it may do.

    Attributes:
        secret: the key or token; never shown.
        rate: the requests that it may make; None goes by what the service says.
        name: what it is called in tables, and known by in journals, so that a token may be renewed; its
            place, ``key 1``, and a fingerprint unless told.
    """

    secret: str = field(repr=False)
    rate: RateLimit | None = None
    name: str = ""

    def __post_init__(self) -> None:
        secret = self.secret.strip() if isinstance(self.secret, str) else ""  # a file's last line has an end
        if not secret or not secret.isascii() or not secret.isprintable():
            raise ConfigError("keys", "a key is text such as 'sk-…'; one of them is empty or none")
        object.__setattr__(self, "secret", secret)
        if self.rate is not None and not isinstance(self.rate, RateLimit):
            raise ConfigError("rate", f"of a key is fl.RateLimit(…), not {self.rate!r}")


def keys_of(given: Any, knob: str, variable: str = "") -> list[Key]:
    """Return the keys that a knob means.

    Args:
        given: one key or several, texts or :class:`Key`.
        knob: what the user calls it.
        variable: the environment's, taken where nothing is given.

    Raises:
        ConfigError: there is none, or one twice.
    """
    if not given and variable:
        given = os.environ.get(variable, "")
    listed: Iterable[Any] = [given] if isinstance(given, str | Key) else given or ()
    made = [one if isinstance(one, Key) else Key(one) for one in listed if one != ""]
    if not made:
        where = f", or set {variable}" if variable else ""
        raise ConfigError(knob, f"give at least one{where}")
    if len({one.secret for one in made}) < len(made):
        raise ConfigError(knob, "one of them is given twice; each counts its own requests")
    names = [one.name for one in made if one.name]
    if len(set(names)) < len(names):
        raise ConfigError(knob, "two of them have the same name")
    return made


class Seat:
    """One key at work.

    Attributes:
        name: what it is called.
        key: which.
        owner: what a journal knows it by.
        gate: when it may be used.
        requests: made with it.
        refused: of these, how many came too fast.
        retired: why it is not used any more, None while it is.
    """

    __slots__ = ("gate", "key", "name", "owner", "refused", "requests", "retired", "turn")

    def __init__(self, key: Key, name: str, gate: HostGate) -> None:
        self.key = key
        self.name = name
        self.owner = key.name or fingerprint(key.secret)
        self.gate = gate
        self.requests = self.refused = self.turn = 0
        self.retired: str | None = None


class KeyRing:
    """Gives out keys.

    Args:
        keys: which.
        retry: its patience bounds how long keys are waited for.
        now: the clock's reading; all times are seconds of one monotonic clock.
        word: what keys without a name are called by, with their place.
    """

    def __init__(self, keys: list[Key], retry: Retry, now: float, word: str = "key") -> None:
        self.seats = []
        for place, key in enumerate(keys, 1):
            name = key.name or f"{word} {place}"
            gate = HostGate(name, HostRules(retry, key.rate, breaks=False), now)
            self.seats.append(Seat(key, name, gate))
        self._turns = 0
        self._latency: float | None = None

    @property
    def usable(self) -> list[Seat]:
        """The keys that are not retired."""
        return [seat for seat in self.seats if seat.retired is None]

    def take(self, now: float) -> Seat | None:
        """Return a key for a request that starts now, None if there is none for it now.

        The one with the fewest requests under way, of these the one that rested longest.
        """
        free = [seat for seat in self.usable if seat.gate.delay(now) <= 0]
        if not free:
            return None
        seat = min(free, key=lambda one: (one.gate.in_flight, one.turn))
        self.use(seat, now)
        return seat

    def use(self, seat: Seat, now: float) -> None:
        """Count a request that starts now with this key and no other."""
        self._turns += 1
        seat.turn = self._turns
        seat.requests += 1
        seat.gate.begin(now)

    def of(self, owner: str) -> Seat | None:
        """Return the key that a journal knows as this one, None if it is not among them."""
        return next((seat for seat in self.seats if seat.owner == owner), None)

    def delay(self, now: float) -> float:
        """Return the seconds until a key may be used, infinity if none ever will."""
        return min((seat.gate.delay(now) for seat in self.usable), default=math.inf)

    def hopeless(self, now: float) -> str | None:
        """Return why nobody should wait for a key any longer, None if it is worth while."""
        usable = self.usable
        if not usable:
            return "no key is left: " + "; ".join(f"{seat.name}: {seat.retired}" for seat in self.seats)
        reasons = [seat.gate.hopeless(now) for seat in usable]
        return next((why for why in reasons if why), None) if all(reasons) else None

    def room(self) -> list[float | None]:
        """Return each usable key's requests per second as far as known, for :func:`planning.size_for`."""
        return [_rate_of(seat) for seat in self.usable]

    @property
    def latency(self) -> float | None:
        """Seconds that a request took lately, None before one was seen."""
        return self._latency

    # what came of it

    def answered(self, seat: Seat, began: float, now: float) -> None:
        """A request was answered: the key is well."""
        seat.gate.answered(began, None, now)
        taken = now - began
        self._latency = taken if self._latency is None else 0.8 * self._latency + 0.2 * taken

    def refused(self, seat: Seat, began: float, now: float, pause: float | None) -> None:
        """A request came too fast for its key."""
        seat.refused += 1
        seat.gate.refused(began, now, pause, slow_down=True)

    def rests(self, seat: Seat, now: float, seconds: float) -> None:
        """The service says that a key's quota is used up for so long."""
        seat.gate.rest(now, seconds)

    def dropped(self, seat: Seat) -> None:
        """A request ended without saying anything about its key."""
        seat.gate.dropped(probe=False)

    def retire(self, seat: Seat, why: str) -> None:
        """A key is of no more use."""
        seat.gate.dropped(probe=False)
        if seat.retired is None:
            seat.retired = why
            log.warning("%s is not used any more: %s", seat.name, why)

    # how it stands

    def told(self) -> dict[str, dict[str, object]]:
        """Return by key's name its requests, refusals, and why it is retired."""
        return {
            seat.name: {"requests": seat.requests, "refused": seat.refused, "retired": seat.retired}
            for seat in self.seats
        }

    def masked(self, text: str) -> str:
        """Return a text in which no key stands: services quote the one that they refuse."""
        for seat in self.seats:
            text = text.replace(seat.key.secret, MASK)
        return text


def _rate_of(seat: Seat) -> float | None:
    given = None if seat.key.rate is None else 1 / seat.key.rate.interval
    found = None if seat.gate.discovery is None else seat.gate.discovery.rate
    known = [rate for rate in (given, found) if rate is not None]
    return min(known) if known else None
