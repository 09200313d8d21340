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
from fetchlab.redaction import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetchlab.policy.retry import Retry

__all__ = ["Key", "KeyRing", "keys_of"]

log = logging.getLogger("fetchlab.storyboard")


@dataclass(frozen=True, slots=True)
class Key:
    """A credential and what it may do.

    Attributes:
        secret: the key or token; never shown.
        rate: the requests that it may make; None goes by what the service says.
        name: what it is called in tables; ``key 1`` by its place unless told.
    """

    secret: str = field(repr=False)
    rate: RateLimit | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.secret, str) or not self.secret.strip() or not self.secret.isascii():
            raise ConfigError("keys", "a key is text such as 'sk-…'; one of them is empty or none")
        if self.rate is not None and not isinstance(self.rate, RateLimit):
            raise ConfigError("rate", f"of a key is fl.RateLimit(…), not {self.rate!r}")


def keys_of(given: Any, knob: str, word: str, variable: str = "") -> list[Key]:
    """Return the keys that a knob means, each with a name.

    Args:
        given: one key or several, texts or :class:`Key`.
        knob: what the user calls it.
        word: what each is called by.
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
    named = [Key(one.secret, one.rate, one.name or f"{word} {number}") for number, one in enumerate(made, 1)]
    if len({one.name for one in named}) < len(named):
        raise ConfigError(knob, "two of them have the same name")
    return named


class Seat:
    """One key at work.

    Attributes:
        key: which.
        gate: when it may be used.
        requests: made with it.
        refused: of these, how many came too fast.
        retired: why it is not used any more, None while it is.
    """

    __slots__ = ("gate", "key", "refused", "requests", "retired", "turn")

    def __init__(self, key: Key, gate: HostGate) -> None:
        self.key = key
        self.gate = gate
        self.requests = self.refused = self.turn = 0
        self.retired: str | None = None


class KeyRing:
    """Gives out keys.

    Args:
        keys: with names.
        retry: its patience bounds how long keys are waited for.
        now: the clock's reading; all times are seconds of one monotonic clock.
    """

    def __init__(self, keys: list[Key], retry: Retry, now: float) -> None:
        self.seats = [
            Seat(key, HostGate(key.name, HostRules(retry, key.rate, breaks=False), now)) for key in keys
        ]
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
        self._turns += 1
        seat.turn = self._turns
        seat.requests += 1
        seat.gate.begin(now)
        return seat

    def delay(self, now: float) -> float:
        """Return the seconds until a key may be used, infinity if none ever will."""
        return min((seat.gate.delay(now) for seat in self.usable), default=math.inf)

    def hopeless(self, now: float) -> str | None:
        """Return why nobody should wait for a key any longer, None if it is worth while."""
        usable = self.usable
        if not usable:
            return "no key is left: " + "; ".join(f"{seat.key.name}: {seat.retired}" for seat in self.seats)
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
            log.warning("%s is not used any more: %s", seat.key.name, why)

    # how it stands

    def told(self) -> dict[str, dict[str, object]]:
        """Return by key's name its requests, refusals, and why it is retired."""
        return {
            seat.key.name: {"requests": seat.requests, "refused": seat.refused, "retired": seat.retired}
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
