"""What earlier sessions of a journal have finished: recognised by key, read from the file when somebody asks.

A known item never becomes work. Of most of them nothing but index and row number is held, twelve bytes, and
rows and values are read from the file by whoever looks at them. Where the value is needed at once, because
``follow`` or a reader takes each result as it comes, or because it must be checked, a thread reads it in
batches and it is handed on as if it had just come.
"""

from __future__ import annotations

import asyncio
import threading
from array import array
from contextlib import closing
from typing import TYPE_CHECKING, Any

from fetchlab import errors, frame
from fetchlab.engine.source import END, NOTHING
from fetchlab.engine.work import Work
from fetchlab.errors import JournalError
from fetchlab.model import Result
from fetchlab.store.journal_layout import ATTEMPT, ident
from fetchlab.store.journal_reader import DAMAGED, JournalReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import polars as pl

    from fetchlab.engine.recorder import Recorder
    from fetchlab.engine.scheduler import Scheduler

__all__ = ["Earlier", "row_of"]

BREATH = 1024
"""Known items passed by before the loop gets its turn: about 4 ms."""
BATCH = 128
PENDING = 512
CHUNK = 4096
MOST_SESSIONS = 65_535

Asked = tuple[int, Any, int, float]
"""Index, item, row number, and when the item was read."""


