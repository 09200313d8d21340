"""A script's run as a table of scenes, and what was observed beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.redaction import redact_text
from fetchlab.studies.storyboard.planning import coverage
from fetchlab.studies.storyboard.script import SCENES

if TYPE_CHECKING:
    from fetchlab.engine.run import Run
    from fetchlab.model import Result
    from fetchlab.studies.storyboard.accounts import Accounts
    from fetchlab.studies.storyboard.asking import Asking
    from fetchlab.studies.storyboard.planning import Plan
    from fetchlab.studies.storyboard.script import SceneText
    from fetchlab.studies.storyboard.writing import Writing

__all__ = ["notes_of", "scenes_frame"]


def scenes_frame(run: Run, plan: Plan) -> pl.DataFrame:
    """Return a row for every scene of the plan (SCENES schema), in order."""
    ended = {result.item: result for result in run.results()}
    rows = [_rowed(number, plan, ended) for number in range(1, plan.scenes + 1)]
    return pl.DataFrame(rows, schema=SCENES, orient="row")


def _rowed(number: int, plan: Plan, ended: dict[Any, Result]) -> tuple[Any, ...]:
    result = ended.get(("script", 0) if plan.at_once else ("scene", number))
    place = number, (number - 1) * plan.seconds, plan.seconds
    if result is None:
        return *place, *[None] * 8, 0, "the run ended before it began"
    times = result.started, result.finished, result.attempts
    if not result.ok:
        told = f"{type(result.error).__name__}: {redact_text(str(result.error))}"
        return *place, *[None] * 6, *times, told
    if plan.at_once:
        return *place, *_texts(result.value.scenes[number - 1]), [], None, *times, None
    scene = result.value
    return *place, *_texts(scene.text), scene.saw, scene.account, *times, None


def _texts(text: SceneText) -> tuple[Any, ...]:
    return text.title, text.prompt, text.narration, text.characters


def notes_of(writing: Writing, accounts: Accounts, asking: Asking) -> dict[str, object]:
    """Return what is known beside the scenes: context, cost, keys.

    ``coverage`` is the mean share of earlier scenes that a scene was told of. ``requests`` and ``tokens`` are
    this session's.
    """
    scenes = writing.scenes
    missing = [number - 1 - len(scenes[number].saw) for number in sorted(scenes)]
    whole = sorted(scenes) == list(range(1, writing.plan.scenes + 1))
    return {
        "scenes": len(scenes) or (writing.plan.scenes if writing.script is not None else 0),
        "planned": writing.plan.scenes,
        "batches": [len(batch) for batch in writing.batches],
        "failed_batches": [
            number for number, batch in enumerate(writing.batches, 1) if writing.has_failed(batch)
        ],
        "coverage": coverage(missing) if whole else None,
        "requests": accounts.sent,
        "tokens": asking.tokens,
        "mended": asking.mended,
        "keys": accounts.ring.told(),
    }
