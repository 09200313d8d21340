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
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["COARSE", "carry", "equal", "part_of"]

COARSE = 2_000_000_000
"""What FAT makes of a file's time, in ns."""
_BLOCK = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def part_of(source: Path, target: Path) -> Path:
    """Return the name under which a copy grows; the same for the same move, so that it can be found again."""
    named = blake2b(os.fsencode(source) + b"\0" + os.fsencode(target), digest_size=8).hexdigest()
    return target.with_name(f".fetchlab-{named}.part")


def carry(source: Path, target: Path, stopped: Callable[[], bool] = lambda: False) -> None:
    """Copy a file with its times and its mode, check the copy, then remove the source.

    Args:
        source: the file.
        target: where it goes.
        stopped: asked after every block whether to give up, which takes the half copy away.

    Raises:
        FileExistsError: the target exists; it is as it was.
        OSError: the system refused, or the copy is not what was read. The source is as it was.
    """
    _removable(source)
    part = part_of(source, target)
    part.unlink(missing_ok=True)
    before = source.lstat()
    _fits(before, target.parent)
    try:
        _copy(source, part, stopped)
        _unchanged(source, before)
        if not _is_copy(part, before):
            raise OSError(
                errno.ENOTSUP, "its time cannot be set there, by which it is known again", str(part)
            )
        rename_new(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync_folders(target.parent)
    if not _is_copy(target, before):
        raise OSError(errno.EBUSY, "another process copies it too", str(source))
    try:
        _unchanged(source, before)
        source.unlink()
    except FileNotFoundError:
        return  # somebody else removed it: what was copied is all that is left
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


def _copy(source: Path, part: Path, stopped: Callable[[], bool]) -> None:
    with source.open("rb", buffering=0) as read, open(os.open(part, _NEW, 0o600), "wb") as written:  # noqa: PTH123
        size = os.fstat(read.fileno()).st_size
        spans = list(_spans(read.fileno(), size))
        digest = blake2b()
        for start, end in spans:
            written.seek(start)
            for block in _blocks(read.fileno(), start, end, stopped):
                digest.update(block)
                written.write(block)
        written.flush()
        os.ftruncate(written.fileno(), size)
        os.fsync(written.fileno())
    _forget(part)
    again = blake2b()
    with part.open("rb", buffering=0) as copied:
        for start, end in spans:
            for block in _blocks(copied.fileno(), start, end, stopped):
                again.update(block)
        whole = os.fstat(copied.fileno()).st_size == size
    if not whole or again.digest() != digest.digest():
        raise OSError(errno.EIO, "the copy is not what was read", str(part))
    with suppress(PermissionError):  # FAT has times, but no modes
        shutil.copystat(source, part)
    with suppress(OSError, AttributeError):  # only root may give files away
        seen = source.stat()
        os.chown(part, seen.st_uid, seen.st_gid)
    _sync(part)  # its time tells, after a kill, that it is this file


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


def _blocks(file: int, start: int, end: int, stopped: Callable[[], bool]) -> Iterator[bytes]:
    os.lseek(file, start, os.SEEK_SET)
    while start < end:
        if stopped():
            raise OSError(errno.ECANCELED, "the run was cancelled")
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


def _fits(seen: os.stat_result, folder: Path) -> None:
    """Refuse a copy for which there is no room: else each file of many would fill the disk once more."""
    needed = min(seen.st_size, getattr(seen, "st_blocks", seen.st_size) * 512)
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _is_copy(path: Path, of: os.stat_result) -> bool:
    seen = path.lstat()
    return seen.st_size == of.st_size and abs(seen.st_mtime_ns - of.st_mtime_ns) <= COARSE


def _unchanged(source: Path, before: os.stat_result) -> None:
    now = source.lstat()
    if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise OSError(errno.EBUSY, "it changed while it was copied", str(source))


def _sync_folders(folder: Path) -> None:
    """Have the new name on the disk before the old file goes, and those of folders made for it."""
    device = folder.stat().st_dev
    for one in (folder, *folder.parents):
        if one.stat().st_dev != device:
            return
        _sync(one)


def _sync(path: Path) -> None:
    """Have it on the disk; what cannot be opened, as a folder on some systems, is left."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
