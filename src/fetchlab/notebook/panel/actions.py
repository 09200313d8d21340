"""Which buttons make sense: decided by the run's state alone."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Actions", "actions"]

ENDED = frozenset({"done", "cancelled", "stopped"})


@dataclass(frozen=True, slots=True)
class Actions:
    """What a person may do now."""

    start: bool = False
    pause: bool = False
    resume: bool = False
    cancel: bool = False
    retry: bool = False
    resize: bool = True
    choose: bool = False
    """Change what holds for a whole run: strategy, rate, cache, the study's knobs."""


def actions(state: str | None, failed: int, *, measuring: bool = False) -> Actions:
    """Return what makes sense.

    Args:
        state: the run's, None before the first one.
        failed: how many of its items have failed.
        measuring: a measurement goes on, which a run would disturb.
    """
    if measuring and (state is None or state in ENDED):
        return Actions(choose=True)
    if state is None:
        return Actions(start=True, choose=True)
    if state in ENDED:
        return Actions(start=True, choose=True, retry=failed > 0 or state != "done")
    if state == "paused":
        return Actions(resume=True, cancel=True)
    if state == "cancelling":
        return Actions(resize=False)
    return Actions(pause=True, cancel=True)
