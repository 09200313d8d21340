"""A run on its journal: which runs live on which files, what they write, and when they must wait."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
import warnings
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab import frame
from fetchlab.engine.sameness import described
from fetchlab.engine.snapshot import as_json
from fetchlab.errors import Cancelled, JournalError, StoreError
from fetchlab.redaction import redact_url
from fetchlab.store.journal_file import JournalFile
from fetchlab.store.journal_layout import ident
from fetchlab.store.journal_reader import JournalReader
from fetchlab.store.values import encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fetchlab.engine.earlier import Earlier
    from fetchlab.engine.journal import Journal
    from fetchlab.engine.recorder import Recorder
    from fetchlab.engine.run import Run
    from fetchlab.engine.scheduler import Scheduler
    from fetchlab.model import RunStats

__all__ = ["Journaling", "live_run", "origin_of"]

log = logging.getLogger("fetchlab.journal")

PULSE = 0.5
ORIGIN = "origin"

_lock = threading.Lock()  # guards _live
_live: dict[Path, Journaling] = {}


def _after_fork() -> None:
    """A child has none of its parent's runs, and must not wait for a lock that nobody will release."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _live.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def live_run(journal: Journal, call: object) -> Run | None:
    """Return the run that the same call has going on this journal, None if nobody in this process uses it.

    Raises:
        JournalError: another call of this process is using it.
    """
    path = journal.path.resolve()
    with _lock:
        there = _live.get(path)
    if there is None:
        return None
    run = there.run
    if run is not None and there.call == described(call):
        if run.state != "cancelling":
            return run
        run.wait_until_ended()
        return live_run(journal, call)
    which = "another run" if run is None else f"another run of this process ({run!r})"
    raise JournalError(
        f"{journal.path}: the journal is in use by {which}; wait for it or cancel it, or give another journal"
    )


def origin_of(path: Path) -> str | None:
    """Return where a study's journal is from, None if it does not say.

    Raises:
        JournalError: there is none, or it cannot be read.
    """
    with closing(JournalReader(path)) as reader:
        origin: str | None = reader.meta(ORIGIN)
    return origin


