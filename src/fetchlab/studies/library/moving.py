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
from fetchlab.studies.library.copying import carry, equal, part_of
from fetchlab.studies.library.renaming import rename_new

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Done", "Intent", "move", "move_back", "prepared", "standing"]

_COARSE = 2_000_000_000  # ns: what FAT makes of a file's time


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


def move(root: Path, to: Path, intent: Intent, *, again: bool) -> Done:
    """Move a file to its target.

    Args:
        root: the library's folder.
        to: the folder of the new layout.
        intent: what is meant.
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
            if not (again and _is(there, intent) and _one(source, target)):
                raise WriteFailed("the target exists")
            source.unlink()
            return Done("moved")
        target.parent.mkdir(parents=True, exist_ok=True)
        return Done("moved", _moved(source, target))
    except OSError as error:
        raise WriteFailed(told(error)) from error


def move_back(root: Path, to: Path, intent: Intent) -> Done:
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
        if here is not None and ours and _one(source, target):
            target.unlink()
        elif here is not None:
            raise WriteFailed("another file is where it was")
        elif there is None:
            raise WriteFailed("it is neither where it was nor where it went")
        elif not ours:
            raise WriteFailed("another file is where it went")
        else:
            source.parent.mkdir(parents=True, exist_ok=True)
            how = _moved(target, source)
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
    """Say how far an earlier move came: to its end, to two names or copies, not begun; or nobody knows."""
    try:
        here, there = look(root / intent.source), look(to / intent.target)
    except OSError:
        return "lost"
    if there is not None and _is(there, intent):
        return "both" if here is not None and _is(here, intent) else "done"
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


def _moved(source: Path, target: Path) -> Literal["rename", "copy"]:
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        carry(source, target)
        return "copy"
    return "rename"


def _check(here: os.stat_result | None, intent: Intent) -> None:
    if here is None:
        raise WriteFailed("the file is gone since the plan was made")
    if not stat.S_ISREG(here.st_mode):
        raise WriteFailed("it is a link, which would point elsewhere from another place")
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
    slack = _COARSE if seen.st_dev != intent.device else 0
    return seen.st_size == intent.size and abs(seen.st_mtime_ns - intent.modified) <= slack


def _one(source: Path, target: Path) -> bool:
    """Whether two names are of one file, or of two that are equal."""
    return os.path.samestat(source.lstat(), target.lstat()) or equal(source, target)
