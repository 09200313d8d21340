"""From step to step: what follows an order, a job that is over, a download. Sans I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.errors import StudyError
from fetchlab.studies.storyboard.orders import Film, Made, Step, Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable
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
    """

    def __init__(self, orders: Iterable[Order], resubmit: int, to: Path) -> None:
        self.orders = {order.scene: order for order in orders}
        self.tickets: dict[str, Ticket] = {}
        self.made: dict[str, Made] = {}
        self.films: dict[str, Film] = {}
        self.resubmitted = 0
        self._resubmit = resubmit
        self._to = to

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
        if isinstance(value, Ticket):
            self.tickets[value.job] = value
            return [step._replace(kind="ready", job=value.job)]
        if isinstance(value, Made):
            self.made[value.job] = value
            if value.status == "completed":
                return [step._replace(kind="video")]
            return self._again(step, f"job {value.job} {value.status}: {value.why}", final=value.final)
        self.films[value.job] = value
        if value.gone:
            return self._again(step, f"the video of job {value.job} was gone before it was downloaded")
        return []

    def _again(self, step: Step, why: str, *, final: bool = False) -> list[Step]:
        if final or step.take > self._resubmit:
            raise StudyError(why)
        self.resubmitted += 1
        return [Step("job", step.scene, step.take + 1)]

    def holds(self, step: Step, value: Any) -> Any:
        """Return what a journal tells of a step, None if it is no more so.

        A job of another prompt is none of this scene; a file must be where it would be put, with its size.
        """
        if isinstance(value, Ticket):
            return value if value.mark == self.orders[step.scene].mark else None
        if not isinstance(value, Made | Film) or value.job != step.job:
            return None
        if isinstance(value, Film) and not value.gone:
            try:
                return value if (self._to / value.name).stat().st_size == value.bytes else None
            except OSError:
                return None
        return value
