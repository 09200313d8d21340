"""From what is known of a host to a setting, with the evidence in words: decisions without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fetchlab.engine.progress import duration
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.rate import RateLimit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from fetchlab.bench.evidence import Changes, Session

__all__ = ["Suggestion", "batch_size", "rate", "ttl", "workers"]

USUAL_TTL = 3600.0
ENOUGH = 0.95
"""Of the best rate seen: fewer workers that reach this are preferred, as in a sweep."""
NICE = (60.0, 300.0, 900.0, 3600.0, 6 * 3600.0, 86_400.0, 7 * 86_400.0)
PER_SECOND = 10
"""Commits of a journal per second: a kill costs a tenth of a second's work or two."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One knob for one host.

    Attributes:
        host: whose.
        knob: ``"workers"``, ``"rate"``, ``"ttl"`` or ``"batch_size"``.
        value: what to give.
        evidence: what speaks for it.
        source: the file or folder that says so, below the folder that was searched; empty where nothing is
            known.
        when: when that was measured.
    """

    host: str
    knob: str
    value: Any
    evidence: str
    source: str = ""
    when: datetime | None = None


def workers(host: str, known: Sequence[Session], limit: int | None) -> Suggestion:
    """Propose workers from a remembered adaptive limit, else from what sessions reached."""
    if not known and limit is None:
        return Suggestion(
            host, "workers", Adaptive(), "nothing is known of this host; fl.sweep(work) finds out"
        )
    if limit is not None:
        why = f"the adaptive limit stood at {limit} when this host was last asked"
        return _by(known, host, "workers", Adaptive(max=max(64, 2 * limit), start=limit), why)
    counts = sorted({session.workers for session in known})
    only = counts[0]
    if len(counts) > 1:
        best = max(session.rate for session in known)
        chosen = min((one for one in known if one.rate >= ENOUGH * best), key=lambda one: one.workers)
        why = f"{chosen.rate:,.0f} items/s, within 5 % of the best of {only} to {counts[-1]} workers"
        return _by([chosen], host, "workers", chosen.workers, why)
    refused = sum(session.refused for session in known)
    if refused:
        why = f"the only number tried, and {refused:,} attempts were refused: more would not help"
        return _by(known, host, "workers", only, why)
    why = f"never refused at {only} workers, the only number tried: more may be faster"
    return _by(known, host, "workers", Adaptive(max=max(64, 4 * only), start=only), why)


def rate(
    host: str, known: Sequence[Session], unrefused: tuple[Path, datetime, float] | None = None
) -> Suggestion:
    """Propose a rate where the host has refused and nothing later speaks against one.

    Args:
        host: whose.
        known: sessions, the latest last.
        unrefused: a sweep in which nothing was refused: where, when, its best items per second.
    """
    refused = [session for session in known if session.refused]
    if not refused:
        if known:
            items = sum(session.items for session in known)
            return _by(known, host, "rate", None, f"none of {items:,} items was refused")
        if unrefused is None:
            return Suggestion(host, "rate", None, "nothing is known; a 429 is heeded in any case")
    last = refused[-1] if refused else None
    if unrefused is not None and (last is None or _speaks_against(last, *unrefused[1:])):
        place, when, speed = unrefused
        why = f"a sweep reached {speed:,.3g} items/s and nothing was refused"
        return Suggestion(host, "rate", None, why, str(place), when)
    assert last is not None  # for the type checker: without a refusal one of the above has answered
    quiet = [session for session in known if not session.refused]
    later = [session for session in quiet if _speaks_against(last, session.when, session.rate)]
    if later:
        why = f"refused before, and since then {later[-1].items:,} items at {later[-1].rate:,.3g}/s were not"
        return _by(later, host, "rate", None, why)
    why = f"refused {last.refused:,} times at {last.workers} workers, and took {last.sustained:.3g} items/s"
    return _by(refused, host, "rate", RateLimit(float(f"{last.sustained:.2g}")), why)


def _speaks_against(refused: Session, when: datetime, speed: float) -> bool:
    """Whether something later was faster; it is known that nothing of it was refused."""
    return when >= refused.when.replace(microsecond=0) and speed > refused.sustained


def ttl(host: str, known: Sequence[Changes]) -> Suggestion:
    """Propose a time to live from how often entries had changed when they were fetched again."""
    if not known:
        return Suggestion(host, "ttl", USUAL_TTL, "nothing was fetched twice through a cache: the usual hour")
    most = max(known, key=lambda one: one.again)
    if most.interval is None:
        value = max(USUAL_TTL, _nice(most.span))
        why = f"none of {most.again:,} entries changed while watched for {duration(most.span)}"
    else:
        value = _nice(most.interval / 2)
        every = duration(most.interval)
        why = f"{most.changed:,} of {most.again:,} entries changed, every {every} or so: half of that"
    return Suggestion(host, "ttl", value, why, str(most.path), most.when)


def batch_size(host: str, known: Sequence[Session]) -> Suggestion:
    """Propose a journal's batch from how fast items came."""
    if not known:
        return Suggestion(host, "batch_size", 50, "nothing is known: the usual 50")
    size = int(max(10, min(1000, round(known[-1].rate / PER_SECOND, -1))))
    why = f"{known[-1].rate:,.0f} items/s: {PER_SECOND} commits a second at most"
    return _by(known, host, "batch_size", size, why)


def _by(known: Sequence[Session], host: str, knob: str, value: Any, why: str) -> Suggestion:
    """A suggestion whose evidence is the last of some sessions."""
    if not known:
        return Suggestion(host, knob, value, why)
    return Suggestion(host, knob, value, why, str(known[-1].path), known[-1].when)


def _nice(seconds: float) -> float:
    """The longest usual time that is not longer."""
    return max((one for one in NICE if one <= seconds), default=max(1.0, float(f"{seconds:.1g}")))
