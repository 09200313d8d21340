"""Folders as they are, to be compared with what they were."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["tree_of"]


def tree_of(root):
    """Every folder, and every file with its size and its time, by path."""
    found = {}
    for folder, folders, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        found |= {(inside / name).as_posix(): "folder" for name in folders}
        for name in files:
            seen = (Path(folder) / name).lstat()
            found[(inside / name).as_posix()] = (seen.st_size, seen.st_mtime_ns, seen.st_mode)
    return found
