"""What a failed attempt says about its host, and what becomes of its item.

The one place where an error turns into a wait: everything it needs is passed in, nothing here waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from fetchlab import errors
from fetchlab.policy.hints import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fetchlab.engine.work import Work
    from fetchlab.policy.retry import Retry

__all__ = ["End", "Verdict", "Wait", "after_failure", "verdict_on"]


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


class End(NamedTuple):
    """The item ends with this error."""

    error: Exception


class Wait(NamedTuple):
    """The item is tried again.

    Attributes:
        seconds: how long it will wait, as far as is known.
        reason: why, as ``run.attempts()`` shows it.
        where: by itself in the parking, or at its host, before the others or behind them.
    """

    seconds: float
    reason: str
    where: Literal["parking", "front", "back"] = "parking"


def after_failure(
    work: Work,
    error: Exception,
    finished: float,
    retry: Retry,
    random: Random,
    wall: Callable[[], float],
    *,
    last: bool,
) -> End | Wait:
    """Tell the host's gate of a failed attempt; return what becomes of the item.

    Args:
        work: the item.
        error: how its attempt ended.
        finished: when.
        retry: what is tried again.
        random: for the jitter.
        wall: the wall clock.
        last: nothing is tried again any more.
    """
    lane = work.lane
    verdict = verdict_on(error, wall)
    _tell(work, verdict, finished)
    excused = verdict.kind == "refused" or (work.probe and verdict.kind == "failed")
    if last or not retry.again(error, work.charged - excused, work.method):
        return End(error)
    work.excused += excused
    if verdict.kind == "refused" and lane.parked_until > finished:
        return Wait(lane.parked_until - finished, "retry-after", "front")
    if excused and verdict.kind == "failed":
        return Wait(lane.breaker.delay(finished), "breaker", "back")
    wait = retry.wait(work.excused if excused else work.charged, random)
    if excused:
        return Wait(wait, "refused")
    after = getattr(error, "after", None)
    if after is not None:
        return Wait(after, "asked")
    budget = lane.retry_wait(finished)
    if budget > retry.patience:
        return End(_spent_budget(error, budget))
    return Wait(budget, "budget") if budget > wait else Wait(wait, "backoff")


def _tell(work: Work, verdict: Verdict, finished: float) -> None:
    lane = work.lane
    if verdict.kind == "refused":
        lane.refused(work.began, finished, verdict.pause, slow_down=verdict.slow_down)
    elif verdict.kind == "failed":
        lane.failed(
            work.began,
            finished,
            probe=work.probe,
            first=work.charged == 1,
            down=verdict.down,
            trouble=verdict.trouble,
        )
    elif verdict.kind == "answered":
        lane.answered(work.began, None, finished)
    else:
        lane.dropped(probe=work.probe)


def _spent_budget(cause: Exception, wait: float) -> errors.RateLimited:
    error = errors.RateLimited(
        f"{cause}; the host's retry budget is spent for another {wait:,.0f} s (retry=fl.Retry(budget=…))"
    )
    error.__cause__ = cause
    return error
