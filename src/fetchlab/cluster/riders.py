"""Attempts on their way: those that wait for their outcome, and the chunks that they left with."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.cluster.parcels import Entry
    from fetchlab.engine.work import Work

__all__ = ["Rider", "Sent"]


class Rider:
    """An attempt that waits for its outcome."""

    __slots__ = ("entry", "told", "work")

    def __init__(self, work: Work, entry: Entry) -> None:
        self.work = work
        self.entry = entry
        self.told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def tell(self, value: Any) -> None:
        """Wake it with a value, which may be an exception that a task has returned."""
        if not self.told.done():
            self.told.set_result(value)

    def fail(self, error: BaseException) -> None:
        """Wake it with an error."""
        if not self.told.done():
            self.told.set_exception(error)


class Sent:
    """A chunk that is out.

    Attributes:
        number: its number.
        address: the machine it was meant for.
        riders: who is in it, and has not heard.
        items: how many there were.
        bytes: of all of them, packed.
        left: when it left.
        spaced: True if its items wait for their moment.
        suspect: True if one of its items may kill the machine that it comes to.
        parts: how many came back.
        task: Dask's future.
    """

    __slots__ = (
        "address",
        "bytes",
        "items",
        "left",
        "number",
        "parts",
        "riders",
        "spaced",
        "suspect",
        "task",
    )

    def __init__(self, number: int, address: str, riders: list[Rider], *, spaced: bool) -> None:
        self.number = number
        self.address = address
        self.riders = dict(enumerate(riders))
        self.items = len(riders)
        self.bytes = 0
        self.left = time.perf_counter()
        self.spaced = spaced
        self.suspect = False
        self.parts = 0
        self.task: Any = None
