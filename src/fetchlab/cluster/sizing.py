"""How many items make a chunk, from how long they take. Sans I/O."""

from __future__ import annotations

__all__ = ["ChunkSize"]

KEEP = 0.7
"""What the latest chunks weigh beside a new one."""
GROWTH = 16
"""A chunk is at most so many times as large as the largest that came back."""
MOST = 20_000
MOST_BYTES = 16_000_000
"""Of one part that comes back, so that no message of Dask's gets unwieldy."""


class ChunkSize:
    """Finds the number of items that one machine serves in ``seconds``.

    By Little's law a machine with *w* workers serves *w / s* items a second, where one takes *s* seconds.
    While nothing is known a chunk has one item per worker, and it never has fewer, so that two of them keep a
    machine busy; then they grow as fast as what came back allows.

    Args:
        seconds: of one machine's time that a chunk should take.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.service: float | None = None
        self._bytes = 0.0
        self._largest = 0

    def saw(self, items: int, service: float, size: float) -> None:
        """Take in a chunk that came back.

        Args:
            items: how many of its items were tried.
            service: seconds that one took, on average.
            size: bytes that one brought, on average.
        """
        known = self.service
        self.service = service if known is None else KEEP * known + (1 - KEEP) * service
        self._bytes = size if known is None else KEEP * self._bytes + (1 - KEEP) * size
        self._largest = max(self._largest, items)

    def items(self, slots: int, left: int | None = None, machines: int = 1) -> int:
        """Return how many items a chunk for a machine should have.

        Args:
            slots: the machine's workers.
            left: items that are still to be sent, None while nobody knows. Towards the end chunks get
                smaller, down to half of ``seconds`` of work, so that machines end together.
            machines: how many share what is left.
        """
        if self.service is None:
            return slots
        alone = self.seconds / max(self.service, 1e-6)
        wanted = alone * slots
        if self._bytes:
            wanted = min(wanted, MOST_BYTES / self._bytes)
        wanted = min(wanted, GROWTH * max(self._largest, slots), MOST)
        if left is not None:
            wanted = min(wanted, max(alone / 2, left / (2 * machines)))
        return max(slots, int(wanted))
