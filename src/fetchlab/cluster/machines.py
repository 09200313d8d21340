"""The machines of a cluster: how many workers each has, what it is busy with, and its clock. Sans I/O.

What is called a machine here is a process of Dask's, a worker in its words; ours are the slots in it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fetchlab.cluster.clocks import Offset

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Machines"]


class Machines:
    """Keeps the books of machines, by address.

    Args:
        threads: Dask's threads on each.
        slots: workers on each, None for as many as it has threads.

    Attributes:
        busy: chunks that each has.
    """

    def __init__(self, threads: Mapping[str, int], slots: int | None) -> None:
        self.busy: Counter[str] = Counter()
        self._threads = dict(threads)
        self._each = slots
        self._in_all: int | None = None
        self._offsets: dict[str, Offset] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self.shares: dict[str, int] = {}
        """Workers on each."""
        self._share()

    @property
    def slots(self) -> int:
        """Workers on all."""
        return sum(self.shares.values())

    @property
    def working(self) -> dict[str, int]:
        """The workers of those that have some."""
        return {address: slots for address, slots in self.shares.items() if slots}

    @property
    def clocks(self) -> dict[str, float]:
        """By how many seconds each clock is ahead of ours, as far as that is known."""
        return {address: offset.seconds for address, offset in self._offsets.items() if offset.known}

    @property
    def some_idle(self) -> bool:
        """True if one has nothing to do."""
        return any(not self.busy[address] for address in self.working)

    def resize(self, slots: int) -> None:
        """Share so many workers out, also over machines that will come."""
        self._in_all = slots
        self._share()

    def saw(self, threads: Mapping[str, int], clocks: Mapping[str, tuple[float, float, float]]) -> None:
        """Take in the machines there are now, and round trips to their clocks."""
        if dict(threads) != self._threads:
            self._threads = dict(threads)
            self._share()
        for address, trip in clocks.items():
            self._offsets.setdefault(address, Offset()).saw(*trip)

    def freest(self, most: int, *, clocked: bool = False) -> str | None:
        """Return the machine with the fewest chunks, None if all have ``most``.

        Args:
            most: chunks that one may have.
            clocked: only one whose clock is known will do.
        """
        known = self.clocks if clocked else self.shares
        free = [address for address in self.working if self.busy[address] < most and address in known]
        return min(free, key=lambda address: self.busy[address], default=None)

    def has(self, address: str) -> bool:
        """Say whether a machine is there."""
        return address in self._threads

    def slots_of(self, address: str | None) -> int:
        """Return a machine's workers; of none, what is usual."""
        if address is None:
            return max(1, round(self.slots / max(1, len(self.working))))
        return self.shares.get(address, 1)

    def came_back(self, address: str) -> None:
        """A chunk meant for this machine is done, wherever it was."""
        self.busy[address] -= 1
        if self.busy[address] <= 0:
            del self.busy[address]

    def shift(self, address: str) -> float:
        """Return by how many seconds a machine's clock is ahead of ours."""
        offset = self._offsets.get(address)
        return 0.0 if offset is None else offset.seconds

    def number(self, address: str, slot: int) -> int:
        """Return the number that a slot of a machine has among all that ever worked."""
        return self._numbers.setdefault((address, slot), len(self._numbers))

    def _share(self) -> None:
        """Share workers out evenly; those who ask for fewer than there are machines leave some without."""
        addresses = sorted(self._threads)
        if self._in_all is None:
            self.shares = {address: self._each or self._threads[address] for address in addresses}
        elif addresses:
            each, rest = divmod(self._in_all, len(addresses))
            self.shares = {address: each + (place < rest) for place, address in enumerate(addresses)}
        else:
            self.shares = {}
