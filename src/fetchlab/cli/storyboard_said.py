"""What ``fetchlab storyboard`` shows of scripts and videos: bars while it goes on, a summary at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.cli.bars import Bar
from fetchlab.cli.study import remembered
from fetchlab.cli.tables import say, seen, show
from fetchlab.engine.progress import size

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from fetchlab.engine.run import Run

__all__ = ["said_script", "said_videos", "scenes_bars", "videos_bars"]

FAILED = 20


def scenes_bars(run: Run) -> list[Bar]:
    """Return how far a script is."""
    notes: dict[str, Any] = run.notes
    return [Bar("scenes", notes["scenes"], notes["planned"], f"{notes['tokens']:,} tokens")]


def videos_bars(run: Run) -> list[Bar]:
    """Return how far scenes are on their way: ordered, made, downloaded, larger."""
    notes: dict[str, Any] = run.notes
    total = notes["scenes"]
    failed = f"{notes['failed']:,} failed" if notes["failed"] else ""
    bars = [
        Bar("jobs", notes["ready"], total, f"{notes['ordered']:,} ordered"),
        Bar("downloads", notes["succeeded"], total, " · ".join(filter(None, [size(notes["bytes"]), failed]))),
    ]
    return [*bars, Bar("upscaled", notes["upscaled"], total)] if notes["upscale"] else bars


def said_script(run: Run, table: pl.DataFrame) -> None:
    """Say what was written, what it cost, and how much of the story scenes saw."""
    notes: dict[str, Any] = run.notes
    written = table.height - table["error"].count()
    saw = (
        "" if notes["coverage"] is None else f" · scenes saw {notes['coverage']:.0%} of what was before them"
    )
    cost = f"{notes['requests']:,} requests, {notes['tokens']:,} tokens"
    say(f"{written:,} of {table.height:,} scenes · {cost}{saw}{remembered(run, 'parts')}")
    for name, key in notes["keys"].items():
        if key["retired"] is not None:
            say(f"{name} is not used any more: {key['retired']}")


def said_videos(run: Run, table: pl.DataFrame, to: Path) -> None:
    """Say what came of the jobs, and which did not end well."""
    notes: dict[str, Any] = run.notes
    there = table["path"].count()
    more = "".join(
        f" · {notes[name]:,} {words}"
        for name, words in (
            ("thumbnails", "thumbnails"),
            ("upscaled", "upscaled"),
            ("resubmitted", "ordered again"),
            ("adopted", "found at the service"),
        )
        if notes[name]
    )
    say(
        f"{there:,} of {table.height:,} videos succeeded, {table.height - there:,} failed, "
        f"{size(notes['bytes'])} in {seen(to)}{more}{remembered(run, 'steps')}"
    )
    failed = table.filter(table["error"].is_not_null())
    if failed.height:
        show(failed.select("scene", "job", "account", "attempts", "error").head(FAILED), "what is missing")
    if failed.height > FAILED:
        say(f"and {failed.height - FAILED:,} more, in the table's column error")
    for name, account in notes["accounts"].items():
        if account["retired"] is not None:
            say(f"{name} is not used any more: {account['retired']}")
