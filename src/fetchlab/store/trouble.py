"""What is wrong with a cache's file: told once, and how long it is done without.

Writing and reading have troubles of their own. Another program that holds the lock, a full disk, a file
without the right to write: none of them keeps anybody from reading what is there.
"""

from __future__ import annotations

import logging
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

from fetchlab.errors import CacheError

if TYPE_CHECKING:
    from fetchlab.errors import StoreError

__all__ = ["Trouble", "warn"]

WRITE_SECONDS = 5.0
"""How long writing is left alone after it has failed."""
READ_SECONDS = 1.0

log = logging.getLogger("fetchlab.cache")


class Trouble:
    """The trouble with one file; safe from any thread.

    Args:
        readonly: it is not to be written at all.

    Attributes:
        error: what is wrong, or was and cost something; None if nothing.
        readonly: it is never written.
        unread: reading failed when last tried.
    """

    def __init__(self, *, readonly: bool) -> None:
        self.error: CacheError | None = None
        self.readonly = readonly
        self.unread = False
        self._no_writing_until = 0.0
        self._no_reading_until = 0.0
        self._passes = False
        self._lasting: CacheError | None = None  # why it is never written
        self._told: set[str] = set()

    @property
    def writable(self) -> bool:
        """False while writing is left alone."""
        return not self.readonly and time.monotonic() >= self._no_writing_until

    @property
    def readable(self) -> bool:
        """False while reading is left alone."""
        return time.monotonic() >= self._no_reading_until

    def no_writing(self, error: StoreError) -> None:
        """Leave writing alone for a while, for ever where there is no right to."""
        if error.reason == "readonly" and "a readonly database" in str(error):
            self.readonly = True
        self._no_writing_until = time.monotonic() + WRITE_SECONDS
        self.tell(error, "; it is read, nothing is written to it", passes=True)
        if self.readonly:
            self._lasting = self.error

    def no_reading(self, error: StoreError) -> None:
        """Leave reading alone for a moment."""
        self.unread = True
        self._no_reading_until = time.monotonic() + READ_SECONDS
        self.tell(error, "; the run goes on without it", passes=True)

    def read(self) -> None:
        """Hear that something was read again."""
        self.unread = False
        if self._passes and (self.readonly or self.writable):
            self.over()

    def over(self) -> bool:
        """Hear that something was written; say whether that ends a trouble."""
        if not self._passes:
            return False
        self._passes = False
        self._no_writing_until = 0.0
        self.error = self._lasting
        return True

    def tell(self, error: StoreError, more: str = "", *, passes: bool = False) -> None:
        """Say it once: in the log, and as a warning where the user looks.

        Args:
            error: what is wrong.
            more: what that means.
            passes: it costs nothing once it is over.
        """
        self.error = error if isinstance(error, CacheError) else CacheError(str(error))
        self._passes = passes
        text = f"{error}{more}"
        if text in self._told:
            return
        self._told.add(text)
        warn(text)


def warn(text: str) -> None:
    """Say something in the log, and as a warning where the user looks."""
    log.warning("%s", text)
    with suppress(RuntimeWarning):  # where warnings are errors this thread must not end by one
        warnings.warn(text, RuntimeWarning, stacklevel=3)
