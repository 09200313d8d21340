"""What a run remembers: timings, values, errors, counts."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.engine.failures import drop_frames, failed, listed
from fetchlab.engine.ledger import Ledger
from fetchlab.engine.logbook import Logbook
from fetchlab.engine.work import Work
from fetchlab.frame import ROW
from fetchlab.model import Result
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetchlab.engine.earlier import Earlier
    from fetchlab.engine.journaling import Journaling

__all__ = ["Recorder"]

RATE_SECONDS = 5.0
READ_ON = 128
HELD_BYTES = 64_000_000
"""With ``keep=False``: decoded bytes that may wait for the reader before reading of the input stops."""
REFUSALS = frozenset({429, 503})

_IN_RESULT = [name for name in ROW if name not in ("error", "message", "session")]


class Recorder:
    """The scheduler's sink: writes the book and keeps what readers will ask for.

    Args:
        start: the clock's reading at the run's start; all recorded times are relative to it.
        key_of: an item's key.
        keep: hold values, so that every reader sees all of them; otherwise one reader sees each once.
        window: with ``keep=False``, how many unread results to hold before reading of the input stops.
        follow: a result's further items.
        drained: further items once everything ended.
        journal: writes what ends, None without one.

    Attributes:
        on_change: called after every ended item.
    """

    def __init__(
        self,
        *,
        start: float,
        key_of: Callable[[Any], str],
        keep: bool,
        window: int,
        follow: Callable[[Result], Iterable[Any]] | None,
        drained: Callable[[], Iterable[Any]] | None,
        journal: Journaling | None = None,
    ) -> None:
        self.start = start
        self.keep = keep
        self.ledger = Ledger(key_of, spill=not keep)
        self.values: dict[int, Any] = {}
        self.items: dict[int, Any] = {}
        self.failed: dict[int, Work] = {}
        self.errors: dict[int, Exception] = {}
        self.unread: deque[Result] = deque()
        self.retrying: set[int] = set()
        self.discard = False
        self.given = 0  # results put where the one reader takes them
        self.read = 0  # results that it handed on
        self.held = 0  # bytes of bodies that were not taken yet
        self.awaited = -READ_ON  # with keep=False and order="input": the index it must hand on next
        self.session = 1
        self.earlier: Earlier | None = None
        self.failed_before: set[int] = set()  # failed in earlier sessions of the journal, and left so
        self.ok = self.retries = self.refused = self.bytes = self.cached = self.ended_items = 0
        self.kinds: Counter[str] = Counter()
        self.latest: dict[int, int] = {}
        self.limits: list[tuple[float, int]] = []
        self.logbook = Logbook()
        self.rate = 0.0
        self._key_of = key_of
        self._window = window
        self._follow = follow
        self._drained = drained
        self.on_change: Callable[[], None] = lambda: None
        self._journal = journal
        if journal is not None:
            self.earlier = journal.earlier
            self.ledger.comes_after(journal.earlier)
        self._plain = keep and follow is None and journal is None
        self._rate_weight = 0.0
        self._rate_at = start
        self._rate_done = 0

    # the scheduler's side

    def retried(
        self, work: Work, worker: int, finished: float, error: Exception, wait: float, reason: str
    ) -> None:
        """Write a failed attempt that another will follow."""
        self.retries += 1
        self._count_refusal(work)
        self.logbook.retried(work, self._key_of, error, wait, reason)
        self._write_attempt(work, worker, finished, error, wait, reason)

    def ended(
        self, work: Work, worker: int, finished: float, value: Any, error: Exception | None
    ) -> Iterable[Any]:
        """Write an ended item; return what ``follow`` adds."""
        more: Iterable[Any] = ()
        if self._plain and error is None and work.attempt == 1 and not self.retrying:  # most of them
            index = work.index
            self.ended_items += 1
            self.ok += 1
            self.bytes += work.bytes
            self.cached += work.cached
            self.items[index] = work.item
            self.values[index] = value
            self._write(work, worker, finished, None)
            self.on_change()
            return more
        stored: tuple[str, bytes] | None = None
        if error is None and self._journal is not None:
            try:
                stored = self._journal.pack(value)
            except errors.JournalError as raised:
                value, error = None, raised
        if error is None and self._follow is not None:
            try:
                more = listed(self._follow(self._result(work, worker, finished, value, None)))
            except Exception as raised:
                value, error, stored = None, failed("follow", raised), None
        if error is not None:
            error = self._owned(error, work)
            self._count_refusal(work)
        tried_again = work.attempt > 1 or (self.retrying and work.index in self.retrying)
        if (error is not None or tried_again) and not work.cached:
            self._write_attempt(work, worker, finished, error, 0.0, None)
        self._close(work, worker, finished, value, error, stored)
        return more

    def replaced(self, work: Work, worker: int, finished: float, error: Exception) -> None:
        """Write the failed attempt of an item for which an old entry stands in."""
        self._count_refusal(work)
        self.logbook.replaced(work, self._key_of, error)
        self._write_attempt(work, worker, finished, error, 0.0, "stale")

    def recalled(self, result: Result, row: int, now: float) -> Iterable[Any]:
        """Take in what an earlier session finished as if it had just come; return what ``follow`` adds.

        Args:
            result: what the journal tells of it.
            row: its row number there.
            now: the clock's reading.
        """
        more: Iterable[Any] = ()
        if self._follow is not None:
            try:
                more = listed(self._follow(result))
            except Exception as raised:
                work = self._work_of(result.item, result.index, result.host, result.attempts, now)
                self._close(work, 0, now, None, self._owned(failed("follow", raised), work), None)
                return ()
        assert self.earlier is not None  # for the type checker
        self.earlier.enter(result.index, result.item, row)
        if not self.keep and not self.discard:
            self._hand_over(result)
        self.on_change()
        return more

    def recalled_failure(self, item: Any, row: tuple[Any, ...], now: float) -> None:
        """Take in an item that failed in an earlier session and shall stay so, given its row."""
        told = dict(zip(ROW, row, strict=True))
        index = told["index"]
        work = self._work_of(item, index, told["host"], told["attempts"], now)
        work.status = told["status"]
        error = self._owned(errors.remade(told["error"], told["message"], told["status"]), work)
        self.failed_before.add(index)
        self.kinds[type(error).__name__] += 1
        self.failed[index], self.errors[index] = work, error
        if self.keep:
            self.items[index] = item
        self.ledger.append((index, item, *row[2:]))
        if not self.keep and not self.discard:
            for name in ("key", "error", "message", "session"):
                del told[name]
            self._hand_over(Result(key=self._key_of(item), item=item, value=None, error=error, **told))
        self.on_change()

    def _work_of(self, item: Any, index: int, host: str, attempts: int, now: float) -> Work:
        work = Work(index, item, now)
        work.host = host
        work.attempt = work.before = attempts
        return work

    def _hand_over(self, result: Result) -> None:
        """Put a result where the one reader takes it."""
        self.given += 1
        self.held += result.bytes
        self.unread.append(result)

    def abandoned(self, work: Work, finished: float, error: Exception) -> None:
        """Write an item that ended while it waited; there was no further attempt."""
        self._close(work, 0, finished, None, self._owned(error, work))

    def known(self, index: int) -> tuple[Any, Exception | None] | None:
        """Return the value and error of an ended item, None if they are not held."""
        if not self.keep or not (index in self.values or index in self.errors):
            return None
        return self.values.get(index), self.errors.get(index)

    def drained(self) -> Iterable[Any]:
        """Return what the run's owner adds once everything ended."""
        return self._drained() if self._drained is not None else ()

    def may_pull(self, index: int) -> bool:
        """Say whether the reader keeps up, or waits for items about to be read: it holds what comes after."""
        if self.discard or index < self.awaited + READ_ON:
            return True
        return self.given - self.read < self._window and self.held < HELD_BYTES

    def to_retry(self) -> list[Work]:
        """Return new work for every failed item that is not being tried again already."""
        indices = sorted(self.failed.keys() - self.retrying)
        self.retrying.update(indices)
        self.retries += len(indices)
        return [self.failed[index].again() for index in indices]

    # the readers' side

    @property
    def recalled_items(self) -> int:
        """Items that earlier sessions of the journal finished."""
        return len(self.failed_before) + (len(self.earlier) if self.earlier is not None else 0)

    def every_value(self) -> dict[int, Any]:
        """Return the values by index, those of earlier sessions among them."""
        values = self.values.copy()
        return self.earlier.values() | values if self.earlier is not None else values

    def result_of(self, row: tuple[Any, ...]) -> Result:
        """Return the result that a row of the ledger tells of."""
        told = dict(zip(ROW, row, strict=True))
        index = told["index"]
        return Result(
            item=self.items.get(index),
            value=self.values.get(index),
            error=self.errors.get(index),
            **{name: told[name] for name in _IN_RESULT},
        )

    def update_rate(self, now: float) -> None:
        """Move the exponentially weighted rate on; its start is corrected for, so it is right at once."""
        step = now - self._rate_at
        if step <= 0:
            return
        decay = math.exp(-step / RATE_SECONDS)
        fresh = (self.ended_items - self._rate_done) / step
        weight = self._rate_weight * decay + (1 - decay)
        self.rate = (self.rate * self._rate_weight * decay + fresh * (1 - decay)) / weight
        self._rate_weight, self._rate_at, self._rate_done = weight, now, self.ended_items

    # details

    def _result(
        self, work: Work, worker: int, finished: float, value: Any, error: Exception | None
    ) -> Result:
        start = self.start
        return Result(
            work.index,
            self._key_of(work.item),
            work.item,
            error is None,
            value,
            error,
            work.status,
            work.attempt,
            work.cached,
            worker,
            work.queued - start,
            work.started - start,
            None if work.first_byte is None else work.first_byte - start,
            finished - start,
            work.bytes,
            work.host,
        )

    def _close(
        self,
        work: Work,
        worker: int,
        finished: float,
        value: Any,
        error: Exception | None,
        stored: tuple[str, bytes] | None = None,
    ) -> None:
        self._count(work, value, error)
        row = self._write(work, worker, finished, error)
        if self._journal is not None and not work.twin:
            self._journal.ended(row, stored, error)
        if not self.keep and not self.discard:
            self._hand_over(self._result(work, worker, finished, value, error))
        self.on_change()

    def _count(self, work: Work, value: Any, error: Exception | None) -> None:
        index = work.index
        if self.retrying and index in self.retrying:  # its second life: the first end no longer counts
            self.retrying.remove(index)
            del self.failed[index]
            self.kinds[type(self.errors.pop(index)).__name__] -= 1
            if index in self.failed_before:
                self.failed_before.remove(index)
            else:
                self.ended_items -= 1
            self.latest[index] = len(self.ledger)
        self.ended_items += 1
        self.bytes += work.bytes
        self.cached += work.cached
        if error is None:
            self.ok += 1
        else:
            self.kinds[type(error).__name__] += 1
            self.failed[index] = work
            self.errors[index] = error
            self.logbook.failed(work, self._key_of, error)
        if self.keep:
            self.items[index] = work.item
            if error is None:
                self.values[index] = value

    def _write(self, work: Work, worker: int, finished: float, error: Exception | None) -> tuple[Any, ...]:
        start = self.start
        first = work.first_byte
        row = (
            work.index,
            work.item,
            work.host,
            error is None,
            work.status,
            None if error is None else type(error).__name__,
            None if error is None else redact_text(str(error)),
            work.attempt,
            work.cached,
            self.session,
            worker,
            work.queued - start,
            work.started - start,
            None if first is None else first - start,
            finished - start,
            work.bytes,
        )
        self.ledger.append(row)
        return row

    def _write_attempt(
        self,
        work: Work,
        worker: int,
        finished: float,
        error: Exception | None,
        wait: float,
        reason: str | None,
    ) -> None:
        start = self.start
        row = (
            work.index,
            self._key_of(work.item),
            work.host,
            work.attempt,
            worker,
            work.began - start,
            None if work.first_byte is None else work.first_byte - start,
            finished - start,
            work.status,
            None if error is None else type(error).__name__,
            None if error is None else redact_text(str(error)),
            work.bytes,
            wait,
            reason,
        )
        self.ledger.append_attempt(row)
        if self._journal is not None:
            self._journal.attempt(row, work.item, error)

    def _count_refusal(self, work: Work) -> None:
        self.refused += work.status in REFUSALS and not work.cached

    def _owned(self, error: Exception, work: Work) -> Exception:
        """Return the error in our own tree, with item, key and attempts, and without frames it would hold."""
        if not isinstance(error, errors.FetchlabError):
            error = failed("", error)
        elif "key" in vars(error):  # one instance, raised for another item before
            error = errors.copied(error)
        drop_frames(error)
        for name, value in (
            ("item", work.item),
            ("key", self._key_of(work.item)),
            ("attempts", work.attempt),
        ):
            setattr(error, name, value)
        return error
