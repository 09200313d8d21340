"""What a cache has done, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CacheStats"]


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache has done since it was made, and what it holds.

    Attributes:
        hits_memory: askers answered from memory.
        hits_file: askers answered from the file.
        hits_shared: askers answered from the shared tier, another machine's work or an earlier day's.
        misses: askers for whom requests were made, however many, or in vain offline.
        revalidated: misses that the server answered with 304, so that the stored body was used.
        stale: failed requests for which an old entry stood in.
        stored: entries written (to the file where there is one), new ones and those fetched again.
        entries: entries held now: in the file where there is one, else in the shared tier where there is one.
        bytes: what they take.
        evicted: entries dropped for room, in the whole life of the file; a server's are its own.
        seconds_saved: what the hits would have taken, by what their entries took.
        trouble: what is wrong with the file or the server, or has cost entries; empty if nothing, or if it is
            over.
        shared: the shared tier's address, without its password; empty if there is none.
        without_shared: entries that this process could not store in the shared tier, and questions that it
            got no answer to, because the server was gone, full or behind.
    """

    hits_memory: int
    hits_file: int
    misses: int
    revalidated: int
    stale: int
    stored: int
    entries: int
    bytes: int
    evicted: int
    seconds_saved: float
    trouble: str = ""
    hits_shared: int = 0
    shared: str = ""
    without_shared: int = 0

    @property
    def hits(self) -> int:
        """Askers answered without a request."""
        return self.hits_memory + self.hits_file + self.hits_shared

    @property
    def hit_rate(self) -> float:
        """Share of askers answered without a request, 0 where nobody asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0

    @property
    def requests_saved(self) -> int:
        """Requests that were not made: one per hit."""
        return self.hits
