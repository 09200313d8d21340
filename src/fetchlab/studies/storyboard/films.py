"""A run over jobs as a table, and its totals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from pathlib import Path

    from fetchlab.engine.run import Run
    from fetchlab.model import Result
    from fetchlab.studies.storyboard.accounts import Accounts
    from fetchlab.studies.storyboard.orders import Film, Larger, Made, Picture, Ticket
    from fetchlab.studies.storyboard.rendering import Rendering
    from fetchlab.studies.storyboard.slots import Slots
    from fetchlab.studies.storyboard.working import Working

__all__ = ["VIDEOS", "totals", "videos_frame"]

_MOMENT = pl.Datetime("ms", "UTC")
VIDEOS = pl.Schema(
    {
        "scene": pl.UInt32(),
        "job": pl.String(),
        "account": pl.String(),
        "submitted": _MOMENT,
        "queued": _MOMENT,
        "started": _MOMENT,
        "ready": _MOMENT,
        "expires": _MOMENT,
        "downloaded": _MOMENT,
        "attempts": pl.UInt16(),
        "polls": pl.UInt32(),
        "bytes": pl.UInt64(),
        "mb_per_s": pl.Float64(),
        "path": pl.String(),
        "thumbnail": pl.String(),
        "upscaled": pl.String(),
        "error": pl.String(),
    }
)
"""One row per scene, in order, of its latest job. ``queued`` and ``expires`` are the service's own moments,
``started`` and ``ready`` when it was first seen so. ``attempts``: jobs that were ordered for the scene.
``path``, ``thumbnail`` and ``upscaled`` are files; ``error`` is of the first of them that is missing."""


def videos_frame(run: Run, rendering: Rendering, to: Path) -> pl.DataFrame:
    """Return a row for every scene (VIDEOS schema)."""
    ended: dict[int, list[Result]] = {scene: [] for scene in rendering.orders}
    for result in run.results():
        ended[result.item.scene].append(result)
    rows = [_rowed(scene, results, rendering, to) for scene, results in sorted(ended.items())]
    return pl.DataFrame(rows, schema=VIDEOS, orient="row")


def _rowed(scene: int, results: list[Result], rendering: Rendering, to: Path) -> tuple[Any, ...]:
    takes = [result.item.take for result in results if result.item.kind == "job" and result.ok]
    last = [result for result in results if result.item.take == max(takes, default=1)]
    values = {result.item.kind: result.value for result in last if result.ok}
    errors = [result.error for result in results if not result.ok]
    last_failed = next((result.error for result in last if not result.ok), None)
    ticket: Ticket | None = values.get("job")
    job = ticket.job if ticket is not None else ""
    made: Made | None = rendering.made.get(job)
    film: Film | None = rendering.films.get(job)
    there = film is not None and not film.gone
    error = None
    if not there or last_failed:
        told = last_failed or (errors[-1] if errors else None)
        error = "it did not end" if told is None else f"{type(told).__name__}: {redact_text(str(told))}"
    return (
        scene,
        job or None,
        ticket.account if ticket is not None else None,
        _moment(ticket.submitted if ticket is not None else None),
        *[_moment(getattr(made, name, None)) for name in ("queued", "started", "ready", "expires")],
        _moment(film.downloaded if film is not None and there else None),
        len(takes),
        made.polls if made is not None else 0,
        film.bytes if film is not None and there else None,
        film.mb_per_s if film is not None and there else None,
        *[
            _path(to, one)
            for one in (film if there else None, rendering.pictures.get(job), rendering.larger.get(job))
        ],
        error,
    )


def totals(rendering: Rendering, working: Working, accounts: Accounts, slots: Slots) -> dict[str, object]:
    """Return the running totals; requests are this session's."""
    there = [film for film in rendering.films.values() if not film.gone]
    return {
        "scenes": len(rendering.orders),
        "succeeded": len(there),
        "failed": len(
            {step.scene for step in rendering.broken if step.kind not in ("thumbnail", "upscaled")}
        ),
        "bytes": sum(film.bytes for film in there),
        "ordered": len(rendering.tickets),
        "ready": sum(made.status == "completed" for made in rendering.made.values()),
        "resubmitted": rendering.resubmitted,
        "adopted": working.ordering.adopted,
        "thumbnails": len(rendering.pictures),
        "upscale": rendering.how or None,
        "upscaled": len(rendering.larger),
        "polls": sum(working.polls.values()),
        "downloads_at_once": slots.largest,
        "requests": accounts.sent,
        "accounts": accounts.ring.told(),
    }


def _path(to: Path, file: Film | Picture | Larger | None) -> str | None:
    return None if file is None else str(to / file.name)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
