"""Where the files of a run go: each step's own name in one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.transport.download import Place
from fetchlab.transport.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from fetchlab.studies.storyboard.orders import Step

__all__ = ["Places", "file_name"]

KINDS = ("video", "thumbnail", "upscaled")


class Places:
    """The places of one run.

    Args:
        to: the folder.
        host: whose jobs they are.
    """

    def __init__(self, to: Path, host: str) -> None:
        self.folder = Folder(to)
        self._host = host
        self._known: dict[tuple[Step, str], Place] = {}

    def of(self, step: Step, name: str, how: str = "") -> Place:
        """Return a step's place; the same one for all its attempts.

        Args:
            step: whose.
            name: the file's, if it is free.
            how: what tells the file from others of the same job.
        """
        place = self._known.get((step, name))
        if place is None:
            key = " ".join(part for part in (self._host, step.kind, step.job, how) if part)
            index = len(KINDS) * step.scene + KINDS.index(step.kind)
            self.folder.enter(index, key, name, fixed=True)
            place = self._known[step, name] = Place(self.folder, index, key, name, fixed=True)
        return place

    def leave(self, step: Step, name: str) -> None:
        """Forget a place: its file is there."""
        del self._known[step, name]


def file_name(scene: int, ending: str = ".mp4") -> str:
    """Return the name of a scene's file: ``scene-017.mp4``."""
    return f"scene-{scene:03d}{ending}"