class Earlier:
    """The known items of one run.

    Args:
        path: the journal.
        key: an item's key, or a ConfigError where it has none.
        shown: its key as the journal shows it, None if that is the same.
        at_once: read each value when its item comes.
        hold: keep the items themselves, for results.
        recalls: says which items may be taken from the journal, None for all.
        holds: given an item and its value, returns the value as it holds now, a downloaded file say, or None
            if it does no more; called in a thread.

    Attributes:
        ok: row numbers of items that have a value.
        failed: row numbers of items that failed and are to stay so.
        pending: items whose values are being read.
        full: True if no more of the input shall be read for now.
    """

    def __init__(
        self,
        path: Path,
        key: Callable[[Any], str],
        *,
        shown: Callable[[Any], str] | None = None,
        at_once: bool,
        hold: bool,
        recalls: Callable[[Any], bool] | None = None,
        holds: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        self.ok: set[int] = set()
        self.failed: set[int] = set()
        self.pending = 0
        self.full = False
        self._path = path.resolve()
        self._key = key
        self._shown = shown or key
        self._at_once = at_once or holds is not None
        self._recalls = recalls
        self._holds = holds
        self._ids = array("q")
        self._indices = array(
            "I"
        )  # grows after _ids and _items: a reader in another thread goes by its length
        self._items: list[Any] | None = [] if hold else None
        self._sealing = threading.Lock()  # guards _sealed: readers in several threads read each row once
        self._sealed: list[pl.DataFrame] = []
        self._asked: list[Asked] = []
        self._breath = 0
        self._reading: asyncio.Task[None] | None = None

    def bind(self, scheduler: Scheduler, recorder: Recorder) -> None:
        """Name whom to tell; called once, before the run starts."""
        self._scheduler = scheduler
        self._recorder = recorder

    def __len__(self) -> int:
        return len(self._indices)

    # on the loop

    def takes(self, index: int, item: Any, now: float) -> bool:
        """Say whether an item is known; if so it is taken care of.

        Raises:
            ConfigError: it has no key.
        """
        if not (self.ok or self.failed) or (self._recalls is not None and not self._recalls(item)):
            return False
        row = ident(self._key(item))
        ok = row in self.ok
        if not ok and row not in self.failed:
            return False
        if ok and not self._at_once:
            self.enter(index, item, row)
        else:
            self.pending += 1
            self._asked.append((index, item, row, now))
        if not self._breath:
            asyncio.get_running_loop().call_soon(self._breathe)
        self._breath += 1
        self.full = self._breath >= BREATH or self.pending >= PENDING
        return True

    @property
    def skims(self) -> bool:
        """Whether :meth:`skim` may be used: nothing is to be done with a known item but to note it."""
        return bool(self.ok) and not (self._at_once or self.failed or self._recalls)

    def skim(self, take: Callable[[], Any], index: int, most: float) -> Any:
        """Note known items one after the other; return the first that is not, or the source's END or NOTHING.

        The same as :meth:`takes` at half the cost, for the million items that a long job has behind it.

        Args:
            take: gives the next item.
            index: its index.
            most: how many items may be taken.
        """
        ok, key, items = self.ok, self._key, self._items
        before = len(self._indices)
        try:
            for place in range(index, index + int(min(BREATH - self._breath, most))):
                item = take()
                if item is END or item is NOTHING:
                    return item
                row = ident(key(item))
                if row not in ok:
                    return item
                self._ids.append(row)
                if items is not None:
                    items.append(item)
                self._indices.append(place)
        finally:
            known = len(self._indices) - before
            if known and not self._breath:
                asyncio.get_running_loop().call_soon(self._breathe)
            self._breath += known
            self.full = self._breath >= BREATH
        return NOTHING

    def enter(self, index: int, item: Any, row: int) -> None:
        """Note a known item for those who will ask."""
        self._ids.append(row)
        if self._items is not None:
            self._items.append(item)
        self._indices.append(index)

    async def settled(self) -> None:
        """Wait until every item that was asked for is handed on."""
        self._ask()
        while self._reading is not None:
            await self._reading

    def _ask(self) -> None:
        if self._asked and self._reading is None:
            self._reading = asyncio.ensure_future(self._read())

    def _breathe(self) -> None:
        self._breath = 0
        self.full = self.pending >= PENDING
        self._ask()
        self._recorder.on_change()
        self._scheduler.wake()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._asked:
                batch, self._asked = self._asked[:BATCH], self._asked[BATCH:]
                rows, values = await loop.run_in_executor(None, self._fetched, batch)
                for asked, row, value in zip(batch, rows, values, strict=True):
                    self._hand_on(asked, row, value)
                self.pending -= len(batch)
                self.full = self.pending >= PENDING
                self._scheduler.wake()
        except Exception as error:
            self.pending, self.full = 0, False
            self._asked.clear()
            self._scheduler.stop(error)
        finally:
            self._reading = None

    def _fetched(self, batch: list[Asked]) -> tuple[list[tuple[Any, ...]], list[Any]]:
        with closing(JournalReader(self._path)) as reader:
            rows = reader.rows([one[2] for one in batch])
            values = iter(reader.values([row[0] for row in rows if row[2]]))
        found = [next(values) if row[2] else None for row in rows]
        if self._holds is not None:
            items = [one[1] for one in batch]
            found = [self._held(item, value, DAMAGED) for item, value in zip(items, found, strict=True)]
        return rows, found

    def _held(self, item: Any, value: Any, otherwise: Any) -> Any:
        """A value as it holds now."""
        if value is None or value is DAMAGED or self._holds is None:
            return value
        held = self._holds(item, value)
        return otherwise if held is None else held

    def _hand_on(self, asked: Asked, row: tuple[Any, ...], value: Any) -> None:
        index, item, number, now = asked
        if value is DAMAGED:
            self._scheduler.again([Work(index, item, now)])
            return
        told = row_of(index, row)
        if not row[2]:
            self._recorder.recalled_failure(item, told, now)
        else:
            more = self._recorder.recalled(_result(item, told, value), number, now)
            if more:
                self._scheduler.add(more)

    # in any thread

    def results(self, start: int) -> list[Result]:
        """Return the results of known items from position ``start`` on, at most a chunk of them."""
        ids, indices = self._ids[start : start + CHUNK], self._indices[start : start + CHUNK]
        ids = ids[: len(indices)]
        with closing(JournalReader(self._path)) as reader:
            rows, values = reader.rows(ids), reader.values(ids)
        items = [None] * len(ids) if self._items is None else self._items[start : start + len(ids)]
        return [
            _result(item, row_of(index, row), self._held(item, self._sound(row, value, item), value))
            for index, item, row, value in zip(indices, items, rows, values, strict=True)
        ]

    def values(self) -> dict[int, Any]:
        """Return the values of all known items by index."""
        found: dict[int, Any] = {}
        for start in range(0, len(self), CHUNK):
            found |= {result.index: result.value for result in self.results(start)}
        return found

    def chunks(self) -> Iterator[pl.DataFrame]:
        """Yield the rows of all known items as sealed columns; what was read once is held."""
        with self._sealing:
            done = sum(chunk.height for chunk in self._sealed)
            while done < len(self):
                indices = self._indices[done : done + CHUNK]
                with closing(JournalReader(self._path)) as reader:
                    rows = reader.rows(self._ids[done : done + len(indices)])
                sealed = [row_of(index, row) for index, row in zip(indices, rows, strict=True)]
                self._sealed.append(frame.seal_rows(sealed))
                done += len(indices)
            chunks = list(self._sealed)
        yield from chunks

    def attempts(self) -> list[tuple[Any, ...]]:
        """Return the recorded attempts of known items, in ``frame.ATTEMPTS`` order."""
        if not len(self):
            return []
        places = dict(zip(self._ids, self._indices, strict=False))
        with closing(JournalReader(self._path)) as reader:
            rows = reader.attempts(places)
        skip = ATTEMPT.index("key")
        return [(places[row[0]], *row[skip:]) for row in rows]

    def _sound(self, row: tuple[Any, ...], value: Any, item: Any) -> Any:
        """Return a value that can be read and is of this item: row numbers are hashes."""
        if value is DAMAGED:
            raise JournalError(
                f"{self._path}: the value of {row[1]} is damaged; the same call with keep=False fetches it "
                "anew, one with fl.Journal(…, skip_known=False) all of them"
            )
        if self._items is not None and row[1] != frame.utf8(self._shown(item)):
            raise JournalError(f"{self._path}: {row[1]} stands where {self._shown(item)} should")
        return value


def row_of(index: int, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row of the journal's items in ``frame.ROW`` order, at its place in this run's input."""
    _, key, ok, session, _, host, status, error, message, attempts, cached, *rest, _, _ = row
    session = min(session, MOST_SESSIONS)
    return (index, key, host, bool(ok), status, error, message, attempts, bool(cached), session, *rest)


def _result(item: Any, row: tuple[Any, ...], value: Any) -> Result:
    told = dict(zip(frame.ROW, row, strict=True))
    error = None if told["ok"] else errors.remade(told["error"], told["message"], told["status"])
    del told["error"], told["message"], told["session"]
    return Result(item=item, value=value, error=error, **told)
