"""One asker leads among processes, too: who is getting what, noted in the cache's file.

A process that is about to ask for a key takes a lease on it; whoever finds it taken waits and looks into the
cache now and then. Holders beat once a second while they hold anything: a lease whose holder has been silent
for five is free, so that a process that was killed hands over.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import TYPE_CHECKING, Literal, TypeAlias

from fetchlab.store.entry import id_of, spelt
from fetchlab.store.shelf_sql import TIMES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from fetchlab.store.shelf import Shelf

__all__ = ["Leases", "Verdict"]

Verdict: TypeAlias = Literal["mine", "mine, old", "held", "held elsewhere", "stored"]
"""Lead; lead, and there is an old entry; another process leads; another machine does; there is a good entry
by now, to be read."""
BEAT_SECONDS = 1.0
DEAD_SECONDS = 5.0
LOOK_SECONDS = 0.05

LIVE = (
    "SELECT 1 FROM lease JOIN holder ON holder.name = lease.holder"
    " WHERE lease.id = ?1 AND holder.name <> ?2 AND holder.beat > ?3"
)
TAKE = "INSERT INTO lease VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET holder = ?2"
GIVE_BACK = "DELETE FROM lease WHERE id = ? AND holder = ?"
BEAT = "INSERT INTO holder VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET beat = ?3"
FORGET = "DELETE FROM holder WHERE beat < ?"
FORGET_LEASES = "DELETE FROM lease WHERE holder NOT IN (SELECT name FROM holder)"
KEEP_DEAD_SECONDS = 3600.0


class Leases:
    """This process's leases on the keys of one file; safe from any thread.

    Args:
        shelf: the file.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._name = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._held: set[int] = set()
        self._beaten = 0.0
        self._lock = threading.Lock()  # guards _waiting and _looking
        self._waiting: dict[str, list[Callable[[], object]]] = {}
        self._looking = False

    def take(
        self, connection: sqlite3.Connection, key: str, good: Callable[[float, float | None], bool]
    ) -> Verdict:
        """Take a lease, on the writer's thread; or say that another process has it, or an entry came.

        Args:
            connection: the writer's.
            key: what is to be asked for.
            good: says of an entry's times whether it will do.
        """
        number = id_of(key)
        found = None
        if not self._shelf.is_doubted(number):
            found = connection.execute(TIMES, (number, spelt(key))).fetchone()
        if found is not None and good(*found):
            return "stored"
        now = time.time()
        if connection.execute(LIVE, (number, self._name, now - DEAD_SECONDS)).fetchone():
            return "held"
        connection.execute(TAKE, (number, self._name))
        self._held.add(number)
        self._beat(connection, now)
        return "mine" if found is None else "mine, old"

    def over(self, number: int) -> None:
        """The entry is on its way to the file, and ends the lease there."""
        self._held.discard(number)

    def give_back(self, key: str) -> None:
        """Let others ask, where nothing came of it."""
        number = id_of(key)
        if number in self._held:
            self._held.discard(number)
            self._shelf.write(GIVE_BACK, (number, self._name))

    def beat(self, connection: sqlite3.Connection) -> bool:
        """Show that this process lives, where it holds anything; say whether it does."""
        if self._held:
            self._beat(connection, time.time())
        return bool(self._held)

    def _beat(self, connection: sqlite3.Connection, now: float) -> None:
        if now - self._beaten < BEAT_SECONDS:
            return
        connection.execute(BEAT, (self._name, os.getpid(), now))
        if not self._beaten:
            connection.execute(FORGET, (now - KEEP_DEAD_SECONDS,))
            connection.execute(FORGET_LEASES)
        self._beaten = now

    def when_over(self, key: str, call: Callable[[], object]) -> None:
        """Call back once another process has given its lease back, stored the entry, or died."""
        with self._lock:
            self._waiting.setdefault(key, []).append(call)
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="fetchlab-leases", daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._lock:
                keys = list(self._waiting)
            now = time.time()
            over = [
                key
                for key in keys
                if not self._shelf.rows(LIVE, (id_of(key), self._name, now - DEAD_SECONDS))
            ]
            with self._lock:
                calls = [call for key in over for call in self._waiting.pop(key, ())]
                done = not self._waiting
                self._looking = not done
            for call in calls:
                call()
            if done:
                return
