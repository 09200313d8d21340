"""The lead: of all who want the same, here, in other processes and on other machines, one gets it."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from fetchlab.store.flights import Flights

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from fetchlab.store.leases import Verdict
    from fetchlab.store.shelf import Shelf
    from fetchlab.store.through import Through

__all__ = ["Lead"]


class Lead:
    """Flights in this process, leases among processes, leases among machines; safe from any thread.

    Whoever :meth:`begin` lets lead here must :meth:`end` it. If there are :attr:`others`, it asks for the
    lead among them before it goes on, and gives it back. Processes with one file settle it among themselves
    first, so that one of them asks the server, and so that they still do where that is gone.

    Args:
        shelf: the file that processes share, None if there is none.
        is_good: says of an entry's times, and of a moment since when it counts, whether it will do.
        through: the server that machines share, None if there is none.
    """

    def __init__(
        self,
        shelf: Shelf | None,
        is_good: Callable[[float, float | None, float | None], bool],
        through: Through | None = None,
    ) -> None:
        self._shelf = shelf
        self._through = through
        self._is_good = is_good
        self._own = Flights()

    @property
    def flights(self) -> Flights:
        """All caches of one file, or of one server, know of each other's."""
        if self._shelf is not None:
            return self._shelf.flights
        return self._own if self._through is None else self._through.shared.flights

    def __contains__(self, key: str) -> bool:
        return key in self.flights

    def begin(self, key: str) -> bool:
        """Lead in this process, unless somebody does; say whether the caller leads now."""
        return self.flights.begin(key)

    def end(self, key: str) -> None:
        """End it, whatever came of it, and call everybody who waits for it."""
        self.flights.end(key)

    @property
    def others(self) -> bool:
        """True if other processes or machines may be asking for the same."""
        return self.among_processes or self.among_machines

    @property
    def among_processes(self) -> bool:
        """True if other processes may be asking for the same."""
        return self._shelf is not None and self._shelf.writable

    @property
    def among_machines(self) -> bool:
        """True if other machines may be asking for the same, and we can ask them."""
        return self._through is not None and self._through.writable

    def ask(self, keys: list[str], since: float | None = None, *, far: bool = True) -> Future[list[Verdict]]:
        """Ask for the lead among the others; return the future of a verdict per key.

        Args:
            keys: what is to be asked for.
            since: what was stored before is not good enough, with ``refresh``.
            far: ask other machines, too.
        """

        def good(stored: float, expires: float | None) -> bool:
            return self._is_good(stored, expires, since)

        far = far and self.among_machines
        if not self.among_processes:
            return self._ask_machines(keys, good, far=far)
        asked = self._ask_processes(keys, good)
        if not far:
            return asked
        settled: Future[list[Verdict]] = Future()
        asked.add_done_callback(partial(self._go_on, keys, good, settled))
        return settled

    def give_back(self, key: str) -> None:
        """Give the lead among the others back."""
        if self._shelf is not None:
            self._shelf.leases.give_back(key)
        if self._through is not None:
            self._through.shared.leases.give_back(key)

    def when_over(self, key: str, verdict: Verdict, call: Callable[[], object]) -> None:
        """Call back when somebody else's asking is over: another process's, another machine's, or our own."""
        if verdict == "held" and self._shelf is not None:
            self._shelf.leases.when_over(key, call)
        elif verdict == "held elsewhere" and self._through is not None:
            self._through.shared.leases.when_over(key, call)
        else:
            self.flights.when_over(key, call)

    def _ask_processes(
        self, keys: list[str], good: Callable[[float, float | None], bool]
    ) -> Future[list[Verdict]]:
        shelf = self._shelf
        assert shelf is not None  # there are processes

        def take(connection: sqlite3.Connection) -> list[Verdict]:
            return [shelf.leases.take(connection, key, good) for key in keys]

        return shelf.call(take)

    def _ask_machines(
        self, keys: list[str], good: Callable[[float, float | None], bool], *, far: bool = True
    ) -> Future[list[Verdict]]:
        if self._through is not None and far:
            return self._through.ask(keys, good)
        alone: Future[list[Verdict]] = Future()
        alone.set_result(["mine"] * len(keys))
        return alone

    def _go_on(
        self,
        keys: list[str],
        good: Callable[[float, float | None], bool],
        settled: Future[list[Verdict]],
        asked: Future[list[Verdict]],
    ) -> None:
        """Ask among machines for what is ours among processes."""
        verdicts: list[Verdict]
        try:
            verdicts = asked.result()
        except Exception:  # a file that cannot be written leaves the lead to everybody
            verdicts = ["mine"] * len(keys)
        ours = [place for place, verdict in enumerate(verdicts) if verdict.startswith("mine")]
        if not ours:
            settled.set_result(verdicts)
            return

        def told(far: Future[list[Verdict]]) -> None:
            for place, verdict in zip(ours, far.result(), strict=True):
                if verdict != "mine":
                    verdicts[place] = verdict
                if not verdict.startswith("mine") and self._shelf is not None:
                    self._shelf.leases.give_back(keys[place])
            settled.set_result(verdicts)

        self._ask_machines([keys[place] for place in ours], good).add_done_callback(told)