class Journaling:
    """One run's use of a journal.

    Args:
        journal: the file and how to use it.
        call: what tells this call from another one on the same journal.
        key: an item's key; raises ConfigError where it has none.
        earlier: makes the known items of a path.
        shown: an item's key as the journal shows it, None if that is the same.
        workers: for the session's row.
        origin: where a study's items come from, where their keys do not tell; one journal has one origin.
        maker: what makes the values, None if they are always of one kind.

    Attributes:
        older: how many of the known values another version of the maker made.
        run: the run, once it is made.
        earlier: what earlier sessions finished.

    Raises:
        JournalError: the file cannot be used.
    """

    def __init__(
        self,
        journal: Journal,
        call: object,
        key: Callable[[Any], str],
        earlier: Earlier,
        *,
        workers: int,
        shown: Callable[[Any], str] | None = None,
        origin: str | None = None,
        maker: str | None = None,
    ) -> None:
        self.run: Run | None = None
        self.call = described(call)
        self.earlier = earlier
        self._journal = journal
        self._path = journal.path.resolve()
        self._key = key
        self._shown = shown
        self._workers = workers
        self._origin = origin
        self._maker = maker
        self._hungry: Callable[[], None] = lambda: None
        self._unwritten: list[Any] = []
        self._file: JournalFile | None = None
        self._loaded = False
        self._items = self._ok = self._bytes = self._retries = 0
        self.older = 0
        self.open()
        if self.older:
            self._tell_of_older()

    def open(self) -> None:
        """Begin a session.

        Raises:
            JournalError: the file cannot be used now.
        """
        with _lock:
            if self._path in _live:
                raise JournalError(f"{self._journal.path}: the journal is in use by another run")
            _live[self._path] = self
        try:
            self._file = JournalFile(
                self._journal.path,
                batch_size=self._journal.batch_size,
                workers=self._workers,
                maker=self._maker,
                anew=not self._journal.skip_known or self._loaded,
            )
            self.session = self._file.session
            if self._journal.skip_known and not self._loaded:
                self.older = self._file.older
            if self._origin is not None:
                self._check_origin(self._file, redact_url(self._origin))
        except BaseException:
            self.leave()
            raise
        self._file.catch_up(self._unwritten)
        self._unwritten = []

    def _tell_of_older(self) -> None:
        text = (
            f"{self._journal.path}: another version of the function, or another one, made {self.older:,} "
            "values here, which are used as they are; fl.Journal(path, skip_known=False) makes them all anew"
        )
        log.warning("%s", text)
        try:
            warnings.warn(text, RuntimeWarning, stacklevel=5)
        except RuntimeWarning:  # made an error
            self.leave()
            raise

    def leave(self) -> None:
        """Let go of the file where no run came of it."""
        file, self._file = self._file, None
        if file is not None:
            file.close("stopped", "null")
        self._forget()

    def bind(self, run: Run, scheduler: Scheduler, recorder: Recorder) -> None:
        """Put the parts together; called once, before the run starts."""
        self.run = run
        self._scheduler = scheduler
        self._recorder = recorder
        self.earlier.bind(scheduler, recorder)

    def gate(self, may_pull: Callable[[int], bool] | None) -> Callable[[int], bool]:
        """Return a gate that also holds the reading back while the writer is behind."""

        def gate(index: int) -> bool:
            return self.has_room() and (may_pull is None or may_pull(index))

        return gate

    def has_room(self) -> bool:
        """Say whether work may begin; if not, the scheduler is woken when it may."""
        file = self._file
        return file is None or file.has_room()

    # on the loop

    async def ready(self) -> None:
        """Begin a sitting: learn what is known, once, and listen to the file."""
        file, loop = self._file, asyncio.get_running_loop()
        assert file is not None
        stop, wake = self._scheduler.stop, self._scheduler.wake
        self._recorder.session = self.session
        self._items = self._ok = self._bytes = 0
        self._retries = self._recorder.retries

        def soon(function: Callable[..., None], *args: Any) -> None:
            with suppress(RuntimeError):  # the loop is gone, and the run with it
                loop.call_soon_threadsafe(function, *args)

        file.on_trouble = partial(soon, stop)
        file.on_room = partial(soon, wake)
        try:
            await asyncio.wrap_future(file.started())
            if self._journal.skip_known and not self._loaded:
                self.earlier.ok = await asyncio.wrap_future(file.load(ok=True))
                if not self._journal.retry_failed:
                    self.earlier.failed = await asyncio.wrap_future(file.load(ok=False))
        except sqlite3.Error as error:
            if file.trouble is not None:  # the same in our own words
                raise file.trouble from error
            raise
        self._loaded = True

    async def beat(self, stats: Callable[[], RunStats]) -> None:
        """Write how the run stands, twice a second, until cancelled."""
        while True:
            await asyncio.sleep(PULSE)
            if self._file is not None:
                self._file.pulse(self._said(stats()))

    def pack(self, value: Any) -> tuple[str, bytes]:
        """Return a value as it is stored.

        Raises:
            JournalError: it cannot be; the message says what can.
        """
        try:
            return encode(value)
        except StoreError as error:
            raise JournalError(f"what is ok must be in the journal, but {error}") from error

    def ended(self, row: tuple[Any, ...], stored: tuple[str, bytes] | None, error: Exception | None) -> None:
        """Write an ended item, given its row in the ledger; one that was cancelled is pending again."""
        file = self._file
        if file is None or isinstance(error, Cancelled):
            return
        index, item, host, ok, status, kind, message, attempts, cached, session, *rest = row
        key = self._key(item)
        form, data = stored or (None, None)
        self._items += 1
        self._ok += ok
        self._bytes += rest[-1]
        file.ended(
            (
                ident(key),
                frame.utf8(key if self._shown is None else self._shown(item)),
                ok,
                session,
                index,
                frame.utf8(host),
                status,
                kind,
                frame.utf8(message),
                attempts,
                cached,
                *rest,
                form,
            ),
            data,
        )

    def attempt(self, row: tuple[Any, ...], item: Any, error: Exception | None) -> None:
        """Write an attempt at an item, given its row in the ledger."""
        file = self._file
        if file is None or isinstance(error, Cancelled):
            return
        index, key, *rest = row
        rest[0], rest[8] = frame.utf8(rest[0]), frame.utf8(rest[8])  # host, message
        file.attempt((ident(self._key(item)), self.session, index, frame.utf8(key), *rest))

    async def end(self, state: str, stats: RunStats) -> None:
        """End the session: all is committed and the file is let go of when this returns.

        Raises:
            JournalError: something could not be written; it is tried again when the run goes on.
        """
        file, self._file = self._file, None
        if file is None:
            return
        try:
            try:
                ending = asyncio.get_running_loop().run_in_executor(
                    None, file.close, state, self._said(stats)
                )
            except RuntimeError:  # the interpreter ends, and starts no more threads: this one has time now
                file.close(state, self._said(stats))
            else:
                await ending
        finally:
            self._unwritten = file.unwritten
            self._forget()

    def _said(self, stats: RunStats) -> str:
        """Statistics as JSON, with what this session alone did: a run that goes on has several."""
        own = {
            "items": self._items,
            "ok": self._ok,
            "bytes": self._bytes,
            "retries": self._recorder.retries - self._retries,
        }
        return as_json(stats, session=own)

    def _check_origin(self, file: JournalFile, origin: str) -> None:
        found = file.fact(ORIGIN, origin)
        if found != origin:
            raise JournalError(
                f"{self._journal.path}: this journal is of {found}, and its keys would be taken for those of "
                f"{origin}: give another file"
            )

    def _forget(self) -> None:
        with _lock:
            if _live.get(self._path) is self:
                del _live[self._path]
