"""How a reader takes a run's results: all of them from the first, or each once; as they come, or in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.recorder import Recorder
    from fetchlab.model import Result

__all__ = ["KeptTaker", "OnceTaker", "Taker"]


class Taker:
    """Gives a reader the results that are new to it, in the order it wants."""

    def __init__(self, recorder: Recorder, *, ordered: bool) -> None:
        self._recorder = recorder
        self._ordered = ordered
        self._held: dict[int, Result] = {}
        self._next = 0

    def __call__(self, *, last: bool = False) -> list[Result]:
        """Return what is new; ``last`` gives what order would still hold back."""
        if not self._ordered:
            return self._fresh()
        ready: list[Result] = []
        while not ready:
            fresh = self._fresh()
            if not fresh:
                break
            self._held.update((result.index, result) for result in fresh)
            while self._next in self._held:
                ready.append(self._held.pop(self._next))
                self._next += 1
        if last and not ready and self._held:  # indexes that never ended leave gaps: give what is there
            ready = [self._held[index] for index in sorted(self._held)]
            self._held.clear()
        self._gave(len(ready))
        return ready

    def ready(self) -> bool:
        """Say whether something new is there."""
        raise NotImplementedError

    def _fresh(self) -> list[Result]:
        raise NotImplementedError

    def _gave(self, count: int) -> None:
        pass


class KeptTaker(Taker):
    """From the first result on, as often as you like; an item tried again shows its latest end only."""

    _position = 0
    _recalled = 0

    def ready(self) -> bool:
        """Say whether something new is there."""
        earlier = self._recorder.earlier
        if earlier is not None and len(earlier) > self._recalled:
            return True
        return len(self._recorder.ledger) > self._position

    def _fresh(self) -> list[Result]:
        recorder = self._recorder
        if recorder.earlier is not None and len(recorder.earlier) > self._recalled:
            known = recorder.earlier.results(self._recalled)
            self._recalled += len(known)
            return known
        rows = recorder.ledger.rows(self._position)
        first = self._position
        self._position += len(rows)
        latest = recorder.latest
        fresh = [
            recorder.result_of(row)
            for position, row in enumerate(rows, first)
            if latest.get(row[0], position) <= position
        ]
        # neither value nor error: its second life ended while we looked, and is among the next rows
        return [result for result in fresh if result.ok or result.error is not None]


class OnceTaker(Taker):
    """Each result once, for a run that keeps none; what was taken lets the run read on."""

    def __init__(self, recorder: Recorder, wake: Callable[[], None], *, ordered: bool) -> None:
        super().__init__(recorder, ordered=ordered)
        self._wake = wake

    def ready(self) -> bool:
        """Say whether something new is there."""
        return bool(self._recorder.unread)

    def _fresh(self) -> list[Result]:
        unread = self._recorder.unread
        fresh = [unread.popleft() for _ in range(len(unread))]
        self._recorder.held -= sum(result.bytes for result in fresh)
        if not self._ordered:
            self._gave(len(fresh))
        return fresh

    def _gave(self, count: int) -> None:
        if self._ordered:
            self._recorder.awaited = self._next
        if count:
            self._recorder.read += count
            self._wake()
