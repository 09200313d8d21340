"""How items become numbered work: from the input, or added on the way.

Items of a sized input have the indices of the input, and those that are added come after. Where the input
has no length nobody knows where it ends, so all are numbered as they join.

With ``dedup`` only the first of equal keys becomes work. A *twin* of it in the input ends like it; among
added items it is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.engine.source import END, NOTHING
from fetchlab.engine.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetchlab.engine.earlier import Earlier
    from fetchlab.engine.sink import Sink
    from fetchlab.engine.source import Source

__all__ = ["Intake"]


class Intake:
    """Reads the source and numbers what joins.

    Args:
        source: the input.
        clock: seconds, monotonic.
        sink: told of twins' ends.
        gate: asked, with the index that an item would get, before each is read; False holds the reading
            back.
        dedup: an item's key, None to let equal keys pass.
        earlier: takes the items that earlier sessions of a journal finished.
    """

    def __init__(
        self,
        source: Source,
        clock: Callable[[], float],
        sink: Sink,
        *,
        gate: Callable[[int], bool] | None,
        dedup: Callable[[Any], str] | None,
        earlier: Earlier | None = None,
    ) -> None:
        self.source = source
        self.exhausted = False
        self.failure: BaseException | None = None
        self.joined = 0  # items that became work, or twins of some
        self.read_so_far = 0  # items of the input among them that are to be served
        self._clock = clock
        self._sink = sink
        self._gate = gate
        self._added = 0
        self._next = 0  # index of the next item of the input
        self._fence = -1 if source.total is None else source.total  # first index that is not the input's
        self._tail = self._fence  # index of the next added item; without a fence they share _next
        self._dedup = dedup
        self._first: dict[str, Work] = {}
        self._twins: dict[int, list[Work]] = {}
        self._ended: set[int] = set()  # of those that may have twins
        self._earlier = earlier
        self._recalled: set[str] = set()  # with dedup: keys of items that earlier sessions finished

    @property
    def total(self) -> int | None:
        """Items in all, as far as known: the input's and those added to it."""
        if self.source.total is not None and (self.failure is not None or not self.exhausted):
            return self.source.total + self._added
        return self.joined if self.exhausted and self.failure is None else None

    @property
    def extent(self) -> int:
        """One more than the highest index given, or in a sized input to be given."""
        return self._next if self._fence < 0 else self._tail

    @property
    def all_read(self) -> bool:
        """True if the input has no more, as far as can be told without reading it."""
        return self.exhausted or self._next == self._fence

    def read(self) -> Work | None:
        """Read one item of the input; None if there is none now, or no more."""
        earlier = self._earlier
        while self._gate is None or self._gate(self._next):
            if earlier is not None and earlier.full:
                return None
            skims = (
                earlier is not None and self._dedup is None and self._next != self._fence and earlier.skims
            )
            try:
                item = self._skim(earlier) if earlier is not None and skims else self.source.take()
            except BaseException as error:  # whatever it is: raised here it would end the loop, not the run
                self.failure = error
                item = END
            if item is END:
                self.exhausted = True
                return None
            if item is NOTHING:
                return None
            index = self._next
            if index == self._fence:  # a list that grew while it was read
                index = self._tail
                self._tail += 1
            else:
                self._next += 1
            if earlier is not None and not skims and self._is_known(index, item):
                continue
            work = Work(index, item, self._clock())
            self.joined += 1
            if self._dedup is None or not self._is_twin(work):
                self.read_so_far += 1
                return work
        return None

    def add(self, item: Any) -> Work | None:
        """Number an added item; None if its key was seen before, or an earlier session finished it."""
        index = self._next if self._fence < 0 else self._tail
        if self._recalled and self._dedup is not None and self._dedup(item) in self._recalled:
            return None
        known = self._earlier is not None and self._is_known(index, item)
        if not known:
            work = Work(index, item, self._clock())
            if self._dedup is not None and self._first.setdefault(self._dedup(item), work) is not work:
                return None
            self.joined += 1
        if self._fence < 0:
            self._next += 1
        else:
            self._tail += 1
        self._added += 1
        return None if known else work

    def _skim(self, earlier: Earlier) -> Any:
        """Take what comes after all that earlier sessions finished."""
        before = len(earlier)
        most = math.inf if self._fence < 0 else self._fence - self._next
        try:
            return earlier.skim(self.source.take, self._next, most)
        finally:
            self._next += len(earlier) - before
            self.joined += len(earlier) - before

    def _is_known(self, index: int, item: Any) -> bool:
        """Say whether an earlier session finished the item; if so it has joined, and will never be work."""
        assert self._earlier is not None  # for the type checker
        if not self._earlier.takes(index, item, self._clock()):
            return False
        self.joined += 1
        if self._dedup is not None:
            self._recalled.add(self._dedup(item))
        return True

    def _is_twin(self, work: Work) -> bool:
        """Say whether the key was seen before; if so the twin has ended, or will with the first."""
        assert self._dedup is not None  # for the type checker
        first = self._first.setdefault(self._dedup(work.item), work)
        if first is work:
            return False
        known = self._sink.known(first.index)
        if known is not None:
            self._end_twin(work, first.status, self._clock(), *known)
        elif first.index in self._ended:  # its value went to the one reader and is not held
            self.joined -= 1
        else:
            self._twins.setdefault(first.index, []).append(work)
        return True

    def ended(self, work: Work, finished: float, value: Any, error: Exception | None) -> None:
        """End the twins of an item that has ended."""
        if self._dedup is not None:
            self._ended.add(work.index)
            for twin in self._twins.pop(work.index, ()):
                self._end_twin(twin, work.status, finished, value, error)

    def once(self, works: Iterable[Work]) -> Iterable[Work]:
        """Of work with equal keys, serve the first once more; the others end with it."""
        if self._dedup is None:
            return works
        firsts: dict[str, Work] = {}
        for work in works:
            first = firsts.setdefault(self._dedup(work.item), work)
            if first is work:
                self._ended.discard(work.index)
            else:
                self._twins.setdefault(first.index, []).append(work)
        return firsts.values()

    def _end_twin(
        self, twin: Work, status: int | None, finished: float, value: Any, error: Exception | None
    ) -> None:
        twin.status, twin.cached, twin.twin = status, True, True
        self._sink.ended(twin, 0, finished, value, None if error is None else errors.copied(error))
