"""The lead: of all who want the same, in this process and in others with the same file, one gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.store.flights import Flights

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from concurrent.futures import Future

    from fetchlab.store.leases import Verdict
    from fetchlab.store.shelf import Shelf

__all__ = ["Lead"]


class Lead:
    """Flights in this process and leases among processes; safe from any thread.

    Whoever :meth:`begin` lets lead here must :meth:`end` it. If :attr:`among_processes`, it asks for the lead
    there before it goes on, and gives it back.

    Args:
        shelf: the file that processes share, None if there is none.
        is_good: says of an entry's times, and of a moment since when it counts, whether it will do.
    """

    def __init__(
        self, shelf: Shelf | None, is_good: Callable[[float, float | None, float | None], bool]
    ) -> None:
        self._shelf = shelf
        self._is_good = is_good
        self._own = Flights()

    @property
    def flights(self) -> Flights:
        """All caches of one file know of each other's."""
        return self._own if self._shelf is None else self._shelf.flights

    def __contains__(self, key: str) -> bool:
        return key in self.flights

    def begin(self, key: str) -> bool:
        """Lead in this process, unless somebody does; say whether the caller leads now."""
        return self.flights.begin(key)

    def end(self, key: str) -> None:
        """End it, whatever came of it, and call everybody who waits for it."""
        self.flights.end(key)

    @property
    def among_processes(self) -> bool:
        """True if other processes may be asking for the same."""
        return self._shelf is not None and self._shelf.writable

    def ask(self, keys: list[str], since: float | None = None) -> Future[list[Verdict]]:
        """Ask for the lead among processes; return the future of a verdict per key."""
        shelf = self._shelf
        assert shelf is not None  # there are processes

        def good(stored: float, expires: float | None) -> bool:
            return self._is_good(stored, expires, since)

        def take(connection: sqlite3.Connection) -> list[Verdict]:
            return [shelf.leases.take(connection, key, good) for key in keys]

        return shelf.call(take)

    def give_back(self, key: str) -> None:
        """Give the lead among processes back."""
        if self._shelf is not None:
            self._shelf.leases.give_back(key)

    def when_over(self, key: str, verdict: Verdict, call: Callable[[], object]) -> None:
        """Call back when somebody else's asking is over, another process's (``held``) or our own."""
        if verdict == "held" and self._shelf is not None:
            self._shelf.leases.when_over(key, call)
        else:
            self.flights.when_over(key, call)
