"""The file in a cache's place: ours, somebody else's, gone, replaced by another one, or damaged."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from fetchlab.errors import CacheError, StoreError
from fetchlab.store.database import check_owner, connect, move_aside
from fetchlab.store.shelf_sql import LAYOUT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["InPlace"]


class InPlace:
    """Knows which file was found in a place, and moves a damaged one aside.

    Args:
        path: the place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = 0

    def open(self) -> None:
        """Make the file if there is none, and see that it can be written.

        Raises:
            CacheError: it cannot.
        """
        try:
            connect(self.path, LAYOUT).close()
        finally:
            self._note()

    def check(self) -> None:
        """See that the file is still the one that was found: what is written to another is lost.

        Raises:
            CacheError: it was removed, or another one lies there.
        """
        if self._inode and self._is_replaced():
            error = CacheError(f"{self.path}: the cache was removed or replaced")
            error.reason = "replaced"
            raise error

    def refuse_foreign(self, error: StoreError) -> None:
        """Leave somebody else's file where it is, above all a journal that is being written.

        Args:
            error: what is wrong with the file.

        Raises:
            CacheError: it is somebody else's.
        """
        try:
            check_owner(self.path, LAYOUT)
        except CacheError as foreign:
            error = foreign
        if error.reason == "foreign":
            refused = CacheError(
                f"{error}; it is left as it is: give the cache another file (fl.Cache(path=…))"
            )
            refused.damaged, refused.reason = True, "foreign"
            raise refused

    def is_lost(self, error: StoreError) -> bool:
        """Say whether an error means that the cache has to begin anew, in a new file."""
        if error.damaged:
            try:
                self.refuse_foreign(error)
            except CacheError:
                return False
        return error.damaged or error.reason == "replaced" or not self.path.exists()

    def begin_anew(self, error: StoreError) -> StoreError | None:
        """Move a damaged file aside and make a new one, unless somebody has done so already.

        Args:
            error: what is wrong with the file.

        Returns:
            What to tell, None if nothing is lost any more.

        Raises:
            CacheError: it cannot be replaced.
        """
        if self._is_replaced() and self.path.is_file():
            self._note()
            return None
        try:
            if error.damaged and self.path.exists():
                aside = move_aside(self.path)
                error = CacheError(f"{error}; it was moved to {aside.name} and a new one begun")
            self.open()
        except (OSError, StoreError) as trouble:
            raise CacheError(f"{error}; and it cannot be replaced: {trouble}") from trouble
        return error

    def _note(self) -> None:
        with suppress(OSError):
            self._inode = self.path.stat().st_ino

    def _is_replaced(self) -> bool:
        """Say whether the file in this place is another one by now, another process's new one say."""
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True
