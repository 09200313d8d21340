"""A plan: which file goes where, or why it stays. Nothing is touched."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.studies.library.columns import shared_series
from fetchlab.studies.library.conflicts import There, Wish, ignores_case, longest, losers
from fetchlab.studies.library.layout import Place, episode, film
from fetchlab.studies.library.sidecars import ties

if TYPE_CHECKING:
    from pathlib import Path

    from fetchlab.studies.library.sidecars import Tie

__all__ = ["PLAN", "plan_of"]

PLAN = pl.Schema(
    {
        "source": pl.String(),
        "target": pl.String(),
        "move": pl.Boolean(),
        "kind": pl.Categorical(),
        "confidence": pl.Float64(),
        "reason": pl.Categorical(),
        "conflicts": pl.List(pl.String()),
        "sidecar_of": pl.String(),
        "tmdb": pl.Int64(),
        "size": pl.UInt64(),
        "modified": pl.Int64(),
    }
)
"""Files and where they go. ``source`` is a path in the library, ``target`` one in the folder the layout goes
to, null where none is known; ``move`` says whether it is moved, ``reason`` why or why not, ``conflicts`` what
stands in the way; ``confidence`` is from 0 to 1, a sidecar's that of its video; ``sidecar_of`` is the video
or the folder that it goes with; ``size`` is in bytes and ``modified`` in ns."""

IN_PLACE = "already in place"


@dataclass(slots=True)
class _Row:
    source: str
    size: int
    modified: int
    kind: str
    target: str | None = None
    move: bool = False
    confidence: float = 0.0
    reason: str = ""
    conflicts: list[str] = field(default_factory=list)
    sidecar_of: str | None = None
    tmdb: int | None = None
    place: Place | None = None

    @property
    def settled(self) -> bool:
        """It goes to its target, or is there."""
        return self.move or self.reason == IN_PLACE


_VIDEO = (
    "path",
    "size",
    "modified",
    "tmdb",
    "matched_title",
    "matched_year",
    "matched_episode",
    "confidence",
)
_NAMED = ("reason", "type", "season", "episodes", "edition", "screen", "part")


def plan_of(
    scanned: pl.DataFrame, matched: pl.DataFrame, root: Path, to: Path, confidence: float
) -> pl.DataFrame:
    """Return where every file goes, in the PLAN schema, sorted by source.

    Args:
        scanned: the files, SCANNED.
        matched: the videos and what they are, MATCHED.
        root: the library's folder.
        to: the folder that the layout goes to.
        confidence: the least with which a video is moved.
    """
    around = _around(root, to)
    there = There(to, insensitive=ignores_case(to))
    name, path = longest(to)
    room = name, path - len(os.fsencode(to.absolute())) - 1
    videos = [_video(row, confidence) for row in matched.select(_VIDEO + _NAMED).iter_rows(named=True)]
    _settle(videos, there, around=around, room=room)
    files = scanned.filter(pl.col("kind") == "sidecar").select("path", "size", "modified")
    sidecars = [_Row(path, size, modified, "sidecar") for path, size, modified in files.iter_rows()]
    _follow(videos, sidecars)
    _settle(sidecars, there, around=around, room=room)
    return _frame(sorted(videos + sidecars, key=lambda row: row.source))


def _video(told: dict[str, Any], least: float) -> _Row:
    row = _Row(told["path"], told["size"], told["modified"], "video")
    row.confidence, row.reason, row.tmdb = told["confidence"], told["reason"], told["tmdb"]
    row.place = _place(told)
    if row.place is None:
        return row
    row.target = f"{row.place.folder}/{row.place.stem}.{row.source.rpartition('.')[2].lower()}"
    if row.confidence >= least:
        row.move = True
    else:
        row.reason = f"confidence below {least:g}: {row.reason}"
    return row


def _place(told: dict[str, Any]) -> Place | None:
    title, year, tmdb = told["matched_title"], told["matched_year"], told["tmdb"]
    if not title:
        return None
    if told["type"] != "episode":
        return film(title, year, tmdb, edition=told["edition"], screen=told["screen"], part=told["part"])
    if not told["episodes"]:
        return None
    season = 1 if told["season"] is None else told["season"]
    name = told["matched_episode"]
    return episode(title, year, season, told["episodes"], name, tmdb=tmdb, part=told["part"])


def _follow(videos: list[_Row], sidecars: list[_Row]) -> None:
    """Give sidecars the places of those they go with."""
    by_path = {row.source: row for row in videos}
    tied = ties(by_path, [row.source for row in sidecars])
    folders: dict[str, list[_Row]] = {}
    for tie in tied.values():
        if tie.to != "video":
            folders.setdefault(tie.owner, [])
    if folders:
        for row in videos:
            above = row.source
            while above:
                above = above.rpartition("/")[0]
                if above in folders:
                    folders[above].append(row)
    for row in sidecars:
        found = tied.get(row.source)
        if found is None:
            row.reason = "belongs to no video"
            continue
        row.sidecar_of = found.owner
        if found.to == "video":
            _follow_video(row, by_path[found.owner], found)
        else:
            _follow_folder(row, folders[found.owner], found)


def _follow_video(row: _Row, video: _Row, tie: Tie) -> None:
    row.confidence, row.tmdb = video.confidence, video.tmdb
    if video.place is not None:
        row.target = f"{video.place.folder}/{video.place.stem}{tie.ending}"
    row.move = video.settled
    row.reason = "goes with its video" if row.move else "its video stays"


def _follow_folder(row: _Row, videos: list[_Row], tie: Tie) -> None:
    beside = [video for video in videos if video.source.rpartition("/")[0] == tie.owner] or videos
    places = {video.place for video in beside if video.settled}
    homes = {place.title_folder for place in places if place is not None}
    if len(homes) != 1 or not all(video.settled for video in beside):
        row.reason = (
            "the videos of its folder stay" if not homes else "its folder's videos do not go together"
        )
        return
    inner = {place.folder for place in places if place is not None}
    (home,) = inner if len(inner) == 1 and tie.to == "folder" and beside is not videos else homes
    row.target, row.move, row.reason = f"{home}/{tie.ending}", True, "goes with its folder"
    row.confidence = min(video.confidence for video in beside)
    row.tmdb = beside[0].tmdb


def _settle(rows: list[_Row], there: There, *, around: tuple[str, str] | None, room: tuple[int, int]) -> None:
    """Find what is in place already and what stands in the way."""
    wishes = []
    for row in rows:
        if not row.move or row.target is None:
            continue
        if around is not None and there.one(around[0] + row.target, around[1] + row.source):
            row.move, row.reason = False, IN_PLACE
        else:
            _look(row, there, *room)
        if row.settled:
            wishes.append(Wish(row.source, row.target, not row.move, row.confidence, row.size))
    lost = losers(wishes, insensitive=there.insensitive)
    for row in rows:
        if row.source in lost:
            _stop(row, "another file goes there", lost[row.source])


def _look(row: _Row, there: There, longest_name: int, longest_path: int) -> None:
    assert row.target is not None  # for the type checker
    for what, most, size in (
        ("path", longest_path, len(os.fsencode(row.target))),
        ("name", longest_name, max(len(os.fsencode(name)) for name in row.target.split("/"))),
    ):
        if size > most:
            _stop(row, f"{what} too long", f"{size - most} bytes more than the system takes")
    try:
        holder = there.holds(row.target)
    except NotADirectoryError as error:
        _stop(row, "a file is in the way", f"{error} is no folder")
        return
    if holder is not None:
        _stop(row, "the target exists", holder if holder == row.target else f"{holder}, but for its case")


def _stop(row: _Row, reason: str, conflict: str) -> None:
    row.move, row.reason = False, reason
    row.conflicts.append(conflict)


def _around(root: Path, to: Path) -> tuple[str, str] | None:
    """What targets' and sources' paths begin with in the outer one of the two folders, None if neither is."""
    root, to = root.resolve(), to.resolve()
    if to.is_relative_to(root):
        return _begins(to.relative_to(root)), ""
    return ("", _begins(root.relative_to(to))) if root.is_relative_to(to) else None


def _begins(way: Path) -> str:
    return f"{way.as_posix()}/" if way.parts else ""


def _frame(rows: list[_Row]) -> pl.DataFrame:
    columns = []
    for name, kind in PLAN.items():
        values = [getattr(row, name) for row in rows]
        if name == "conflicts":
            columns.append(shared_series(name, values, kind, key=tuple))
        else:
            columns.append(pl.Series(name, values, kind))
    return pl.DataFrame(columns)
