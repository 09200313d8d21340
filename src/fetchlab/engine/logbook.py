"""What a run tells the log: a line per event that matters, each with its key, none on the way of good items.

The loggers are ``fetchlab.run`` (runs, items) and ``fetchlab.host`` (refusals, rates, hosts that are down).
They print nothing unless told to::

    import logging

    logging.basicConfig()
    logging.getLogger("fetchlab").setLevel(logging.INFO)  # DEBUG for every failure and every retry

A run's start and end are INFO, what stops it is WARNING. Of failed items the first of each kind and host is
WARNING, with the knob that helps; all others are DEBUG, as are retries: ten thousand dead links are one line.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

from fetchlab import errors, frame
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.work import Work

__all__ = ["Logbook"]

MOST = 50
"""Warnings of failed items in one run; with more kinds and hosts than that they are no news any more."""

log = logging.getLogger("fetchlab.run")
_numbers = itertools.count(1)


class Logbook:
    """One run's lines in the log.

    Attributes:
        name: ``run 1``, ``run 2``, … in the order they were made in this process.
    """

    __slots__ = ("_seen", "name")

    def __init__(self) -> None:
        self.name = f"run {next(_numbers)}"
        self._seen: set[tuple[str, str]] = set()

    def started(self, total: int | None, workers: int, *, again: bool) -> None:
        """The run begins, or goes on."""
        items = "items" if total is None else f"{total:,} items"
        log.info("%s %s: %s, %d workers", self.name, "goes on" if again else "started", items, workers)

    def ended(self, line: str) -> None:
        """The run has ended as the progress line says."""
        log.info("%s %s", self.name, line)

    def stopped(self, why: str) -> None:
        """The run stops by itself."""
        log.warning("%s stopped: %s", self.name, redact_text(why))

    def retried(
        self, work: Work, key_of: Callable[[Any], str], error: Exception, wait: float, reason: str
    ) -> None:
        """An attempt failed and another follows."""
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "%s: %s, attempt %d: %s; again in %.2f s (%s)",
                self.name,
                _encodable(key_of(work.item)),
                work.attempt,
                _said(error),
                wait,
                reason,
            )

    def replaced(self, work: Work, key_of: Callable[[Any], str], error: Exception) -> None:
        """An item failed, and an old entry of the cache stands in."""
        if log.isEnabledFor(logging.DEBUG):
            key = _encodable(key_of(work.item))
            log.debug("%s: %s: %s; an old entry stands in", self.name, key, _said(error))

    def failed(self, work: Work, key_of: Callable[[Any], str], error: Exception) -> None:
        """An item failed for good."""
        kind = type(error).__name__
        news = (f"{kind} {work.status}" if isinstance(error, errors.StatusError) else kind, work.host)
        level = logging.DEBUG
        if not isinstance(error, errors.Cancelled) and news not in self._seen and len(self._seen) < MOST:
            self._seen.add(news)
            level = logging.WARNING
        if log.isEnabledFor(level):
            knob = frame.knob_of(kind)
            log.log(
                level,
                "%s: %s failed, attempts %d: %s%s%s",
                self.name,
                _encodable(key_of(work.item)),
                work.attempt,
                _said(error),
                f" → {knob}" if knob else "",
                "; further ones of this kind at DEBUG" if level == logging.WARNING else "",
            )


def _said(error: Exception) -> str:
    return _encodable(redact_text(f"{type(error).__name__}: {error}"))


def _encodable(text: str) -> str:
    """Escape lone surrogates, as in file names that are no UTF-8: a log's handler would fail at them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
