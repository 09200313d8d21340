"""An apply: a plan's moves, a video together with its sidecars, and what became of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from fetchlab.errors import ConfigError, WriteFailed
from fetchlab.policy.filenames import same
from fetchlab.studies.library.conflicts import Wish, ignores_case, losers
from fetchlab.studies.library.copying import part_of
from fetchlab.studies.library.moving import Done, Intent, look, move, prepared, standing
from fetchlab.studies.library.planning import PLAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from fetchlab.engine.run import Run
    from fetchlab.studies.library.intents import Book

__all__ = ["MOVED", "Applying", "moved_frame"]

MOVED = pl.Schema(
    {
        "source": pl.String(),
        "target": pl.String(),
        "kind": pl.Categorical(),
        "sidecar_of": pl.String(),
        "size": pl.UInt64(),
        "outcome": pl.Categorical(),
        "how": pl.Categorical(),
        "message": pl.String(),
    }
)
"""Moves and what became of them. ``outcome`` is ``moved``, ``restored``, ``already`` (it was where it should
be), ``failed`` or ``pending`` (the run was cancelled before); ``how`` is ``rename`` or ``copy``, null where
nothing was left to do; ``message`` says why it failed."""

_ROW = ("source", "target", "kind", "sidecar_of", "size", "modified")


class Step(NamedTuple):
    """One file's move; why it cannot be, if that is known already; whether an earlier apply meant it."""

    intent: Intent
    trouble: str | None
    again: bool


class Unit(NamedTuple):
    """What moves together, a video and its sidecars or one file; or halves of copies, to be removed."""

    steps: list[Step]
    parts: Sequence[Path] = ()

    @property
    def key(self) -> str:
        """The item's key: ``move/`` and the first file's path, or ``recover``."""
        return f"move/{self.steps[0].intent.source}" if self.steps else "recover"


class Applying:
    """Moves what a plan says; one for each run.

    Args:
        plan: a table of the PLAN schema.
        root: the library's folder.
        to: the folder of the new layout.
        book: what earlier applies meant.

    Attributes:
        stopped: whether the run is over before its end; what is being copied is given up then.

    Raises:
        ConfigError: the plan is none, or leaves these folders.
    """

    def __init__(self, plan: pl.DataFrame, root: Path, to: Path, book: Book) -> None:
        self._root, self._to = root, to
        self._parts: list[Path] = []
        meant = _meant(plan)
        lost = _lost(meant, to)
        steps = [
            Step(one, "another file goes there", again=False) if one.source in lost else self._step(one, book)
            for one in meant
        ]
        steps += self._left_over(book, {step.intent.source for step in steps})
        self.fresh = [step.intent for step in steps if step.trouble is None and not step.again]
        self.units = list(_units(steps))
        if self._parts:
            self.units.insert(0, Unit([], self._parts))
        self._steps = steps
        self._done: dict[tuple[str, str], Done] = {}
        self.stopped: Callable[[], bool] = lambda: False

    @property
    def folders(self) -> list[str]:
        """The folders that will be made, as paths in the new layout; around it as absolute paths."""
        missing: dict[str, bool] = {}
        for intent in self.fresh:
            above = intent.target.rpartition("/")[0]
            while above and above not in missing:
                missing[above] = look(self._to / above) is None
                above = above.rpartition("/")[0]
        made = [folder for folder, is_missing in missing.items() if is_missing]
        if not made:
            return []
        around = [self._to, *self._to.parents]
        return sorted(made) + [str(folder.absolute()) for folder in around if look(folder) is None]

    def __call__(self, unit: Unit) -> dict[str, Any]:
        """Move a unit's files; a video that cannot be moved keeps its sidecars beside it.

        Raises:
            WriteFailed: some of them are not moved.
        """
        for part in unit.parts:
            part.unlink(missing_ok=True)
        failed: list[str] = []
        for place, step in enumerate(unit.steps):
            one = step.intent
            lost = len(failed) == place > 0  # the first is the video
            done = self._not_moved("its video is not moved") if lost else self._moved(step)
            self._done[one.source, one.target] = done
            if done.outcome in ("failed", "pending"):
                failed.append(f"{one.source}: {done.message}" if place else str(done.message))
        if failed:
            raise WriteFailed(failed[0] + (f" (and {len(failed) - 1} more)" if failed[1:] else ""))
        return {"files": len(unit.steps), "bytes": sum(step.intent.size for step in unit.steps)}

    def _moved(self, step: Step) -> Done:
        if step.trouble is not None:
            return Done("failed", message=step.trouble)
        try:
            return move(self._root, self._to, step.intent, self.stopped, again=step.again)
        except WriteFailed as error:
            return self._not_moved(str(error))

    def _not_moved(self, why: str) -> Done:
        return Done("pending" if self.stopped() else "failed", message=why)

    def _step(self, intent: Intent, book: Book) -> Step:
        _, known = book.moves.get((intent.source, intent.target), (0, None))
        if known is not None and (known.size, known.modified) != (intent.size, intent.modified):
            known = None  # it stayed then, and was changed since
        try:
            return Step(prepared(self._root, self._to, intent, known), None, known is not None)
        except WriteFailed as error:
            return Step(intent, str(error), again=False)

    def _left_over(self, book: Book, planned: set[str]) -> Iterable[Step]:
        """What a killed apply left half done, and the plan does not know of."""
        stands = {
            intent.source: (standing(self._root, self._to, intent), intent)
            for _, intent in book.moves.values()
            if intent.source not in planned
        }
        for stand, intent in stands.values():
            video, _ = stands.get(intent.sidecar_of or "", ("", None))
            part = part_of(self._root / intent.source, self._to / intent.target)
            if stand == "both" or (stand == "waiting" and video in ("done", "both")):
                yield Step(intent, None, again=True)  # which removes its part itself
            elif look(part) is not None:
                self._parts.append(part)

    def frame_of(self, run: Run) -> pl.DataFrame:
        """Every planned move and what became of it, MOVED, sorted by source."""
        del run
        return moved_frame((step.intent for step in self._steps), self._done)

    def notes(self) -> dict[str, object]:
        """What was done, by outcome."""
        done = list(self._done.values())
        return {
            "files": len(self._steps),
            **{name: sum(one.outcome == name for one in done) for name in ("moved", "already", "failed")},
            "copied": sum(one.how == "copy" for one in done),
        }


