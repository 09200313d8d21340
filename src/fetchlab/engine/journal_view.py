"""A journal read: the same tables as a run's, over all of its sessions."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from fetchlab import frame
from fetchlab.engine.earlier import MOST_SESSIONS, row_of
from fetchlab.engine.liveness import open_state
from fetchlab.engine.snapshot import from_json
from fetchlab.errors import JournalError, StoreError
from fetchlab.store.journal_layout import ATTEMPT, ITEM
from fetchlab.store.journal_reader import DAMAGED, JournalReader

if TYPE_CHECKING:
    import os

    from fetchlab.model import RunStats

__all__ = ["JournalView"]

_KEY, _OK, _INDEX, _SESSION = map(ITEM.index, ("key", "ok", "idx", "session"))


class JournalView:
    """What a journal holds; ``fl.Journal.open(path)`` makes it. Every method reads what is there now.

    Indices and times are those of each item's own session: its place in that call's input, and seconds since
    that session's begin.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = JournalReader(path)

    def frame(self) -> pl.DataFrame:
        """Return the timings: a row per key as its last attempt ended, in the schema of ``run.frame()``.

        Sorted by ``session`` and ``index``.
        """
        return frame.timings_frame(
            (frame.seal_rows([row_of(row[_INDEX], row) for row in rows]) for rows in self._reader.items()),
            sessions=True,
        )

    def attempts(self) -> pl.DataFrame:
        """Return a row per attempt, of all sessions: the columns of ``run.attempts()`` and ``session``.

        Of an item that was fetched anew, attempts that succeeded at once are not told of.
        """
        rows = self._reader.attempts()
        skip = ATTEMPT.index("idx")
        recorded = frame.seal_attempts([row[skip:] for row in rows]).with_columns(
            session=pl.Series([row[ATTEMPT.index("session")] for row in rows], dtype=pl.UInt16)
        )
        timings = self.frame()
        at_once = frame.attempts_at_once(timings, "session")
        at_once = at_once.join(recorded, on=["index", "session", "attempt"], how="anti")
        columns = [*frame.ATTEMPTS.names(), "session"]
        return pl.concat([at_once.select(columns), recorded.select(columns)]).sort(
            "session", "index", "started", "attempt"
        )

    def table(self) -> pl.DataFrame:
        """Return the values of all items that are ok, joined to their timings as in ``run.table()``.

        Raises:
            JournalError: a value is damaged; the message names its key.
        """
        return self._joined()

    def sessions(self) -> pl.DataFrame:
        """Return a row per session.

        Columns: ``session u16, started, ended datetime[UTC] (null while it runs), state str, items, ok,
        failed, retries, bytes u64, mean_rate f64`` (items per second), ``workers u32, pid i64``. ``items``
        are those that the session itself ended. State is a run's, or ``killed``; such a session, or one that
        could not write its end, has ended with its last sign of life.
        """
        counts, retried = self._reader.counts(), self._reader.retries()
        rows = []
        for number, pid, machine, started, ended, state, workers, said, beat in self._reader.sessions():
            open_still = state == "running"
            if open_still:
                state = open_state(self.path, pid, machine, started, beat)  # noqa: PLW2901
                ended = None if state == "running" else beat or started  # noqa: PLW2901
            items, ok, size, last = counts.get(number, (0, 0, 0, 0.0))
            if ended is not None and (
                open_still or state == "killed"
            ):  # after the last beat items may have ended
                ended = max(ended, started + last)  # noqa: PLW2901
            failed, retries = items - ok, retried.get(number, 0)
            elapsed = (ended or datetime.now(UTC).timestamp()) - started
            own = json.loads(said).get("session") if said not in (None, "null") else None
            if own is not None:
                retries = max(retries, own["retries"])
                if own["items"] >= items:  # else it was killed some time after that was written
                    items, ok, size = own["items"], own["ok"], own["bytes"]
                    failed = items - ok
            rate = items / elapsed if elapsed > 0 else 0.0
            number = min(number, MOST_SESSIONS)  # noqa: PLW2901
            head = (number, _moment(started), _moment(ended), state)
            rows.append((*head, items, ok, failed, retries, size, rate, workers, pid))
        return pl.DataFrame(rows, frame.SESSIONS, orient="row")

    def stats(self) -> RunStats | None:
        """Return the latest statistics that a run left, None if there are none yet.

        While a run lives they are half a second old at most; ``state`` is ``killed`` if it was.
        """
        said = self._reader.sessions()
        if not said:
            return None
        _, pid, machine, started, _, state, _, stats, beat = said[-1]
        if stats in (None, "null"):
            stats = self._reader.pulse()
        if stats is None:
            return None
        told = from_json(stats)
        if state == "running":
            state = open_state(self.path, pid, machine, started, beat)
        if state == "running":
            return told
        return dataclasses.replace(told, state=state, in_flight=0, parked=0, eta=None)

    def export(self, parquet: str | os.PathLike[str]) -> Path:
        """Write :meth:`table` to one Parquet file: of failed items the timings alone; return its path.

        The file appears whole or not at all. Values that no column type holds are JSON text.

        Raises:
            StoreError: a column holds what is no JSON either.
        """
        path = Path(parquet)
        table, _ = frame.storable(self._joined(failed=True))
        part = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            table.write_parquet(part)
            part.replace(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            with suppress(OSError):
                part.unlink()
            raise StoreError(f"{path} cannot be written: {error}") from error
        return path

    def _joined(self, *, failed: bool = False) -> pl.DataFrame:
        sealed: list[pl.DataFrame] = []
        where: list[tuple[int, int]] = []
        values: list[Any] = []
        for rows in self._reader.items():
            sealed.append(frame.seal_rows([row_of(row[_INDEX], row) for row in rows if row[_OK] or failed]))
            there = [row for row in rows if row[_OK]]
            for row, value in zip(there, self._reader.values([row[0] for row in there]), strict=True):
                if value is DAMAGED:
                    raise JournalError(f"{self.path}: the value of {row[_KEY]} is damaged")
                where.append((min(row[_SESSION], MOST_SESSIONS), row[_INDEX]))
                values.append(value)
        timings = frame.timings_frame(sealed, sessions=True)
        # indices are those of each session's own input: the place in the table stands for them meanwhile
        indices = timings["index"]
        timings = timings.with_columns(index=pl.int_range(pl.len(), dtype=pl.UInt32))
        places = {one: place for place, one in enumerate(zip(timings["session"], indices, strict=True))}
        table = frame.join_timings(frame.values_frame([places[one] for one in where], values), timings)
        if failed:
            rest = timings.filter(~pl.col("ok"))
            clashes = {name: f"run.{name}" for name in rest.columns if f"run.{name}" in table.columns}
            table = pl.concat([table, rest.rename(clashes)], how="diagonal").sort("index")
        return table.with_columns(index=indices.gather(table["index"]))

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return sum(count[0] for count in self._reader.counts().values())

    def __repr__(self) -> str:
        counts = self._reader.counts()
        items, ok = sum(count[0] for count in counts.values()), sum(count[1] for count in counts.values())
        sessions = len(self._reader.sessions())
        return f"JournalView({str(self.path)!r}, {items:,} items, {ok:,} ok, {sessions} sessions)"


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
