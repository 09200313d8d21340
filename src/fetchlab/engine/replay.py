"""From an entry to a value, under the call's own rules: what holds of a live answer holds of a replayed one.

An entry was stored by some call, perhaps with another ``accept``, ``max_bytes`` or ``parse`` than this one's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.transport.base import too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fetchlab.model import Response
    from fetchlab.store.entry import Entry

__all__ = ["Replay", "is_refusal"]


class Replay:
    """Makes values of entries.

    Args:
        parse: makes a value from a stored response; None where values are stored.
        accept: statuses of 400 and above that are no errors.
        max_bytes: largest body, None for any.
    """

    def __init__(
        self,
        parse: Callable[[Response], Any] | None,
        accept: Collection[int] = (),
        max_bytes: int | None = None,
    ) -> None:
        self._parse = parse
        self._accept = frozenset(accept)
        self._max_bytes = max_bytes

    def check(self, entry: Entry) -> None:
        """Hold a stored response against the rules.

        Raises:
            StatusError: its status is an error.
            BodyTooLarge: its body is larger than ``max_bytes``.
        """
        status = entry.status
        if status is not None and status >= 400 and status not in self._accept:
            raise errors.StatusError(f"HTTP {status}", status, entry.response().headers)
        if self._max_bytes is not None and len(entry.body) > self._max_bytes:
            raise too_large(self._max_bytes, str(len(entry.body)))

    def value(self, entry: Entry) -> Any:
        """Return the value of an entry; of one that was put by hand, whatever that was.

        Raises:
            FetchlabError: what a live answer like it would end with, or its bytes are damaged.
        """
        if entry.head is None or self._parse is None:
            return entry.value()
        self.check(entry)
        return self._parse(entry.response())


def is_refusal(error: Exception) -> bool:
    """Say whether an entry is none for this call, so that another answer is to be asked for."""
    if isinstance(error, errors.ParseError):
        return error.retriable
    return isinstance(error, errors.StatusError | errors.BodyTooLarge | errors.Retriable | errors.StoreError)
