"""A rename that never overwrites: by the system's own call, or by a second name and one less.

Linux has ``renameat2`` with ``RENAME_NOREPLACE``, macOS ``renamex_np`` with ``RENAME_EXCL``, and on Windows
every rename refuses a name that is taken. File systems that know none of it, NFS say, have hard links: the
file gets its new name, which fails if that is taken, and then loses the old one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["by_links", "rename_new"]

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCL = 4
_UNKNOWN = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def rename_new(source: Path, target: Path) -> None:
    """Rename a file on one file system.

    Raises:
        FileExistsError: the target exists; it is as it was.
        OSError: with EXDEV they are on two file systems; else the system refused.
    """
    if sys.platform == "win32":
        source.rename(target)
        return
    call = _call()
    if call is None:
        by_links(source, target)
        return
    number = call(os.fsencode(source), os.fsencode(target))
    if number in _UNKNOWN:
        by_links(source, target)
    elif number:
        raise OSError(number, os.strerror(number), str(source), None, str(target))


def by_links(source: Path, target: Path) -> None:
    """The same with hard links: for a moment the file has both names."""
    os.link(source, target, follow_symlinks=False)
    try:
        source.unlink()
    except OSError:
        if target.lstat().st_nlink > 1:  # else somebody removed the source, and this is all that is left
            target.unlink()
            raise


@cache
def _call() -> Callable[[bytes, bytes], int] | None:
    """The system's call, which returns 0 or an error's number; None if it has none."""
    library = ctypes.CDLL(None, use_errno=True)
    call: Any
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        call = library.renamex_np
        call.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
        return lambda source, target: ctypes.get_errno() if call(source, target, _RENAME_EXCL) else 0
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        call = library.renameat2
        call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        return lambda source, target: (
            ctypes.get_errno() if call(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE) else 0
        )
    return None
