"""A file carried to another file system: copied, read back, and only then removed.

The copy grows under a name of its own and gets the target's when it is whole and on the disk, so that whoever
is killed leaves the source, or both, and never half a file under a name that somebody looks for. Holes stay
holes.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

from fetchlab.studies.library.renaming import rename_new

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["carry", "equal", "part_of"]

_BLOCK = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def part_of(source: Path, target: Path) -> Path:
    """Return the name under which a copy grows; the same for the same move, so that it can be found again."""
    named = blake2b(os.fsencode(source) + b"\0" + os.fsencode(target), digest_size=8).hexdigest()
    return target.with_name(f".fetchlab-{named}.part")


def carry(source: Path, target: Path) -> None:
    """Copy a file with its times and its mode, check the copy, then remove the source.

    Raises:
        FileExistsError: the target exists; it is as it was.
        OSError: the system refused, or the copy is not what was read. The source is as it was.
    """
    _removable(source)
    part = part_of(source, target)
    part.unlink(missing_ok=True)
    before = source.lstat()
    try:
        _copy(source, part)
        now = source.lstat()
        if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise OSError(errno.EBUSY, "it changed while it was copied", str(source))
        rename_new(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    try:
        source.unlink()
    except OSError:
        target.unlink()
        raise


def equal(one: Path, other: Path) -> bool:
    """Say whether two files hold the same bytes."""
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            block = first.read(_BLOCK)
            if block != second.read(_BLOCK):
                return False
            if not block:
                return True


def _copy(source: Path, part: Path) -> None:
    with source.open("rb", buffering=0) as read, open(os.open(part, _NEW, 0o600), "wb") as written:  # noqa: PTH123
        size = os.fstat(read.fileno()).st_size
        spans = list(_spans(read.fileno(), size))
        digest = blake2b()
        for start, end in spans:
            written.seek(start)
            for block in _blocks(read.fileno(), start, end):
                digest.update(block)
                written.write(block)
        written.flush()
        os.ftruncate(written.fileno(), size)
        os.fsync(written.fileno())
    _forget(part)
    again = blake2b()
    with part.open("rb", buffering=0) as copied:
        for start, end in spans:
            for block in _blocks(copied.fileno(), start, end):
                again.update(block)
        whole = os.fstat(copied.fileno()).st_size == size
    if not whole or again.digest() != digest.digest():
        raise OSError(errno.EIO, "the copy is not what was read", str(part))
    with suppress(PermissionError):  # FAT has times, but no modes
        shutil.copystat(source, part)
    with suppress(OSError, AttributeError):  # only root may give files away
        seen = source.stat()
        os.chown(part, seen.st_uid, seen.st_gid)


def _spans(file: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file has data, as (start, end)."""
    if not hasattr(os, "SEEK_DATA"):
        yield 0, size
        return
    start = end = 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # the rest is a hole
                return
            yield end, size
            return
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end


def _blocks(file: int, start: int, end: int) -> Iterator[bytes]:
    os.lseek(file, start, os.SEEK_SET)
    while start < end:
        block = os.read(file, min(_BLOCK, end - start))
        if not block:
            return
        start += len(block)
        yield block


def _forget(path: Path) -> None:
    """Let go of what the system holds of it in memory, so that it is read from the disk."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file, suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _removable(source: Path) -> None:
    """Refuse before the copy what would fail after it."""
    effective = os.access in os.supports_effective_ids
    if not os.access(source.parent, os.W_OK, effective_ids=effective):
        raise PermissionError(errno.EACCES, "it may not be removed from its folder", str(source))


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk before the old file goes; where a folder cannot be opened it is left."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
