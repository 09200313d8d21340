"""From step to step: what follows an order, a job that is over, a download. Sans I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.errors import StudyError
from fetchlab.studies.storyboard.orders import Film, Larger, Made, Picture, Step, Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from fetchlab.model import Result
    from fetchlab.studies.storyboard.orders import Order

__all__ = ["Rendering"]


class Rendering:
    """The scenes of one run on their way.

    Args:
        orders: what is wanted.
        resubmit: how often a scene's job is ordered again after one failed or its video expired.
        to: the folder of the videos.
        then: kinds of steps that follow a video: ``thumbnail``, ``upscaled``.
        how: how videos are made larger, as a journal knows it.
    """

    def __init__(
        self, orders: Iterable[Order], resubmit: int, to: Path, then: Sequence[str] = (), how: str = ""
    ) -> None:
        self.orders = {order.scene: order for order in orders}
        self.tickets: dict[str, Ticket] = {}
        self.made: dict[str, Made] = {}
        self.films: dict[str, Film] = {}
        self.pictures: dict[str, Picture] = {}
        self.larger: dict[str, Larger] = {}
        self.broken: set[Step] = set()
        self.resubmitted = 0
        self._resubmit = resubmit
        self._to = to
        self._then = then
        self.how = how

    def steps(self) -> list[Step]:
        """Return the first step of every scene."""
        return [Step("job", scene) for scene in self.orders]

    def further(self, result: Result) -> list[Step]:
        """Return what follows a step that is done, now or in an earlier session.

        Raises:
            StudyError: its job failed or its video expired, and it is not ordered again.
        """
        step: Step = result.item
        value: Any = result.value
        self.broken.discard(step)
        if isinstance(value, Ticket):
            self.tickets[value.job] = value
            return [step._replace(kind="ready", job=value.job)]
        if isinstance(value, Made):
            self.made[value.job] = value
            if value.status == "completed":
                return [step._replace(kind="video")]
            return self._again(step, f"job {value.job} {value.status}: {value.why}", final=value.final)
        if isinstance(value, Picture):
            self.pictures[value.job] = value
            return []
        if isinstance(value, Larger):
            self.larger[value.job] = value
            return []
        self.films[value.job] = value
        if value.gone:
            return self._again(step, f"the video of job {value.job} was gone before it was downloaded")
        return [step._replace(kind=kind) for kind in self._then]

    def failed(self, step: Step) -> None:
        """A step failed for good, unless somebody has it tried again."""
        self.broken.add(step)

    def _again(self, step: Step, why: str, *, final: bool = False) -> list[Step]:
        if final or step.take > self._resubmit:
            self.failed(step)
            raise StudyError(why)
        self.resubmitted += 1
        return [Step("job", step.scene, step.take + 1)]

    def holds(self, step: Step, value: Any) -> Any:
        """Return what a journal tells of a step, None if it is no more so.

        A job of another prompt is none of this scene; a file must be where it would be put, with its size.
        """
        if isinstance(value, Ticket):
            return value if value.mark == self.orders[step.scene].mark else None
        if not isinstance(value, Made | Film | Picture | Larger) or value.job != step.job:
            return None
        if isinstance(value, Larger) and value.how != self.how:
            return None
        if isinstance(value, Picture | Larger) or (isinstance(value, Film) and not value.gone):
            try:
                return value if (self._to / value.name).stat().st_size == value.bytes else None
            except OSError:
                return None
        return value
