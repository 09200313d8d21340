"""What may be written now, and what of the story its request holds. Sans I/O.

Every part of a script is there from the beginning and waits for what it needs: the outline for the bible, a
scene for both and for scenes before it. A part that failed for good fails what needs it; whatever else is
under way is finished and kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.errors import StudyError
from fetchlab.studies.storyboard.planning import REACH, batch_at, size_for, weights, windows
from fetchlab.studies.storyboard.script import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.studies.storyboard.planning import Plan
    from fetchlab.studies.storyboard.script import Bible, Outline, Scene, Script

__all__ = ["Writing"]

BIBLE, OUTLINE, SCRIPT = Part("bible"), Part("outline"), Part("script")


class Writing:
    """One script while it is being written.

    Args:
        plan: what is to be written.
        room: how many scenes at a time the keys take, as far as is known; asked where the size is ``"auto"``.

    Attributes:
        bible: once it is there.
        outline: once it is there.
        script: the whole, where one request wrote it.
        scenes: finished ones by number.
        batches: the numbers of each batch that has begun.
    """

    def __init__(self, plan: Plan, room: Callable[[], int] = lambda: size_for([None], None)) -> None:
        self.plan = plan
        self.bible: Bible | None = None
        self.outline: Outline | None = None
        self.script: Script | None = None
        self.scenes: dict[int, Scene] = {}
        self.batches: list[range] = []
        self._room = room
        self._weighs: Sequence[float] | None = None
        self._widths: list[int] = []
        self._under_way: set[int] = set()
        self._failed: dict[Part, str] = {}
        self._next, self._whole = 1, 0

    def parts(self) -> list[Part]:
        """Return everything that is to be asked for."""
        if self.plan.at_once:
            return [SCRIPT]
        return [BIBLE, OUTLINE, *(Part("scene", number) for number in range(1, self.plan.scenes + 1))]

    # what happened

    def wanted(self, part: Part) -> None:
        """Somebody has a part tried, perhaps again: it has not failed for good."""
        self._failed.pop(part, None)

    def begins(self, part: Part) -> None:
        """A part is asked for."""
        if part.number:
            self._under_way.add(part.number)

    def finished(self, part: Part, value: Any) -> None:
        """A part is there: written just now, or recalled."""
        self._failed.pop(part, None)
        if part == SCRIPT:
            self.script = value
        elif part == BIBLE:
            self.bible = value
        elif part == OUTLINE:
            self.outline = value
            self._weighs = weights([beat.complexity for beat in value.scenes])
        elif part.number:
            self.scenes[part.number] = value
            self._under_way.discard(part.number)

    def failed(self, part: Part, why: str) -> None:
        """A part has failed for good, unless somebody has it tried again."""
        self._failed[part] = why
        self._under_way.discard(part.number)

    # what may happen

    def may_begin(self, part: Part) -> bool:
        """Say whether a part may be asked for now; if not, ask again when something has happened.

        Raises:
            StudyError: something that it needs has failed.
        """
        if part in (SCRIPT, BIBLE):
            return True
        if self.bible is None:
            self._needs(BIBLE, part)
            return False
        if part == OUTLINE:
            return True
        if self.outline is None:
            self._needs(OUTLINE, part)
            return False
        if part.number in self._under_way:
            return True
        if self.plan.context == "rolling":
            return self._rolls(part)
        return self._in_turn(part)

    def has_failed(self, batch: range) -> bool:
        """Say whether a scene of a batch has failed for good."""
        return any(Part("scene", number) in self._failed for number in batch)

    def context(self, part: Part) -> list[int]:
        """Return the numbers of the scenes that a part's request holds, in order."""
        if not part.number:
            return []
        until = part.number
        if self.plan.context == "batch":
            until = next(batch.start for batch in self.batches if part.number in batch)
        return [number for number in sorted(self.scenes) if number < until]

    def _in_turn(self, part: Part) -> bool:
        while not self.batches or all(number in self.scenes for number in self.batches[-1]):
            first = self.batches[-1].stop if self.batches else 1
            if first > self.plan.scenes:
                break
            self.batches.append(batch_at(first, self.plan.scenes, self._size(), self._weighs_if_auto()))
        batch = self.batches[-1]
        if part.number >= batch.stop:
            for number in batch:
                self._needs(Part("scene", number), part)
            return False
        return True

    def _rolls(self, part: Part) -> bool:
        if not self._widths:
            self._widths = windows(self.plan.scenes, self._size())
        while self._whole + 1 in self.scenes:
            self._whole += 1
        far = part.number - REACH * max(self._widths)
        if far > self._whole:
            for number in range(self._whole + 1, far + 1):
                self._needs(Part("scene", number), part)
            return False
        while self._next < part.number and self._settled(self._next):
            self._next += 1
        if part.number > self._next:
            return False
        before = sum(number < part.number for number in self._under_way)
        return before < self._widths[part.number - 1]

    def _settled(self, number: int) -> bool:
        """Say whether a scene has begun, whatever came of it."""
        return number in self.scenes or number in self._under_way or Part("scene", number) in self._failed

    def _needs(self, needed: Part, part: Part) -> None:
        if needed in self._failed:
            raise StudyError(f"{part.key} needs {needed.key}, which failed: {self._failed[needed]}")

    def _size(self) -> int:
        return self._room() if self.plan.batch_size == "auto" else self.plan.batch_size

    def _weighs_if_auto(self) -> Sequence[float] | None:
        return self._weighs if self.plan.batch_size == "auto" else None
