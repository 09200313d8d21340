"""A file that came inside an answer, put in its place as downloads are: whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.policy.resume import Version
from fetchlab.transport.folder import Record

if TYPE_CHECKING:
    from fetchlab.transport.download import Place

__all__ = ["write_whole"]


def write_whole(place: Place, content: bytes) -> str:
    """Write a file's bytes and return its name. In a thread.

    Raises:
        OSError: the disk refused.
    """
    folder = place.folder
    there = folder.finished(place.index, place.key, place.wish)
    if there is not None:
        return there.name
    part = folder.resume(place.key) or folder.create(place.wish)  # what a killed process left is used up
    try:
        part.begin(place.key, None, Version(), len(content), anew=True)
        part.write([content])
        part.sync()
        name = folder.settle(place.index, place.key, overwrite=False)
        folder.record(Record(place.key, name, len(content)))
        part.move(folder.path / name)
    finally:
        folder.leave(place.key, part, keep=False)
    return name
