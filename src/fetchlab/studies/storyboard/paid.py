"""Journals of what is paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.engine.journal import Journal
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["paid_journal"]


def paid_journal(given: Journal | str | Path | None) -> Journal | None:
    """Return the journal that a knob means; given by its path, it commits every item by itself.

    A commit costs a millisecond, an item that a kill loses costs money.

    Raises:
        ConfigError: it leaves failed items as they are, for which others would wait.
    """
    if given is None:
        return None
    journal = given if isinstance(given, Journal) else Journal(given, batch_size=1)
    if not journal.retry_failed:
        raise ConfigError("journal", "what failed is needed by what comes after it: leave retry_failed=True")
    return journal
