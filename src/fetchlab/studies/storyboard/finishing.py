"""What is made of a video that is there: its thumbnail, and the same larger.

Both are written beside and put in their place when they are whole. What computes runs in threads, a few at a
time, and waits for its turn without holding a worker.
"""

from __future__ import annotations

import asyncio
import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab import errors
from fetchlab.engine.parking import Postponed
from fetchlab.studies.storyboard.frames import Stopped, first_frame, scaled
from fetchlab.studies.storyboard.inline import write_whole
from fetchlab.studies.storyboard.orders import Larger, Picture
from fetchlab.studies.storyboard.places import file_name
from fetchlab.studies.storyboard.slots import Slots
from fetchlab.transport.disk import Disk
from fetchlab.transport.folder import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.work import Work
    from fetchlab.studies.storyboard.accounts import Accounts
    from fetchlab.studies.storyboard.backends import Backend
    from fetchlab.studies.storyboard.orders import Step
    from fetchlab.studies.storyboard.places import Places
    from fetchlab.studies.storyboard.rendering import Rendering
    from fetchlab.transport.download import Place

__all__ = ["AT_ONCE", "Finishing", "ending_of", "how_of"]

AT_ONCE = max(1, min(2, (os.cpu_count() or 1) // 2))
"""Videos made larger at a time: each holds many large frames, and the encoder has threads of its own."""


class Finishing:
    """Makes thumbnails and larger videos.

    Args:
        backend: the service.
        accounts: its accounts on the wire.
        rendering: where tickets and videos are found.
        places: where files go.
        upscale: width and height to fit a video into, or a function that is given the video's path and that
            of the file to write; None for none.
    """

    def __init__(
        self,
        backend: Backend,
        accounts: Accounts,
        rendering: Rendering,
        places: Places,
        upscale: tuple[int, int] | Callable[[Path, Path], object] | None,
    ) -> None:
        self._backend = backend
        self._accounts = accounts
        self._rendering = rendering
        self._places = places
        self._upscale = upscale
        self._slots = Slots(AT_ONCE)
        self._disk = Disk()

    async def make(self, work: Work, step: Step) -> Picture | Larger:
        """Make one attempt."""
        if step.kind == "thumbnail":
            return await self._thumbnail(work, step)
        if not self._slots.take():
            raise Postponed(partial(self._slots.wait, None))
        try:
            return await self._larger(step)
        finally:
            self._slots.free()

    def close(self) -> None:
        """Let the threads end, and forget who waits."""
        self._disk.close()
        self._slots.clear()

    # thumbnails

    async def _thumbnail(self, work: Work, step: Step) -> Picture:
        content = await self._served(work, step)
        ending = ending_of(content)
        source = "service"
        if ending is None:
            film = self._places.folder.path / self._rendering.films[step.job].name
            content, ending, source = await self._disk.run(first_frame, film), ".png", "frame"
        name = file_name(step.scene, ending)
        put = await self._disk.run(write_whole, self._places.of(step, name), content)
        self._places.leave(step, name)
        return Picture(step.job, put, len(content), source)

    async def _served(self, work: Work, step: Step) -> bytes:
        """Return the service's own thumbnail, empty if it has none for us."""
        request = self._backend.thumbnail(step.job)
        seat = self._accounts.ring.of(self._rendering.tickets[step.job].owner)
        if request is None or seat is None or seat.retired is not None:
            return b""
        try:
            response = await self._accounts.send(work, self._accounts.own(seat), request)
        except errors.StatusError as error:
            if error.status >= 500:
                raise
            return b""
        return response.content

    # larger videos

    async def _larger(self, step: Step) -> Larger:
        how = how_of(self._upscale)
        size = how if isinstance(self._upscale, tuple) else "upscaled"
        name = file_name(step.scene, f" {size}.mp4")
        stop = threading.Event()
        work = self._disk.start(self._written, step, self._places.of(step, name, how), stop)
        try:
            put, count = await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            raise
        except OSError as error:
            raise errors.WriteFailed(f"{name}: {error.strerror or error} (to=…)") from error
        self._places.leave(step, name)
        return Larger(step.job, how, put, count)

    def _written(self, step: Step, place: Place, stop: threading.Event) -> tuple[str, int]:
        """Write a larger video; return its name and size. In a thread."""
        folder = place.folder
        there = folder.finished(place.index, place.key, place.wish)
        if there is not None:
            return there.name, there.bytes
        source = folder.path / self._rendering.films[step.job].name
        part = folder.path / f".{Path(place.wish).stem}.part.mp4"
        try:
            if isinstance(self._upscale, tuple):
                scaled(source, part, self._upscale, stop)
            elif self._upscale is not None:
                self._upscale(source, part)
            if not part.is_file() or not part.stat().st_size:
                raise errors.StudyError(f"upscale: nothing was written for {source.name}")
            return _put(part, place)
        except Stopped:
            return "", 0  # nobody waits for it
        finally:
            part.unlink(missing_ok=True)


def how_of(upscale: tuple[int, int] | Callable[[Path, Path], object] | None) -> str:
    """Return what a journal calls a way to make videos larger, empty for none."""
    if isinstance(upscale, tuple):
        return f"{upscale[0]}x{upscale[1]}"
    return "" if upscale is None else getattr(upscale, "__qualname__", type(upscale).__qualname__)


def ending_of(content: bytes) -> str | None:
    """Return the ending of a picture's name by what it begins with, None if it is no picture we know."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return ".webp"
    kinds = {b"\x89PNG\r\n": ".png", b"\xff\xd8\xff": ".jpg"}
    return next((ending for start, ending in kinds.items() if content.startswith(start)), None)


def _put(part: Path, place: Place) -> tuple[str, int]:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
        size = file.seek(0, os.SEEK_END)
    name = place.folder.settle(place.index, place.key, overwrite=False)
    place.folder.record(Record(place.key, name, size))
    part.replace(place.folder.path / name)
    return name, size