def moved_frame(intents: Iterable[Intent], done: dict[tuple[str, str], Done]) -> pl.DataFrame:
    """Return moves and what became of them, MOVED, sorted by source."""
    pending = Done("pending")
    rows = [
        (*intent[:5], *done.get((intent.source, intent.target), pending))
        for intent in sorted(intents, key=lambda one: (one.source, one.target))
    ]
    return pl.DataFrame(rows, MOVED, orient="row")


def _meant(plan: pl.DataFrame) -> list[Intent]:
    """The plan's moves, checked."""
    if not isinstance(plan, pl.DataFrame) or not {*_ROW, "move"} <= set(plan.columns):
        raise ConfigError("plan", "give the table that plan() returned")
    try:
        rows = plan.filter(pl.col("move")).select(pl.col(name).cast(PLAN[name]) for name in _ROW)
    except pl.exceptions.PolarsError as error:
        why = str(error).partition("\n")[0]
        raise ConfigError("plan", f"its columns are not those of a plan: {why}") from error
    if rows.select("size", "modified").null_count().row(0) != (0, 0):
        raise ConfigError("plan", "a file that moves has no size or time")
    intents = []
    for row in rows.iter_rows():
        intent = Intent(*row)
        for path in (intent.source, intent.target):
            if not _inside(path):
                raise ConfigError("plan", f"{path!r} is no path within the folder")
        intents.append(intent)
    if len({intent.source for intent in intents}) < len(intents):
        raise ConfigError("plan", "a file has two rows that move it")
    return intents


def _inside(path: str | None) -> bool:
    if not path or "\0" in path or (os.name == "nt" and ("\\" in path or ":" in path)):
        return False
    return all(part not in ("", ".", "..") for part in path.split("/"))


def _lost(intents: Sequence[Intent], to: Path) -> set[str]:
    """The sources whose target another row of the plan has: the first by name gets it."""
    groups: dict[str, list[str]] = {}
    for intent in intents:
        groups.setdefault(same(intent.target), []).append(intent.source)
    if all(len(group) == 1 for group in groups.values()):
        return set()
    wishes = (Wish(one.source, one.target, there=False, confidence=1, size=0) for one in intents)
    return set(losers(wishes, insensitive=ignores_case(to)))


def _units(steps: list[Step]) -> Iterable[Unit]:
    groups: dict[str, list[Step]] = {}
    videos = {step.intent.source for step in steps if step.intent.kind == "video"}
    for step in sorted(steps, key=lambda one: one.intent.kind != "video"):
        owner = step.intent.sidecar_of
        groups.setdefault(owner if owner in videos else step.intent.source, []).append(step)
    return map(Unit, groups.values())
