"""What an attempt's end says about its host."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fetchlab import errors
from fetchlab.policy.hints import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ANSWERED", "Verdict", "verdict_on"]


class Verdict(NamedTuple):
    """A finding about the host.

    Attributes:
        kind: ``answered`` it is well, ``refused`` it does not want this request now, ``failed`` it may be
            unwell, ``nothing`` it had no say.
        pause: seconds a refusal asks to wait.
        slow_down: the refusal is a 429.
        down: the failure says so of the whole host.
        trouble: what happened, in a word.
    """

    kind: str
    pause: float | None = None
    slow_down: bool = False
    down: bool = False
    trouble: str = ""


ANSWERED = Verdict("answered")
NOTHING = Verdict("nothing")
UNWELL = frozenset({500, 502, 503, 504})
NOT_THE_HOST = (errors.BodyTooLarge, errors.TooManyRedirects)
HOST = (errors.ConnectFailed, errors.TimedOut, errors.BodyTruncated)


def verdict_on(error: Exception, wall: Callable[[], float]) -> Verdict:
    """Return what an error says about the host.

    Args:
        error: how the attempt ended.
        wall: the wall clock, seconds since the epoch: ``Retry-After`` may be a date.
    """
    if isinstance(error, errors.StatusError):
        status = error.status
        if status in (429, 503):
            pause = retry_after(error.headers, wall())
            if status == 429 or pause is not None:
                return Verdict("refused", pause, slow_down=status == 429)
        if status in UNWELL:
            return Verdict("failed", down=status == 503, trouble=f"HTTP {status}")
        return ANSWERED
    if isinstance(error, HOST):
        return Verdict("failed", down=isinstance(error, errors.ConnectFailed), trouble=type(error).__name__)
    if isinstance(error, errors.Cancelled):
        return NOTHING
    if isinstance(error, errors.TransportError) and not isinstance(error, NOT_THE_HOST):
        return NOTHING
    return ANSWERED
