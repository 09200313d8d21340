"""One file to another place, and back, whatever an earlier attempt left behind.

What is on the disk tells how far a killed attempt came: a rename is done or not, and a copy has its name only
when it is whole. An intent, written before the first move, says which file is meant and that its target was
free then, so that what is there now is ours.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Literal, NamedTuple

from fetchlab.errors import WriteFailed
from fetchlab.policy.filenames import same
from fetchlab.studies.library.copying import COARSE, carry, equal, part_of
from fetchlab.studies.library.renaming import rename_new

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Done", "Intent", "move", "move_back", "prepared", "standing"]


def _never() -> bool:
    return False


class Intent(NamedTuple):
    """A move that is about to be made.

    Attributes:
        source: its path in the library.
        target: its path in the new layout.
        kind: ``video`` or ``sidecar``.
        sidecar_of: the video or folder it goes with.
        size: bytes.
        modified: ns.
        device: the source's file system.
        inode: its number there.
    """

    source: str
    target: str
    kind: str
    sidecar_of: str | None
    size: int
    modified: int
    device: int = 0
    inode: int = 0


class Done(NamedTuple):
    """What became of a move, how, and what the system said."""

    outcome: Literal["moved", "restored", "already", "failed", "pending"]
    how: Literal["rename", "copy"] | None = None
    message: str | None = None


def move(root: Path, to: Path, intent: Intent, stopped: Callable[[], bool] = _never, *, again: bool) -> Done:
    """Move a file to its target.

    Args:
        root: the library's folder.
        to: the folder of the new layout.
        intent: what is meant.
        stopped: asked now and then whether to give up a copy.
        again: it was meant before, by an apply that may have been killed: what is at the target may be ours.

    Raises:
        WriteFailed: it is not moved; the message says why. Nothing is overwritten.
    """
    source, target = root / intent.source, to / intent.target
    try:
        here, there = look(source), look(target)
        if again:
            part_of(source, target).unlink(missing_ok=True)
            if here is None and there is not None and _is(there, intent):
                return Done("already")
        _check(here, intent)
        if there is not None:
            if not (again and _is(there, intent)):
                raise WriteFailed("the target exists")
            if _one_name(source, target):
                return Done("already")
            if not _twice(source, target):
                raise WriteFailed("the target exists")
            source.unlink()
            return Done("moved")
        target.parent.mkdir(parents=True, exist_ok=True)
        return Done("moved", _moved(source, target, stopped))
    except OSError as error:
        raise WriteFailed(told(error)) from error


def move_back(root: Path, to: Path, intent: Intent, stopped: Callable[[], bool] = _never) -> Done:
    """Move a file back to where it was, with its time.

    Raises:
        WriteFailed: it is not moved; the message says why. Nothing is overwritten.
    """
    source, target = root / intent.source, to / intent.target
    try:
        here, there = look(source), look(target)
        for part in (part_of(source, target), part_of(target, source)):
            part.unlink(missing_ok=True)
        ours = there is not None and _is(there, intent)
        if here is not None and _is(here, intent) and not ours:
            return Done("already")
        how: Literal["rename", "copy"] | None = None
        if here is not None and ours and _one_name(source, target):
            raise WriteFailed("its old path leads to its new one now, by a link")
        if here is not None and ours and _twice(source, target):
            target.unlink()
        elif here is not None:
            raise WriteFailed("another file is where it was")
        elif there is None:
            raise WriteFailed("it is neither where it was nor where it went")
        elif not ours:
            raise WriteFailed("another file is where it went")
        else:
            source.parent.mkdir(parents=True, exist_ok=True)
            how = _moved(target, source, stopped)
        if how == "copy" and there is not None and there.st_size == intent.size:
            os.utime(source, ns=(there.st_atime_ns, intent.modified))
        return Done("restored", how)
    except OSError as error:
        raise WriteFailed(told(error)) from error


def prepared(root: Path, to: Path, intent: Intent, known: Intent | None) -> Intent:
    """Return the intent with the file's number, before it is written down.

    Args:
        root: the library's folder.
        to: the folder of the new layout.
        intent: what the plan says.
        known: the same move meant before, by an apply that may have been killed.

    Raises:
        WriteFailed: it cannot be moved; the message says why.
    """
    if known is not None:
        return known
    try:
        here, there = look(root / intent.source), look(to / intent.target)
    except OSError as error:
        raise WriteFailed(told(error)) from error
    _check(here, intent)
    if there is not None:
        raise WriteFailed("the target exists")
    assert here is not None  # for the type checker
    return intent._replace(device=here.st_dev, inode=here.st_ino)


def standing(root: Path, to: Path, intent: Intent) -> Literal["done", "both", "waiting", "lost"]:
    """Say how far an earlier move came: to its end, to two names or copies, not begun; or nobody knows.

    An equal file that somebody put where the source was is another one, and none of ours.
    """
    try:
        here, there = look(root / intent.source), look(to / intent.target)
    except OSError:
        return "lost"
    if there is not None and _is(there, intent):
        left = here is not None and _is(here, intent) and here.st_ino == intent.inode
        return "both" if left else "done"
    return "waiting" if here is not None and _is(here, intent) else "lost"


def look(path: Path) -> os.stat_result | None:
    """Return what is there, links not followed; None for nothing."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def told(error: OSError) -> str:
    """Say what the system refused, in a line."""
    if error.errno == errno.ENOSPC:
        return "no space is left on the disk it goes to"
    if error.errno == errno.EEXIST:
        return "the target exists"
    named = error.filename2 or error.filename
    return f"{error.strerror or error}{f': {os.fsdecode(named)}' if named else ''}"


def _moved(source: Path, target: Path, stopped: Callable[[], bool]) -> Literal["rename", "copy"]:
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        carry(source, target, stopped)
        return "copy"
    return "rename"


def _check(here: os.stat_result | None, intent: Intent) -> None:
    if here is None:
        raise WriteFailed("the file is gone since the plan was made")
    if stat.S_ISLNK(here.st_mode):
        raise WriteFailed("it is a link, which would point elsewhere from another place")
    if not stat.S_ISREG(here.st_mode):
        raise WriteFailed("it is no usual file any more")
    if here.st_size != intent.size:
        raise WriteFailed(f"the file has {here.st_size:,} bytes now, {intent.size:,} in the plan")
    if here.st_mtime_ns != intent.modified:
        raise WriteFailed("the file was changed since the plan was made")


def _is(seen: os.stat_result, intent: Intent) -> bool:
    """Whether a file is the one that was meant: by its number, or after a copy by size and time."""
    if not stat.S_ISREG(seen.st_mode):
        return False
    if (seen.st_dev, seen.st_ino) == (intent.device, intent.inode):
        return True
    slack = COARSE if seen.st_dev != intent.device else 0
    return seen.st_size == intent.size and abs(seen.st_mtime_ns - intent.modified) <= slack


def _one_name(source: Path, target: Path) -> bool:
    """Whether two paths lead to one name, through a link to a folder or but for case: the only one."""
    seen = source.lstat()
    if not os.path.samestat(seen, target.lstat()):
        return False
    return seen.st_nlink < 2 or (
        same(source.name) == same(target.name) and source.parent.samefile(target.parent)
    )


def _twice(source: Path, target: Path) -> bool:
    """Whether one file is there twice, as a killed attempt leaves it: by two names, or on two disks.

    Two equal files on one disk are none of ours.
    """
    here, there = source.lstat(), target.lstat()
    if here.st_dev == there.st_dev:
        return here.st_ino == there.st_ino
    return equal(source, target)
