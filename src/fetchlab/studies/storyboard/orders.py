"""What is ordered for a scene, the steps until its video is there, and what is kept of each. Sans I/O."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

__all__ = ["Film", "Larger", "Made", "Order", "Picture", "Step", "Ticket"]


class Order(NamedTuple):
    """A video to be made.

    Attributes:
        scene: its number.
        prompt: what it shows.
        model: the video model's name.
        seconds: its length.
        size: such as ``1280x720``.
    """

    scene: int
    prompt: str
    model: str
    seconds: int
    size: str

    @property
    def what(self) -> tuple[str, str, str]:
        """What tells it from other orders where a service lists its jobs."""
        return self.prompt, str(self.seconds), self.size

    @property
    def mark(self) -> str:
        """A digest: a job of another prompt is no job of this scene."""
        told = "\0".join((self.prompt, self.model, str(self.seconds), self.size))
        return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]


class Step(NamedTuple):
    """One step of a scene.

    Attributes:
        kind: ``job`` (order it), ``ready`` (wait until it is made), ``video`` (download it), then
            ``thumbnail`` and ``upscaled``, where they are wanted.
        scene: its number.
        take: which job of the scene, from 1: one that failed is ordered again.
        job: the service's id, empty before it is ordered.
    """

    kind: str
    scene: int
    take: int = 1
    job: str = ""

    @property
    def key(self) -> str:
        """What a journal knows it by: ``job/17``, ``video/17#2``."""
        return f"{self.kind}/{self.scene}" + (f"#{self.take}" if self.take > 1 else "")


class Ticket(msgspec.Struct):
    """A job that was ordered. Times are seconds since the epoch.

    Attributes:
        job: the service's id.
        mark: of the order.
        owner: whose it is, without the secret; nobody else may ask for it.
        account: the owner's name in tables.
        submitted: when it was ordered, as far as is known here.
        adopted: it was found at the service, ordered by a session that was killed before it knew.
    """

    job: str
    mark: str
    owner: str
    account: str
    submitted: float
    adopted: bool = False


class Made(msgspec.Struct):
    """What became of a job.

    Attributes:
        job: the service's id.
        status: ``completed``, ``failed`` or ``missing``.
        why: what went wrong.
        final: the same order would fail again.
        queued: when the service took it.
        started: when it was first seen at work.
        ready: when it was seen to be over.
        expires: when its video is gone, None if the service does not say.
        polls: how often it was asked about.
        place: where its video is, if the service says so.
    """

    job: str
    status: str
    why: str = ""
    final: bool = False
    queued: float | None = None
    started: float | None = None
    ready: float | None = None
    expires: float | None = None
    polls: int = 0
    place: str = ""


class Film(msgspec.Struct):
    """A downloaded video; ``gone`` if it expired before.

    Attributes:
        job: the service's id.
        name: of its file.
        bytes: the file's size.
        mb_per_s: of the attempt that finished it.
        downloaded: when it was whole.
        gone: there is no file.
    """

    job: str
    name: str = ""
    bytes: int = 0
    mb_per_s: float = 0.0
    downloaded: float = 0.0
    gone: bool = False


class Picture(msgspec.Struct):
    """A thumbnail.

    Attributes:
        job: the service's id.
        name: of its file.
        bytes: the file's size.
        source: ``service``, or ``frame`` where it is the video's first one.
    """

    job: str
    name: str
    bytes: int
    source: str


class Larger(msgspec.Struct):
    """A video made larger.

    Attributes:
        job: the service's id.
        how: a size such as ``3840x2160``, or the name of the function that made it.
        name: of its file.
        bytes: the file's size.
    """

    job: str
    how: str
    name: str
    bytes: int
